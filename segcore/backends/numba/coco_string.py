"""COCO counts, as compressed strings and as plain run lengths, to masks and back.

A string holds one number a count: the first three counts are themselves, each later one is its
difference to the count two before it. A number is written in groups of five bits, lowest first,
each as the character 48 + group, plus 32 where another group follows; bit 4 of the last group is
the sign.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segcore.backends import errors
from segcore.backends.numba.compiled import ZERO, compiled, frozen, int64, with_room
from segcore.backends.protocol import Batch, Offsets, RunEnds
from segcore.backends.sizes import run_end_dtype

FIRST, LAST = ord("0"), ord("o")
BITS = 5
GROUPS = errors.MAX_STRING_GROUPS

OK, BYTE, TRUNCATED, OVERLONG, NEGATIVE, TOO_LONG, TOO_SHORT = range(7)
Status: TypeAlias = tuple[int, int, int, int, int]
"""code, mask, position (of a byte or a run), value (a byte or a run's length), total before it"""


def string_decode(data: NDArray[np.uint8], data_offsets: Offsets, height: int, width: int) -> Batch:
    """Read COCO's compressed counts strings, laid end to end in ``data``."""
    offsets = np.zeros(len(data_offsets), np.int64)
    run_ends = np.empty(len(data) + 1, run_end_dtype(height, width))
    status = _string_decode(frozen(data), frozen(data_offsets), height * width, run_ends, offsets)
    _raise(status, height, width)
    return run_ends[: offsets[-1]].copy(), offsets


def string_encode(
    run_ends: RunEnds, offsets: Offsets, height: int, width: int
) -> tuple[NDArray[np.uint8], Offsets]:
    """Write COCO's compressed counts strings; the pair (data, data_offsets)."""
    data_offsets = np.zeros(len(offsets), np.int64)
    data = _string_encode(frozen(run_ends), frozen(offsets), height * width, data_offsets)
    return data, data_offsets


def counts_decode(
    counts: NDArray[np.int64], counts_offsets: Offsets, height: int, width: int
) -> Batch:
    """Read run lengths, background first."""
    offsets = np.zeros(len(counts_offsets), np.int64)
    run_ends = np.empty(len(counts) + 1, run_end_dtype(height, width))
    status = _counts_decode(
        frozen(counts), frozen(counts_offsets), height * width, run_ends, offsets
    )
    _raise(status, height, width)
    return run_ends[: offsets[-1]].copy(), offsets


def counts_encode(
    run_ends: RunEnds, offsets: Offsets, height: int, width: int
) -> tuple[NDArray[np.int64], Offsets]:
    """Write run lengths, background first: the pair (counts, counts_offsets)."""
    counts_offsets = offsets + np.arange(len(offsets))
    counts = np.empty(int(counts_offsets[-1]), np.int64)
    _counts_encode(frozen(run_ends), frozen(offsets), height * width, counts)
    return counts, counts_offsets


def _raise(status: Status, height: int, width: int) -> None:
    """Raise the error that ``status`` tells, if it tells one."""
    code, mask, position, value, total = map(int, status)
    if code == BYTE:
        raise errors.string_byte(mask, position, value)
    if code == TRUNCATED:
        raise errors.string_truncated(mask)
    if code == OVERLONG:
        raise errors.string_overlong(mask, position)
    if code == NEGATIVE:
        raise errors.run_negative(mask, position, value)
    if code == TOO_LONG:  # only Python can add them whatever they are
        raise errors.runs_too_long(mask, position, total + value, height, width)
    if code == TOO_SHORT:
        raise errors.runs_too_short(mask, total, height, width)


@compiled
def _run_code(length: int, total: int, pixels: int) -> int:
    """Check the run that follows runs of ``total`` pixels."""
    if length < 0:
        return NEGATIVE
    return TOO_LONG if length > pixels - total else OK


@compiled
def _flip(run_ends: NDArray[Any], first: int, used: int, position: int) -> int:
    """Flip at ``position``, the last one so far; return the new ``used``.

    Flips of the mask begin at ``first``. A second one at the same place, after a zero run, undoes
    the first.
    """
    if used > first and int64(run_ends[used - 1]) == position:
        return used - 1
    run_ends[used] = position
    return used + 1


@compiled
def _string_decode(
    data: NDArray[np.uint8],
    data_offsets: NDArray[np.int64],
    pixels: int,
    run_ends: NDArray[Any],
    offsets: NDArray[np.int64],
) -> Status:
    used = ZERO
    for mask in range(offsets.size - 1):
        start, end = data_offsets[mask], data_offsets[mask + 1]
        total = run = before = before2 = 0
        at = start
        while at < end:
            number = shift = 0
            more = True
            while more:
                if at == end:
                    return TRUNCATED, mask, 0, 0, 0
                byte = int64(data[at])
                if byte < FIRST or byte > LAST:
                    return BYTE, mask, at - start, byte, 0
                if shift == BITS * GROUPS:
                    return OVERLONG, mask, run, 0, 0
                group = byte - FIRST
                number |= (group & 31) << shift
                shift += BITS
                more = group & 32 != 0
                at += 1
            if group & 16:
                number |= -1 << shift
            length = number + before2 if run > 2 else number
            code = _run_code(length, total, pixels)
            if code != OK:
                return code, mask, run, length, total
            total += length
            if total < pixels:
                used = _flip(run_ends, offsets[mask], used, total)
            before2, before = before, length
            run += 1
        if total < pixels:
            return TOO_SHORT, mask, 0, 0, total
        offsets[mask + 1] = used
    return OK, 0, 0, 0, 0


@compiled
def _string_encode(
    run_ends: NDArray[Any],
    offsets: NDArray[np.int64],
    pixels: int,
    data_offsets: NDArray[np.int64],
) -> NDArray[np.uint8]:
    data = np.empty(2 * run_ends.size + 2 * offsets.size, np.uint8)
    used = ZERO
    for mask in range(offsets.size - 1):
        first, last = offsets[mask], offsets[mask + 1]
        data = with_room(data, used, GROUPS * (last - first + 1))
        used = _append_string(run_ends, first, last, pixels, data, used)
        data_offsets[mask + 1] = used
    return data[:used].copy()


@compiled
def _append_string(
    run_ends: NDArray[Any], first: int, last: int, pixels: int, data: NDArray[np.uint8], used: int
) -> int:
    position = before = before2 = 0
    for i in range(first, last + 1):
        end = int64(run_ends[i]) if i < last else pixels
        length = end - position
        number = length - before2 if i - first > 2 else length
        before2, before, position = before, length, end
        more = True
        while more:
            group = number & 31
            number >>= BITS
            more = number != (-1 if group & 16 else 0)
            data[used] = group + (32 if more else 0) + FIRST
            used += 1
    return used


@compiled
def _counts_decode(
    counts: NDArray[np.int64],
    counts_offsets: NDArray[np.int64],
    pixels: int,
    run_ends: NDArray[Any],
    offsets: NDArray[np.int64],
) -> Status:
    used = ZERO
    for mask in range(offsets.size - 1):
        total = 0
        for i in range(counts_offsets[mask], counts_offsets[mask + 1]):
            length = counts[i]
            code = _run_code(length, total, pixels)
            if code != OK:
                return code, mask, i - counts_offsets[mask], length, total
            total += length
            if total < pixels:
                used = _flip(run_ends, offsets[mask], used, total)
        if total < pixels:
            return TOO_SHORT, mask, 0, 0, total
        offsets[mask + 1] = used
    return OK, 0, 0, 0, 0


@compiled
def _counts_encode(
    run_ends: NDArray[Any], offsets: NDArray[np.int64], pixels: int, counts: NDArray[np.int64]
) -> None:
    used = ZERO
    for mask in range(offsets.size - 1):
        position = 0
        for i in range(offsets[mask], offsets[mask + 1]):
            counts[used] = int64(run_ends[i]) - position
            position = int64(run_ends[i])
            used += 1
        counts[used] = pixels - position
        used += 1
