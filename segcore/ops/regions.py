"""Regions of masks: holes, small components, the largest component, thin parts."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._input.arrays import as_integer, check_connectivity, described
from segcore.masks import Masks, check_masks, united
from segcore.ops.morphology import opening


def holes(masks: Masks, connectivity: int = 8) -> tuple[Masks, NDArray[np.int64]]:
    """Find the holes of each mask: components of its background that do not touch the image border.

    Parameters
    ----------
    masks : Masks
        N masks of size (H, W).
    connectivity : {8, 4}
        Whether foreground pixels that touch only at a corner are connected (8) or not (4). With 8,
        background pixels that touch only at a corner are not connected; with 4, they are.

    Returns
    -------
    parts : Masks
        K holes, grouped by mask. The holes of each mask are sorted by their first pixel in
        column-major order.
    parents : numpy.ndarray
        Index of the mask that each hole belongs to: int64, shape (K,).

    Raises
    ------
    ValueError
        If `connectivity` is not 8 or 4.
    TypeError
        If `masks` is not a `Masks`.

    Examples
    --------
    >>> import segcore as sc
    >>> boxes = sc.Masks.from_boxes([[0, 0, 4, 4], [1, 1, 3, 2]], (5, 5))
    >>> ring = boxes[0] - boxes[1]
    >>> parts, parents = sc.holes(ring)
    >>> parts.boxes, parents
    (array([[1, 1, 3, 2]]), array([0]))
    """
    parts, parents, enclosed = _background(masks, connectivity)
    return parts[enclosed], parents[enclosed]


def fill_holes(
    masks: Masks,
    max_area: int | None = None,
    connectivity: int = 8,
    *,
    include_border: bool = False,
) -> Masks:
    """Fill the holes of each mask.

    Parameters
    ----------
    masks : Masks
        N masks of size (H, W).
    max_area : int, optional
        Maximum area in pixels of the holes to fill. By default, all holes are filled.
    connectivity : {8, 4}
        Whether foreground pixels that touch only at a corner are connected (8) or not (4), as in
        :func:`holes`.
    include_border : bool, default False
        Whether to fill components of the background that touch the image border as well. This
        requires `max_area`.

    Returns
    -------
    Masks
        N masks of size (H, W).

    Raises
    ------
    ValueError
        If `connectivity` is not 8 or 4, `max_area` is negative, or `include_border` is True and
        `max_area` is not given.
    TypeError
        If `max_area` is not an integer, `include_border` is not a bool, or `masks` is not a
        `Masks`.

    Notes
    -----
    Segment Anything's ``remove_small_regions(mask, area_thresh, "holes")`` is ``fill_holes(masks,
    area_thresh - 1, connectivity=4, include_border=True)``. It fills every 8-connected component of
    the background that is smaller than the threshold.

    Examples
    --------
    >>> import segcore as sc
    >>> boxes = sc.Masks.from_boxes([[0, 0, 4, 4], [1, 1, 3, 2]], (5, 5))
    >>> ring = boxes[0] - boxes[1]
    >>> ring.area, sc.fill_holes(ring).area
    (array([14]), array([16]))
    >>> sc.fill_holes(ring, 9, include_border=True).area
    array([25])
    """
    if not isinstance(include_border, (bool, np.bool_)):
        raise TypeError(f"include_border: expected a bool, got {described(include_border)}")
    if include_border and max_area is None:
        raise ValueError(
            "max_area: expected a number of pixels because include_border=True, got None"
        )
    parts, parents, is_enclosed = _background(masks, connectivity)
    filled = np.ones(len(parts), np.bool_) if include_border else is_enclosed
    if max_area is not None:
        filled &= parts.area <= _as_area(max_area, "max_area")
    if not filled.any():
        return masks
    # The remaining background usually has fewer parts than the filled foreground would.
    return ~united(parts[~filled], parents[~filled], len(masks))


def _background(
    masks: Masks, connectivity: int
) -> tuple[Masks, NDArray[np.int64], NDArray[np.bool_]]:
    """Return the parts of the background, their mask indices, and whether each is enclosed."""
    check_masks(masks)
    check_connectivity(connectivity)
    parts, parents = (~masks).components(12 - connectivity)
    height, width = masks.size
    x0, y0, x1, y1 = parts.boxes.T
    return parts, parents, (x0 > 0) & (y0 > 0) & (x1 < width) & (y1 < height)


def remove_small(
    masks: Masks, min_area: int, connectivity: int = 8, *, keep_largest: bool = False
) -> Masks:
    """Remove the components of each mask that have fewer pixels than `min_area`.

    Parameters
    ----------
    masks : Masks
        N masks of size (H, W).
    min_area : int
        Minimum area in pixels of the components to keep.
    connectivity : {8, 4}
        Whether pixels that touch only at a corner are connected (8) or not (4).
    keep_largest : bool, default False
        Whether to keep the largest component of each mask regardless of its area, so that no mask
        becomes empty. If several components have the largest area, the first is kept, as in
        :func:`keep_largest`.

    Returns
    -------
    Masks
        N masks of size (H, W).

    Raises
    ------
    ValueError
        If `connectivity` is not 8 or 4, or `min_area` is negative.
    TypeError
        If `min_area` is not an integer, `keep_largest` is not a bool, or `masks` is not a `Masks`.

    Notes
    -----
    Segment Anything's ``remove_small_regions(mask, area_thresh, "islands")`` is
    ``remove_small(masks, area_thresh, keep_largest=True)``, except that it resolves ties by
    OpenCV's order of components.

    Examples
    --------
    >>> import segcore as sc
    >>> specks = sc.Masks.from_dense([[1, 0, 1, 1], [0, 0, 1, 1]])
    >>> sc.remove_small(specks, min_area=2).boxes
    array([[2, 0, 4, 2]])
    >>> sc.remove_small(specks, min_area=9).area, sc.remove_small(specks, 9, keep_largest=True).area
    (array([0]), array([4]))
    """
    check_masks(masks)
    if not isinstance(keep_largest, (bool, np.bool_)):
        raise TypeError(f"keep_largest: expected a bool, got {described(keep_largest)}")
    limit = _as_area(min_area, "min_area")
    parts, parents = masks.components(connectivity)
    area = parts.area
    stays = area >= limit
    if keep_largest:
        stays[_largest(area, parents)] = True
    kept = np.flatnonzero(stays)
    return united(parts[kept], parents[kept], len(masks))


def _largest(area: NDArray[np.int64], parents: NDArray[np.int64]) -> NDArray[np.intp]:
    """Return the index of the largest component of each nonempty mask."""
    # Sort by mask, then by descending area, and take the first of each mask.
    order = np.lexsort((-area, parents))
    _, firsts = np.unique(parents[order], return_index=True)
    return order[firsts]


def keep_largest(masks: Masks, connectivity: int = 8) -> Masks:
    """Keep only the largest component of each mask.

    Parameters
    ----------
    masks : Masks
        N masks of size (H, W).
    connectivity : {8, 4}
        Whether pixels that touch only at a corner are connected (8) or not (4).

    Returns
    -------
    Masks
        N masks of size (H, W). If several components of a mask have the largest area, the first one
        in the order of :meth:`Masks.components` is kept. Empty masks stay empty.

    Raises
    ------
    ValueError
        If `connectivity` is not 8 or 4.
    TypeError
        If `masks` is not a `Masks`.

    Examples
    --------
    >>> import segcore as sc
    >>> specks = sc.Masks.from_dense([[1, 0, 1, 1], [0, 0, 1, 1]])
    >>> sc.keep_largest(specks).area
    array([4])
    """
    check_masks(masks)
    parts, parents = masks.components(connectivity)
    chosen = _largest(parts.area, parents)
    return united(parts[chosen], parents[chosen], len(masks))


def thin_parts(masks: Masks, width: int) -> Masks:
    """Return the long parts of each mask that are narrower than `width`, such as legs or cables.

    Parameters
    ----------
    masks : Masks
        N masks of size (H, W).
    width : int
        Diameter in pixels, positive and odd. A pixel is thin if it is not covered by any disc of
        this diameter that fits into the mask. Components of the thin pixels are returned if their
        bounding box is at least `width` pixels wide or high, which leaves out the corners of thick
        parts. The image border is treated as by :func:`opening`.

    Returns
    -------
    Masks
        N masks of size (H, W).

    Raises
    ------
    ValueError
        If `width` is not positive and odd.
    TypeError
        If `width` is not an integer, or `masks` is not a `Masks`.

    Examples
    --------
    >>> import segcore as sc
    >>> table = sc.Masks.from_boxes([[5, 5, 45, 15], [8, 15, 10, 40], [40, 15, 42, 40]], (50, 50))
    >>> legs, _ = sc.thin_parts(table.union(), width=5).components()
    >>> legs.boxes
    array([[ 8, 16, 10, 40],
           [40, 16, 42, 40]])

    The first row of each leg, 15, is covered by a disc that fits into the table top and the leg.
    """
    check_masks(masks)
    diameter = as_integer(width, "width")
    if diameter < 1 or diameter % 2 == 0:
        raise ValueError(f"width: expected a positive, odd number of pixels, got {diameter}")
    parts, parents = (masks - opening(masks, diameter // 2, "disc")).components()
    x0, y0, x1, y1 = parts.boxes.T
    long = np.flatnonzero(np.maximum(x1 - x0, y1 - y0) >= diameter)
    return united(parts[long], parents[long], len(masks))


def _as_area(value: Any, name: str) -> int:
    area = as_integer(value, name)
    if area < 0:
        raise ValueError(f"{name}: expected at least 0 pixels, got {area}")
    return area
