"""COCO run lengths, as plain counts and as compressed strings.

:mod:`segcore.backends.reference.coco_string` describes the format, and raises the errors.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segcore._batch import Batch, Offsets
from segcore.backends import reference
from segcore.backends.errors import MAX_STRING_GROUPS
from segcore.backends.numba.compiled import (
    ZERO,
    Integers,
    arrays_of,
    as_batch,
    as_int64,
    compiled,
    int64,
    with_room,
)

FIRST, LAST = ord("0"), ord("o")


def counts_decode(
    counts: NDArray[np.int64], counts_offsets: Offsets, height: int, width: int
) -> Batch:
    """Decode run lengths."""
    offsets = np.zeros(len(counts_offsets), np.int64)
    run_ends = np.empty(len(counts) + 1, np.int64)
    if not _counts_decode(*as_int64(counts, counts_offsets), height * width, run_ends, offsets):
        return reference.counts_decode(counts, counts_offsets, height, width)
    return as_batch(run_ends, offsets, height, width)


def counts_encode(batch: Batch) -> tuple[NDArray[np.int64], Offsets]:
    """Encode masks as run lengths."""
    ends, bounds = arrays_of(batch)
    counts_offsets = bounds + np.arange(len(bounds))
    counts = np.empty(int(counts_offsets[-1]), np.int64)
    _counts_encode(ends, bounds, batch.pixels, counts)
    return counts, counts_offsets


def string_decode(data: NDArray[np.uint8], data_offsets: Offsets, height: int, width: int) -> Batch:
    """Decode compressed strings."""
    offsets = np.zeros(len(data_offsets), np.int64)
    run_ends = np.empty(len(data) + 1, np.int64)
    bounds = np.array(data_offsets, np.int64)
    if not _string_decode(np.array(data), bounds, height * width, run_ends, offsets):
        return reference.string_decode(data, data_offsets, height, width)
    return as_batch(run_ends, offsets, height, width)


def string_encode(batch: Batch) -> tuple[NDArray[np.uint8], Offsets]:
    """Encode masks as compressed strings."""
    data_offsets = np.zeros(len(batch.offsets), np.int64)
    data = _string_encode(*arrays_of(batch), batch.pixels, data_offsets)
    return data[: data_offsets[-1]].copy(), data_offsets


@compiled
def _append_run(
    length: int, total: int, pixels: int, run_ends: Integers, begin: int, used: int
) -> int:
    """Append the end of a run after ``total`` pixels; return the new ``used``, -1 if invalid.

    The run ends of the mask begin at ``begin``. A run of length zero cancels its predecessor's end.
    """
    if length < 0 or length > pixels - total:
        return -1
    position = total + length
    if position == pixels:
        return used
    if used > begin and run_ends[used - 1] == position:
        return used - 1
    run_ends[used] = position
    return used + 1


@compiled
def _counts_decode(
    counts: Integers, counts_offsets: Integers, pixels: int, run_ends: Integers, offsets: Integers
) -> bool:
    """Write the run ends and offsets; return False if the counts are invalid."""
    used = ZERO
    for mask in range(offsets.size - 1):
        total = 0
        for i in range(counts_offsets[mask], counts_offsets[mask + 1]):
            used = _append_run(counts[i], total, pixels, run_ends, offsets[mask], used)
            if used < 0:
                return False
            total += counts[i]
        if total < pixels:
            return False
        offsets[mask + 1] = used
    return True


@compiled
def _string_decode(
    data: NDArray[np.uint8],
    data_offsets: Integers,
    pixels: int,
    run_ends: Integers,
    offsets: Integers,
) -> bool:
    """Write the run ends and offsets; return False if a string is invalid."""
    used = ZERO
    for mask in range(offsets.size - 1):
        total = run = before = before2 = number = shift = 0
        for i in range(data_offsets[mask], data_offsets[mask + 1]):
            group = int64(data[i]) - FIRST
            if group < 0 or group > LAST - FIRST or shift == 5 * MAX_STRING_GROUPS:
                return False
            number |= (group & 31) << shift
            shift += 5
            if group & 32:  # another group follows
                continue
            if group & 16:
                number |= -1 << shift
            length = number + before2 if run > 2 else number
            used = _append_run(length, total, pixels, run_ends, offsets[mask], used)
            if used < 0:
                return False
            total += length
            before2, before = before, length
            run += 1
            number = shift = 0
        if total < pixels or shift > 0:
            return False
        offsets[mask + 1] = used
    return True


@compiled
def _counts_encode(ends: Integers, offsets: Integers, pixels: int, counts: Integers) -> None:
    used = ZERO
    for mask in range(offsets.size - 1):
        position = 0
        for i in range(offsets[mask], offsets[mask + 1]):
            counts[used] = ends[i] - position
            position = ends[i]
            used += 1
        counts[used] = pixels - position
        used += 1


@compiled
def _string_encode(
    ends: Integers, offsets: Integers, pixels: int, data_offsets: Integers
) -> NDArray[np.uint8]:
    """Return the strings, and write their offsets."""
    data = np.empty(2 * ends.size + 2 * offsets.size, np.uint8)
    used = ZERO
    for mask in range(offsets.size - 1):
        first, last = offsets[mask], offsets[mask + 1]
        data = with_room(data, used, MAX_STRING_GROUPS * (last - first + 1))
        position = before = before2 = 0
        for i in range(first, last + 1):
            end = ends[i] if i < last else pixels
            length = end - position
            number = length - before2 if i - first > 2 else length
            before2, before, position = before, length, end
            more = True
            while more:
                group = number & 31
                number >>= 5
                more = number != (-1 if group & 16 else 0)
                data[used] = group + (32 if more else 0) + FIRST
                used += 1
        data_offsets[mask + 1] = used
    return data
