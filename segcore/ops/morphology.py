"""Masks grown and shrunk by a shape: dilation, erosion, and what is made of them."""

from __future__ import annotations

import math
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segcore._input.arrays import as_integer, described
from segcore.backends import kernels
from segcore.masks import Masks, check_masks, wrap

Shape: TypeAlias = Literal["square", "disc", "diamond"]

_MOST_COLUMNS = 2**24
"""Shapes are described column by column, so one of more than this is an accident."""


def dilate(masks: Masks, distance: int, shape: Shape = "square") -> Masks:
    """Grow each mask: a pixel is foreground if one within a distance is.

    Parameters
    ----------
    masks : Masks
        N masks of size (H, W).
    distance : int
        In pixels.
    shape : {"square", "disc", "diamond"}
        How far a pixel that is dx columns and dy rows away is: ``max(|dx|, |dy|)``, the root
        of ``dx**2 + dy**2``, or ``|dx| + |dy|``.

    Returns
    -------
    Masks
        N masks.

    Raises
    ------
    ValueError
        If the distance is negative, or the shape another.
    TypeError
        If the distance is no integer, or ``masks`` are no Masks.

    Notes
    -----
    A square is what OpenCV and SciPy make of a structuring element of 2 * distance + 1 ones in
    both directions, or of 3 x 3 ones ``distance`` times. Time and memory depend on the masks' run
    ends, not on their pixels; of a disc's or diamond's distance they are a multiple.

    Examples
    --------
    >>> import segcore as sc
    >>> dot = sc.Masks.from_boxes([[2, 2, 3, 3]], (5, 5))
    >>> sc.dilate(dot, 2, "diamond").to_dense(int)[0]
    array([[0, 0, 1, 0, 0],
           [0, 1, 1, 1, 0],
           [1, 1, 1, 1, 1],
           [0, 1, 1, 1, 0],
           [0, 0, 1, 0, 0]])
    """
    return _dilate(masks, distance, shape, outside=False)


def erode(masks: Masks, distance: int, shape: Shape = "square", outside: bool = False) -> Masks:
    """Shrink each mask: a pixel stays foreground if all within a distance are.

    Parameters
    ----------
    masks : Masks
        N masks of size (H, W).
    distance : int
        In pixels.
    shape : {"square", "disc", "diamond"}
        As for :func:`dilate`.
    outside : bool, default False
        Whether what is beyond the picture's edges counts as foreground. Then a mask does not
        shrink from an edge that it reaches: OpenCV's way. False is SciPy's.

    Returns
    -------
    Masks
        N masks.

    Raises
    ------
    ValueError
        If the distance is negative, or the shape another.
    TypeError
        If the distance is no integer, or ``masks`` are no Masks.

    Examples
    --------
    >>> import segcore as sc
    >>> square = sc.Masks.from_boxes([[0, 0, 3, 3]], (5, 5))
    >>> sc.erode(square, 1).area, sc.erode(square, 1, outside=True).area
    (array([1]), array([4]))
    """
    check_masks(masks)
    return ~_dilate(~masks, distance, shape, outside=not outside)


def opening(masks: Masks, distance: int, shape: Shape = "square") -> Masks:
    """Erode, then dilate: what is left is where the shape fits into the mask.

    Parameters
    ----------
    masks : Masks
        N masks of size (H, W).
    distance : int
        In pixels.
    shape : {"square", "disc", "diamond"}
        As for :func:`dilate`.

    Returns
    -------
    Masks
        N masks, of no pixel more than before. A mask does not shrink from an edge of the picture
        that it reaches: what is beyond counts as foreground, as in OpenCV.

    Raises
    ------
    ValueError
        If the distance is negative, or the shape another.
    TypeError
        If the distance is no integer, or ``masks`` are no Masks.

    Examples
    --------
    A square loses its handle:

    >>> import segcore as sc
    >>> pan = sc.Masks.from_boxes([[1, 1, 6, 6], [6, 3, 9, 4]], (7, 10)).union()
    >>> sc.opening(pan, 1).boxes
    array([[1, 1, 6, 6]])
    """
    return dilate(erode(masks, distance, shape, outside=True), distance, shape)


