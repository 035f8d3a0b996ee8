"""Areas, bounding boxes and moments."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segcore._batch import Batch
from segcore.backends.numba.blocks import split_blocks
from segcore.backends.numba.compiled import Integers, arrays_of, compiled


def area(batch: Batch) -> NDArray[np.int64]:
    """Return the number of foreground pixels of each mask."""
    areas = np.zeros(len(batch.offsets) - 1, np.int64)
    write_areas(*arrays_of(batch), batch.pixels, areas)
    return areas


def boxes(batch: Batch) -> NDArray[np.int64]:
    """Return the bounding box of each mask."""
    boxes = np.zeros((len(batch.offsets) - 1, 4), np.int64)
    write_boxes(*arrays_of(batch), *batch.size, boxes)
    return boxes


def moments(batch: Batch, second: bool) -> NDArray[np.float64]:
    """Return the mean coordinates of the pixels of each mask, and their variances."""
    moments = np.full((len(batch.offsets) - 1, 5 if second else 2), np.nan)
    write_moments(*arrays_of(batch), *batch.size, moments)
    return moments


@compiled
def area_of(ends: Integers, first: int, last: int, pixels: int) -> int:
    """Return the number of foreground pixels of the mask ``ends[first:last]``."""
    area = pixels if (last - first) % 2 else 0
    for k in range(first, last):
        area += ends[k] if (k - first) % 2 else -ends[k]
    return area


@compiled
def write_areas(ends: Integers, offsets: Integers, pixels: int, areas: Integers) -> None:
    """Write the areas of the masks."""
    for mask in range(areas.size):
        areas[mask] = area_of(ends, offsets[mask], offsets[mask + 1], pixels)


@compiled
def write_boxes(
    ends: Integers, offsets: Integers, height: int, width: int, boxes: Integers
) -> None:
    """Write the bounding boxes of the masks that are not empty."""
    for mask in range(offsets.size - 1):
        first, last = offsets[mask], offsets[mask + 1]
        if first == last:
            continue
        top, bottom = height, 0
        stop = 0
        for k in range(first, last, 2):
            start = ends[k]
            stop = ends[k + 1] if k + 1 < last else height * width
            y = start % height
            if y + stop - start > height:  # the run continues at the top of the next column
                y, bottom = 0, height
            top = min(top, y)
            bottom = max(bottom, y + stop - start)
        boxes[mask, 0] = ends[first] // height
        boxes[mask, 1] = top
        boxes[mask, 2] = (stop - 1) // height + 1
        boxes[mask, 3] = min(bottom, height)


@compiled
def write_moments(
    ends: Integers, offsets: Integers, height: int, width: int, moments: NDArray[np.float64]
) -> None:
    """Write the moments of the masks that are not empty."""
    blocks = np.empty((3 * ((ends.size + 1) // 2 + 1), 4), np.int64)
    for mask in range(offsets.size - 1):
        flips = ends[offsets[mask] : offsets[mask + 1]]
        if flips.size == 0:
            continue
        count = split_blocks(flips, height, height * width, blocks)
        area = np.float64(area_of(ends, offsets[mask], offsets[mask + 1], height * width))
        x, y = 0.0, 0.0
        for k in range(count):
            left, right, top, bottom = blocks[k]
            pixels = np.float64(right - left) * np.float64(bottom - top)
            x += pixels * ((left + right - 1) / 2)
            y += pixels * ((top + bottom - 1) / 2)
        x, y = x / area, y / area
        moments[mask, 0], moments[mask, 1] = x, y
        if moments.shape[1] == 2:
            continue
        xx, yy, xy = 0.0, 0.0, 0.0
        for k in range(count):
            left, right, top, bottom = blocks[k]
            columns, rows = np.float64(right - left), np.float64(bottom - top)
            pixels = columns * rows
            dx, dy = (left + right - 1) / 2 - x, (top + bottom - 1) / 2 - y
            xx += pixels * (12 * dx * dx + (columns * columns - 1))
            yy += pixels * (12 * dy * dy + (rows * rows - 1))
            xy += pixels * (dx * dy)
        moments[mask, 2], moments[mask, 3] = xx / (12 * area), yy / (12 * area)
        moments[mask, 4] = xy / area
