"""Dilation of masks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segcore._batch import Batch
from segcore.backends.numba.compiled import ZERO, Integers, arrays_of, as_batch, compiled, with_room
from segcore.backends.numba.merge import merge
from segcore.backends.protocol import OR


def dilate(batch: Batch, reach: NDArray[np.int64], outside: bool = False) -> Batch:
    """Dilate each mask."""
    dilated_offsets = np.zeros(len(batch.offsets), np.int64)
    dilated = np.empty(0, np.int64)
    if batch.pixels:
        reach = np.array(reach, np.int64)
        arrays = arrays_of(batch)
        dilated = _dilate(*arrays, *batch.size, reach, bool(outside), dilated_offsets)
    return as_batch(dilated, dilated_offsets, *batch.size)


@compiled
def _dilate(
    ends: Integers,
    offsets: Integers,
    height: int,
    width: int,
    reach: Integers,
    outside: bool,
    dilated_offsets: Integers,
) -> Integers:
    """Merge copies of each mask that are shifted by columns and extended by rows."""
    dilated = np.empty(0, np.int64)
    grown, merged = np.empty(0, np.int64), np.empty(0, np.int64)
    extended = np.empty(ends.size + 1, np.int64)
    used = ZERO
    for mask in range(offsets.size - 1):
        flips = ends[offsets[mask] : offsets[mask + 1]]
        size = ZERO
        for x in range(1 - reach.size, reach.size):
            count = _extend(flips, height, width, reach[abs(x)], x, extended)
            merged = with_room(merged, ZERO, size + count + 2)
            size = merge(grown, ZERO, size, extended, ZERO, count, OR, merged, ZERO)
            grown, merged = merged, grown
        if outside:
            merged, size = _with_frame(grown, size, height, width, reach, merged)
            grown, merged = merged, grown
        dilated = with_room(dilated, used, size)
        for k in range(size):
            dilated[used + k] = grown[k]
        used += size
        dilated_offsets[mask + 1] = used
    return dilated


@compiled
def _extend(flips: Integers, height: int, width: int, rows: int, shift: int, out: Integers) -> int:
    """Extend runs by rows within their columns, and shift them by columns; return their number.

    The number is that of the run ends written to ``out``.
    """
    pixels = height * width
    used = ZERO
    for k in range(0, flips.size, 2):
        stop = flips[k + 1] if k + 1 < flips.size else pixels
        top = flips[k] // height * height
        bottom = ((stop - 1) // height + 1) * height
        start = max(max(flips[k] - rows, top) + shift * height, 0)
        stop = min(min(stop + rows, bottom) + shift * height, pixels)
        if start >= stop:
            continue
        if used and start <= out[used - 1]:  # the extended runs touch
            used -= 1
        else:
            out[used] = start
            used += 1
        out[used] = stop
        used += 1
    return used - 1 if used and out[used - 1] == pixels else used


@compiled
def _with_frame(
    flips: Integers, size: int, height: int, width: int, reach: Integers, out: Integers
) -> tuple[Integers, int]:
    """Add the pixels that are reached from outside the image; return the run ends and their number.

    The background is what remains of the gaps between the runs, column by column.
    """
    rows, columns, pixels = reach[0], reach.size - 1, height * width
    out = with_room(out, ZERO, ZERO + 1)
    out[0] = 0
    used = ZERO + 1
    gap = ZERO
    for k in range(0, size + 1 if 2 * rows < height else 0, 2):
        gap_end = flips[k] if k < size else pixels
        first = max(gap // height, columns)
        last = min((gap_end - 1) // height, width - 1 - columns)
        for x in range(first, last + 1):
            start = max(gap, x * height + rows)
            stop = min(gap_end, (x + 1) * height - rows)
            if start < stop:
                out = with_room(out, used, ZERO + 2)
                if used and out[used - 1] == start:  # the gap continues in the next column
                    used -= 1
                else:
                    out[used] = start
                    used += 1
                out[used] = stop
                used += 1
        gap = flips[k + 1] if k + 1 < size else pixels
    return out, used - 1 if used and out[used - 1] == pixels else used
