"""Pairwise overlap of two batches of masks: intersection area, IoU, Dice, containment."""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segcore._input.arrays import as_array, as_flags, as_fraction, described
from segcore._input.recognize import masks_hint
from segcore.backends import kernels
from segcore.masks import Masks, check_same_size, unwrap
from segcore.ops.morphology import boundary

_UNION, _FIRST, _SUM = None, 1, 3
"""Denominators of the overlap kernels: union area, area of the mask in `a`, sum of both areas."""

MasksOrBoxes: TypeAlias = "Masks | ArrayLike"


def intersection_area(a: MasksOrBoxes, b: MasksOrBoxes) -> NDArray[np.int64]:
    """Compute the pairwise intersection areas of two batches of masks.

    Parameters
    ----------
    a, b : Masks or array_like
        n and m masks of the same image size. One of them may be an (N, 4) array of boxes
        x0 y0 x1 y1, which is rasterized with :meth:`Masks.from_boxes` at the other's size.

    Returns
    -------
    numpy.ndarray
        Intersection area of every pair in pixels: int64, shape (n, m).

    Raises
    ------
    ValueError
        If the image sizes differ, or boxes are invalid (see :meth:`Masks.from_boxes`).
    TypeError
        If neither operand is a `Masks`, or the other is not a numeric array.

    Examples
    --------
    >>> import segcore as sc
    >>> a = sc.Masks.from_boxes([[0, 0, 2, 2]], (4, 4))
    >>> b = sc.Masks.from_boxes([[1, 0, 3, 2], [2, 2, 4, 4]], (4, 4))
    >>> sc.intersection_area(a, b)
    array([[2, 0]])
    >>> sc.intersection_area(a, [[0, 0, 4, 1]])
    array([[2]])
    """
    a, b = _operands(a, b)
    return kernels.overlap(unwrap(a), unwrap(b))


def iou(
    a: MasksOrBoxes,
    b: MasksOrBoxes,
    crowd: ArrayLike | None = None,
    min_iou: float | None = None,
) -> NDArray[np.float64]:
    """Compute the pairwise intersection over union of two batches of masks.

    Parameters
    ----------
    a, b : Masks or array_like
        n and m masks of the same image size (in COCO's order: detections, ground truth). One of
        them may be an (N, 4) array of boxes x0 y0 x1 y1, which is rasterized with
        :meth:`Masks.from_boxes` at the other's size.
    crowd : array_like of bool, optional
        Shape (m,): bools, or zeros and ones, as in COCO's ``iscrowd``. Where True, the intersection
        is divided by the area of the mask in `a` alone, as in COCO's evaluation.
    min_iou : float, optional
        Return 0 for every pair whose IoU is less than this value, in [0, 1]. This is faster,
        because areas and bounding boxes rule out many pairs.

    Returns
    -------
    numpy.ndarray
        IoU of every pair: float64, shape (n, m), in [0, 1]. The IoU of two empty masks is 0.

    Raises
    ------
    ValueError
        If the image sizes differ, boxes are invalid (see :meth:`Masks.from_boxes`), `crowd` does
        not have shape (m,) or contains integers other than 0 and 1, or `min_iou` is not in [0, 1].
    TypeError
        If neither operand is a `Masks`, the other is not a numeric array, `crowd` contains neither
        bools nor integers, or `min_iou` is not a number.

    Examples
    --------
    >>> import segcore as sc
    >>> a = sc.Masks.from_boxes([[0, 0, 2, 2]], (4, 4))
    >>> b = sc.Masks.from_boxes([[0, 0, 2, 4], [0, 0, 4, 4]], (4, 4))
    >>> sc.iou(a, b)
    array([[0.5 , 0.25]])
    >>> sc.iou(a, b, crowd=[False, True])
    array([[0.5, 1. ]])
    >>> sc.iou(a, b, min_iou=0.5)
    array([[0.5, 0. ]])
    """
    a, b = _operands(a, b)
    least = 0.0 if min_iou is None else as_fraction(min_iou, "min_iou")
    if crowd is None:
        return _ratios(a, b, _UNION, least)
    # Flags are denominator codes.
    return _ratios(a, b, as_flags(crowd, "crowd", len(b)).view(np.uint8), least)


