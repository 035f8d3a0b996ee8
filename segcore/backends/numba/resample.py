"""Soft masks to run ends, without a picture in between.

Interpolation never leaves the range of a cell's four corners and is monotone along each axis. So
the boundary passes only through mixed cells, those whose corners are not all on one side of the
threshold, and in one column of the picture it crosses each of them once at most. Per column of the
picture, only the ends of its mixed cells (nodes) are evaluated; where two are on different sides,
the row of the crossing is guessed by division, and settled by the interpolation itself.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segcore.backends.numba.compiled import ZERO, compiled, frozen, int64, with_room
from segcore.backends.protocol import Batch
from segcore.backends.sizes import run_end_dtype

Floats: TypeAlias = NDArray[np.float32]
Integers: TypeAlias = NDArray[np.int64]

LIMIT = np.float32(2.0**126)
NO_ROWS = np.float32(0)
ONE_ROW = np.float32(1)
MANY_ROWS = np.float32(2.0**30)

Rows: TypeAlias = tuple[
    Floats,  # positions of rows among samples
    Integers,  # first row of each cell (the rows between two samples), and where the last one ends
    int,  # the first cell
    Any,  # float32: rows a sample
]

Column: TypeAlias = tuple[
    int, int, Any,  # two columns of samples, and where between them: float32
    int, int, Any,  # with an intermediate picture, the next of its columns,
    Any,  # and where between both
]  # fmt: skip


def resample(
    scores: Floats,
    inner: tuple[Floats, Floats] | None,
    x_positions: Floats,
    y_positions: Floats,
    windows: Integers,
    height: int,
    width: int,
    threshold: float,
) -> Batch:
    """Interpolate, and encode what is greater than the threshold, column by column."""
    offsets = np.zeros(len(windows) + 1, np.int64)
    run_ends = np.empty(0, run_end_dtype(height, width))
    nothing = np.empty(0, np.float32)
    inner_x, inner_y = (nothing, nothing) if inner is None else inner
    run_ends = _resample(
        frozen(scores),
        frozen(inner_x),
        frozen(inner_y),
        frozen(x_positions),
        frozen(y_positions),
        frozen(windows),
        height,
        width,
        np.float32(threshold),
        run_ends,
        offsets,
    )
    return run_ends[: offsets[-1]].copy(), offsets


@compiled
def _resample(
    scores: Floats,
    inner_x: Floats,
    inner_y: Floats,
    x_positions: Floats,
    y_positions: Floats,
    windows: Integers,
    height: int,
    width: int,
    threshold: Any,
    run_ends: NDArray[Any],
    offsets: Integers,
) -> NDArray[Any]:
    inner_rows = _rows(inner_y)
    used = ZERO
    for mask in range(windows.shape[0]):
        x0, y0, x1, y1, x_place, y_place = windows[mask]
        if x0 < x1 and y0 < y1:
            x = x_positions[x_place : x_place + x1 - x0]
            rows = _rows(y_positions[y_place : y_place + y1 - y0])
            run_ends, used = _append_mask(
                scores[mask], inner_x, inner_rows, x, rows, x0, y0, height, threshold,
                run_ends, used,
            )  # fmt: skip
            if used > offsets[mask] and int64(run_ends[used - 1]) == height * width:
                used -= 1
        offsets[mask + 1] = used
    return run_ends


@compiled
def _append_mask(
    samples: Floats,
    inner_x: Floats,
    inner_rows: Rows,
    x_positions: Floats,
    rows: Rows,
    x0: int,
    y0: int,
    height: int,
    threshold: Any,
    run_ends: NDArray[Any],
    used: int,
) -> tuple[NDArray[Any], int]:
    has_inner = inner_x.size > 0
    # The rows of samples that the window depends on.
    top, last_row = rows[2], rows[2] + rows[1].size - 1
    if has_inner:
        last_row = min(last_row, inner_rows[0].size - 1)
        top, bottom = int64(inner_rows[0][top]), int64(inner_rows[0][last_row]) + 1
    else:
        bottom = last_row
    bottom = min(bottom, samples.shape[0] - 1)
    left = _column(x_positions[0], inner_x, samples.shape[1])[0]
    right = _column(x_positions[-1], inner_x, samples.shape[1])[4]
    cells, bounds = _mixed_cells(samples, left, right, top, bottom, threshold)

    start = used
    nodes = np.empty(bottom - top + 1, np.int64)
    marked = np.full(bottom - top + 1, -1, np.int64)
    inner_flips = np.empty(nodes.size, np.int64)
    first = last = int64(-1)
    count = ZERO
    for k in range(x_positions.size):
        column = _column(x_positions[k], inner_x, samples.shape[1])
        if column[0] != first or column[3] != last:
            first, last = column[0], column[3]
            begin, end = bounds[first - left], bounds[last - left + 1]
            count = _collect_nodes(cells[begin:end], top, k, marked, nodes)
        run_ends = with_room(run_ends, used, count + 2)
        base = (x0 + k) * height + y0
        if has_inner:
            used = _append_column_by_inner_rows(
                samples, column, nodes[:count], inner_rows, rows, last_row, threshold,
                base, inner_flips, run_ends, start, used,
            )  # fmt: skip
        else:
            used = _append_column(
                samples, column, nodes[:count], rows, threshold, base, run_ends, start, used
            )
    return run_ends, used


@compiled
def _rows(positions: Floats) -> Rows:
    """Sort rows into cells."""
    step = NO_ROWS
    if positions.size == 0:
        return positions, np.zeros(1, np.int64), int64(0), step
    first = int64(positions[0])
    starts = np.zeros(int64(positions[-1]) - first + 2, np.int64)
    for row in range(positions.size):
        starts[int64(positions[row]) - first + 1] = row + 1
        if row > 0:
            step = max(step, positions[row] - positions[row - 1])
    for cell in range(1, starts.size):  # some have no rows
        starts[cell] = max(starts[cell], starts[cell - 1])
    return positions, starts, first, ONE_ROW / step if step > NO_ROWS else step


@compiled
def _column(position: Any, inner_x: Floats, samples: int) -> Column:
    before = int64(position)
    fraction = position - np.float32(before)
    if inner_x.size == 0:
        after = min(before + 1, samples - 1)
        return before, after, fraction, before, after, fraction, fraction
    a, b = inner_x[before], inner_x[min(before + 1, inner_x.size - 1)]
    a_before, b_before = int64(a), int64(b)
    return (
        a_before, min(a_before + 1, samples - 1), a - np.float32(a_before),
        b_before, min(b_before + 1, samples - 1), b - np.float32(b_before),
        fraction,
    )  # fmt: skip


@compiled
def _mixed_cells(
    samples: Floats, left: int, right: int, top: int, bottom: int, threshold: Any
) -> tuple[Integers, Integers]:
    """Give the rows of mixed cells, column by column, and where in them each column begins."""
    columns = right - left + 1
    bounds = np.zeros(columns + 1, np.int64)
    found = np.empty((bottom - top) * columns, np.bool_)
    sides = np.empty((2, columns), np.int8)  # of two samples side by side, how many are above
    for row in range(top, bottom + 1):
        here, before = sides[row % 2], sides[1 - row % 2]
        for i in range(columns):
            beside = min(left + i + 1, right)
            here[i] = (samples[row, left + i] > threshold) + (samples[row, beside] > threshold)
        if row > top:
            for i in range(columns):
                above = here[i] + before[i]
                is_mixed = 0 < above < 4
                found[(row - 1 - top) * columns + i] = is_mixed
                bounds[i + 1] += is_mixed
    for i in range(columns):
        bounds[i + 1] += bounds[i]
    cells = np.empty(bounds[columns], np.int64)
    ends = bounds.copy()
    for i in range(found.size):
        if found[i]:
            column = i % columns
            cells[ends[column]] = top + i // columns
            ends[column] += 1
    return cells, bounds


@compiled
def _collect_nodes(cells: Integers, top: int, mark: int, marked: Integers, nodes: Integers) -> int:
    """List the ends of mixed cells, or the first row where there are none; return how many."""
    nodes[0] = top
    if cells.size == 0:
        return 1
    for cell in cells:
        marked[cell - top] = marked[cell - top + 1] = mark
    count = 0
    for row in range(cells.min() - top, cells.max() - top + 2):
        if marked[row] == mark:
            nodes[count] = top + row
            count += 1
    return count


@compiled
def _append_column(
    samples: Floats,
    column: Column,
    nodes: Integers,
    rows: Rows,
    threshold: Any,
    base: int,
    run_ends: NDArray[Any],
    start: int,
    used: int,
) -> int:
    """Append a column's run ends: flips never go up, and two at one place undo each other."""
    a = _value(samples, column, nodes[0])
    inside = a > threshold
    if inside:
        used = _flip(base, run_ends, start, used)
    for i in range(1, nodes.size):
        b = _value(samples, column, nodes[i])
        if (b > threshold) != inside:
            row = _crossing(rows, nodes[i - 1], a, b, threshold)
            used = _flip(base + row, run_ends, start, used)
            inside = not inside
        a = b
    if inside:
        used = _flip(base + rows[0].size, run_ends, start, used)
    return used


