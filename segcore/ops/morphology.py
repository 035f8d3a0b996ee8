"""Binary morphology: dilation, erosion, opening, closing and boundaries."""

from __future__ import annotations

import math
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segcore._input.arrays import as_integer, described
from segcore.backends import kernels
from segcore.masks import Masks, check_masks, unwrap, wrap

Shape: TypeAlias = Literal["square", "disc", "diamond"]

_MAX_COLUMNS = 2**24
"""Maximum number of columns of a structuring element, whose height is stored per column."""


def dilate(masks: Masks, distance: int, shape: Shape = "square") -> Masks:
    """Dilate each mask: add all pixels within `distance` of its foreground.

    Parameters
    ----------
    masks : Masks
        N masks of size (H, W).
    distance : int
        Distance in pixels, at least 0.
    shape : {"square", "disc", "diamond"}
        Metric of the distance, and so the shape of the structuring element. A pixel dx columns and
        dy rows away is at the distance ``max(|dx|, |dy|)``, ``sqrt(dx**2 + dy**2)`` or
        ``|dx| + |dy|``.

    Returns
    -------
    Masks
        N masks of size (H, W).

    Raises
    ------
    ValueError
        If `distance` is negative, or `shape` is not one of those listed.
    TypeError
        If `distance` is not an integer, or `masks` is not a `Masks`.

    Notes
    -----
    The result for ``"square"`` equals that of OpenCV and SciPy for a square structuring element
    with sides of ``2 * distance + 1``, or for a 3 x 3 element applied `distance` times. Time and
    memory depend on the number of run ends, not on the number of pixels. For discs and diamonds,
    they also grow linearly with `distance`.

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


def erode(
    masks: Masks, distance: int, shape: Shape = "square", border_value: bool = False
) -> Masks:
    """Erode each mask: keep the pixels that have no background within `distance`.

    Parameters
    ----------
    masks : Masks
        N masks of size (H, W).
    distance : int
        Distance in pixels, at least 0.
    shape : {"square", "disc", "diamond"}
        Metric of the distance, as in :func:`dilate`.
    border_value : bool, default False
        Whether pixels outside the image count as foreground. If False, masks shrink from the image
        border, as in SciPy. If True, they do not, as in OpenCV.

    Returns
    -------
    Masks
        N masks of size (H, W).

    Raises
    ------
    ValueError
        If `distance` is negative, or `shape` is not one of those listed.
    TypeError
        If `distance` is not an integer, or `masks` is not a `Masks`.

    Examples
    --------
    >>> import segcore as sc
    >>> square = sc.Masks.from_boxes([[0, 0, 3, 3]], (5, 5))
    >>> sc.erode(square, 1).area, sc.erode(square, 1, border_value=True).area
    (array([1]), array([4]))
    """
    check_masks(masks)
    return ~_dilate(~masks, distance, shape, outside=not border_value)


def opening(masks: Masks, distance: int, shape: Shape = "square") -> Masks:
    """Open each mask (erode, then dilate): remove parts that are too thin for the shape.

    Parameters
    ----------
    masks : Masks
        N masks of size (H, W).
    distance : int
        Distance in pixels, at least 0.
    shape : {"square", "disc", "diamond"}
        Metric of the distance, as in :func:`dilate`.

    Returns
    -------
    Masks
        N masks of size (H, W), each a subset of the input mask. Pixels outside the image count as
        foreground for the erosion, as in OpenCV, so masks do not shrink from the image border.

    Raises
    ------
    ValueError
        If `distance` is negative, or `shape` is not one of those listed.
    TypeError
        If `distance` is not an integer, or `masks` is not a `Masks`.

    Examples
    --------
    Remove the handle of a pan:

    >>> import segcore as sc
    >>> pan = sc.Masks.from_boxes([[1, 1, 6, 6], [6, 3, 9, 4]], (7, 10)).union()
    >>> sc.opening(pan, 1).boxes
    array([[1, 1, 6, 6]])
    """
    return dilate(erode(masks, distance, shape, border_value=True), distance, shape)


def closing(masks: Masks, distance: int, shape: Shape = "square") -> Masks:
    """Close each mask (dilate, then erode): fill gaps and holes that are too small for the shape.

    Parameters
    ----------
    masks : Masks
        N masks of size (H, W).
    distance : int
        Distance in pixels, at least 0.
    shape : {"square", "disc", "diamond"}
        Metric of the distance, as in :func:`dilate`.

    Returns
    -------
    Masks
        N masks of size (H, W), each a superset of the input mask. As in OpenCV, gaps between a mask
        and the image border are filled as well.

    Raises
    ------
    ValueError
        If `distance` is negative, or `shape` is not one of those listed.
    TypeError
        If `distance` is not an integer, or `masks` is not a `Masks`.

    Examples
    --------
    >>> import segcore as sc
    >>> halves = sc.Masks.from_boxes([[2, 2, 4, 6], [5, 2, 7, 6]], (8, 9)).union()
    >>> sc.closing(halves, 1) == sc.Masks.from_boxes([[2, 2, 7, 6]], (8, 9))
    True
    """
    return erode(dilate(masks, distance, shape), distance, shape, border_value=True)


def boundary(masks: Masks, distance: int) -> Masks:
    """Return the boundary region of each mask: its pixels within `distance` of the background.

    Parameters
    ----------
    masks : Masks
        N masks of size (H, W).
    distance : int
        Distance in pixels, at least 0, in the metric ``"square"`` of :func:`dilate`. Pixels outside
        the image count as background.

    Returns
    -------
    Masks
        N masks of size (H, W).

    Raises
    ------
    ValueError
        If `distance` is negative.
    TypeError
        If `distance` is not an integer, or `masks` is not a `Masks`.

    See Also
    --------
    boundary_iou : Compare boundary regions.
    segcore.show.boundaries : Boundaries between the regions of a label map.
    Masks.to_polygons : Outlines as polygons.

    Notes
    -----
    This is ``mask_to_boundary`` of Boundary IoU (Cheng et al., 2021), which sets the distance to a
    fraction of the image diagonal.

    Examples
    --------
    >>> import segcore as sc
    >>> sc.boundary(sc.Masks.from_boxes([[1, 1, 6, 6]], (7, 7)), 1).area
    array([16])
    """
    check_masks(masks)
    return masks - erode(masks, distance)


def _dilate(masks: Masks, distance: int, shape: str, outside: bool) -> Masks:
    """Dilate masks. `outside` is whether pixels outside the image count as foreground."""
    check_masks(masks)
    reach = _reach(_as_distance(distance), shape, masks.size)
    return wrap(kernels.dilate(unwrap(masks), reach, outside))


def _as_distance(distance: Any) -> int:
    value = as_integer(distance, "distance")
    if value < 0:
        raise ValueError(f"distance: expected at least 0 pixels, got {value}")
    return value


def _reach(distance: int, shape: str, size: tuple[int, int]) -> NDArray[np.int64]:
    """Return the vertical reach of the shape in rows, per horizontal offset, clipped to `size`."""
    height, width = size
    count = min(distance, width) + 1
    if count > _MAX_COLUMNS:
        raise ValueError(
            f"distance: expected at most {_MAX_COLUMNS} columns for an image this wide, "
            f"got {distance}"
        )
    if shape == "square":
        return np.full(count, min(distance, height), np.int64)
    # Columns near the center reach the full height of the image.
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
