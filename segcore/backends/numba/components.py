"""Connected components of masks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore.backends.numba.compiled import ZERO, compiled, frozen, int64, with_room
from segcore.backends.protocol import Offsets, RunEnds


def components(
    run_ends: RunEnds, offsets: Offsets, height: int, width: int, connectivity: int
) -> tuple[RunEnds, Offsets, NDArray[np.int64]]:
    """Split each mask into its components, in the order of their first pixels."""
    return _components(
        frozen(run_ends), frozen(offsets), height, height * width, int(connectivity == 8)
    )


@compiled
def _components(
    ends: NDArray[Any], offsets: NDArray[np.int64], height: int, pixels: int, corners: int
) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[np.int64]]:
    """``corners`` is how far apart neighbours may be along the column."""
    found = np.empty(2 * ends.size, ends.dtype)
    found_offsets = np.zeros(offsets.size, np.int64)
    parents = np.empty(offsets.size, np.int64)
    used, count = ZERO, ZERO
    for mask in range(offsets.size - 1):
        starts, stops, forest = _cut(
            ends[offsets[mask] : offsets[mask + 1]], height, pixels, corners
        )
        lengths = _number(forest)
        found = with_room(found, used, 2 * starts.size)
        found_offsets = with_room(found_offsets, count + 1, lengths.size)
        parents = with_room(parents, count, lengths.size)
        used = _lay_out(starts, stops, forest, lengths, pixels, found, used, found_offsets, count)
        parents[count : count + lengths.size] = mask
        count += lengths.size
    return found[:used].copy(), found_offsets[: count + 1].copy(), parents[:count].copy()


@compiled
def _cut(
    flips: NDArray[Any], height: int, pixels: int, corners: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Cut runs at the ends of columns, and join each piece with those before that it touches."""
    starts = np.empty(flips.size + 1, np.int64)
    stops = np.empty(flips.size + 1, np.int64)
    forest = np.empty(flips.size + 1, np.int64)
    count, column = ZERO, ZERO - 2
    before = first = behind = ZERO  # pieces of the column before, and of this column
    for k in range(0, flips.size, 2):
        start = int64(flips[k])
        stop = int64(flips[k + 1]) if k + 1 < flips.size else pixels
        x = start // height
        while start < stop:
            if x != column:
                before = first if x == column + 1 else count
                first = behind = count
                column = x
            top = x * height
            columns = (stop - top) // height if start == top else 1  # that the run fills
            columns = max(columns, 1)
            end = min(stop, top + columns * height)
            starts = with_room(starts, count, 1)
            stops = with_room(stops, count, 1)
            forest = with_room(forest, count, 1)
            starts[count], stops[count], forest[count] = start, end, count
            while before < behind and stops[before] + height + corners <= start:
                before += 1
            other = before
            while other < behind and starts[other] + height < end + corners:
                _join(forest, other, count)
                other += 1
            count += 1
            column += columns - 1
            start = end
            x += columns
    return starts[:count], stops[:count], forest[:count]


@compiled
def _join(forest: NDArray[np.int64], a: int, b: int) -> None:
    """Make one tree of two; its root is the first of its pieces."""
    while forest[a] != a:
        forest[a] = forest[forest[a]]
        a = forest[a]
    while forest[b] != b:
        forest[b] = forest[forest[b]]
        b = forest[b]
    forest[max(a, b)] = min(a, b)


@compiled
def _number(forest: NDArray[np.int64]) -> NDArray[np.int64]:
    """Replace parents by the numbers of components; return twice their numbers of pieces.

    A parent comes before its children, and so has its number before them.
    """
    lengths = np.zeros(forest.size, np.int64)
    count = 0
    for i in range(forest.size):
        if forest[i] == i:
            forest[i] = count
            count += 1
        else:
            forest[i] = forest[forest[i]]
        lengths[forest[i]] += 2
    return lengths[:count]


@compiled
def _lay_out(
    starts: NDArray[np.int64],
    stops: NDArray[np.int64],
    numbers: NDArray[np.int64],
    lengths: NDArray[np.int64],
    pixels: int,
    found: NDArray[Any],
    used: int,
    offsets: NDArray[np.int64],
    count: int,
) -> int:
    """Write the pieces of each component one after the other; return the new ``used``."""
    cursors = used + np.cumsum(lengths) - lengths
    begins = cursors.copy()
    for i in range(starts.size):
        number = numbers[i]
        at = cursors[number]
        # The piece before it may have gone on to the end of its column.
        if at > begins[number] and int64(found[at - 1]) == starts[i]:
            at -= 1
        else:
            found[at] = starts[i]
            at += 1
        found[at] = stops[i]
        cursors[number] = at + 1
    for number in range(lengths.size):
        last = cursors[number]
        if int64(found[last - 1]) == pixels:
            last -= 1
        for k in range(begins[number], last):
            found[used] = found[k]
            used += 1
        offsets[count + number + 1] = used
    return used
