"""Decode run ends to dense arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore.backends.numba.compiled import (
    Integers,
    as_int64,
    columns_first,
    compiled,
    int64,
    uint64,
)
from segcore.backends.numba.encode import CHUNK
from segcore.backends.numba.measure import write_boxes
from segcore.backends.protocol import Offsets, RunEnds


def decode(run_ends: RunEnds, offsets: Offsets, out: NDArray[Any], zeroed: bool) -> None:
    """Write masks as ones and zeros: directly to contiguous bytes, otherwise through a copy."""
    count, height, width = out.shape
    if not out.size:
        return
    by_column = columns_first(out)
    lines = out.transpose(0, 2, 1) if by_column else out
    ends, bounds = as_int64(run_ends, offsets)
    if out.itemsize == 1 and lines.flags.c_contiguous:
        if not zeroed:
            out[...] = 0
        _draw(ends, bounds, lines.view(np.uint8), by_column)
        return
    step = max(1, CHUNK // (height * width))
    for start in range(0, count, step):
        part = lines[start : start + step]
        images = np.zeros(part.shape, np.uint8)
        _draw(ends, bounds[start : start + len(part) + 1], images, by_column)
        part[...] = images


def _draw(ends: Integers, offsets: Integers, lines: NDArray[np.uint8], by_column: bool) -> None:
    """Draw masks on zeros of shape (N, W, H) if ``by_column``, otherwise (N, H, W)."""
    if by_column:
        _draw_columns(ends, offsets, lines.reshape(len(lines), -1))
    else:
        _, height, width = lines.shape
        boxes = np.zeros((len(lines), 4), np.int64)
        write_boxes(ends, offsets, height, width, boxes)
        _draw_rows(ends, offsets, boxes, lines)


@compiled
def _draw_columns(ends: Integers, offsets: Integers, masks: NDArray[np.uint8]) -> None:
    """Fill the runs."""
    count, pixels = masks.shape
    for i in range(count):
        for k in range(offsets[i], offsets[i + 1], 2):
            stop = ends[k + 1] if k + 1 < offsets[i + 1] else pixels
            for position in range(uint64(ends[k]), uint64(stop)):
                masks[i, position] = 1


@compiled
def _draw_rows(
    ends: Integers, offsets: Integers, boxes: Integers, masks: NDArray[np.uint8]
) -> None:
    """Mark the pixels that differ from the ones above them, then XOR each row with the one above.

    Columns that begin inside a run have a mark in the top row.
    """
    count, height, width = masks.shape
    pixels = masks.reshape(masks.size)
    for i in range(count):
        first = i * height * width
        inside = column = int64(0)
        for k in range(offsets[i], offsets[i + 1]):
            x = ends[k] // height
            pixels[first + (ends[k] - x * height) * width + x] ^= 1
            if inside:
                for between in range(column + 1, x + 1):
                    pixels[first + between] ^= 1
            inside ^= 1
            column = x
        if inside:
            for between in range(column + 1, width):
                pixels[first + between] ^= 1
        left, right = uint64(boxes[i, 0]), uint64(boxes[i, 2])
        for y in range(boxes[i, 1] + 1, min(boxes[i, 3] + 1, height)):
            row = uint64(first + y * width)
            for x in range(left, right):
                pixels[row + x] ^= pixels[row - uint64(width) + x]
