"""Interpolate soft masks and encode the pixels above a threshold, column by column.

Interpolation is monotonic between two samples. If two neighboring samples of a column are on the
same side of the threshold, so are all rows between them, which are then skipped.
"""

from __future__ import annotations

import numpy as np

from segcore._batch import Batch
from segcore.backends.interpolation import Floats, bounded
from segcore.backends.numba.compiled import (
    ZERO,
    Integers,
    as_batch,
    compiled,
    int64,
    with_room,
)


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
    """Interpolate columns, then rows, and encode the pixels greater than the threshold."""
    offsets = np.zeros(len(windows) + 1, np.int64)
    columns = np.ascontiguousarray(bounded(scores).transpose(0, 2, 1))
    inner_x, inner_y = inner or (np.empty(0, np.float32), np.empty(0, np.float32))
    run_ends = _resample(
        columns,
        np.array(inner_x),
        np.array(inner_y),
        np.array(x_positions),
        np.array(y_positions),
        np.array(windows),
        height,
        width,
        np.float32(threshold),
        offsets,
    )
    return as_batch(run_ends, offsets, height, width)


@compiled
def _resample(
    columns: Floats,
    inner_x: Floats,
    inner_y: Floats,
    x_positions: Floats,
    y_positions: Floats,
    windows: Integers,
    height: int,
    width: int,
    threshold: np.float32,
    offsets: Integers,
) -> Integers:
    """Return the run ends of the masks with the columns of samples ``columns``: shape (N, w, h)."""
    first, second = np.empty(columns.shape[2], np.float32), np.empty(columns.shape[2], np.float32)
    column = np.empty(inner_y.size, np.float32) if inner_x.size else first
    starts = np.empty(column.size + 1, np.int64)
    run_ends = np.empty(0, np.int64)
    used = ZERO
    for mask in range(windows.shape[0]):
        x0, y0, x1, y1, x_index, y_index = windows[mask]
        rows = y_positions[y_index : y_index + max(y1 - y0, 0)]
        _write_starts(rows, starts)
        for x in range(x0, x1 if rows.size else x0):
            position = x_positions[x_index + x - x0]
            if inner_x.size:
                before = int64(position)
                after = min(before + 1, inner_x.size - 1)
                _write_column(columns[mask], inner_x[before], first)
                _write_column(columns[mask], inner_x[after], second)
                _interpolate(first, second, position - np.float32(before), first)
                for row in range(column.size):
                    column[row] = _value(first, inner_y[row])
            else:
                _write_column(columns[mask], position, column)
            run_ends = with_room(run_ends, used, column.size + 2)
            base = x * height + y0
            used = _append_column(
                column, rows, starts, threshold, base, run_ends, offsets[mask], used
            )
        if used > offsets[mask] and run_ends[used - 1] == height * width:
            used -= 1
        offsets[mask + 1] = used
    return run_ends


@compiled
def _write_starts(positions: Floats, starts: Integers) -> None:
    """Write the first row at or after each sample, and finally the number of rows."""
    row = 0
    for sample in range(starts.size - 1):
        while row < positions.size and int64(positions[row]) < sample:
            row += 1
        starts[sample] = row
    starts[starts.size - 1] = positions.size


@compiled
def _write_column(columns: Floats, position: np.float32, out: Floats) -> None:
    """Interpolate between two columns."""
    before = int64(position)
    after = min(before + 1, columns.shape[0] - 1)
    _interpolate(columns[before], columns[after], position - np.float32(before), out)


@compiled
def _interpolate(a: Floats, b: Floats, fraction: np.float32, out: Floats) -> None:
    for k in range(out.size):
        out[k] = a[k] + fraction * (b[k] - a[k])


@compiled
def _value(column: Floats, position: np.float32) -> np.float32:
    """Interpolate between two rows."""
    before = int64(position)
    a, b = column[before], column[min(before + 1, column.size - 1)]
    value: np.float32 = a + (position - np.float32(before)) * (b - a)
    return value


@compiled
def _append_column(
    column: Floats,
    positions: Floats,
    starts: Integers,
    threshold: np.float32,
    base: int,
    run_ends: Integers,
    begin: int,
    used: int,
) -> int:
    """Append the run ends of a column; those of the mask begin at ``begin``."""
    inside = False
    for sample in range(int64(positions[0]), int64(positions[positions.size - 1]) + 1):
        row, stop = starts[sample], starts[sample + 1]
        above = column[sample] > threshold
        is_mixed = above != (column[min(sample + 1, column.size - 1)] > threshold)
        while row < stop:
            if is_mixed:
                above = _value(column, positions[row]) > threshold
            if above != inside:
                used = _flip(base + row, run_ends, begin, used)
                inside = above
            row = row + 1 if is_mixed else stop
    return _flip(base + positions.size, run_ends, begin, used) if inside else used


@compiled
def _flip(position: int, run_ends: Integers, begin: int, used: int) -> int:
    """Append a run end; if the mask already ends with it, they cancel."""
    if used > begin and run_ends[used - 1] == position:
        return used - 1
    run_ends[used] = position
    return used + 1
