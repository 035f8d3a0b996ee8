"""How much the masks of two batches overlap: areas and ratios of all pairs."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segcore._input.arrays import as_array, as_flags, as_fraction, described
from segcore._input.recognize import masks_hint
from segcore.backends import kernels
from segcore.masks import Masks, check_same_size
from segcore.ops.morphology import boundary

_BLOCK = 2**15
"""Ratios are computed for so many pairs at a time, so that they take no memory but the result."""

MasksOrBoxes: TypeAlias = "Masks | ArrayLike"


def intersection(a: MasksOrBoxes, b: MasksOrBoxes) -> NDArray[np.int64]:
    """Count the pixels that each mask of one batch shares with each of another.

    Parameters
    ----------
    a, b : Masks or array_like
        n and m masks of one size. In place of one batch, boxes (N, 4) may come: they are filled as
        by :meth:`Masks.from_boxes`, in the size of the other.

    Returns
    -------
    numpy.ndarray
        int64 (n, m), in pixels.

    Raises
    ------
    ValueError
        If the sizes differ, or boxes have another shape, turned corners or NaN.
    TypeError
        If neither is Masks, which give the size, or one is no boxes.

    Examples
    --------
    >>> import segcore as sc
    >>> a = sc.Masks.from_boxes([[0, 0, 2, 2]], (4, 4))
    >>> b = sc.Masks.from_boxes([[1, 0, 3, 2], [2, 2, 4, 4]], (4, 4))
    >>> sc.intersection(a, b)
    array([[2, 0]])
    >>> sc.intersection(a, [[0, 0, 4, 1]])
    array([[2]])
    """
    return _common(*_operands(a, b))


def iou(
    a: MasksOrBoxes,
    b: MasksOrBoxes,
    crowd: ArrayLike | None = None,
    above: float | None = None,
) -> NDArray[np.float64]:
    """Divide intersection by union, for all pairs.

    Parameters
    ----------
    a, b : Masks or array_like
        n and m masks of one size: detections and ground truth, in COCO's order. In place of one
        batch, boxes (N, 4) may come: they are filled as by :meth:`Masks.from_boxes`, in the size
        of the other.
    crowd : array_like, optional
        bool (m,), or COCO's ``iscrowd`` of zeros and ones: which masks of ``b`` are crowds. There
        the intersection is divided by the area of the mask of ``a`` alone, as in COCO's evaluation.
    above : float, optional
        From 0 to 1: an IoU that is less becomes exactly 0. That is faster, for many pairs can be
        told to have less by their areas and bounding boxes.

    Returns
    -------
    numpy.ndarray
        float64 (n, m), from 0 to 1. Two empty masks have 0.

    Raises
    ------
    ValueError
        If the sizes differ, boxes have another shape, turned corners or NaN, ``crowd`` has not one
        value a mask of ``b``, or ``above`` is not from 0 to 1.
    TypeError
        If neither is Masks, which give the size, one is no boxes, ``crowd`` holds no bools, or
        ``above`` is no number.

    Examples
    --------
    >>> import segcore as sc
    >>> a = sc.Masks.from_boxes([[0, 0, 2, 2]], (4, 4))
    >>> b = sc.Masks.from_boxes([[0, 0, 2, 4], [0, 0, 4, 4]], (4, 4))
    >>> sc.iou(a, b)
    array([[0.5 , 0.25]])
    >>> sc.iou(a, b, crowd=[False, True])
    array([[0.5, 1. ]])
    >>> sc.iou(a, b, above=0.5)
    array([[0.5, 0. ]])
    """
    a, b = _operands(a, b)
    flags = np.zeros(len(b), np.bool_) if crowd is None else as_flags(crowd, "crowd", len(b))
    least = 0.0 if above is None else as_fraction(above, "above")

    def union(a_area: Any, b_area: Any, common: Any, columns: Any) -> Any:
        areas = a_area + b_area
        areas -= common
        if crowd is not None:
            np.copyto(areas, a_area, where=flags[columns])
        return areas

    # What the areas of a crowd are divided by is the divisor 1 of the kernel.
    common = _common(a, b, least, None if crowd is None else flags.view(np.uint8))
    return _ratios(common, a.area, b.area, union)


def boundary_iou(
    a: Masks, b: Masks, dilation_ratio: float = 0.02, crowd: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Divide intersection by union, of the masks' boundaries, for all pairs.

    Mask IoU hardly notices what is wrong at the outline of a large object. This measure does: it
    sees the pixels alone that are within a distance of the outline.

    Parameters
    ----------
    a, b : Masks
        n and m masks of one size (H, W).
    dilation_ratio : float, default 0.02
        The distance as a share of the picture's diagonal, from 0 to 1; it is rounded to pixels, and
        is at least one.
    crowd : array_like, optional
        As for :func:`iou`.

    Returns
    -------
    numpy.ndarray
        float64 (n, m); 0 where both masks are empty.

    Raises
    ------
    ValueError, TypeError
        As for :func:`iou`.

    Notes
    -----
    The measure of Cheng, Girshick, Dollar, Berg and Kirillov, "Boundary IoU: Improving
    Object-Centric Image Segmentation Evaluation" (2021), and the numbers of their code. For
    average precision they take the lesser of both measures:
    ``np.minimum(sc.iou(a, b), sc.boundary_iou(a, b))``.

    Examples
    --------
    >>> import segcore as sc
    >>> a, b = sc.Masks.from_boxes([[0, 0, 80, 80], [0, 0, 80, 76]], (100, 100))
    >>> sc.iou(a, b), sc.boundary_iou(a, b).round(3)
    (array([[0.95]]), array([[0.592]]))
    """
    check_same_size(a, b)
    share = as_fraction(dilation_ratio, "dilation_ratio")
    distance = max(1, round(share * math.hypot(*a.size)))
    of_a = boundary(a, distance)
    return iou(of_a, of_a if b is a else boundary(b, distance), crowd)


