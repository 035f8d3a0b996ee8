"""Class scores to a label map, without the C x H x W array in between.

Cells, the pixels between four samples, are filled with the winner of their first sample; where not
one class wins at all four, those that no other beats are then interpolated over them.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segcore.backends.numba.compiled import compiled, frozen, int64

Floats: TypeAlias = NDArray[np.float32]
Integers: TypeAlias = NDArray[np.int64]

float32: Any = np.float32

LIMIT = np.float32(2.0**126)
FEW = 8


def argmax_resample(
    scores: Floats, x_positions: Floats, y_positions: Floats, out: NDArray[np.unsignedinteger[Any]]
) -> None:
    """Write the class that is the greatest at each pixel, row of cells by row of cells."""
    if out.size == 0:
        return
    _, rows, columns = scores.shape
    x_starts, y_starts = _starts(x_positions, columns), _starts(y_positions, rows)
    _draw(frozen(scores), frozen(x_positions), frozen(y_positions), x_starts, y_starts, out)


def _starts(positions: Floats, cells: int) -> Integers:
    """Give the first pixel of each cell of an axis, and where the last one ends."""
    return np.searchsorted(positions, np.arange(cells + 1).astype(np.float32)).astype(np.int64)


@compiled
def _draw(
    scores: Floats,
    x_positions: Floats,
    y_positions: Floats,
    x_starts: Integers,
    y_starts: Integers,
    out: NDArray[Any],
) -> None:
    classes, rows, columns = scores.shape
    samples = np.empty((2, columns, classes), np.float32)  # of two rows, in turn
    winners = np.empty((2, columns), np.int64)
    loaded = np.full(2, -1)  # which rows these are
    corners = np.empty((4, classes), np.float32)
    ids = np.empty(classes, np.int64)
    alive = np.empty(classes, np.bool_)
    values = np.empty((2, x_positions.size), np.float32)
    for row in range(rows):
        if y_starts[row] == y_starts[row + 1]:
            continue
        after = min(row + 1, rows - 1)
        for each in (row, after):
            if loaded[each % 2] != each:
                _load(scores, each, samples[each % 2], winners[each % 2])
                loaded[each % 2] = each
        on_row = y_starts[row + 1] - y_starts[row] == 1 and y_positions[y_starts[row]] == row
        _fill(winners[row % 2], x_starts, y_starts[row], y_starts[row + 1], out)
        for column in range(columns):
            first, last = x_starts[column], x_starts[column + 1]
            if first == last:
                continue
            if on_row and last - first == 1 and x_positions[first] == column:
                continue  # the one pixel lies on a sample
            right = min(column + 1, columns - 1)
            a, b = winners[row % 2, column], winners[row % 2, right]
            c, d = winners[after % 2, column], winners[after % 2, right]
            if a == b and a == c and a == d:
                continue
            for k in range(classes):
                corners[0, k] = samples[row % 2, column, k]
                corners[1, k] = samples[row % 2, right, k]
                corners[2, k] = samples[after % 2, column, k]
                corners[3, k] = samples[after % 2, right, k]
                ids[k] = k
                alive[k] = True
            for by in (a, b, c, d):
                _drop_beaten(corners, classes, by, alive)
            count = _keep_alive(corners, ids, alive, classes)
            if count > FEW:
                _drop_beaten(corners, count, _best_at_worst(corners, count), alive)
                count = _keep_alive(corners, ids, alive, count)
            for k in range(count):
                if alive[k]:
                    _drop_beaten(corners, count, k, alive)
            count = _keep_alive(corners, ids, alive, count)
            for y in range(y_starts[row], y_starts[row + 1]):
                fraction = y_positions[y] - float32(row)
                _draw_row(
                    *(corners, ids, count, x_positions[first:last], float32(column), fraction),
                    *(values, out[y, first:last]),
                )


@compiled
def _load(scores: Floats, row: int, samples: Floats, winners: Integers) -> None:
    """Read a row of samples, and find out which class wins at each."""
    classes, _, columns = scores.shape
    best = np.full(columns, -LIMIT, np.float32)
    winners[:] = 0
    for k in range(classes):
        for x in range(columns):
            score = scores[k, row, x]
            score = min(score, LIMIT) if score > -LIMIT else -LIMIT  # NaN is not greater
            samples[x, k] = score
            if score > best[x]:
                best[x] = score
                winners[x] = k


@compiled
def _fill(winners: Integers, x_starts: Integers, start: int, stop: int, out: NDArray[Any]) -> None:
    """Fill a row of cells with the winners of their first samples."""
    for y in range(start, stop):
        for column in range(winners.size):
            for x in range(x_starts[column], x_starts[column + 1]):
                out[y, x] = winners[column]


@compiled
def _drop_beaten(corners: Floats, count: int, by: int, alive: NDArray[np.bool_]) -> None:
    """Mark the classes that one of them beats."""
    a, b, c, d = corners[0, by], corners[1, by], corners[2, by], corners[3, by]
    for k in range(count):
        p, q, r, s = corners[0, k], corners[1, k], corners[2, k], corners[3, k]
        less = (p < a) & (q < b) & (r < c) & (s < d)
        none = (p <= a) & (q <= b) & (r <= c) & (s <= d) & (k > by)
        alive[k] &= not (less | none)


@compiled
def _keep_alive(corners: Floats, ids: Integers, alive: NDArray[np.bool_], count: int) -> int:
    """Remove the marked ones, and unmark the place of those that take theirs."""
    kept = int64(0)
    for k in range(count):
        if alive[k]:
            ids[kept] = ids[k]
            for i in range(4):
                corners[i, kept] = corners[i, k]
            alive[kept] = True
            kept += 1
    return kept  # type: ignore[no-any-return]


@compiled
def _best_at_worst(corners: Floats, count: int) -> int:
    """Find a class that is good at all corners: it beats most."""
    best = int64(0)
    most = -LIMIT
    for k in range(count):
        worst = min(corners[0, k], corners[1, k], corners[2, k], corners[3, k])
        if worst > most:
            most, best = worst, k
    return best  # type: ignore[no-any-return]


@compiled
def _draw_row(
    corners: Floats,
    ids: Integers,
    count: int,
    positions: Floats,
    origin: Any,
    fraction: Any,
    values: Floats,
    out: NDArray[Any],
) -> None:
    """Interpolate classes in one row of pixels of a cell, and write which is the greatest."""
    best = values[0]
    for x in range(positions.size):
        best[x] = -np.inf
    for k in range(count):
        a, c = corners[0, k], corners[2, k]
        ab, cd = corners[1, k] - a, corners[3, k] - c
        for x in range(positions.size):
            along = positions[x] - origin
            top = a + along * ab
            value = top + fraction * (c + along * cd - top)
            if value > best[x]:
                best[x] = value
                out[x] = ids[k]
