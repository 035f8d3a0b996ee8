"""Masks that overlap to masks that share no pixel."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore.backends.numba.compiled import ZERO, compiled, frozen, int64, uint64, with_room
from segcore.backends.numba.measure import area
from segcore.backends.numba.merge import (
    ALL,
    BIT,
    BIT_OF_RESIDUE,
    HIGHEST,
    NONE,
    RESIDUES,
    SHIFT,
    WORD,
    combine,
    fill_bits,
)
from segcore.backends.protocol import Offsets, RunEnds

WITHOUT, OR = 0b0100, 0b1110


def resolve(
    run_ends: RunEnds,
    offsets: Offsets,
    height: int,
    width: int,
    limits: NDArray[np.int64],
) -> tuple[RunEnds, Offsets, NDArray[np.int64]]:
    """Give each pixel to the first mask that takes it."""
    words = (height * width + WORD - 1) // WORD
    if words > 64 * run_ends.size + 2**17:
        return _one_by_one(run_ends, offsets, height, width, limits)
    free = np.empty(run_ends.size, run_ends.dtype)
    free_offsets = np.zeros(len(offsets), np.int64)
    overlaps = np.zeros(len(offsets) - 1, np.int64)
    free = _take_turns(
        frozen(run_ends),
        frozen(offsets),
        frozen(limits),
        height * width,
        np.zeros(words, np.uint64),
        free,
        free_offsets,
        overlaps,
    )
    return free[: free_offsets[-1]].copy(), free_offsets, overlaps


def _one_by_one(
    run_ends: RunEnds,
    offsets: Offsets,
    height: int,
    width: int,
    limits: NDArray[np.int64],
) -> tuple[RunEnds, Offsets, NDArray[np.int64]]:
    """Merge each mask with what is taken, for few runs in a large picture."""
    bounds = np.zeros(2, np.int64)
    taken = run_ends[:0], bounds
    results = []
    overlaps = np.zeros(len(offsets) - 1, np.int64)
    for i in range(len(overlaps)):
        bounds = np.array([0, offsets[i + 1] - offsets[i]])
        mask = run_ends[offsets[i] : offsets[i + 1]], bounds
        free = combine(*mask, *taken, height, width, WITHOUT)
        overlaps[i] = (area(*mask, height, width) - area(*free, height, width))[0]
        if overlaps[i] > limits[i]:
            results.append(run_ends[:0])
        else:
            results.append(free[0])
            taken = combine(*mask, *taken, height, width, OR)
    free_offsets = np.zeros(len(offsets), np.int64)
    np.cumsum([len(each) for each in results], out=free_offsets[1:])
    return np.concatenate([run_ends[:0], *results]), free_offsets, overlaps


@compiled
def _take_turns(
    ends: NDArray[Any],
    offsets: NDArray[np.int64],
    limits: NDArray[np.int64],
    pixels: int,
    plane: NDArray[np.uint64],
    free: NDArray[Any],
    free_offsets: NDArray[np.int64],
    overlaps: NDArray[np.int64],
) -> NDArray[Any]:
    """Take for each mask its bits of the plane of what is taken."""
    used = ZERO
    for mask in range(offsets.size - 1):
        first, last = offsets[mask], offsets[mask + 1]
        begin = used
        area = ZERO
        for k in range(first, last, 2):
            start = uint64(ends[k])
            stop = uint64(ends[k + 1]) if k + 1 < last else uint64(pixels)
            area += int64(stop - start)
            free, used = _append_free(plane, start, stop, free, used)
        if used > begin and int64(free[used - 1]) == pixels:
            used -= 1
        left = ZERO
        for k in range(begin, used, 2):
            left += (int64(free[k + 1]) if k + 1 < used else pixels) - int64(free[k])
        overlaps[mask] = area - left
        if overlaps[mask] > limits[mask]:
            used = begin
        else:
            for k in range(first, last, 2):
                stop = uint64(ends[k + 1]) if k + 1 < last else uint64(pixels)
                fill_bits(plane, uint64(ends[k]), stop)
        free_offsets[mask + 1] = used
    return free


@compiled
def _append_free(
    plane: NDArray[np.uint64], start: Any, stop: Any, free: NDArray[Any], used: int
) -> tuple[NDArray[Any], int]:
    """Append the stretches of zeros among the bits from ``start`` to ``stop``, both uint64."""
    first, last = start >> SHIFT, (stop - BIT) >> SHIFT
    before = NONE  # whether the bit before the word is one of a stretch
    for word in range(first, last + BIT):
        bits = ~plane[word]
        if word == first:
            bits &= ALL << (start & HIGHEST)
        if word == last:
            bits &= ALL >> (HIGHEST - ((stop - BIT) & HIGHEST))
        flips = bits ^ ((bits << BIT) | before)
        before = bits >> HIGHEST
        if not flips:
            continue
        free = with_room(free, used, WORD + 1)
        while flips:
            lowest = flips & (~flips + BIT)
            free[used] = word * uint64(WORD) + uint64(BIT_OF_RESIDUE[lowest % RESIDUES])
            used += 1
            flips ^= lowest
    if before:
        free = with_room(free, used, 1)
        free[used] = stop
        used += 1
    return free, used
