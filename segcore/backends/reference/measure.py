"""Areas and bounding boxes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segcore._batch import Batch
from segcore.backends.reference.flips import Flips, spans, split


def area(batch: Batch) -> NDArray[np.int64]:
    """Return the total length of the foreground runs of each mask."""
    areas = np.zeros(len(batch.offsets) - 1, np.int64)
    for mask, flips in enumerate(split(batch)):
        starts, ends = spans(flips, batch.pixels)
        areas[mask] = np.sum(ends - starts)
    return areas


def boxes(batch: Batch) -> NDArray[np.int64]:
    """Return the bounding box of each mask."""
    boxes = np.zeros((len(batch.offsets) - 1, 4), np.int64)
    for mask, flips in enumerate(split(batch)):
        if len(flips):
            boxes[mask] = _box(flips, *batch.size)
    return boxes


def _box(flips: Flips, height: int, width: int) -> tuple[int, int, int, int]:
    starts, ends = spans(flips, height * width)
    first_x, first_y = np.divmod(starts, height)
    last_x, last_y = np.divmod(ends - 1, height)
    if np.any(
        first_x < last_x
    ):  # this run includes the bottom of one column and the top of the next
        top, bottom = 0, height
    else:
        top, bottom = first_y.min(), last_y.max() + 1
    return int(first_x[0]), int(top), int(last_x[-1]) + 1, int(bottom)
