"""Resolution of overlapping masks into disjoint masks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segcore._batch import Batch
from segcore.backends.numba.compiled import ZERO, Integers, arrays_of, as_batch, compiled, with_room
from segcore.backends.numba.measure import area_of
from segcore.backends.numba.merge import WITHOUT, merge
from segcore.backends.protocol import OR


def resolve(batch: Batch, limits: NDArray[np.int64]) -> tuple[Batch, NDArray[np.int64]]:
    """Assign each pixel to the first mask that covers it and stays within its limit."""
    free_offsets = np.zeros(len(batch.offsets), np.int64)
    overlaps = np.zeros(len(batch.offsets) - 1, np.int64)
    free = _resolve(
        *arrays_of(batch), batch.pixels, np.array(limits, np.int64), free_offsets, overlaps
    )
    return as_batch(free, free_offsets, *batch.size), overlaps


@compiled
def _resolve(
    ends: Integers,
    offsets: Integers,
    pixels: int,
    limits: Integers,
    free_offsets: Integers,
    overlaps: Integers,
) -> Integers:
    """Merge each mask with the runs of `taken`, the union of the earlier ones, that it touches."""
    free = np.empty(ends.size + 2, np.int64)
    taken = np.empty(ends.size + 2, np.int64)
    united = np.empty(ends.size + 2, np.int64)
    used = size = ZERO
    for mask in range(overlaps.size):
        first, last = offsets[mask], offsets[mask + 1]
        begin = used
        if first < last:
            start = _count_before(taken, size, ends[first]) // 2 * 2
            stop = size
            if (last - first) % 2 == 0:
                stop = _count_before(taken, size, ends[last - 1] + 1)
                stop = min(stop + stop % 2, size)
            free = with_room(free, used, last - first + stop - start + 2)
            used = merge(ends, first, last, taken, start, stop, WITHOUT, free, used)
            overlaps[mask] = area_of(ends, first, last, pixels) - area_of(free, begin, used, pixels)
            if overlaps[mask] > limits[mask]:
                used = begin
            else:
                more = merge(ends, first, last, taken, start, stop, OR, united, ZERO)
                size = _replace(taken, size, start, stop, united, more)
        free_offsets[mask + 1] = used
    return free


@compiled
def _count_before(ends: Integers, size: int, position: int) -> int:
    """Return the number of values less than ``position`` in the sorted ``ends[:size]``."""
    low, high = ZERO, size
    while low < high:
        middle = (low + high) // 2
        if ends[middle] < position:
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def _replace(taken: Integers, size: int, start: int, stop: int, united: Integers, more: int) -> int:
    """Replace ``taken[start:stop]`` by ``united[:more]``; return the new size."""
    shift = start + more - stop
    if shift > 0:
        for k in range(size - 1, stop - 1, -1):
            taken[k + shift] = taken[k]
    elif shift < 0:
        for k in range(stop, size):
            taken[k + shift] = taken[k]
    for k in range(more):
        taken[start + k] = united[k]
    return size + shift
