"""Regions of masks: what is connected, what is enclosed, and what is too small to keep."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._input.arrays import as_integer, check_connectivity, described
from segcore._input.run_ends import symmetric_differences
from segcore.masks import Masks, check_masks, wrap
from segcore.ops.morphology import opening


def holes(masks: Masks, connectivity: int = 8) -> tuple[Masks, NDArray[np.int64]]:
    """Find the holes of each mask: parts of its background that it encloses.

    Parameters
    ----------
    masks : Masks
        N masks of size (H, W).
    connectivity : {8, 4}
        Whether pixels of the foreground that share no more than a corner are neighbours. Those of
        the background then are not, and the other way round.

    Returns
    -------
    parts : Masks
        The K holes: those of the first mask, then those of the second, and so on. A mask's come in
        the order of their first pixels, down the columns.
    parents : numpy.ndarray
        int64 (K,): the index of the mask that each is a hole of.

    Raises
    ------
    ValueError
        If the connectivity is another number.

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
    masks: Masks, max_area: int | None = None, connectivity: int = 8, *, enclosed: bool = True
) -> Masks:
    """Fill the holes of each mask.

    Parameters
    ----------
    masks : Masks
        N masks of size (H, W).
    max_area : int, optional
        Only holes of up to this number of pixels are filled.
    connectivity : {8, 4}
        As for :func:`holes`.
    enclosed : bool, default True
        If False, parts of the background that reach an edge of the image count as holes as well:
        this needs `max_area`.

    Returns
    -------
    Masks
        N masks.

    Raises
    ------
    ValueError
        If the connectivity is another number, the area negative, or `enclosed` False without an
        area.
    TypeError
        If the area is not an integer, `enclosed` not a bool, or `masks` not a `Masks`.

    Notes
    -----
    Segment Anything's ``remove_small_regions(mask, area_thresh, "holes")`` is
    ``fill_holes(masks, area_thresh - 1, connectivity=4, enclosed=False)``: it fills every part of
    the background, connected over corners as well, that is smaller than the threshold.

    Examples
    --------
    >>> import segcore as sc
    >>> boxes = sc.Masks.from_boxes([[0, 0, 4, 4], [1, 1, 3, 2]], (5, 5))
    >>> ring = boxes[0] - boxes[1]
    >>> ring.area, sc.fill_holes(ring).area
    (array([14]), array([16]))
    >>> sc.fill_holes(ring, 9, enclosed=False).area
    array([25])
    """
    if not isinstance(enclosed, (bool, np.bool_)):
        raise TypeError(f"enclosed: expected a bool, got {described(enclosed)}")
    if not enclosed and max_area is None:
        raise ValueError("max_area: expected a number of pixels, as enclosed is False")
    parts, parents, is_enclosed = _background(masks, connectivity)
    filled = is_enclosed if enclosed else np.ones(len(parts), np.bool_)
    if max_area is not None:
        filled &= parts.area <= _as_area(max_area, "max_area")
    if not filled.any():
        return masks
    # What stays background is less to put together: most often it is one part of each mask.
    return ~united(parts[~filled], parents[~filled], len(masks))


def _background(
    masks: Masks, connectivity: int
) -> tuple[Masks, NDArray[np.int64], NDArray[np.bool_]]:
    """Give the parts of the background, the mask of each, and whether that encloses it."""
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
        Components of this number of pixels stay.
    connectivity : {8, 4}
        Whether pixels that share no more than a corner are neighbours.
    keep_largest : bool, default False
        Whether the largest component of each mask stays even if it is smaller, the first one of
        equals as in :func:`largest`, so that no mask becomes empty.

    Returns
    -------
    Masks
        N masks.

    Raises
    ------
    ValueError
        If the connectivity is another number, or the area negative.
    TypeError
        If the area is not an integer, `keep_largest` not a bool, or `masks` not a `Masks`.

    Notes
    -----
    Segment Anything's ``remove_small_regions(mask, area_thresh, "islands")`` is
    ``remove_small(masks, area_thresh, keep_largest=True)``. (Which one of equals is the first is
    left to OpenCV there.)

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
    """Give the largest component of each mask that has one."""
    # By mask, then from the largest down: the first of each mask is it.
    order = np.lexsort((-area, parents))
    _, firsts = np.unique(parents[order], return_index=True)
    return order[firsts]


def largest(masks: Masks, connectivity: int = 8) -> Masks:
    """Keep the largest component of each mask, the first one of equals.

    Parameters
    ----------
    masks : Masks
        N masks of size (H, W).
    connectivity : {8, 4}
        Whether pixels that share no more than a corner are neighbours.

    Returns
    -------
    Masks
        N masks; an empty one stays empty.

    Raises
    ------
    ValueError
        If the connectivity is another number.

    Examples
    --------
    >>> import segcore as sc
    >>> specks = sc.Masks.from_dense([[1, 0, 1, 1], [0, 0, 1, 1]])
    >>> sc.largest(specks).area
    array([4])
    """
    check_masks(masks)
    parts, parents = masks.components(connectivity)
    chosen = _largest(parts.area, parents)
    return united(parts[chosen], parents[chosen], len(masks))


def thin_parts(masks: Masks, width: int) -> Masks:
    """Find the long parts of each mask that are narrower than a width: legs, poles, cables.

    Parameters
    ----------
    masks : Masks
        N masks of size (H, W).
    width : int
        In pixels, odd: the parts are where no disc of this diameter fits into the mask. Of those
        the ones stay that are at least as wide or as high as this, which corners are not. A mask
        is as in :func:`opening` where it reaches an edge of the picture.

    Returns
    -------
    Masks
        N masks.

    Raises
    ------
    ValueError
        If the width is not odd, or negative.
    TypeError
        If the width is no integer, or ``masks`` are no Masks.

    Examples
    --------
    >>> import segcore as sc
    >>> table = sc.Masks.from_boxes([[5, 5, 45, 15], [8, 15, 10, 40], [40, 15, 42, 40]], (50, 50))
    >>> sc.thin_parts(table.union(), width=5).boxes, sc.thin_parts(table.union(), width=5).area
    (array([[ 8, 16, 42, 40]]), array([96]))
    """
    check_masks(masks)
    diameter = as_integer(width, "width")
    if diameter < 1 or diameter % 2 == 0:
        raise ValueError(f"width: expected an odd number of pixels, got {diameter}")
    parts, parents = (masks - opening(masks, diameter // 2, "disc")).components()
    x0, y0, x1, y1 = parts.boxes.T
    long = np.flatnonzero(np.maximum(x1 - x0, y1 - y0) >= diameter)
    return united(parts[long], parents[long], len(masks))


def united(parts: Masks, parents: NDArray[np.int64], count: int) -> Masks:
    """Unite the parts of each of ``count`` masks; they share no pixel, and parents ascend."""
    # Of masks that share no pixel, the union is the symmetric difference.
    batch = symmetric_differences((parts.run_ends, parts.offsets), parents, count, parts.size)
    return wrap(batch, parts.size)


def _as_area(value: Any, name: str) -> int:
    area = as_integer(value, name)
    if area < 0:
        raise ValueError(f"{name}: expected no negative number of pixels, got {area}")
    return area