def dice(a: MasksOrBoxes, b: MasksOrBoxes) -> NDArray[np.float64]:
    """Divide twice the intersection by the sum of the areas, for all pairs (the F1 score).

    Parameters
    ----------
    a, b : Masks or array_like
        n and m masks of one size. In place of one batch, boxes (N, 4) may come: they are filled as
        by :meth:`Masks.from_boxes`, in the size of the other.

    Returns
    -------
    numpy.ndarray
        float64 (n, m), from 0 to 1. Two empty masks have 0.

    Raises
    ------
    ValueError
        If the sizes differ, or boxes have another shape, turned corners or NaN.
    TypeError
        If neither is Masks, which give the size, or one is no boxes.

    Examples
    --------
    >>> import segcore as sc
    >>> a = sc.Masks.from_boxes([[0, 0, 2, 2]], (4, 4))
    >>> sc.dice(a, sc.Masks.from_boxes([[1, 0, 3, 2]], (4, 4)))
    array([[0.5]])
    """
    a, b = _operands(a, b)
    ratios = _ratios(_common(a, b), a.area, b.area, lambda a_area, b_area, *_: a_area + b_area)
    ratios *= 2
    return ratios


def containment(a: MasksOrBoxes, b: MasksOrBoxes) -> NDArray[np.float64]:
    """Tell how much of each mask of one batch lies in each of another: ``|a & b| / |a|``.

    Parameters
    ----------
    a, b : Masks or array_like
        n and m masks of one size. In place of one batch, boxes (N, 4) may come: they are filled as
        by :meth:`Masks.from_boxes`, in the size of the other.

    Returns
    -------
    numpy.ndarray
        float64 (n, m), from 0 to 1. An empty mask of ``a`` has 0.

    Raises
    ------
    ValueError
        If the sizes differ, or boxes have another shape, turned corners or NaN.
    TypeError
        If neither is Masks, which give the size, or one is no boxes.

    Examples
    --------
    >>> import segcore as sc
    >>> a = sc.Masks.from_boxes([[0, 0, 2, 2]], (4, 4))
    >>> b = sc.Masks.from_boxes([[0, 0, 4, 4]], (4, 4))
    >>> sc.containment(a, b), sc.containment(b, a)
    (array([[1.]]), array([[0.25]]))
    """
    a, b = _operands(a, b)
    return _common(a, b) / np.maximum(a.area, 1)[:, None]


def _operands(a: MasksOrBoxes, b: MasksOrBoxes) -> tuple[Masks, Masks]:
    """Give both as Masks of one size; boxes are filled."""
    if isinstance(a, Masks):
        b = b if isinstance(b, Masks) else _filled(b, "b", a)
    elif isinstance(b, Masks):
        a = _filled(a, "a", b)
    else:
        raise TypeError(
            f"a, b: expected Masks for one of them, which give the size, got {described(a)} and "
            f"{described(b)}{masks_hint(a)}"
        )
    check_same_size(a, b)
    return a, b


def _filled(boxes: ArrayLike, name: str, other: Masks) -> Masks:
    array = as_array(boxes, name)
    if array.dtype.kind not in "iuf":
        raise TypeError(
            f"{name}: expected Masks or boxes, got {described(boxes)}{masks_hint(boxes)}"
        )
    if array.shape != (0,) and (array.ndim != 2 or array.shape[1] != 4):
        raise ValueError(
            f"{name}: expected Masks, or boxes of the shape (N, 4), got the shape {array.shape}; "
            "dense masks go into Masks.from_dense"
        )
    return Masks.from_boxes(array, other.size)


def _common(
    a: Masks, b: Masks, above: float = 0.0, divisors: NDArray[np.uint8] | None = None
) -> NDArray[np.int64]:
    return kernels.overlap(a.run_ends, a.offsets, b.run_ends, b.offsets, *a.size, above, divisors)


def _ratios(
    common: NDArray[np.int64],
    a_area: NDArray[np.int64],
    b_area: NDArray[np.int64],
    divisor: Callable[[Any, Any, Any, Any], Any],
) -> NDArray[np.float64]:
    """Divide the common area of all pairs by ``divisor(a_area, b_area, common, columns)``.

    Where there are many pairs, and most lie apart, the others are picked out and divided alone.
    """
    n, m = common.shape
    ratios = np.zeros((n, m))
    step = max(_BLOCK // max(m, 1), 1)
    for start in range(0, n, step):
        rows = slice(start, start + step)
        block, areas, out = common[rows], a_area[rows], ratios[rows]
        some = block != 0
        if step < n and 8 * np.count_nonzero(some) < some.size:
            i, j = np.nonzero(some)
            block = block[i, j]
            out[i, j] = block / divisor(areas[i], b_area[j], block, j)
        else:
            below = divisor(areas[:, None], b_area, block, slice(None))
            np.maximum(below, 1, out=below)  # where it is empty, so is the intersection
            np.divide(block, below, out=out)
    return ratios
