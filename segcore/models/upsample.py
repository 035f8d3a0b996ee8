"""Low-resolution scores of the whole image to masks: upsampling and prototypes."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike

from segcore._input.arrays import Size, as_array, as_boxes, as_size
from segcore._input.scores import (
    as_crop,
    as_float32,
    as_sides,
    check_numbers,
    check_samples,
    check_side,
)
from segcore.masks import Masks
from segcore.models.positions import bilinear_positions
from segcore.models.resample import (
    Sampling,
    Scores,
    as_planes,
    blocks_of,
    check_finite,
    cut,
    float32_threshold,
    resample,
)


def upsample_masks(
    scores: ArrayLike,
    size: Iterable[int],
    threshold: float,
    boxes: ArrayLike | None = None,
    crop: Iterable[int] | None = None,
    intermediate: Iterable[int] | None = None,
) -> Masks:
    """Enlarge (or reduce) soft masks of the whole picture, and keep what exceeds a threshold.

    Parameters
    ----------
    scores : array_like
        Numbers (N, h, w) or (N, 1, h, w), or (h, w) for a batch of one: probabilities or logits.
        They are taken as float32. NaN is background: it counts as what is lowest.
    size : sequence of int
        (H, W) of the picture, of sides up to 2**24.
    threshold : float
        Foreground is what is greater: 0.5 for probabilities, 0.0 for logits (SAM's
        ``mask_threshold``). It is rounded to float32 and lies between -2**126 and 2**126; scores
        beyond, infinite ones too, are taken as that bound.
    boxes : array_like, optional
        Numbers (N, 4): x0 y0 x1 y1 in pixels of the picture. Outside its box, a mask is background:
        it keeps the pixels with ``x0 <= x < x1`` and ``y0 <= y < y1`` (YOLO's ``crop_mask`` after
        upsampling, as in Ultralytics' ``process_mask_native``).
    crop : sequence of int, optional
        What is kept of the scores before they are brought to ``size``, as the rest is padding:
        (height, width) from the top left, or (top, left, bottom, right). With ``intermediate``, it
        is in that picture's pixels.
    intermediate : sequence of int, optional
        (height, width) that the scores are brought to first. SAM: ``intermediate=(1024, 1024)`` and
        ``crop=input_size``; Mask2Former: the padded size of the network's input, and the size of
        the picture in it.

    Returns
    -------
    Masks
        N masks of size (H, W).

    Raises
    ------
    ValueError
        For other shapes, scores without a row or column, a crop larger than what it is cut from,
        and boxes whose x1 or y1 is less than its x0 or y0, or that hold NaN.
    TypeError
        If there are other things than numbers.

    Notes
    -----
    The interpolation is that of ``torch.nn.functional.interpolate(scores, size, mode="bilinear",
    align_corners=False)``; the masks are the same except where an interpolated value lies within
    1e-5 (for scores of order 1) of the threshold, as it sums in another order. The time it takes
    grows with the picture's width and with the masks' outlines, not with the picture's area, and
    memory with neither.

    Examples
    --------
    >>> import segcore as sc
    >>> sc.upsample_masks([[0.0, 1.0]], (2, 6), threshold=0.5).to_dense(int)
    array([[[0, 0, 0, 1, 1, 1],
            [0, 0, 0, 1, 1, 1]]])
    >>> sc.upsample_masks([[0.0, 1.0]], (2, 6), 0.5, boxes=[[1, 0, 5, 1]]).to_dense(int)
    array([[[0, 0, 0, 1, 1, 0],
            [0, 0, 0, 0, 0, 0]]])
    """
    array = as_planes(scores, "scores")
    common = as_size(size)
    limit = float32_threshold(threshold)
    sampling = _whole(array.shape, common, boxes, crop, intermediate)
    return resample(
        lambda masks: as_float32(array[masks]), blocks_of(array), sampling, common, limit
    )


def prototype_masks(
    coefficients: ArrayLike,
    prototypes: ArrayLike,
    boxes: ArrayLike | None,
    size: Iterable[int],
    threshold: float,
    crop: Iterable[int] | None = None,
    intermediate: Iterable[int] | None = None,
) -> Masks:
    """Combine prototypes to soft masks, a few at a time, and upsample these (YOLO, YOLACT).

    Parameters
    ----------
    coefficients : array_like
        Numbers (N, K): how much of each prototype a mask has.
    prototypes : array_like
        Numbers (K, h, w), which belong to the whole picture, unless ``crop`` tells the padding.
    boxes : array_like or None
        Numbers (N, 4): x0 y0 x1 y1 in pixels of the picture, to which masks are cropped.
    size : sequence of int
        (H, W) of the picture, of sides up to 2**24.
    threshold : float
        Foreground is what is greater: 0.0 for logits.
    crop, intermediate : sequence of int, optional
        As in :func:`upsample_masks`.

    Returns
    -------
    Masks
        N masks of size (H, W): those of :func:`upsample_masks` for the scores
        ``coefficients @ prototypes``, computed in float32.

    Raises
    ------
    ValueError, TypeError
        As in :func:`upsample_masks`, and if K differs.

    Notes
    -----
    Ultralytics' ``process_mask_native``: boxes crop the upsampled masks.

    Examples
    --------
    >>> import segcore as sc
    >>> left, top = [[1.0, -1.0], [1.0, -1.0]], [[1.0, 1.0], [-1.0, -1.0]]
    >>> masks = sc.prototype_masks([[1, 0], [0, 1]], [left, top], None, (2, 2), 0.0)
    >>> masks.to_dense(int).tolist()
    [[[1, 0], [1, 0]], [[1, 1], [0, 0]]]
    """
    weights, planes = as_array(coefficients, "coefficients"), as_array(prototypes, "prototypes")
    check_numbers(weights, "coefficients")
    check_numbers(planes, "prototypes")
    if weights.ndim != 2 or planes.ndim != 3 or weights.shape[1] != planes.shape[0]:
        raise ValueError(
            "coefficients and prototypes: expected the shapes (N, K) and (K, h, w), got "
            f"{weights.shape} and {planes.shape}"
        )
    check_samples(planes, "prototypes")
    common = as_size(size)
    limit = float32_threshold(threshold)
    shape = (len(weights), *planes.shape[1:])
    sampling = _whole(shape, common, boxes, crop, intermediate)
    weights, planes = as_float32(weights), as_float32(planes).reshape(len(planes), -1)

    def combined(masks: slice) -> Scores:
        with np.errstate(invalid="ignore", over="ignore"):
            block: Scores = weights[masks] @ planes
        return block.reshape(-1, *shape[1:])

    return resample(combined, cut(*shape), sampling, common, limit)


def _whole(
    shape: tuple[int, ...],
    size: Size,
    boxes: ArrayLike | None,
    crop: Iterable[int] | None,
    intermediate: Iterable[int] | None,
) -> Sampling:
    """Place the whole picture upon scores of this shape."""
    count, *sides = shape
    check_side("size", *size)
    inner = None
    if intermediate is not None:
        enlarged = as_sides(intermediate, "intermediate")
        y, x = (bilinear_positions(*each) for each in zip(sides, enlarged, strict=True))
        sides, inner = list(enlarged), (x, y)
    if crop is not None:
        top, left, bottom, right = as_crop(crop, sides)
        if top or left:
            # Without an intermediate picture, the scores are one.
            x, y = inner or [np.arange(side, dtype=np.float32) for side in sides[::-1]]
            inner = x[left:right], y[top:bottom]
        sides = [bottom - top, right - left]
    y, x = (bilinear_positions(*each) for each in zip(sides, size, strict=True))
    windows = np.zeros((count, 6), np.int64)
    windows[:, 2:4] = size[::-1]
    if boxes is not None:
        corners = as_boxes(boxes, count)
        check_finite(corners)
        windows[:, :4] = np.clip(np.ceil(corners), 0, windows[:, [2, 3, 2, 3]])
    windows[:, 4:] = windows[:, :2]
    return Sampling(inner, x, y, windows)
