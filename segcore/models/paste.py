"""Soft masks in boxes, as Mask R-CNN emits them, to masks of the image."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segcore._input.arrays import as_array, as_boxes, as_size, described
from segcore._input.scores import (
    as_float32,
    check_side,
)
from segcore.masks import Masks
from segcore.models.positions import positions_at
from segcore.models.resample import (
    Integers,
    Sampling,
    Scores,
    as_planes,
    blocks_of,
    check_finite,
    float32_threshold,
    resample,
)

_Each: TypeAlias = Callable[[NDArray[Any]], NDArray[Any]]
Rule: TypeAlias = Literal["detectron2", "torchvision"]


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
    scores = as_planes(probs, "probs")
    height, width = as_size(size)
    check_side("size", height, width)
    limit = float32_threshold(threshold)
    if rule == "detectron2":
        limit = float(np.nextafter(np.float32(limit), np.float32(-np.inf)))
    count, rows, columns = scores.shape
    doubles = as_boxes(boxes, count)
    check_finite(doubles)
    # As torch computes: in double precision if the boxes have it.
    is_double = as_array(boxes, "boxes").dtype == np.float64
    corners = doubles if is_double else doubles.astype(np.float32)
    samples, sides = np.array([[columns], [rows]]), np.array([[width], [height]])
    sampling = _RULES[rule](corners, samples, sides).sampling()

    def padded(masks: slice) -> Scores:
        block = np.zeros((masks.stop - masks.start, rows + 2, columns + 2), np.float32)
        block[:, 1:-1, 1:-1] = as_float32(scores[masks])
        return block

    return resample(padded, blocks_of(scores), sampling, (height, width), limit)


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

    def sampling(self) -> Sampling:
        lengths = (self.last - self.first).ravel()
        places = (np.cumsum(lengths) - lengths).reshape(self.first.shape)
        windows = np.concatenate([self.first, self.last, places]).T
        positions = np.ascontiguousarray(self.positions)
        return Sampling(None, positions, positions, np.ascontiguousarray(windows))


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
