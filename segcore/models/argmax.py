"""Class scores, as networks emit them, to a label map: at once, without the enlarged scores."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from segcore._input.arrays import Size, as_array, as_size, check_bytes
from segcore._input.scores import (
    as_crop,
    as_float32,
    as_sides,
    check_numbers,
    check_samples,
    check_side,
)
from segcore.backends import kernels
from segcore.backends.interpolation import bounded, interpolated
from segcore.models.positions import bilinear_positions

Scores: TypeAlias = NDArray[np.float32]

_BLOCK = 2**22
"""So many scores are computed at a time: 16 MiB."""


def argmax_upsample(
    scores: ArrayLike, size: Iterable[int], dtype: DTypeLike | None = None
) -> NDArray[Any]:
    """Enlarge (or reduce) class scores to a picture, and take the best class of each pixel.

    Parameters
    ----------
    scores : array_like
        Numbers (C, h, w): one plane a class, logits or probabilities. They are taken as float32,
        and those beyond 2**126, infinite ones too, as that bound. NaN counts as what is lowest, so
        that it never wins over a number; where all are NaN, class 0 does.
    size : sequence of int
        (H, W) of the picture, of sides up to 2**24.
    dtype : dtype, optional
        An integer type for the labels 0 to C - 1. By default the smallest unsigned one that holds
        them: uint8 for up to 256 classes.

    Returns
    -------
    numpy.ndarray
        The label map (H, W), C-contiguous: of each pixel, the class with the greatest interpolated
        score, the first one of equals.

    Raises
    ------
    ValueError
        For other shapes, scores without a class, row or column, and a dtype that does not hold all
        labels.
    TypeError
        If there are other things than numbers, or the dtype is none of integers.

    Notes
    -----
    The interpolation is that of ``torch.nn.functional.interpolate(scores[None], size,
    mode="bilinear", align_corners=False)``, and the labels are those of its ``argmax(1)`` except
    where the best two classes lie within 1e-5 (for scores of order 1), as it sums in another order,
    and for NaN, which wins there.

    Between the same four samples, a class that another one beats at all four (it is less there, or
    is not greater and comes later) does not win. Few classes are left, often one, and
    only these are interpolated. Memory grows with neither the picture nor the classes, but for the
    result and, where ``scores`` is not of float32 in C order, such a copy of it.

    Scores of a padded picture are cut before: ``scores[:, :h, :w]``.

    Examples
    --------
    >>> import segcore as sc
    >>> sc.argmax_upsample([[[0.0, 1.0]], [[0.7, 0.7]]], (2, 8))
    array([[1, 1, 1, 1, 1, 0, 0, 0],
           [1, 1, 1, 1, 1, 0, 0, 0]], dtype=uint8)
    """
    array = as_array(scores, "scores")
    _check_planes(array, "scores", "(C, h, w)")
    common = _as_picture(size)
    classes, rows, columns = array.shape
    if classes == 0:
        raise ValueError(f"scores: expected at least one class, got the shape {array.shape}")
    result = _label_dtype(dtype, classes)
    labels = _empty(common, result)
    y, x = bilinear_positions(rows, common[0]), bilinear_positions(columns, common[1])
    kernels.argmax_resample(as_float32(array), x, y, labels)
    return _as_dtype(labels, result)


def argmax_masks(
    mask_scores: ArrayLike,
    class_scores: ArrayLike,
    size: Iterable[int],
    dtype: DTypeLike | None = None,
    *,
    intermediate: Iterable[int] | None = None,
    crop: Iterable[int] | None = None,
) -> NDArray[Any]:
    """Combine the masks and classes of queries to a label map: MaskFormer's semantic inference.

    A class has, at each sample, the sum over the queries of their score for the class times their
    probability there, the sigmoid of the mask's logit. These are enlarged to the picture as in
    :func:`argmax_upsample`, and the best class is taken.

    Parameters
    ----------
    mask_scores : array_like
        Logits (Q, h, w), taken as float32: a mask a query. NaN counts as what is lowest.
    class_scores : array_like
        Finite numbers (Q, C): the probabilities of the classes for each query. The softmax has been
        taken, and the last class, "no object", removed.
    size : sequence of int
        (H, W) of the picture, of sides up to 2**24.
    dtype : dtype, optional
        As in :func:`argmax_upsample`.
    intermediate : sequence of int, optional
        (height, width) that the logits are enlarged to before the sigmoid. By default they stay as
        they are.
    crop : sequence of int, optional
        What is kept before it is enlarged to ``size``: (height, width) from the top left, or
        (top, left, bottom, right). The rest is padding. With ``intermediate``, it is in that
        picture's pixels.

    Returns
    -------
    numpy.ndarray
        The label map (H, W), C-contiguous.

    Raises
    ------
    ValueError
        For other shapes, masks without a row or column, no class, class scores that are infinite
        or NaN, a crop larger than what it is cut from, and a dtype that does not hold all labels.
    TypeError
        If there are other things than numbers, or the dtype is none of integers.

    Notes
    -----
    The published ways differ in where the sigmoid is taken:

    - MaskFormer in Hugging Face transformers (``post_process_semantic_segmentation``): at the size
      of the logits. This is the default.
    - Mask2Former in transformers: ``intermediate=(384, 384)``.
    - Mask2Former's own code (``semantic_inference``), and MaskFormer's: ``intermediate`` is the
      size of the network's padded input, ``crop`` that of the picture in it. (It can also bring
      the logits to the picture's size first, in two steps. Where there is no padding and the
      picture is the input, that is ``intermediate=size``; else it is not offered.)

    Memory is for the result and a few rows of scores at a time, 16 MiB or one row if that is more,
    besides a copy of what is not float32 in C order.

    Examples
    --------
    >>> import segcore as sc
    >>> left, right = [[9.0, -9.0]], [[-9.0, 9.0]]
    >>> sc.argmax_masks([left, right], [[0.1, 0.8, 0.1], [0.2, 0.1, 0.7]], (1, 6))
    array([[1, 1, 1, 2, 2, 2]], dtype=uint8)
    """
    masks = as_array(mask_scores, "mask_scores")
    _check_planes(masks, "mask_scores", "(Q, h, w)")
    weights = _class_weights(class_scores, len(masks))
    common = _as_picture(size)
    result = _label_dtype(dtype, len(weights))
    sides: Size = masks.shape[1:]
    inner = None
    if intermediate is not None:
        enlarged = as_sides(intermediate, "intermediate")
        y, x = (bilinear_positions(*each) for each in zip(sides, enlarged, strict=True))
        sides, inner = enlarged, (y, x)
    if crop is not None:
        top, left, bottom, right = as_crop(crop, sides)
        sides = bottom - top, right - left
        if inner is None:
            masks = masks[:, top:bottom, left:right]
        else:
            inner = inner[0][top:bottom], inner[1][left:right]
    labels = _empty(common, result)
    _fill(labels, as_float32(masks), weights, inner, sides)
    return _as_dtype(labels, result)


def _fill(
    labels: NDArray[Any],
    masks: Scores,
    weights: Scores,
    inner: tuple[Scores, Scores] | None,
    sides: Size,
) -> None:
    """Compute class scores some rows at a time, and with them the rows of pixels that they fix."""
    rows, columns = sides
    height, width = labels.shape
    y, x = bilinear_positions(rows, height), bilinear_positions(columns, width)
    step = max(_BLOCK // ((5 * len(masks) + len(weights)) * columns), 1)
    for start in range(0, rows, step):
        first, last = np.searchsorted(y, [start, start + step])
        if first == last:
            continue
        stop = min(start + step + 1, rows)  # pixels need the row of samples behind theirs
        probabilities = _sigmoid(_logits(masks, inner, start, stop))
        with np.errstate(over="ignore", invalid="ignore"):  # the kernel takes any score
            scores = weights @ probabilities.reshape(len(masks), (stop - start) * columns)
        positions = y[first:last] - np.float32(start)
        scores = scores.reshape(len(weights), stop - start, columns)
        kernels.argmax_resample(scores, x, positions, labels[first:last])


def _logits(masks: Scores, inner: tuple[Scores, Scores] | None, start: int, stop: int) -> Scores:
    """Give some rows of the masks, or of what they are enlarged to."""
    if inner is None:
        return bounded(masks[:, start:stop])
    y = inner[0][start:stop]
    first, last = int(y[0]), int(y[-1]) + 2
    samples = interpolated(bounded(masks[:, first:last]), inner[1], 2)
    return interpolated(samples, y - np.float32(first), 1)


def _sigmoid(logits: Scores) -> Scores:
    values = -logits
    with np.errstate(over="ignore"):
        np.exp(values, out=values)
    values += 1
    return np.reciprocal(values, out=values)


def _class_weights(class_scores: ArrayLike, queries: int) -> Scores:
    """Check class scores, and give them as (C, Q)."""
    array = as_array(class_scores, "class_scores")
    check_numbers(array, "class_scores")
    if array.ndim != 2 or len(array) != queries or array.shape[1] == 0:
        raise ValueError(
            f"class_scores: expected ({queries}, C), one row for each of mask_scores and at least "
            f"one class, got the shape {array.shape}"
        )
    weights = as_float32(array.T)
    bad = np.flatnonzero(~np.isfinite(weights).all(axis=0))
    if len(bad):
        raise ValueError(
            f"class_scores: expected finite float32 numbers, but query {bad[0]} has others"
        )
    return weights


def _check_planes(array: NDArray[Any], name: str, shape: str) -> None:
    check_numbers(array, name)
    if array.ndim != 3:
        raise ValueError(
            f"{name}: expected {shape}, the scores of one picture, got the shape {array.shape}"
        )
    check_samples(array, name)


def _as_picture(size: Iterable[int]) -> Size:
    common = as_size(size)
    check_side("size", *common)
    return common


def _label_dtype(dtype: DTypeLike | None, classes: int) -> np.dtype[Any]:
    """Choose the smallest unsigned dtype unless one is given, and check that all labels fit."""
    last = classes - 1
    result = np.min_scalar_type(last) if dtype is None else np.dtype(dtype)
    if result.kind not in "iu":
        raise TypeError(f"dtype: expected one of integers, got {result}")
    if last > np.iinfo(result).max:
        raise ValueError(f"dtype: {result} does not hold the label {last}; pass a larger one")
    return result


def _empty(size: Size, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Make room for labels, as the unsigned integers that the kernel writes."""
    check_bytes(size, dtype)
    return np.empty(size, f"u{dtype.itemsize}")


def _as_dtype(labels: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Give unsigned labels as a dtype of their width, of which they hold no other values."""
    return labels.view(dtype.newbyteorder("=")).astype(dtype, copy=False)