def boundary_iou(
    a: Masks, b: Masks, dilation_ratio: float = 0.02, crowd: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Compute the pairwise IoU of the boundary regions of two batches of masks.

    Only the pixels of a mask within a given distance of its outline are compared. Unlike mask IoU,
    this measure is sensitive to errors in the outlines of large objects.

    Parameters
    ----------
    a, b : Masks
        n and m masks of the same image size (H, W).
    dilation_ratio : float, default 0.02
        Distance as a fraction of the image diagonal, in [0, 1]. It is rounded to whole pixels and
        is at least one pixel.
    crowd : array_like of bool, optional
        Shape (m,): bools, or zeros and ones. Where True, the intersection is divided by the area of
        the boundary region in `a` alone, as in :func:`iou`.

    Returns
    -------
    numpy.ndarray
        Boundary IoU of every pair: float64, shape (n, m), in [0, 1]. It is 0 for two empty masks.

    Raises
    ------
    ValueError
        If the image sizes differ, `dilation_ratio` is not in [0, 1], or `crowd` does not have shape
        (m,) or contains integers other than 0 and 1.
    TypeError
        If an operand is not a `Masks`, `dilation_ratio` is not a number, or `crowd` contains
        neither bools nor integers.

    Notes
    -----
    This is the measure of Cheng, Girshick, Dollar, Berg and Kirillov, "Boundary IoU: Improving
    Object-Centric Image Segmentation Evaluation" (2021), with the same values as their code. For
    average precision, they use the minimum of both measures:
    ``np.minimum(sc.iou(a, b), sc.boundary_iou(a, b))``.

    Examples
    --------
    >>> import segcore as sc
    >>> a, b = sc.Masks.from_boxes([[0, 0, 80, 80], [0, 0, 80, 76]], (100, 100))
    >>> sc.iou(a, b), sc.boundary_iou(a, b).round(3)
    (array([[0.95]]), array([[0.592]]))
    """
    check_same_size(a, b)
    ratio = as_fraction(dilation_ratio, "dilation_ratio")
    distance = max(1, round(ratio * math.hypot(*a.size)))
    boundary_a = boundary(a, distance)
    return iou(boundary_a, boundary_a if b is a else boundary(b, distance), crowd)


def dice(a: MasksOrBoxes, b: MasksOrBoxes) -> NDArray[np.float64]:
    """Compute the pairwise Dice coefficient (F1 score), ``2 * abs(a & b) / (abs(a) + abs(b))``.

    Parameters
    ----------
    a, b : Masks or array_like
        n and m masks of the same image size. One of them may be an (N, 4) array of boxes
        x0 y0 x1 y1, which is rasterized with :meth:`Masks.from_boxes` at the other's size.

    Returns
    -------
    numpy.ndarray
        Dice coefficient of every pair: float64, shape (n, m), in [0, 1]. It is 0 for two empty
        masks.

    Raises
    ------
    ValueError
        If the image sizes differ, or boxes are invalid (see :meth:`Masks.from_boxes`).
    TypeError
        If neither operand is a `Masks`, or the other is not a numeric array.

    Examples
    --------
    >>> import segcore as sc
    >>> a = sc.Masks.from_boxes([[0, 0, 2, 2]], (4, 4))
    >>> sc.dice(a, sc.Masks.from_boxes([[1, 0, 3, 2]], (4, 4)))
    array([[0.5]])
    """
    return 2 * _ratios(*_operands(a, b), _SUM)


def containment(a: MasksOrBoxes, b: MasksOrBoxes) -> NDArray[np.float64]:
    """Compute pairwise containment, ``abs(a & b) / abs(a)``.

    Parameters
    ----------
    a, b : Masks or array_like
        n and m masks of the same image size. One of them may be an (N, 4) array of boxes
        x0 y0 x1 y1, which is rasterized with :meth:`Masks.from_boxes` at the other's size.

    Returns
    -------
    numpy.ndarray
        Fraction of each mask in `a` that lies within each mask in `b`: float64, shape (n, m), in
        [0, 1]. It is 0 for an empty mask in `a`.

    Raises
    ------
    ValueError
        If the image sizes differ, or boxes are invalid (see :meth:`Masks.from_boxes`).
    TypeError
        If neither operand is a `Masks`, or the other is not a numeric array.

    Examples
    --------
    >>> import segcore as sc
    >>> a = sc.Masks.from_boxes([[0, 0, 2, 2]], (4, 4))
    >>> b = sc.Masks.from_boxes([[0, 0, 4, 4]], (4, 4))
    >>> sc.containment(a, b), sc.containment(b, a)
    (array([[1.]]), array([[0.25]]))
    """
    return _ratios(*_operands(a, b), _FIRST)


def _operands(a: MasksOrBoxes, b: MasksOrBoxes) -> tuple[Masks, Masks]:
    """Return both operands as `Masks` of the same image size; boxes are rasterized."""
    if isinstance(a, Masks):
        b = b if isinstance(b, Masks) else _rasterized(b, "b", a)
    elif isinstance(b, Masks):
        a = _rasterized(a, "a", b)
    else:
        raise TypeError(
            "a, b: expected at least one Masks, which determines the image size, got "
            f"{described(a)} and {described(b)}{masks_hint(a)}"
        )
    check_same_size(a, b)
    return a, b


def _rasterized(boxes: ArrayLike, name: str, other: Masks) -> Masks:
    array = as_array(boxes, name)
    if array.dtype.kind not in "iuf":
        raise TypeError(
            f"{name}: expected Masks or boxes, got {described(boxes)}{masks_hint(boxes)}"
        )
    if array.shape != (0,) and (array.ndim != 2 or array.shape[1] != 4):
        raise ValueError(
            f"{name}: expected Masks, or boxes of the shape (N, 4), got the shape {array.shape}; "
            "convert dense masks with Masks.from_dense"
        )
    return Masks.from_boxes(array, other.size)


def _ratios(
    a: Masks, b: Masks, denominator: NDArray[np.uint8] | int | None, above: float = 0.0
) -> NDArray[np.float64]:
    """Divide the intersection area of each pair by a denominator, or one per mask of `b`."""
    if isinstance(denominator, int):
        denominator = np.frombuffer(bytes([denominator]) * len(b), np.uint8)
    return kernels.overlap_ratios(unwrap(a), unwrap(b), above, denominator)
