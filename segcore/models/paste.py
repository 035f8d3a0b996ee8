"""Paste the soft masks of Mask R-CNN, which are relative to boxes, into the image."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segcore._input.arrays import as_array, as_boxes, as_size, described
from segcore._input.scores import as_float32, check_side
from segcore.masks import Masks
from segcore.models.positions import positions_at
from segcore.models.resample import (
    FloatArray,
    IntArray,
    Sampling,
    as_planes,
    blocks_of,
    check_finite,
    float32_threshold,
    resample,
)

_Repeat: TypeAlias = Callable[[NDArray[Any]], NDArray[Any]]
Rule: TypeAlias = Literal["detectron2", "torchvision"]


def paste_masks(
    probs: ArrayLike,
    boxes: ArrayLike,
    size: Iterable[int],
    threshold: float = 0.5,
    rule: Rule = "detectron2",
) -> Masks:
    """Paste the soft masks of a Mask R-CNN head into an image and threshold them.

    Parameters
    ----------
    probs : array_like
        Foreground probabilities within each box, shape (N, h, w) or (N, 1, h, w), converted to
        float32. NaN is background.
    boxes : array_like
        Boxes x0 y0 x1 y1 in pixels, shape (N, 4). They may extend beyond the image. With the rule
        "detectron2", a box of zero width or height gives an empty mask.
    size : sequence of int
        Image size (H, W), with sides of up to 2**24.
    threshold : float, default 0.5
        Foreground threshold, rounded to float32. See Notes for ``>`` or ``>=``.
    rule : {"detectron2", "torchvision"}
        Library whose results are reproduced; see Notes.

    Returns
    -------
    Masks
        N masks of size (H, W), one per box.

    Raises
    ------
    ValueError
        If `probs` or `boxes` does not have one of the shapes above, a box has x1 < x0 or y1 < y0, a
        coordinate is NaN or beyond 2**30 in magnitude, or `rule` is unknown.
    TypeError
        If a dtype is not numeric.

    Notes
    -----
    - "detectron2": the soft mask is interpolated bilinearly at the pixel centers, with zeros
      outside the box. Pixels with a value ``>= threshold`` are foreground, in columns floor(x0) - 1
      to ceil(x1) (inclusive) and the corresponding rows. This is
      ``detectron2.layers.mask_ops.paste_masks_in_image`` on a CPU.
    - "torchvision": the soft mask is padded with a border of zeros, and the box is scaled about its
      center by the same factor, (w + 2) / w. The corners of the box are truncated to integers, and
      the padded mask is resized bilinearly to the box, including its last row and column. Pixels
      with a value ``> threshold`` are foreground. This is
      ``torchvision.models.detection.roi_heads.paste_masks_in_image``, thresholded.

    The masks equal those of the libraries except at pixels whose interpolated value is within 1e-5
    of the threshold, because the libraries sum in another order.

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
    scores = as_planes(probs, "probs")
    height, width = as_size(size)
    check_side("size", height, width)
    limit = float32_threshold(threshold)
    if rule == "detectron2":
        limit = float(np.nextafter(np.float32(limit), np.float32(-np.inf)))
    count, rows, columns = scores.shape
    doubles = as_boxes(boxes, count)
    check_finite(doubles)
    # Like torch, compute in double precision only if the boxes are float64.
    is_double = as_array(boxes, "boxes").dtype == np.float64
    corners = doubles if is_double else doubles.astype(np.float32)
    samples, sides = np.array([[columns], [rows]]), np.array([[width], [height]])
    sampling = _RULES[rule](corners, samples, sides).sampling()

    def padded(masks: slice) -> FloatArray:
        block = np.zeros((masks.stop - masks.start, rows + 2, columns + 2), np.float32)
        block[:, 1:-1, 1:-1] = as_float32(scores[masks])
        return block

    return resample(padded, blocks_of(scores), sampling, (height, width), limit)


class _Windows(NamedTuple):
    """Image windows of N masks and the sampling positions of their columns and rows.

    `first` and `last` (exclusive) are pixel indices of shape (2, N), along x and along y.
    `positions` is flat: the positions of all columns of all masks, then those of all rows.
    """

    first: IntArray
    last: IntArray
    positions: FloatArray

    @classmethod
    def of(
        cls, first: IntArray, last: IntArray, positions: Callable[[IntArray, _Repeat], FloatArray]
    ) -> _Windows:
        """Create windows whose positions are computed by ``positions(pixels, repeat)``.

        `pixels` is the flat array of all pixel indices, and ``repeat`` expands values of shape
        (2, N) or (2, 1) to one value per pixel.
        """
        lengths = (last - first).ravel()
        pixels = np.arange(lengths.sum())
        pixels -= np.repeat(np.cumsum(lengths) - lengths - first.ravel(), lengths)

        def repeat(values: NDArray[Any]) -> NDArray[Any]:
            return np.repeat(np.broadcast_to(values, first.shape).ravel(), lengths)

        return cls(first, last, positions(pixels, repeat))

    def sampling(self) -> Sampling:
        """Return the windows as arguments of the kernel ``resample``."""
        lengths = (self.last - self.first).ravel()
        offsets = (np.cumsum(lengths) - lengths).reshape(self.first.shape)
        windows = np.concatenate([self.first, self.last, offsets]).T
        positions = np.ascontiguousarray(self.positions)
        return Sampling(None, positions, positions, np.ascontiguousarray(windows))


def _detectron2(boxes: NDArray[np.floating], samples: IntArray, sides: IntArray) -> _Windows:
    start, end = boxes[:, :2].T, boxes[:, 2:].T
    extent = end - start
    first = np.clip(np.floor(start) - 1, 0, sides).astype(np.int64)
    last = np.clip(np.ceil(end) + 1, first, sides).astype(np.int64)
    last[:, ~extent.all(axis=0)] = 0
    last = np.maximum(last, first)

    def positions(pixels: IntArray, repeat: _Repeat) -> FloatArray:
        # The same operations in the same order as detectron2 and torch's grid_sample: from pixel
        # centers to coordinates in the box, from -1 to 1, and from there to samples.
        centers = pixels.astype(np.float32)
        centers += np.float32(0.5)
        grid = centers - repeat(start)
        grid /= repeat(extent)
        grid *= 2
        grid -= 1
        result = grid.astype(np.float32)
        result += 1
        result *= repeat((samples / 2).astype(np.float32))
        result -= np.float32(0.5)
        result += 1  # for the border of zeros
        return np.clip(result, 0, repeat((samples + 1).astype(np.float32)), out=result)

    return _Windows.of(first, last, positions)


def _torchvision(boxes: NDArray[np.floating], samples: IntArray, sides: IntArray) -> _Windows:
    half = (boxes[:, 2:] - boxes[:, :2]).T * 0.5
    center = (boxes[:, 2:] + boxes[:, :2]).T * 0.5
    half *= (samples[0] + 2) / samples[0]  # torchvision assumes square soft masks
    start, end = (center - half).astype(np.int64), (center + half).astype(np.int64) + 1
    first = np.clip(start, 0, sides)
    last = np.clip(end, first, sides)
    extent = np.maximum(end - start, 1)

    def positions(pixels: IntArray, repeat: _Repeat) -> FloatArray:
        pixels -= repeat(start)
        return positions_at(pixels, repeat(samples + 2), repeat(extent))

    return _Windows.of(first, last, positions)


_RULES = {"detectron2": _detectron2, "torchvision": _torchvision}
