"""Decode run ends to dense arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._batch import Batch
from segcore.backends.numba.compiled import (
    Integers,
    arrays_of,
    columns_first,
    compiled,
    uint64,
)
from segcore.backends.numba.encode import chunks


def decode(batch: Batch, out: NDArray[Any], zeroed: bool) -> None:
    """Write masks as ones and zeros: directly to contiguous bytes, otherwise through a copy."""
    count, height, width = out.shape
    if not out.size:
        return
    by_column = columns_first(out)
    lines = out.transpose(0, 2, 1) if by_column else out
    ends, bounds = arrays_of(batch)
    if out.itemsize == 1 and lines.flags.c_contiguous:
        if not zeroed:
            out[...] = 0
        _draw(ends, bounds, lines.view(np.uint8), by_column)
        return
    for part in chunks(count, height, width):
        images = np.zeros(lines[part].shape, np.uint8)
        _draw(ends, bounds[part.start : part.stop + 1], images, by_column)
        lines[part] = images


def _draw(ends: Integers, offsets: Integers, lines: NDArray[np.uint8], by_column: bool) -> None:
    """Draw masks on zeros of shape (N, W, H) if ``by_column``, otherwise (N, H, W)."""
    if by_column:
        _draw_columns(ends, offsets, lines.reshape(len(lines), -1))
    else:
        _draw_rows(ends, offsets, lines)


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
def _draw_rows(ends: Integers, offsets: Integers, masks: NDArray[np.uint8]) -> None:
    """Mark the pixels that differ from the ones above, then XOR each row with the one above.

    Columns that begin inside a run have a mark in the top row. Only the rows and columns that
    contain foreground are visited.
    """
    count, height, width = masks.shape
    pixels = masks.reshape(masks.size)
    for i in range(count):
        k, last = offsets[i], offsets[i + 1]
        if k == last:
            continue
        first = i * height * width
        left = right = ends[k] // height
        top, bottom = height, 0
        inside = 0
        while k < last or (inside and right < width):
            if inside:
                pixels[first + right] ^= 1
                top = 0
            base = right * height
            while k < last and ends[k] < base + height:
                y = ends[k] - base
                pixels[first + y * width + right] ^= 1
                inside ^= 1
                top, bottom = min(top, y), max(bottom, y + 1)
                k += 1
            if inside:
                bottom = height
            right += 1
        for y in range(top + 1, bottom):
            row = uint64(first + y * width)
            for x in range(uint64(left), uint64(right)):
                pixels[row + x] ^= pixels[row - uint64(width) + x]