@compiled
def _append_column_by_inner_rows(
    samples: Floats,
    column: Column,
    nodes: Integers,
    inner_rows: Rows,
    rows: Rows,
    last_row: int,
    threshold: Any,
    base: int,
    inner_flips: Integers,
    run_ends: NDArray[Any],
    start: int,
    used: int,
) -> int:
    """Do the same: a flip at the intermediate picture's row j is a crossing from j - 1 to j."""
    a = _value(samples, column, nodes[0])
    inside = a > threshold
    side = inside
    count = ZERO
    for i in range(1, nodes.size):
        b = _value(samples, column, nodes[i])
        if (b > threshold) != side:
            row = _crossing(inner_rows, nodes[i - 1], a, b, threshold)
            count = _flip(row, inner_flips, 0, count)
            side = not side
        a = b
    i = 0
    while i < count and inner_flips[i] <= rows[2]:
        inside = not inside
        i += 1
    if inside:
        used = _flip(base, run_ends, start, used)
    while i < count and inner_flips[i] <= last_row:
        row = inner_flips[i]
        a = _inner_value(samples, column, inner_rows, row - 1)
        b = _inner_value(samples, column, inner_rows, row)
        row = _crossing(rows, row - 1, a, b, threshold)
        used = _flip(base + row, run_ends, start, used)
        inside = not inside
        i += 1
    if inside:
        used = _flip(base + rows[0].size, run_ends, start, used)
    return used