def closing(masks: Masks, distance: int, shape: Shape = "square") -> Masks:
    """Dilate, then erode: gaps and holes into which the shape does not fit are filled.

    Parameters
    ----------
    masks : Masks
        N masks of size (H, W).
    distance : int
        In pixels.
    shape : {"square", "disc", "diamond"}
        As for :func:`dilate`.

    Returns
    -------
    Masks
        N masks, of no pixel less than before. A gap between a mask and an edge of the picture is
        one, too, as in OpenCV.

    Raises
    ------
    ValueError
        If the distance is negative, or the shape another.
    TypeError
        If the distance is no integer, or ``masks`` are no Masks.

    Examples
    --------
    >>> import segcore as sc
    >>> halves = sc.Masks.from_boxes([[2, 2, 4, 6], [5, 2, 7, 6]], (8, 9)).union()
    >>> sc.closing(halves, 1) == sc.Masks.from_boxes([[2, 2, 7, 6]], (8, 9))
    True
    """
    return erode(dilate(masks, distance, shape), distance, shape, outside=True)


def boundary(masks: Masks, distance: int) -> Masks:
    """Give the part of each mask that is within a distance of what is not the mask.

    Parameters
    ----------
    masks : Masks
        N masks of size (H, W).
    distance : int
        In pixels: each mask less its erosion by a square. What is beyond the picture's edges is not
        the mask.

    Returns
    -------
    Masks
        N masks.

    Raises
    ------
    ValueError
        If the distance is negative.
    TypeError
        If the distance is no integer, or ``masks`` are no Masks.

    Notes
    -----
    This is ``mask_to_boundary`` of Boundary IoU (Cheng et al., 2021), whose distance is a share of
    the picture's diagonal: see :func:`boundary_iou`.

    Examples
    --------
    >>> import segcore as sc
    >>> sc.boundary(sc.Masks.from_boxes([[1, 1, 6, 6]], (7, 7)), 1).area
    array([16])
    """
    check_masks(masks)
    return masks - erode(masks, distance)


def _dilate(masks: Masks, distance: int, shape: str, outside: bool) -> Masks:
    """Dilate masks; pixels beyond the edges of the image are background, or foreground."""
    check_masks(masks)
    reach = _reach(_as_distance(distance), shape, masks.size)
    batch = kernels.dilate(masks.run_ends, masks.offsets, *masks.size, reach, outside)
    return wrap(batch, masks.size)


def _as_distance(distance: Any) -> int:
    value = as_integer(distance, "distance")
    if value < 0:
        raise ValueError(f"distance: expected no negative number, got {value}")
    return value


def _reach(distance: int, shape: str, size: tuple[int, int]) -> NDArray[np.int64]:
    """Return how many rows the shape reaches at each number of columns, up to the image's sides."""
    height, width = size
    count = min(distance, width) + 1
    if count > _MOST_COLUMNS:
        raise ValueError(
            f"distance: expected at most {_MOST_COLUMNS} columns of a picture this wide, "
            f"got {distance}"
        )
    if shape == "square":
        return np.full(count, min(distance, height), np.int64)
    # Columns near the middle reach the image's whole height.
    reach = np.full(count, height, np.int64)
    beyond = distance - height
    if shape == "disc":
        full = math.isqrt(beyond * (distance + height)) + 1 if beyond >= 0 else 0
        if full < count:
            reach[full:] = _square_roots(distance, np.arange(full, count))
    elif shape == "diamond":
        full = max(beyond + 1, 0)
        if full < count:
            reach[full:] = distance - np.arange(full, count)
    else:
        raise ValueError(f'shape: expected "square", "disc" or "diamond", got {described(shape)}')
    return reach


def _square_roots(distance: int, columns: NDArray[np.int64]) -> NDArray[np.int64]:
    """Compute the integer square roots of ``distance**2 - columns**2``."""
    if distance >= 2**31:  # squares do not fit in int64
        return np.array([math.isqrt(distance**2 - x**2) for x in columns.tolist()], np.int64)
    squares = distance**2 - columns**2
    roots = np.sqrt(squares).astype(np.int64)
    roots -= roots**2 > squares
    roots += (roots + 1) ** 2 <= squares
    return roots
