"""Dilation of masks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segcore._batch import Batch
from segcore.backends.reference.flips import (
    Flips,
    at_least,
    cancel,
    complement,
    pieces,
    spans,
    split,
)
from segcore.backends.runs import batch_of


def dilate(batch: Batch, reach: NDArray[np.int64], outside: bool = False) -> Batch:
    """Dilate each mask."""
    masks = [_dilate(flips, *batch.size, reach) for flips in split(batch)]
    if outside:
        masks = [_with_frame(flips, *batch.size, reach) for flips in masks]
    return batch_of(masks, *batch.size)


def _dilate(flips: Flips, height: int, width: int, reach: NDArray[np.int64]) -> Flips:
    runs = np.array(pieces(flips, height, width), np.int64).reshape(-1, 2)
    tops = runs[:, 0] // max(height, 1) * height
    bottoms = -(-runs[:, 1] // max(height, 1)) * height
    shifted = []
    for x in range(1 - len(reach), len(reach)):
        rows = reach[abs(x)]
        starts = np.maximum(runs[:, 0] - rows, tops)
        stops = np.minimum(runs[:, 1] + rows, bottoms)
        columns = np.stack([starts, stops], axis=1) + x * height
        columns = columns.clip(0, height * width)
        shifted.append(columns[columns[:, 0] < columns[:, 1]].ravel())
    return at_least(1, shifted, height * width)


def _with_frame(flips: Flips, height: int, width: int, reach: NDArray[np.int64]) -> Flips:
    """Add the pixels that the shape reaches from beyond the edges."""
    rows, columns = reach[0], len(reach) - 1
    pixels = height * width
    if pixels == 0:
        return flips
    # The background is left where it lies inside the frame, column by column.
    starts, stops = spans(complement(flips), pixels)
    first = np.maximum(starts // height, columns)
    last = np.minimum((stops - 1) // height, width - 1 - columns)
    counts = np.maximum(last - first + 1, 0) * (2 * rows < height)
    run = np.repeat(np.arange(len(counts)), counts)
    tops = (np.arange(len(run)) - (np.cumsum(counts) - counts - first)[run]) * height
    starts = np.maximum(starts[run], tops + rows)
    stops = np.minimum(stops[run], tops + height - rows)
    inside = starts < stops
    return complement(cancel(np.concatenate([starts[inside], stops[inside]]), pixels))
