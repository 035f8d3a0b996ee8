"""Masks grown by a shape: straight on runs, as ``src/core/dilate.cpp`` explains."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore.backends.numba.compiled import ZERO, compiled, frozen, int64, with_room
from segcore.backends.protocol import Batch, Offsets, RunEnds

END = int64(2**63 - 1)


def dilate(
    run_ends: RunEnds,
    offsets: Offsets,
    height: int,
    width: int,
    reach: NDArray[np.int64],
    outside: bool = False,
) -> Batch:
    """Grow each mask."""
    masks = frozen(run_ends), frozen(offsets)
    return _dilate(*masks, height, width, frozen(reach), bool(outside))


@compiled
def _dilate(
    ends: NDArray[Any],
    offsets: NDArray[np.int64],
    height: int,
    width: int,
    reach: NDArray[np.int64],
    outside: bool,
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    pixels = height * width
    found = np.empty(ends.size + 1, ends.dtype)
    found_offsets = np.zeros(offsets.size, np.int64)
    used = ZERO
    for mask in range(offsets.size - 1):
        flips = ends[offsets[mask] : offsets[mask + 1]]
        grown = _grown(flips, height, pixels, reach)
        if outside:
            grown = _with_frame(grown, height, width, reach[0], reach.size - 1)
        found = with_room(found, used, grown.size)
        for i in range(0, grown.size, 2):
            start, stop = max(grown[i], 0), min(grown[i + 1], pixels)
            if start < stop:
                found[used] = start
                used += 1
                if stop < pixels:
                    found[used] = stop
                    used += 1
        found_offsets[mask + 1] = used
    return found[:used].copy(), found_offsets


@compiled
def _grown(
    flips: NDArray[Any], height: int, pixels: int, reach: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Give the runs of the grown mask; they may leave the image on its left and right."""
    if flips.size == 0:
        return np.empty(0, np.int64)
    parts = [np.empty(0, np.int64)]
    inner = -1  # columns up to here reach farther than those of this step
    for last in range(reach.size):
        if last + 1 < reach.size and reach[last + 1] == reach[last]:
            continue
        tall = _tall(flips, height, pixels, reach[last])
        if last - inner <= 2:
            for k in range(inner + 1, last + 1):
                _add(parts, tall, k * height)
                if k:
                    _add(parts, tall, -k * height)
        else:
            # The union of 2 * last + 1 neighbouring shifts, by doubling.
            done = 1
            while done <= 2 * last:
                more = min(done, 2 * last + 1 - done)
                tall = _unite(tall, tall, more * height)
                done += more
            _add(parts, tall, -last * height)
        inner = last
    while len(parts) > 1:
        last_part = parts.pop()
        parts[-1] = _unite(parts[-1], last_part, 0)
    return parts[0]


@compiled
def _add(parts: list[NDArray[np.int64]], tall: NDArray[np.int64], shift: int) -> None:
    """Add runs, shifted, to the last part while that is small, or else as another part.

    So no run is walked over for every shift.
    """
    part = _unite(np.empty(0, np.int64), tall, shift)
    while len(parts) and parts[-1].size <= 2 * part.size:
        part = _unite(parts.pop(), part, 0)
    parts.append(part)


@compiled
def _with_frame(
    grown: NDArray[np.int64], height: int, width: int, rows: int, columns: int
) -> NDArray[np.int64]:
    """Add the pixels that are fewer rows or columns from an edge: all but the gaps inside."""
    pixels = height * width
    if pixels == 0:
        return np.empty(0, np.int64)
    runs = np.empty(grown.size + 2, np.int64)
    runs[0] = 0
    used = ZERO + 1
    gap = 0
    for i in range(0, grown.size + 1, 2):
        stop = min(grown[i], pixels) if i < grown.size else pixels
        if gap < stop and 2 * rows < height:
            first = max(gap // height, columns)
            last = min((stop - 1) // height, width - 1 - columns)
            for x in range(first, last + 1):
                start = max(gap, x * height + rows)
                end = min(stop, (x + 1) * height - rows)
                if start < end:
                    runs = with_room(runs, used, 3)
                    # Where the frame has no rows, the gap of the column before may go on.
                    if runs[used - 1] == start:
                        used -= 1
                    else:
                        runs[used] = start
                        used += 1
                    runs[used] = end
                    used += 1
        if i < grown.size:
            gap = max(gap, grown[i + 1])
    runs[used] = pixels
    return runs[: used + 1]


@compiled
def _tall(flips: NDArray[Any], height: int, pixels: int, reach: int) -> NDArray[np.int64]:
    """Grow runs up and down, as far as their columns go."""
    runs = np.empty(flips.size + 1, np.int64)
    used = 0
    for i in range(0, flips.size, 2):
        start = int64(flips[i])
        stop = int64(flips[i + 1]) if i + 1 < flips.size else pixels
        start = max(start - reach, start // height * height)
        stop = min(stop + reach, ((stop - 1) // height + 1) * height)
        if used and start <= runs[used - 1]:
            runs[used - 1] = stop
        else:
            runs[used] = start
            runs[used + 1] = stop
            used += 2
    return runs[:used]


@compiled
def _unite(a: NDArray[np.int64], b: NDArray[np.int64], distance: int) -> NDArray[np.int64]:
    """Unite runs with others that are shifted."""
    out = np.empty(a.size + b.size, np.int64)
    i, j, used = 0, 0, 0
    inside = False
    while i < a.size or j < b.size:
        next_a = a[i] if i < a.size else END
        next_b = b[j] + distance if j < b.size else END
        position = min(next_a, next_b)
        i += next_a == position
        j += next_b == position
        if (i % 2 == 1 or j % 2 == 1) != inside:
            out[used] = position
            used += 1
            inside = not inside
    return out[:used]
