"""Encode dense arrays to run ends.

In column-major order, the pixel before (y, x) is the one above it or, in the top row, the last one
of the column to the left. Arrays in C order are therefore compared row by row with the row above,
and the columns of the differences are then sorted.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore.backends.numba.compiled import (
    ZERO,
    Integers,
    as_batch,
    columns_first,
    compiled,
    int64,
    uint64,
    with_room,
)
from segcore.backends.protocol import Batch
from segcore.backends.reference.encode import foreground

CHUNK = 2**20
"""Pixels to convert to bytes at a time, but at least one image: they stay in the cache."""

BLOCK = 64
"""Pixels to compare at once, with vector instructions. Most blocks have no differences."""


def encode(dense: NDArray[Any], threshold: float | None) -> Batch:
    """Encode masks by comparing each pixel with its predecessor."""
    by_column = columns_first(dense)
    lines = dense.transpose(0, 2, 1) if by_column else dense
    count, height, width = dense.shape
    step = max(1, CHUNK // max(1, height * width))
    parts = []
    for start in range(0, count, step):
        truth = np.ascontiguousarray(foreground(lines[start : start + step], threshold))
        parts.append(encode_bytes(truth.view(np.uint8), by_column))
    return concatenated(parts, height, width)


def encode_bytes(lines: NDArray[np.uint8], by_column: bool) -> tuple[Integers, Integers]:
    """Encode C-contiguous bytes by value changes; the first pixel is compared with 0.

    The shape is (N, W, H) if ``by_column``, otherwise (N, H, W).
    """
    offsets = np.zeros(len(lines) + 1, np.int64)
    if not lines.size:
        return np.empty(0, np.int64), offsets
    run_ends = _encode(lines, by_column, offsets)
    return run_ends[: offsets[-1]], offsets


def concatenated(parts: list[tuple[Integers, Integers]], height: int, width: int) -> Batch:
    """Concatenate batches."""
    lengths = [np.diff(offsets) for _, offsets in parts]
    offsets = np.cumsum(np.concatenate([[0], *lengths]), dtype=np.int64)
    run_ends = np.concatenate([np.empty(0, np.int64), *(part for part, _ in parts)])
    return as_batch(run_ends, offsets, height, width)


@compiled
def _encode(lines: NDArray[np.uint8], by_column: bool, offsets: Integers) -> Integers:
    """Return the run ends, and write the offsets."""
    pixels = lines.reshape(lines.size)
    count, rows, length = lines.shape
    run_ends = np.empty(0, np.int64)
    found = np.empty(0, np.int64)
    line_ends = np.empty(rows, np.int64)
    column_starts = np.empty(length, np.int64)
    used = ZERO
    for i in range(count):
        first = i * rows * length
        if pixels[first]:
            run_ends = with_room(run_ends, used, 1)
            run_ends[used] = 0
            used += 1
        if by_column:
            run_ends, used = _append_lines(
                pixels, first, length, 1, first, length, run_ends, used, line_ends
            )
        else:
            last_row = first + (rows - 1) * length
            found, size = _append_lines(
                pixels, first, length, length, last_row, 0, found, 0, line_ends
            )
            run_ends = with_room(run_ends, used, size)
            used = _sort_by_column(found, line_ends, column_starts, run_ends, used)
        offsets[i + 1] = used
    return run_ends


@compiled
def _append_lines(
    pixels: NDArray[np.uint8],
    start: int,
    length: int,
    back: int,
    other: int,
    step: int,
    found: Integers,
    used: int,
    line_ends: Integers,
) -> tuple[Integers, int]:
    """Append the positions of the differences of an image to ``found``, line by line.

    The predecessor of a pixel is ``back`` indices before it; in the first line, the predecessors
    are at ``other``, and the first pixel has none. Positions count from the start of a line, plus
    ``step`` per line. ``line_ends[k]`` becomes the number of positions up to line k.
    """
    size, base = length - 1, 1
    start += 1
    for line in range(line_ends.size):
        found = with_room(found, used, length + 1)
        used = _append_line(pixels, start, other, size, base, found, used)
        line_ends[line] = used
        start += size
        other = start - back
        size, base = length, (line + 1) * step
    return found, used


@compiled
def _append_line(
    pixels: NDArray[np.uint8],
    start: int,
    other: int,
    size: int,
    base: int,
    found: Integers,
    used: int,
) -> int:
    """Append ``base + k`` for each k below ``size`` with ``pixels[start + k] != pixels[other + k]``.

    ``found`` has room for one value more than there are pixels.
    """
    a, b = uint64(start), uint64(other)  # Numba checks the sign of signed indices
    for block in range(uint64(0), uint64(size), uint64(BLOCK)):
        stop = min(block + uint64(BLOCK), uint64(size))
        differing = pixels[a + block] ^ pixels[b + block]
        for k in range(block, stop):
            differing |= pixels[a + k] ^ pixels[b + k]
        if differing:
            for k in range(block, stop):
                found[used] = base + int64(k)  # kept if the pixels differ: no branch to mispredict
                used += pixels[a + k] != pixels[b + k]
    return used


@compiled
def _sort_by_column(
    columns: Integers, row_ends: Integers, starts: Integers, run_ends: Integers, used: int
) -> int:
    """Append run ends in column-major order, given the columns of each row."""
    height = row_ends.size
    starts[:] = 0
    for k in range(row_ends[height - 1]):
        starts[columns[k]] += 1
    for x in range(starts.size):
        size = starts[x]
        starts[x] = used
        used += size
    k = 0
    for y in range(height):
        while k < row_ends[y]:
            x = columns[k]
            run_ends[starts[x]] = x * height + y
            starts[x] += 1
            k += 1
    return used
