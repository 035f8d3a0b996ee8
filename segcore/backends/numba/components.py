"""Connected components of masks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segcore._batch import Batch
from segcore.backends.numba.compiled import ZERO, Integers, arrays_of, as_batch, compiled, with_room


def components(batch: Batch, connectivity: int) -> tuple[Batch, NDArray[np.int64]]:
    """Split each mask into its connected components, sorted by their first pixels."""
    margin = int(connectivity == 8)  # gap between neighbors along the column
    arrays = arrays_of(batch)
    found, found_offsets, parents = _components(*arrays, batch.height, batch.pixels, margin)
    return as_batch(found, found_offsets, *batch.size), parents


@compiled
def _components(
    ends: Integers, offsets: Integers, height: int, pixels: int, margin: int
) -> tuple[Integers, Integers, Integers]:
    found = np.empty(2 * ends.size, np.int64)
    found_offsets = np.zeros(offsets.size, np.int64)
    parents = np.empty(offsets.size, np.int64)
    used, count = ZERO, ZERO
    for mask in range(offsets.size - 1):
        flips = ends[offsets[mask] : offsets[mask + 1]]
        starts, stops, forest = _pieces(flips, height, pixels, margin)
        lengths = _number(forest)
        found = with_room(found, used, 2 * starts.size)
        found_offsets = with_room(found_offsets, count + 1, lengths.size)
        parents = with_room(parents, count, lengths.size)
        used = _lay_out(starts, stops, forest, lengths, pixels, found, used, found_offsets, count)
        for _ in range(lengths.size):
            parents[count] = mask
            count += 1
    return found, found_offsets[: count + 1], parents[:count]


@compiled
def _pieces(
    flips: Integers, height: int, pixels: int, margin: int
) -> tuple[Integers, Integers, Integers]:
    """Split runs at column boundaries, keeping whole columns together; return starts and stops.

    The third array is a union-find forest: the parent of each piece.
    """
    starts = np.empty(flips.size + 1, np.int64)
    stops = np.empty(flips.size + 1, np.int64)
    forest = np.empty(flips.size + 1, np.int64)
    count, column = ZERO, ZERO - 2
    before = first = behind = ZERO  # before, behind: the pieces of the previous column
    for k in range(0, flips.size, 2):
        start = flips[k]
        stop = flips[k + 1] if k + 1 < flips.size else pixels
        x = start // height
        while start < stop:
            if x != column:
                before = first if x == column + 1 else count
                first = behind = count
                column = x
            top = x * height
            columns = max((stop - top) // height, 1) if start == top else 1
            end = min(stop, top + columns * height)
            starts = with_room(starts, count, 1)
            stops = with_room(stops, count, 1)
            forest = with_room(forest, count, 1)
            starts[count], stops[count], forest[count] = start, end, count
            while before < behind and stops[before] + height + margin <= start:
                before += 1
            other = before
            while other < behind and starts[other] + height < end + margin:
                _join(forest, other, count)
                other += 1
            count += 1
            column += columns - 1
            start = end
            x += columns
    return starts[:count], stops[:count], forest[:count]


@compiled
def _join(forest: Integers, a: int, b: int) -> None:
    """Join the trees of two pieces. The root of a tree is its first piece."""
    while forest[a] != a:
        forest[a] = forest[forest[a]]
        a = forest[a]
    while forest[b] != b:
        forest[b] = forest[forest[b]]
        b = forest[b]
    forest[max(a, b)] = min(a, b)


@compiled
def _number(forest: Integers) -> Integers:
    """Replace parents by component numbers; return twice the number of pieces of each component.

    A parent precedes its children, so its number is known before theirs.
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
    starts: Integers,
    stops: Integers,
    numbers: Integers,
    lengths: Integers,
    pixels: int,
    found: Integers,
    used: int,
    offsets: Integers,
    count: int,
) -> int:
    """Append the run ends of each component, and their offsets; return the new ``used``."""
    cursors = used + np.cumsum(lengths) - lengths
    begins = cursors.copy()
    for i in range(starts.size):
        number = numbers[i]
        at = cursors[number]
        # The previous piece may end at the bottom of the previous column.
        if at > begins[number] and found[at - 1] == starts[i]:
            at -= 1
        else:
            found[at] = starts[i]
            at += 1
        found[at] = stops[i]
        cursors[number] = at + 1
    for number in range(lengths.size):
        last = cursors[number]
        if found[last - 1] == pixels:
            last -= 1
        for k in range(begins[number], last):
            found[used] = found[k]
            used += 1
        offsets[count + number + 1] = used
    return used
