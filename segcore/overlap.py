"""How much the masks of two batches overlap: areas and ratios of all pairs."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segcore.arrays import as_array, check_length
from segcore.backends import kernels
from segcore.masks import Masks, check_same_size

_BLOCK = 2**15
"""Ratios are computed for so many pairs at a time, so that they take no memory but the result."""


def intersection(a: Masks, b: Masks) -> NDArray[np.int64]:
    """Count the pixels that each mask of one batch shares with each of another.

    Parameters
    ----------
    a, b : Masks
        Batches of n and m masks of one size.

    Returns
    -------
    numpy.ndarray
        int64 (n, m), in pixels.

    Raises
    ------
    ValueError
        If the sizes differ.

    Examples
    --------
    >>> import segcore as sc
    >>> a = sc.Masks.from_boxes([[0, 0, 2, 2]], (4, 4))
    >>> b = sc.Masks.from_boxes([[1, 0, 3, 2], [2, 2, 4, 4]], (4, 4))
    >>> sc.intersection(a, b)
    array([[2, 0]])
    """
    check_same_size(a, b)
    return kernels.overlap(a.run_ends, a.offsets, b.run_ends, b.offsets, *a.size)


def iou(a: Masks, b: Masks, crowd: ArrayLike | None = None) -> NDArray[np.float64]:
    """Divide intersection by union, for all pairs.

    Parameters
    ----------
    a, b : Masks
        Batches of n and m masks of one size: detections and ground truth, in COCO's order.
    crowd : array_like, optional
        bool (m,), or COCO's ``iscrowd`` of zeros and ones: which masks of ``b`` are crowds. There
        the intersection is divided by the area of the mask of ``a`` alone, as in COCO's evaluation.

    Returns
    -------
    numpy.ndarray
        float64 (n, m), from 0 to 1. Two empty masks have 0.

    Raises
    ------
    ValueError
        If the sizes differ, or ``crowd`` has not one value a mask of ``b``.
    TypeError
        If ``crowd`` holds no bools.

    Examples
    --------
    >>> import segcore as sc
    >>> a = sc.Masks.from_boxes([[0, 0, 2, 2]], (4, 4))
    >>> b = sc.Masks.from_boxes([[0, 0, 2, 4], [0, 0, 4, 4]], (4, 4))
    >>> sc.iou(a, b)
    array([[0.5 , 0.25]])
    >>> sc.iou(a, b, crowd=[False, True])
    array([[0.5, 1. ]])
    """
    crowds = None if crowd is None else np.flatnonzero(_flags(crowd, len(b)))
    common = intersection(a, b)
    a_area, b_area = a.area[:, None], b.area
    ratios = np.empty(common.shape)
    for rows in _blocks(common):
        union = a_area[rows] + b_area
        union -= common[rows]
        if crowds is not None:
            union[:, crowds] = a_area[rows]
        np.maximum(union, 1, out=union)  # where it is empty, so is the intersection
        np.divide(common[rows], union, out=ratios[rows])
    return ratios


def dice(a: Masks, b: Masks) -> NDArray[np.float64]:
    """Divide twice the intersection by the sum of the areas, for all pairs (the F1 score).

    Parameters
    ----------
    a, b : Masks
        Batches of n and m masks of one size.

    Returns
    -------
    numpy.ndarray
        float64 (n, m), from 0 to 1. Two empty masks have 0.

    Raises
    ------
    ValueError
        If the sizes differ.

    Examples
    --------
    >>> import segcore as sc
    >>> a = sc.Masks.from_boxes([[0, 0, 2, 2]], (4, 4))
    >>> sc.dice(a, sc.Masks.from_boxes([[1, 0, 3, 2]], (4, 4)))
    array([[0.5]])
    """
    common = intersection(a, b)
    a_area, b_area = a.area[:, None], b.area
    ratios = np.empty(common.shape)
    for rows in _blocks(common):
        both = a_area[rows] + b_area
        np.maximum(both, 1, out=both)
        np.divide(2 * common[rows], both, out=ratios[rows])
    return ratios


def containment(a: Masks, b: Masks) -> NDArray[np.float64]:
    """Tell how much of each mask of one batch lies in each of another: ``|a & b| / |a|``.

    Parameters
    ----------
    a, b : Masks
        Batches of n and m masks of one size.

    Returns
    -------
    numpy.ndarray
        float64 (n, m), from 0 to 1. An empty mask of ``a`` has 0.

    Raises
    ------
    ValueError
        If the sizes differ.

    Examples
    --------
    >>> import segcore as sc
    >>> a = sc.Masks.from_boxes([[0, 0, 2, 2]], (4, 4))
    >>> b = sc.Masks.from_boxes([[0, 0, 4, 4]], (4, 4))
    >>> sc.containment(a, b), sc.containment(b, a)
    (array([[1.]]), array([[0.25]]))
    """
    return intersection(a, b) / np.maximum(a.area, 1)[:, None]


def _blocks(pairs: NDArray[np.int64]) -> list[slice]:
    """Cut the rows into blocks of about ``_BLOCK`` pairs."""
    n, m = pairs.shape
    step = max(_BLOCK // max(m, 1), 1)
    return [slice(start, start + step) for start in range(0, n, step)]


def _flags(crowd: ArrayLike, count: int) -> NDArray[np.bool_]:
    flags = as_array(crowd, "crowd")
    if flags.size == 0:
        flags = flags.astype(np.bool_)
    check_length(flags, "crowd", count)
    if flags.dtype.kind not in "biu":
        raise TypeError(f"crowd: expected bools, got {flags.dtype}")
    if flags.dtype.kind != "b" and np.any((flags != 0) & (flags != 1)):
        raise ValueError("crowd: expected bools, or zeros and ones, but there are other numbers")
    return flags.astype(np.bool_)
