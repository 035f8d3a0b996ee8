"""Find the flips of column-major order in rows of pixels.

In column-major order the pixel before (y, x) is the one above it, and for the top row the last
one of the column to the left. So each row is compared with the one above, the top row with the
bottom row moved right by one, and the few flips are then sorted by column.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore.backends.numba.compiled import ZERO, compiled, int64, uint64, with_room

BLOCK = 64
"""Pixels that are compared at once, with vector instructions; most blocks have no flip."""

STRETCH = 2**16
"""Pixels between two looks at the room that is left, which are dear in a loop."""


@compiled
def append_differences(
    pixels: NDArray[Any],
    start: int,
    other: int,
    size: int,
    as_truth: bool,
    base: int,
    found: NDArray[Any],
    used: int,
) -> int:
    """Compare ``size`` pixels from ``start`` with those from ``other``; return the new ``used``.

    Append base + x to ``found`` for each x where they differ, or where just one of them is zero
    if ``as_truth``. ``found`` must have room for one value more than there are pixels.
    """
    a, b = uint64(start), uint64(other)  # unsigned, or each index is checked for its sign
    whole = uint64(size - size % BLOCK)
    for block in range(uint64(0), whole, uint64(BLOCK)):
        differing = pixels[a + block] ^ pixels[b + block]
        for x in range(block, block + uint64(BLOCK)):
            differing |= pixels[a + x] ^ pixels[b + x]
        if differing:
            stop = block + uint64(BLOCK)
            used = _append_each(pixels, a, b, block, stop, as_truth, base, found, used)
    return _append_each(pixels, a, b, whole, uint64(size), as_truth, base, found, used)


@compiled
def _append_each(
    pixels: NDArray[Any],
    a: Any,
    b: Any,
    start: Any,
    stop: Any,
    as_truth: bool,
    base: int,
    found: NDArray[Any],
    used: int,
) -> int:
    for x in range(start, stop):
        found[used] = base + int64(x)
        used += _differ(pixels[a + x], pixels[b + x], as_truth)
    return used


@compiled
def _differ(a: Any, b: Any, as_truth: bool) -> bool:
    differ: bool = ((a != 0) != (b != 0)) if as_truth else a != b
    return differ


@compiled
def append_flips_of_rows(
    pixels: NDArray[Any],
    first: int,
    height: int,
    width: int,
    as_truth: bool,
    found: NDArray[Any],
    row_ends: NDArray[np.int64],
) -> NDArray[Any]:
    """Find the flips of the C-order image that begins at ``pixels[first]``, row by row.

    Row y flips at the columns ``found[row_ends[y - 1]:row_ends[y]]``; returns ``found``, or a
    larger copy. The image's first pixel is for the caller: here it never flips.
    """
    used = ZERO
    found = with_room(found, used, width)
    bottom = first + (height - 1) * width
    for x in range(1, width):
        found[used] = x
        used += _differ(pixels[first + x], pixels[bottom + x - 1], as_truth)
    row_ends[0] = used
    rows = max(1, STRETCH // width)
    for y in range(1, height, rows):
        stop = min(y + rows, height)
        found = with_room(found, used, (stop - y) * width + 1)
        used = _append_rows(pixels, first, width, y, stop, as_truth, found, row_ends, used)
    return found


@compiled
def _append_rows(
    pixels: NDArray[Any],
    first: int,
    width: int,
    start: int,
    stop: int,
    as_truth: bool,
    found: NDArray[Any],
    row_ends: NDArray[np.int64],
    used: int,
) -> int:
    for y in range(start, stop):
        row = first + y * width
        used = append_differences(pixels, row, row - width, width, as_truth, ZERO, found, used)
        row_ends[y] = used
    return used


@compiled
def sort_by_column(
    found: NDArray[Any],
    row_ends: NDArray[np.int64],
    column_starts: NDArray[np.int64],
    flips: NDArray[Any],
    used: int,
) -> int:
    """Append the flips found in rows to ``flips``, as ascending offsets; return the new ``used``.

    ``column_starts`` is scratch of one value a column.
    """
    height = row_ends.size
    column_starts[:] = 0
    for i in range(row_ends[height - 1]):
        column_starts[found[i]] += 1
    for x in range(column_starts.size):
        count = column_starts[x]
        column_starts[x] = used
        used += count
    i = 0
    for y in range(height):
        while i < row_ends[y]:
            x = int64(found[i])
            flips[column_starts[x]] = x * height + y
            column_starts[x] += 1
            i += 1
    return used


@compiled
def append_flips_of_columns(
    pixels: NDArray[Any], first: int, size: int, as_truth: bool, flips: NDArray[Any], used: int
) -> tuple[NDArray[Any], int]:
    """Append the flips of the column-order image of ``size`` pixels at ``pixels[first]``.

    Returns ``flips``, or a larger copy, and the new ``used``. The image's first pixel is for the
    caller: here it never flips.
    """
    for start in range(1, size, STRETCH):
        length = min(STRETCH, size - start)
        flips = with_room(flips, used, length + 1)
        pixel = first + start
        used = append_differences(pixels, pixel, pixel - 1, length, as_truth, start, flips, used)
    return flips, used
