"""`Polygons`, the outlines of masks as polygons with holes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._batch import Batch, offsets_of, spread
from segcore._input.arrays import Size
from segcore._text import counted
from segcore.backends import kernels
from segcore.backends.protocol import OR, XOR

Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Polygons:
    """The outlines of N masks, as returned by :meth:`Masks.to_polygons`.

    Each mask has one exterior ring per connected part, and one ring per hole. Vertices are pixel
    corners: pixel (y, x) is the square from (x, y) to (x + 1, y + 1), as in COCO polygons. With y
    pointing down, exterior rings are clockwise and holes are counterclockwise. ``len(polygons)`` is
    N.

    Attributes
    ----------
    vertices : numpy.ndarray
        x and y of the vertices of all rings: int64, shape (P, 2). The first vertex of a ring is not
        repeated at its end.
    ring_offsets : numpy.ndarray
        int64, shape (R + 1,). The vertices of ring r are
        ``vertices[ring_offsets[r]:ring_offsets[r + 1]]``.
    parent : numpy.ndarray
        Index of the exterior ring around each hole, among all R rings; -1 for exterior rings:
        int64, shape (R,).
    mask_offsets : numpy.ndarray
        int64, shape (N + 1,). Mask i has the rings ``mask_offsets[i]`` to
        ``mask_offsets[i + 1] - 1``.
    size : tuple of int
        Image size (H, W).

    Examples
    --------
    >>> import segcore as sc
    >>> boxes = sc.Masks.from_boxes([[0, 0, 5, 4], [1, 1, 3, 3]], (6, 8))
    >>> polygons = (boxes[0] - boxes[1]).to_polygons()
    >>> polygons
    Polygons(1 mask of 6 x 8, 2 rings, 8 vertices)
    >>> [ring.tolist() for ring in polygons.rings(0)]
    [[[0, 0], [5, 0], [5, 4], [0, 4]], [[1, 1], [1, 3], [3, 3], [3, 1]]]
    >>> polygons.is_hole
    array([False,  True])
    """

    vertices: Integers
    ring_offsets: Integers
    parent: Integers
    mask_offsets: Integers
    size: tuple[int, int]

    def __len__(self) -> int:
        return len(self.mask_offsets) - 1

    def __repr__(self) -> str:
        height, width = self.size
        masks, rings = counted(len(self), "mask"), counted(len(self.parent), "ring")
        return f"Polygons({masks} of {height} x {width}, {rings}, {len(self.vertices):,} vertices)"

    @property
    def is_hole(self) -> NDArray[np.bool_]:
        """Whether each ring is a hole: bool, shape (R,)."""
        return self.parent >= 0

    def rings(self, mask: int) -> list[Integers]:
        """Return the rings of a mask.

        Parameters
        ----------
        mask : int
            Index of the mask, from 0 to N - 1.

        Returns
        -------
        list of numpy.ndarray
            Vertices x y of each ring: int64, shape (K, 2). Holes come after the exterior ring
            around them.

        Raises
        ------
        IndexError
            If `mask` is negative or not less than N.
        """
        if not 0 <= mask < len(self):
            raise IndexError(f"index {mask} is out of range for {len(self)} masks")
        return [self._ring(r) for r in range(*self.mask_offsets[mask : mask + 2].tolist())]

    def to_coco(self) -> list[list[list[int]]]:
        """Convert to COCO polygons.

        COCO polygons cannot have holes, so each hole is joined to its exterior ring by a bridge, as
        in :meth:`bridged`.

        Returns
        -------
        list of list of list of int
            Rings ``[x0, y0, x1, y1, ...]`` per mask, one per connected part.
            :meth:`Masks.from_polygons` and pycocotools rasterize them to exactly the original mask,
            unless the outlines were simplified.

        Examples
        --------
        >>> import segcore as sc
        >>> boxes = sc.Masks.from_boxes([[0, 0, 5, 4], [1, 1, 3, 3]], (6, 8))
        >>> ring = boxes[0] - boxes[1]
        >>> ring.to_polygons().to_coco()
        [[[0, 0, 5, 0, 5, 4, 0, 4, 0, 0, 1, 1, 1, 3, 3, 3, 3, 1, 1, 1]]]
        >>> sc.Masks.from_polygons(ring.to_polygons().to_coco(), ring.size) == ring
        True
        """
        points, offsets, mask_offsets = self.bridged()
        flat = points.ravel().tolist()
        bounds = (2 * offsets).tolist()
        rings = [flat[start:end] for start, end in pairwise(bounds)]
        ends = mask_offsets.tolist()
        return [rings[start:end] for start, end in pairwise(ends)]

    def to_geojson(self) -> list[dict[str, Any]]:
        """Convert to GeoJSON geometries, as read by shapely and labeling tools.

        Returns
        -------
        list of dict
            A ``"MultiPolygon"`` per mask, with one polygon per connected part: exterior ring, then
            holes. The first point of a ring is repeated at its end.

        Notes
        -----
        Where two pixels of a part touch only at a corner, a ring may pass through this corner
        twice. shapely reports such a polygon as invalid, and ``shapely.make_valid`` repairs it.
        This is rarer with ``connectivity=4``, because pixels that touch only at a corner are then
        separate parts unless other pixels connect them.

        Examples
        --------
        >>> import segcore as sc
        >>> sc.Masks.from_boxes([[1, 0, 3, 2]], (4, 4)).to_polygons().to_geojson()
        [{'type': 'MultiPolygon', 'coordinates': [[[[1, 0], [3, 0], [3, 2], [1, 2], [1, 0]]]]}]
        """
        found: list[dict[str, Any]] = []
        for i in range(len(self)):
            parts: dict[int, list[Any]] = {}
            for r in range(*self.mask_offsets[i : i + 2].tolist()):
                ring = self._ring(r).tolist()
                owner = int(self.parent[r]) if self.parent[r] >= 0 else r
                parts.setdefault(owner, []).append([*ring, ring[0]])
            found.append({"type": "MultiPolygon", "coordinates": list(parts.values())})
        return found

    def bridged(self) -> tuple[Integers, Integers, Integers]:
        """Join each exterior ring and its holes into a single ring.

        A bridge runs from the first vertex of the exterior ring to a hole and back along the same
        line. It encloses no area, so the even-odd rule fills the same pixels.

        Returns
        -------
        vertices : numpy.ndarray
            x and y of the vertices of all rings: int64, shape (P, 2).
        ring_offsets : numpy.ndarray
            int64, shape (R + 1,), where R is the number of exterior rings. The vertices of ring r
            are ``vertices[ring_offsets[r]:ring_offsets[r + 1]]``.
        mask_offsets : numpy.ndarray
            int64, shape (N + 1,). Mask i has the rings ``mask_offsets[i]`` to
            ``mask_offsets[i + 1] - 1``.

        Examples
        --------
        >>> import segcore as sc
        >>> boxes = sc.Masks.from_boxes([[0, 0, 5, 4], [1, 1, 3, 3]], (6, 8))
        >>> vertices, ring_offsets, mask_offsets = (boxes[0] - boxes[1]).to_polygons().bridged()
        >>> vertices.tolist()
        [[0, 0], [5, 0], [5, 4], [0, 4], [0, 0], [1, 1], [1, 3], [3, 3], [3, 1], [1, 1]]
        >>> ring_offsets, mask_offsets
        (array([ 0, 10]), array([0, 1]))
        """
        holes = np.flatnonzero(self.is_hole)
        if not len(holes):
            return self.vertices, self.ring_offsets, self.mask_offsets
        parts: dict[int, list[Integers]] = {}
        for r in holes.tolist():
            parent = int(self.parent[r])
            first = self.vertices[self.ring_offsets[parent]][None]
            hole = self._ring(r)
            parts.setdefault(parent, [self._ring(parent), first]).extend([hole, hole[:1], first])
        outlines = np.flatnonzero(~self.is_hole)
        # The last bridge back to the first vertex is the closing edge of the ring.
        rings = [
            np.concatenate(parts[r][:-1]) if r in parts else self._ring(r)
            for r in outlines.tolist()
        ]
        offsets = offsets_of([len(ring) for ring in rings])
        return np.concatenate(rings), offsets, np.searchsorted(outlines, self.mask_offsets)

    def _ring(self, ring: int) -> Integers:
        return self.vertices[self.ring_offsets[ring] : self.ring_offsets[ring + 1]]


def fill(polygons: Polygons, size: Size) -> Batch:
    """Rasterize polygons: the union of the outlines of each mask, without their holes.

    Parameters
    ----------
    polygons : Polygons
        Outlines of N masks.
    size : (int, int)
        Image size (height, width) of the result.

    Returns
    -------
    Batch
        N masks.
    """
    if _bridges_are_short(polygons):
        vertices, ring_offsets, mask_offsets = polygons.bridged()
        return _rasterize(vertices, ring_offsets, mask_offsets, size)
    try:
        parts, part_offsets = _parts(polygons, size)
    except ValueError:
        # The error names a ring. This raises the same error, which names the mask.
        _rasterize(polygons.vertices, polygons.ring_offsets, polygons.mask_offsets, size)
        raise
    return kernels.reduce(parts, OR, part_offsets)


def _bridges_are_short(polygons: Polygons) -> bool:
    """Return whether the bridges to the holes cross few columns, compared with the rings."""
    x = polygons.vertices[:, 0]
    begins = x[polygons.ring_offsets[:-1]]
    holes = polygons.is_hole
    crossed = np.abs(begins[holes] - begins[polygons.parent[holes]]).sum()
    return bool(crossed <= 4 * np.abs(np.diff(x)).sum())


def _rasterize(
    vertices: Integers, ring_offsets: Integers, mask_offsets: Integers, size: Size
) -> Batch:
    coordinates = vertices.astype(np.float64).ravel()
    return kernels.rasterize_polygons(coordinates, ring_offsets, mask_offsets, *size)


def _parts(polygons: Polygons, size: Size) -> tuple[Batch, Integers]:
    """Rasterize each outline without its holes; return the parts and the offsets of the masks."""
    rings = np.arange(len(polygons.parent))
    order = np.argsort(np.where(polygons.is_hole, polygons.parent, rings), kind="stable")
    starts, lengths = polygons.ring_offsets[order], np.diff(polygons.ring_offsets)[order]
    offsets = offsets_of(lengths)
    vertices = polygons.vertices[spread(starts, offsets)]
    filled = _rasterize(vertices, offsets, np.arange(len(rings) + 1), size)
    # An outline comes before its holes, and outlines keep their order.
    is_outline = ~polygons.is_hole
    groups = np.append(np.flatnonzero(is_outline[order]), len(rings))
    parts = kernels.reduce(filled, XOR, groups)
    return parts, np.searchsorted(np.flatnonzero(is_outline), polygons.mask_offsets)
