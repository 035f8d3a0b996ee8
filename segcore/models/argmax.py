"""Compute label maps from low-resolution class scores, without storing the resized scores."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from segcore._input.arrays import Size, allocate, as_array, as_label_dtype, as_size
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

FloatArray: TypeAlias = NDArray[np.float32]

_BLOCK = 2**22
"""Number of scores that are computed at a time (16 MiB)."""


def argmax_upsample(
    scores: ArrayLike, size: Iterable[int], dtype: DTypeLike | None = None
) -> NDArray[Any]:
    """Resize class scores bilinearly to the image size and return the argmax.

    The resized scores are never stored.

    Parameters
    ----------
    scores : array_like
        Logits or probabilities of C classes, shape (C, h, w), converted to float32. Scores beyond
        2**126 in magnitude, including infinities, are clipped. NaN is treated as the lowest score;
        where all scores are NaN, the label is 0. To exclude padding, pass ``scores[:, :h, :w]``.
    size : sequence of int
        Image size (H, W), with sides of up to 2**24.
    dtype : dtype, optional
        Integer dtype of the labels, which are 0 to C - 1. Defaults to the smallest unsigned dtype
        that holds all labels: uint8 for up to 256 classes.

    Returns
    -------
    numpy.ndarray
        Label map: the index of the greatest interpolated score at each pixel (the first one in a
        tie), shape (H, W), C-contiguous.

    Raises
    ------
    ValueError
        If `scores` is not 3-D or has no classes, rows or columns, or `dtype` does not hold all
        labels.
    TypeError
        If the dtype of `scores` is not numeric, or `dtype` is not an integer dtype.

    Notes
    -----
    The interpolation is that of ``torch.nn.functional.interpolate(scores[None], size,
    mode="bilinear", align_corners=False)``. The labels equal those of torch's ``argmax(1)`` except
    at pixels where the two best classes differ by less than 1e-5 (for scores of order 1), because
    torch sums in another order, and where scores are NaN, which torch treats as the greatest value.

    Among the pixels between the same four samples, a class cannot have the greatest score if
    another class has greater scores at all four samples, or has a lower index and scores at least
    as great at all four. Usually, only one or a few classes remain to be interpolated. Apart from
    the result, and a copy of `scores` unless it is C-contiguous float32, the memory depends on
    neither the image size nor the number of classes.

    Examples
    --------
    >>> import segcore as sc
    >>> sc.argmax_upsample([[[0.0, 1.0]], [[0.7, 0.7]]], (2, 8))
    array([[1, 1, 1, 1, 1, 0, 0, 0],
           [1, 1, 1, 1, 1, 0, 0, 0]], dtype=uint8)
    """
    array = as_array(scores, "scores")
    _check_planes(array, "scores", "(C, h, w)")
    image_size = _as_image_size(size)
    classes, rows, columns = array.shape
    if classes == 0:
        raise ValueError(f"scores: expected at least one class, got the shape {array.shape}")
    result = as_label_dtype(dtype, [("label", classes - 1)])
    labels = _empty(image_size, result)
    y, x = bilinear_positions(rows, image_size[0]), bilinear_positions(columns, image_size[1])
    kernels.argmax_resample(as_float32(array), x, y, labels)
    return _as_dtype(labels, result)


def argmax_masks(
    mask_logits: ArrayLike,
    class_probs: ArrayLike,
    size: Iterable[int],
    dtype: DTypeLike | None = None,
    *,
    intermediate: Iterable[int] | None = None,
    crop: Iterable[int] | None = None,
) -> NDArray[Any]:
    """Compute a label map from the masks and classes of queries (MaskFormer's semantic inference).

    The score of a class is the sum, over all queries, of class probability times mask probability
    (the sigmoid of the mask logit). These scores are resized to the image size as in
    :func:`argmax_upsample`, and the argmax is returned.

    Parameters
    ----------
    mask_logits : array_like
        Mask logits of Q queries, before the sigmoid: shape (Q, h, w), converted to float32. NaN is
        treated as the lowest value.
    class_probs : array_like
        Class probabilities of each query, finite, shape (Q, C). Apply the softmax to the class
        logits, then drop the last class, "no object".
    size : sequence of int
        Image size (H, W), with sides of up to 2**24.
    dtype : dtype, optional
        Integer dtype of the labels, as in :func:`argmax_upsample`.
    intermediate : sequence of int, optional
        Size (height, width) to which the mask logits are resized before the sigmoid is applied. By
        default, the sigmoid is applied at the resolution of `mask_logits`.
    crop : sequence of int, optional
        Region without padding, which is resized to `size`: (height, width) from the top left
        corner, or (top, left, bottom, right). In pixels of `intermediate` if it is given, and of
        `mask_logits` otherwise. By default, the whole array.

    Returns
    -------
    numpy.ndarray
        Label map: the index of the best class at each pixel, shape (H, W), C-contiguous.

    Raises
    ------
    ValueError
        If `mask_logits` is not 3-D, or `class_probs` is not 2-D with the same number of queries;
        there are no classes, rows or columns; a class probability is infinite or NaN; `crop`
        exceeds the logits or the intermediate size; or `dtype` does not hold all labels.
    TypeError
        If a dtype is not numeric, or `dtype` is not an integer dtype.

    Notes
    -----
    Implementations apply the sigmoid at different resolutions:

    - MaskFormer in transformers (``post_process_semantic_segmentation``): the resolution of the
      logits, which is the default here.
    - Mask2Former in transformers: ``intermediate=(384, 384)``.
    - The original code of Mask2Former and MaskFormer (``semantic_inference``): pass the padded size
      of the network input as `intermediate`, and the size of the image in it as `crop`. (Their
      option to resize the logits to the image size before the sigmoid equals ``intermediate=size``
      if there is no padding and the image has the size of the input; otherwise it is not
      supported.)

    Scores are computed in blocks of rows of at most 16 MiB, or of one row if that is larger. Inputs
    that are not C-contiguous float32 are copied.

    Examples
    --------
    >>> import segcore as sc
    >>> left, right = [[9.0, -9.0]], [[-9.0, 9.0]]
    >>> sc.argmax_masks([left, right], [[0.1, 0.8, 0.1], [0.2, 0.1, 0.7]], (1, 6))
    array([[1, 1, 1, 2, 2, 2]], dtype=uint8)
    """
    masks = as_array(mask_logits, "mask_logits")
    _check_planes(masks, "mask_logits", "(Q, h, w)")
    weights = _class_weights(class_probs, len(masks))
    image_size = _as_image_size(size)
    result = as_label_dtype(dtype, [("label", len(weights) - 1)])
    sides: Size = masks.shape[1:]
    inner = None
    if intermediate is not None:
        inner_sides = as_sides(intermediate, "intermediate")
        y, x = (bilinear_positions(*axis) for axis in zip(sides, inner_sides, strict=True))
        sides, inner = inner_sides, (y, x)
    if crop is not None:
        top, left, bottom, right = as_crop(crop, sides)
        sides = bottom - top, right - left
        if inner is None:
            masks = masks[:, top:bottom, left:right]
        else:
            inner = inner[0][top:bottom], inner[1][left:right]
    labels = _empty(image_size, result)
    _fill(labels, as_float32(masks), weights, inner, sides)
    return _as_dtype(labels, result)


def _fill(
    labels: NDArray[Any],
    masks: FloatArray,
    weights: FloatArray,
    inner: tuple[FloatArray, FloatArray] | None,
    sides: Size,
) -> None:
    """Compute class scores in blocks of rows, and write the rows of labels that depend on them."""
    rows, columns = sides
    height, width = labels.shape
    y, x = bilinear_positions(rows, height), bilinear_positions(columns, width)
    step = max(_BLOCK // ((5 * len(masks) + len(weights)) * columns), 1)
    for start in range(0, rows, step):
        first, last = np.searchsorted(y, [start, start + step])
        if first == last:
            continue
        stop = min(start + step + 1, rows)  # interpolation also needs the next row
        probabilities = _sigmoid(_logits(masks, inner, start, stop))
        with np.errstate(over="ignore", invalid="ignore"):  # the kernel accepts infinities and NaN
            scores = weights @ probabilities.reshape(len(masks), (stop - start) * columns)
        positions = y[first:last] - np.float32(start)
        scores = scores.reshape(len(weights), stop - start, columns)
        kernels.argmax_resample(scores, x, positions, labels[first:last])


def _logits(
    masks: FloatArray, inner: tuple[FloatArray, FloatArray] | None, start: int, stop: int
) -> FloatArray:
    """Return rows `start` to `stop` of the mask logits, resized to the intermediate size if any."""
    if inner is None:
        return bounded(masks[:, start:stop])
    y = inner[0][start:stop]
    first, last = int(y[0]), int(y[-1]) + 2
    samples = interpolated(bounded(masks[:, first:last]), inner[1], 2)
    return interpolated(samples, y - np.float32(first), 1)


def _sigmoid(logits: FloatArray) -> FloatArray:
    values = -logits
    with np.errstate(over="ignore"):
        np.exp(values, out=values)
    values += 1
    return np.reciprocal(values, out=values)


def _class_weights(class_probs: ArrayLike, queries: int) -> FloatArray:
    """Return the validated class probabilities, transposed to shape (C, Q)."""
    array = as_array(class_probs, "class_probs")
    check_numbers(array, "class_probs")
    if array.ndim != 2 or len(array) != queries or array.shape[1] == 0:
        raise ValueError(
            f"class_probs: expected the shape ({queries}, C), one row per mask of mask_logits and "
            f"at least one class, got {array.shape}"
        )
    weights = as_float32(array.T)
    bad = np.flatnonzero(~np.isfinite(weights).all(axis=0))
    if len(bad):
        raise ValueError(
            f"class_probs: expected finite float32 numbers, but query {bad[0]} has infinite or "
            "NaN probabilities"
        )
    return weights


def _check_planes(array: NDArray[Any], name: str, shape: str) -> None:
    check_numbers(array, name)
    if array.ndim != 3:
        raise ValueError(
            f"{name}: expected the shape {shape} for a single image, got {array.shape}"
        )
    check_samples(array, name)


def _as_image_size(size: Iterable[int]) -> Size:
    image_size = as_size(size)
    check_side("size", *image_size)
    return image_size


def _empty(size: Size, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Allocate a label map of the unsigned dtype with the same width, as the kernel requires."""
    return allocate(size, f"u{dtype.itemsize}", zeroed=False)


def _as_dtype(labels: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return unsigned labels in a dtype of the same width, without a copy if it is native."""
    return labels.view(dtype.newbyteorder("=")).astype(dtype, copy=False)
