"""Encode dense arrays to run ends.

In column-major order, the pixel before (y, x) is the one above it or, in the top row, the last one
of the column to the left.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._batch import Batch, joined
from segcore.backends.numba.compiled import (
    ZERO,
    Integers,
    columns_first,
    compiled,
    uint8,
    uint64,
    with_room,
)
from segcore.backends.reference.encode import foreground
from segcore.backends.sizes import run_end_dtype

Bytes = NDArray[np.uint8]

CHUNK = 2**20
"""Pixels to convert to bytes at a time, but at least one image: they stay in the cache."""

BLOCK = 64
"""Pixels to compare at once, with vector instructions. Most blocks have no differences."""


def encode(dense: NDArray[Any], threshold: float | None) -> Batch:
    """Encode masks by comparing each pixel with its predecessor."""
    by_column = columns_first(dense)
    lines = dense.transpose(0, 2, 1) if by_column else dense
    return joined(
        [
            encode_bytes(
                np.ascontiguousarray(foreground(lines[part], threshold)).view(np.uint8), by_column
            )
            for part in chunks(*dense.shape)
        ]
    )


def chunks(count: int, height: int, width: int) -> list[slice]:
    """Split a batch into parts of about CHUNK pixels."""
    step = max(1, CHUNK // max(1, height * width))
    return [slice(start, start + step) for start in range(0, max(count, 1), step)]


def encode_bytes(lines: Bytes, by_column: bool) -> Batch:
    """Encode C-contiguous bytes by value changes; the first pixel is compared with 0.

    The shape is (N, W, H) if ``by_column``, otherwise (N, H, W).
    """
    count, *sides = lines.shape
    height, width = reversed(sides) if by_column else sides
    offsets = np.zeros(count + 1, np.int64)
    run_ends = np.empty(lines.size // 4, run_end_dtype(height, width))
    if lines.size and by_column:
        run_ends = _encode_columns(lines, run_ends, offsets)
    elif lines.size:
        run_ends = _encode_rows(lines, run_ends, offsets)
    return Batch(run_ends[: offsets[-1]], offsets, height, width)


@compiled
def _encode_columns(lines: Bytes, run_ends: NDArray[Any], offsets: Integers) -> NDArray[Any]:
    """Write the run ends of all masks to ``run_ends``, or a larger copy, and write the offsets."""
    pixels = lines.reshape(lines.size)
    size = lines.shape[1] * lines.shape[2]
    used = ZERO
    for i in range(lines.shape[0]):
        first = i * size
        run_ends = with_room(run_ends, used, 1)
        run_ends[used] = 0
        used += pixels[first] != 0
        for start in range(1, size, BLOCK):
            length = min(BLOCK, size - start)
            if _differ(pixels, first + start, 1, length):
                run_ends = with_room(run_ends, used, length + 1)
                used = _append(pixels, first + start, length, start, run_ends, used)
        offsets[i + 1] = used
    return run_ends


@compiled
def _encode_rows(lines: Bytes, run_ends: NDArray[Any], offsets: Integers) -> NDArray[Any]:
    """Do the same for rows: transpose a block of columns where it differs, then append each."""
    pixels = lines.reshape(lines.size)
    count, height, width = lines.shape
    columns = np.empty(BLOCK * height, np.uint8)
    used = ZERO
    for i in range(count):
        first = i * height * width
        for left in range(0, width, BLOCK):
            length = min(BLOCK, width - left)
            top, bottom = height, 1  # rows that differ from the one above
            for y in range(1, height):
                if _differ(pixels, first + y * width + left, width, length):
                    top, bottom = min(top, y), y + 1
            top = min(top, bottom)
            size = uint64(bottom - top + 1)
            for y in range(top - 1, bottom):
                row, out = uint64(first + y * width + left), uint64(y - top + 1)
                for k in range(uint64(length)):
                    columns[k * size + out] = pixels[row + k]
            for k in range(length):
                x = left + k
                run_ends = with_room(run_ends, used, bottom - top + 2)
                before = pixels[first + (height - 1) * width + x - 1] if x else uint8(0)
                run_ends[used] = x * height
                used += pixels[first + x] != before
                start = k * (bottom - top + 1) + 1
                used = _append(columns, start, bottom - top, x * height + top, run_ends, used)
        offsets[i + 1] = used
    return run_ends


@compiled
def _differ(pixels: Bytes, start: int, back: int, size: int) -> bool:
    """Return whether any of up to BLOCK pixels may differ from the one ``back`` indices before."""
    if size < BLOCK:
        return True
    a, b = uint64(start), uint64(start - back)
    differing = pixels[a] ^ pixels[b]
    for k in range(uint64(BLOCK)):
        differing |= pixels[a + k] ^ pixels[b + k]
    result: bool = differing != 0
    return result


@compiled
def _append(
    pixels: Bytes, start: int, size: int, position: int, run_ends: NDArray[Any], used: int
) -> int:
    """Append the positions of those of ``size`` pixels that differ from their predecessors.

    ``run_ends`` has room for one value more than there are pixels.
    """
    index = uint64(start)
    for k in range(uint64(position), uint64(position + size)):
        run_ends[used] = k  # kept if the pixels differ: no branch to mispredict
        used += pixels[index] != pixels[index - uint64(1)]
        index += uint64(1)
    return used
