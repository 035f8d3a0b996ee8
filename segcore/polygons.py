"""`Polygons`, the outlines of masks as polygons with holes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segcore._batch import Batch, offsets_of, spread
from segcore._input.arrays import Size, as_array
from segcore._rings.bridges import joined_order
from segcore._text import counted
from segcore.backends import kernels
from segcore.backends.protocol import EVEN_ODD, OR

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
            Index of the mask; negative ones count from the end.

        Returns
        -------
        list of numpy.ndarray
            Vertices x y of each ring: int64, shape (K, 2). Holes come after the exterior ring
            around them.

        Raises
        ------
        IndexError
            If there is no such mask.
        """
        index = mask + len(self) if mask < 0 else mask
        if not 0 <= index < len(self):
            raise IndexError(f"index {mask} is out of range for {counted(len(self), 'mask')}")
        return [self._ring(r) for r in range(*self.mask_offsets[index : index + 2].tolist())]

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

    def to_geojson(self, transform: ArrayLike | None = None) -> list[dict[str, Any]]:
        """Convert to GeoJSON geometries, as read by shapely and labeling tools.

        Parameters
        ----------
        transform : array_like, optional
            Affine map from pixels to the coordinates of the result, such as those of a map:
            ``a, b, c, d, e, f`` for ``x' = a * x + b * y + c`` and ``y' = d * x + e * y + f``, as
            in rasterio, or a matrix of shape (2, 3) or (3, 3). An ``affine.Affine`` is accepted as
            well.

        Returns
        -------
        list of dict
            A ``"MultiPolygon"`` per mask, with one polygon per connected part: exterior ring, then
            holes. As in RFC 7946, exterior rings are counterclockwise and holes clockwise where y
            points up, and the first point of a ring is repeated at its end. Coordinates are
            integers, or floats if there is a transform. Without one, :meth:`Masks.from_polygons`
            returns the same masks, unless the outlines were simplified.

        Raises
        ------
        ValueError
            If `transform` has another shape, a last row other than 0, 0, 1, numbers that are not
            finite, or no inverse.
        TypeError
            If `transform` is not numeric.

        Notes
        -----
        Where two pixels of a part touch only at a corner, a ring may pass through this corner
        twice. shapely reports such a polygon as invalid. The outlines of
        ``to_polygons(connectivity=4, valid=True)`` are valid.

        Examples
        --------
        >>> import segcore as sc
        >>> sc.Masks.from_boxes([[1, 0, 3, 2]], (4, 4)).to_polygons().to_geojson()
        [{'type': 'MultiPolygon', 'coordinates': [[[[1, 0], [3, 0], [3, 2], [1, 2], [1, 0]]]]}]
        """
        matrix = None if transform is None else _as_affine(transform)
        is_reflected = matrix is not None and _determinant(matrix) < 0
        found: list[dict[str, Any]] = []
        for i in range(len(self)):
            parts: dict[int, list[Any]] = {}
            for r in range(*self.mask_offsets[i : i + 2].tolist()):
                ring = _mapped(self._ring(r), matrix).tolist()
                ring.append(ring[0])
                owner = int(self.parent[r]) if self.parent[r] >= 0 else r
                parts.setdefault(owner, []).append(ring[::-1] if is_reflected else ring)
            found.append({"type": "MultiPolygon", "coordinates": list(parts.values())})
        return found

    def bridged(self) -> tuple[Integers, Integers, Integers]:
        """Join each exterior ring and its holes into a single ring.

        A bridge runs between the nearest vertices of the exterior ring and a hole, and back along
        the same line. It encloses no area, so the even-odd rule fills the same pixels.

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
        if not self.is_hole.any():
            return self.vertices, self.ring_offsets, self.mask_offsets
        by_part, part_offsets = self._by_part()
        rings = []
        for start, stop in pairwise(part_offsets.tolist()):
            part = [self._ring(r) for r in by_part[start:stop].tolist()]
            points = np.concatenate(part)
            if len(part) > 1:
                points = points[joined_order(points, offsets_of(list(map(len, part))).tolist())]
            rings.append(points)
        outlines = np.flatnonzero(~self.is_hole)
        offsets = offsets_of([len(ring) for ring in rings])
        return np.concatenate(rings), offsets, np.searchsorted(outlines, self.mask_offsets)

    def _by_part(self) -> tuple[Integers, Integers]:
        """Return the rings in the order of the parts, and the offsets of these.

        The first ring of a part is its exterior ring, and the others are its holes.
        """
        rings = np.arange(len(self.parent))
        order = np.argsort(np.where(self.is_hole, self.parent, rings), kind="stable")
        return order, np.append(np.flatnonzero(~self.is_hole[order]), len(rings))

    def _ring(self, ring: int) -> Integers:
        return self.vertices[self.ring_offsets[ring] : self.ring_offsets[ring + 1]]


def _as_affine(transform: object) -> NDArray[np.float64]:
    """Convert a transform to a 2 x 3 matrix."""
    array = as_array(transform, "transform")
    if array.dtype.kind not in "iuf":
        raise TypeError(f"transform: expected numbers, got {array.dtype}")
    if array.shape not in ((6,), (9,), (2, 3), (3, 3)):
        raise ValueError(
            "transform: expected six numbers a, b, c, d, e, f, or a matrix of shape (2, 3) or "
            f"(3, 3), got the shape {array.shape}"
        )
    matrix = array.astype(np.float64).reshape(-1, 3)
    if not np.isfinite(matrix).all() or matrix[2:].tolist() not in ([], [[0, 0, 1]]):
        raise ValueError(f"transform: expected an affine map, got {matrix.tolist()}")
    if _determinant(matrix) == 0:
        raise ValueError(
            f"transform: expected a map that can be inverted, got the singular {matrix.tolist()}"
        )
    return matrix[:2]


def _determinant(matrix: NDArray[np.float64]) -> float:
    """Return the area that a pixel is mapped to; it is negative if the map is a reflection."""
    (a, b, _), (d, e, _) = matrix[:2].tolist()
    determinant: float = a * e - b * d
    return determinant


def _mapped(ring: Integers, matrix: NDArray[np.float64] | None) -> NDArray[Any]:
    """Return the vertices of a ring, mapped by a matrix, rounded as by GDAL and rasterio."""
    if matrix is None:
        return ring
    x, y = ring.T
    mapped: NDArray[np.float64] = np.stack([c + x * a + y * b for a, b, c in matrix], axis=1)
    return mapped


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
    by_part, part_offsets = polygons._by_part()
    starts, lengths = polygons.ring_offsets[by_part], np.diff(polygons.ring_offsets)[by_part]
    offsets = offsets_of(lengths)
    coordinates = polygons.vertices[spread(starts, offsets)].astype(np.float64).ravel()
    try:
        parts = kernels.rasterize_polygons(coordinates, offsets, part_offsets, *size, EVEN_ODD)
    except ValueError:
        # The error names a part. This raises the same error, which names the mask.
        coordinates = polygons.vertices.astype(np.float64).ravel()
        kernels.rasterize_polygons(coordinates, polygons.ring_offsets, polygons.mask_offsets, *size)
        raise
    part_of_mask = np.searchsorted(np.flatnonzero(~polygons.is_hole), polygons.mask_offsets)
    return kernels.reduce(parts, OR, part_of_mask)
