"""Areas, bounding boxes and moments."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segcore._batch import Batch
from segcore.backends.reference.blocks import Blocks, blocks_of
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


def moments(batch: Batch, second: bool) -> NDArray[np.float64]:
    """Return the mean coordinates of the pixels of each mask, and their variances."""
    moments = np.full((len(batch.offsets) - 1, 5 if second else 2), np.nan)
    for mask, flips in enumerate(split(batch)):
        if len(flips):
            moments[mask] = _moments(blocks_of(flips, *batch.size))[: moments.shape[1]]
    return moments


def _moments(blocks: Blocks) -> list[np.float64]:
    left, right, top, bottom = blocks.T
    columns, rows = (right - left).astype(np.float64), (bottom - top).astype(np.float64)
    x, y = (left + right - 1) / 2, (top + bottom - 1) / 2  # the center of each block
    pixels = columns * rows
    area = np.float64((right - left) @ (bottom - top))
    mean_x, mean_y = _total(pixels * x) / area, _total(pixels * y) / area
    x, y = x - mean_x, y - mean_y
    # n consecutive integers have the variance (n * n - 1) / 12.
    variance_x = _total(pixels * (12 * x * x + (columns * columns - 1))) / (12 * area)
    variance_y = _total(pixels * (12 * y * y + (rows * rows - 1))) / (12 * area)
    return [mean_x, mean_y, variance_x, variance_y, _total(pixels * (x * y)) / area]


def _total(values: NDArray[np.float64]) -> np.float64:
    """Add up values from the first to the last; ``sum`` adds in another order."""
    total: np.float64 = np.add.accumulate(values)[-1]
    return total
