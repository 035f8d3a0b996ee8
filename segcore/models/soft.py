"""Soft masks, as networks emit them, to masks: at once, without the arrays in between."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segcore.arrays import Size, as_array, as_boxes, as_size, as_threshold, described
from segcore.backends import kernels
from segcore.backends.errors import MAX_COORDINATE
from segcore.masks import Masks
from segcore.sampling import (
    as_crop,
    as_float32,
    as_sides,
    bilinear_positions,
    check_numbers,
    check_samples,
    check_side,
    positions_at,
)

Scores: TypeAlias = NDArray[np.float32]
Integers: TypeAlias = NDArray[np.int64]
_Each: TypeAlias = Callable[[NDArray[Any]], NDArray[Any]]
Rule: TypeAlias = Literal["detectron2", "torchvision"]

MAX_THRESHOLD = 2.0**126
"""Scores beyond this bound are taken as the bound itself, so that their differences are finite."""

_BLOCK = 2**22
"""So many scores are converted, or computed, at a time: 16 MiB."""


def paste_masks(
    probs: ArrayLike,
    boxes: ArrayLike,
    size: Iterable[int],
    threshold: float = 0.5,
    rule: Rule = "detectron2",
) -> Masks:
    """Paste the soft masks of a Mask R-CNN head into the boxes of their objects.

    Parameters
    ----------
    probs : array_like
        Numbers (N, h, w) or (N, 1, h, w): the probability of foreground in each part of a box.
        They are taken as float32; NaN as what is lowest.
    boxes : array_like
        Numbers (N, 4): x0 y0 x1 y1 in pixels. They may lie outside the picture, partly or wholly.
        A box without width or height gives an empty mask with the rule of detectron2.
    size : sequence of int
        (H, W) of the picture, of sides up to 2**24.
    threshold : float, default 0.5
        What is foreground; it is rounded to float32.
    rule : {"detectron2", "torchvision"}
        Whose masks to make; see the notes.

    Returns
    -------
    Masks
        N masks of size (H, W).

    Raises
    ------
    ValueError
        For other shapes; for a box whose x1 or y1 is less than its x0 or y0, or with a coordinate
        that is NaN or beyond 2**30; and for an unknown rule.
    TypeError
        If there are other things than numbers.

    Notes
    -----
    - "detectron2": the pixels' centres are looked up in the box, bilinearly and with zeros around
      it, and are foreground from the threshold on (``>=``), in the pixels from floor(x0) - 1 to
      ceil(x1): ``detectron2.layers.mask_ops.paste_masks_in_image`` on a CPU.
    - "torchvision": a border of zeros is put round the soft mask, the box grows with it, about its
      centre, its corners are truncated to integers, both of which it contains, and the mask is
      resized to it, bilinearly. Foreground is what is greater than the threshold.
      ``torchvision.models.detection.roi_heads.paste_masks_in_image``, and ``> threshold``.

    The results are those libraries' except where an interpolated value lies within 1e-5 of the
    threshold, as they sum in another order.

    Examples
    --------
    >>> import numpy as np, segcore as sc
    >>> masks = sc.paste_masks(np.ones((1, 28, 28)), [[1, 0, 4, 2]], (3, 5))
    >>> masks.to_dense(int)[0]
    array([[0, 1, 1, 1, 0],
           [0, 1, 1, 1, 0],
           [0, 0, 0, 0, 0]])
    """
    if rule not in _RULES:
        raise ValueError(f"rule: expected one of {', '.join(_RULES)}, got {described(rule)}")
    scores = _as_scores(probs, "probs")
    height, width = as_size(size)
    check_side("size", height, width)
    limit = _float32_threshold(threshold)
    if rule == "detectron2":
        limit = float(np.nextafter(np.float32(limit), np.float32(-np.inf)))
    count, rows, columns = scores.shape
    doubles = as_boxes(boxes, count)
    _check_finite(doubles)
    # As torch computes: in double precision if the boxes have it.
    is_double = as_array(boxes, "boxes").dtype == np.float64
    corners = doubles if is_double else doubles.astype(np.float32)
    samples, sides = np.array([[columns], [rows]]), np.array([[width], [height]])
    sampling = _RULES[rule](corners, samples, sides).sampling()

    def padded(masks: slice) -> Scores:
        block = np.zeros((masks.stop - masks.start, rows + 2, columns + 2), np.float32)
        block[:, 1:-1, 1:-1] = as_float32(scores[masks])
        return block

    return _resample(padded, _blocks(scores), sampling, (height, width), limit)


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
    array = _as_scores(scores, "scores")
    common = as_size(size)
    limit = _float32_threshold(threshold)
    sampling = _whole(array.shape, common, boxes, crop, intermediate)
    return _resample(
        lambda masks: as_float32(array[masks]), _blocks(array), sampling, common, limit
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
    limit = _float32_threshold(threshold)
    shape = (len(weights), *planes.shape[1:])
    sampling = _whole(shape, common, boxes, crop, intermediate)
    weights, planes = as_float32(weights), as_float32(planes).reshape(len(planes), -1)

    def combined(masks: slice) -> Scores:
        with np.errstate(invalid="ignore", over="ignore"):
            block: Scores = weights[masks] @ planes
        return block.reshape(-1, *shape[1:])

    return _resample(combined, _cut(*shape), sampling, common, limit)


def stability_score(scores: ArrayLike, threshold: float, offset: float) -> NDArray[np.float64]:
    """Tell how little masks change with the threshold: SAM's stability score.

    Parameters
    ----------
    scores : array_like
        Floats (N, h, w), or (h, w) for a batch of one.
    threshold, offset : float
        The areas above ``threshold + offset`` and above ``threshold - offset`` are compared; both
        sums are rounded to the dtype of ``scores``.

    Returns
    -------
    numpy.ndarray
        float64 (N,): the smaller area, with the higher threshold, divided by the larger one, from
        0 to 1; 0 where the larger one is empty.

    Raises
    ------
    ValueError, TypeError
        As in :meth:`Masks.from_dense`; and if the offset is negative.

    Notes
    -----
    ``calculate_stability_score`` of segment_anything, which has NaN for empty masks.

    Examples
    --------
    >>> import segcore as sc
    >>> sc.stability_score([[[-3.0, -0.5, 2.0, 4.0]]], threshold=0.0, offset=1.0)
    array([0.66666667])
    """
    middle, reach = as_threshold(threshold), as_threshold(offset, "offset")
    if reach < 0:
        raise ValueError(f"offset: expected no negative number, got {offset}")
    array = as_array(scores, "scores")
    inner = Masks.from_dense(array, middle + reach).area
    outer = Masks.from_dense(array, middle - reach).area
    return inner / np.maximum(outer, 1)


# -- scores ---------------------------------------------------------------------------------------


def _as_scores(scores: ArrayLike, name: str) -> NDArray[np.number]:
    array = as_array(scores, name)
    check_numbers(array, name)
    if array.ndim == 4 and array.shape[1] == 1:
        array = array[:, 0]
    elif array.ndim == 2:
        array = array[None]
    if array.ndim != 3:
        raise ValueError(f"{name}: expected (N, h, w) or (N, 1, h, w), got {array.shape}")
    check_samples(array, name)
    return array


def _float32_threshold(threshold: float) -> float:
    with np.errstate(over="ignore"):
        number = float(np.float32(as_threshold(threshold)))
    if not abs(number) < MAX_THRESHOLD:
        raise ValueError(
            f"threshold: expected a number between -2**126 and 2**126, got {threshold}"
        )
    return number


def _blocks(scores: NDArray[np.number]) -> list[slice]:
    """Cut scores into blocks, unless they can be read where they lie."""
    if scores.dtype == np.float32 and scores.flags.c_contiguous:
        return [slice(0, len(scores))]
    return _cut(*scores.shape)


def _cut(count: int, rows: int, columns: int) -> list[slice]:
    step = max(_BLOCK // (rows * columns), 1)
    return [slice(start, min(start + step, count)) for start in range(0, max(count, 1), step)]


# -- sampling -------------------------------------------------------------------------------------


class _Sampling(NamedTuple):
    """Where pixels lie among samples; see the kernel ``resample``."""

    inner: tuple[Scores, Scores] | None
    x: Scores
    y: Scores
    windows: Integers


def _resample(
    scores: Callable[[slice], Scores],
    blocks: list[slice],
    sampling: _Sampling,
    size: Size,
    threshold: float,
) -> Masks:
    inner, x, y, windows = sampling
    batches = (
        kernels.resample(scores(masks), inner, x, y, windows[masks], *size, threshold)
        for masks in blocks
    )
    parts = [Masks._trusted(batch, size) for batch in batches]
    return parts[0] if len(parts) == 1 else Masks.concatenate(parts)


def _whole(
    shape: tuple[int, ...],
    size: Size,
    boxes: ArrayLike | None,
    crop: Iterable[int] | None,
    intermediate: Iterable[int] | None,
) -> _Sampling:
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
        _check_finite(corners)
        windows[:, :4] = np.clip(np.ceil(corners), 0, windows[:, [2, 3, 2, 3]])
    windows[:, 4:] = windows[:, :2]
    return _Sampling(inner, x, y, windows)


def _check_finite(boxes: NDArray[np.float64]) -> None:
    bad = np.flatnonzero(~np.all(np.abs(boxes) <= MAX_COORDINATE, axis=1))
    if len(bad):
        raise ValueError(
            f"box {bad[0]}: expected finite numbers between -2**30 and 2**30, got "
            f"{boxes[bad[0]].tolist()}"
        )


# -- rules of pasting -----------------------------------------------------------------------------


class _Windows(NamedTuple):
    """Where N masks go, along x and along y.

    The first and last (exclusive) pixels are (2, N); the positions of all these pixels lie end to
    end, those along x before those along y.
    """

    first: Integers
    last: Integers
    positions: Scores

    @classmethod
    def of(
        cls, first: Integers, last: Integers, positions: Callable[[Integers, _Each], Scores]
    ) -> _Windows:
        """Ask for the positions of the pixels, and for a function that gives each what is its.

        That function takes (2, N) values, or (2, 1).
        """
        lengths = (last - first).ravel()
        pixels = np.arange(lengths.sum())
        pixels -= np.repeat(np.cumsum(lengths) - lengths - first.ravel(), lengths)

        def each(values: NDArray[Any]) -> NDArray[Any]:
            return np.repeat(np.broadcast_to(values, first.shape).ravel(), lengths)

        return cls(first, last, positions(pixels, each))

    def sampling(self) -> _Sampling:
        lengths = (self.last - self.first).ravel()
        places = (np.cumsum(lengths) - lengths).reshape(self.first.shape)
        windows = np.concatenate([self.first, self.last, places]).T
        positions = np.ascontiguousarray(self.positions)
        return _Sampling(None, positions, positions, np.ascontiguousarray(windows))


def _detectron2(boxes: NDArray[np.floating], samples: Integers, sides: Integers) -> _Windows:
    start, end = boxes[:, :2].T, boxes[:, 2:].T
    extent = end - start
    first = np.clip(np.floor(start) - 1, 0, sides).astype(np.int64)
    last = np.clip(np.ceil(end) + 1, first, sides).astype(np.int64)
    last[:, ~extent.all(axis=0)] = 0
    last = np.maximum(last, first)

    def positions(pixels: Integers, each: _Each) -> Scores:
        # The steps of its grid and of torch's grid_sample, one by one: the pixels' centres, from
        # -1 to 1 in the box, and then among the samples.
        centres = pixels.astype(np.float32)
        centres += np.float32(0.5)
        grid = centres - each(start)
        grid /= each(extent)
        grid *= 2
        grid -= 1
        found = grid.astype(np.float32)
        found += 1
        found *= each((samples / 2).astype(np.float32))
        found -= np.float32(0.5)
        found += 1  # the border of zeros
        return np.clip(found, 0, each((samples + 1).astype(np.float32)), out=found)

    return _Windows.of(first, last, positions)


def _torchvision(boxes: NDArray[np.floating], samples: Integers, sides: Integers) -> _Windows:
    half = (boxes[:, 2:] - boxes[:, :2]).T * 0.5
    centre = (boxes[:, 2:] + boxes[:, :2]).T * 0.5
    half *= (samples[0] + 2) / samples[0]  # its masks are square
    start, end = (centre - half).astype(np.int64), (centre + half).astype(np.int64) + 1
    first = np.clip(start, 0, sides)
    last = np.clip(end, first, sides)
    extent = np.maximum(end - start, 1)

    def positions(pixels: Integers, each: _Each) -> Scores:
        pixels -= each(start)
        return positions_at(pixels, each(samples + 2), each(extent))

    return _Windows.of(first, last, positions)


_RULES = {"detectron2": _detectron2, "torchvision": _torchvision}