@compiled
def _flip(place: int, flips: NDArray[Any], start: int, used: int) -> int:
    if used > start and int64(flips[used - 1]) == place:
        return used - 1
    flips[used] = place
    return used + 1


@compiled
def _crossing(rows: Rows, cell: int, a: Any, b: Any, threshold: Any) -> int:
    """Find the first row of a cell on the side of b, or else the first row of the next cell."""
    positions, starts, first_cell, rows_a_sample = rows
    low: int = starts[cell - first_cell]
    high: int = starts[cell - first_cell + 1]
    if low == high:
        return low
    origin = np.float32(cell)
    # Rows are evenly spaced but at the borders of the picture, so count from the last one.
    beyond = positions[high - 1] - origin - (threshold - a) / (b - a)
    behind = min(max(beyond * rows_a_sample + ONE_ROW, NO_ROWS), MANY_ROWS)
    row: int = max(high - int64(behind), low)
    if row < high and not _passed(positions[row] - origin, a, b, threshold):
        low = row + 1
    elif row > low and _passed(positions[row - 1] - origin, a, b, threshold):
        high = row - 1
    else:
        return row
    while low < high:
        row = (low + high) // 2
        if _passed(positions[row] - origin, a, b, threshold):
            high = row
        else:
            low = row + 1
    return low


@compiled
def _passed(fraction: Any, a: Any, b: Any, threshold: Any) -> bool:
    """Tell whether a value is on the side of b, which is not that of a."""
    passed: bool = (a + fraction * (b - a) > threshold) == (b > threshold)
    return passed


@compiled
def _inner_value(samples: Floats, column: Column, inner_rows: Rows, row: int) -> Any:
    position = inner_rows[0][row]
    before = int64(position)
    a = _value(samples, column, before)
    b = _value(samples, column, min(before + 1, samples.shape[0] - 1))
    return _interpolated(a, b, position - np.float32(before))


@compiled
def _value(samples: Floats, column: Column, row: int) -> Any:
    """Give the value of a column at a row of samples."""
    a_left, a_right, a_fraction, b_left, b_right, b_fraction, fraction = column
    a = _interpolated(_bounded(samples[row, a_left]), _bounded(samples[row, a_right]), a_fraction)
    if a_left == b_left and a_fraction == b_fraction:
        return a
    b = _interpolated(_bounded(samples[row, b_left]), _bounded(samples[row, b_right]), b_fraction)
    return _interpolated(a, b, fraction)


@compiled
def _interpolated(a: Any, b: Any, fraction: Any) -> Any:
    return a + fraction * (b - a)


@compiled
def _bounded(score: Any) -> Any:
    if score > -LIMIT:
        return min(score, LIMIT)
    return -LIMIT
