"""Argmax of interpolated class scores, cell by cell."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore.backends.interpolation import Floats, bounded
from segcore.backends.numba.compiled import ZERO, Integers, compiled


def argmax_resample(
    scores: Floats, x_positions: Floats, y_positions: Floats, out: NDArray[np.unsignedinteger[Any]]
) -> None:
    """Write the argmax of the classes that are not dominated in the cell of the pixel."""
    if out.size == 0:
        return
    samples = np.ascontiguousarray(bounded(scores).transpose(1, 2, 0))
    winners = samples.argmax(axis=2)
    x_starts = _starts(x_positions, samples.shape[1])
    y_starts = _starts(y_positions, samples.shape[0])
    for row, (top, bottom) in enumerate(pairwise(y_starts.tolist())):
        if top == bottom:
            continue
        # One row of cells at a time: the labels of all would take more memory than the result.
        labels = np.empty((bottom - top, out.shape[1]), np.int32)
        _write_labels(
            samples[row],
            samples[min(row + 1, len(samples) - 1)],
            winners[row],
            np.array(x_positions),
            y_positions[top:bottom] - np.float32(row),
            x_starts,
            labels,
        )
        out[top:bottom] = labels


def _starts(positions: Floats, cells: int) -> Integers:
    """Return the first pixel of each cell along an axis, and finally the number of pixels."""
    return np.searchsorted(positions, np.arange(cells + 1).astype(np.float32)).astype(np.int64)


@compiled
def _write_labels(
    above: Floats,
    below: Floats,
    winners: Integers,
    x_positions: Floats,
    y_fractions: Floats,
    x_starts: Integers,
    labels: NDArray[np.int32],
) -> None:
    columns, classes = above.shape
    kept = np.empty(classes, np.int64)
    for column in range(columns):
        left, right = x_starts[column], x_starts[column + 1]
        if left == right:
            continue
        beside = min(column + 1, columns - 1)
        a, b = above[column], above[beside]
        c, d = below[column], below[beside]
        count = _keep_not_dominated(a, b, c, d, winners[column], kept)
        for y in range(y_fractions.size):
            for x in range(left, right):
                x_fraction = x_positions[x] - np.float32(column)
                label = kept[0]
                greatest = _value(a, b, c, d, label, x_fraction, y_fractions[y])
                for k in range(1, count):
                    value = _value(a, b, c, d, kept[k], x_fraction, y_fractions[y])
                    if value > greatest:
                        label, greatest = kept[k], value
                labels[y, x] = label


@compiled
def _value(
    a: Floats,
    b: Floats,
    c: Floats,
    d: Floats,
    k: int,
    x_fraction: np.float32,
    y_fraction: np.float32,
) -> np.float32:
    """Interpolate the score of class k."""
    upper = a[k] + x_fraction * (b[k] - a[k])
    lower = c[k] + x_fraction * (d[k] - c[k])
    value: np.float32 = upper + y_fraction * (lower - upper)
    return value


@compiled
def _keep_not_dominated(
    a: Floats, b: Floats, c: Floats, d: Floats, winner: int, kept: Integers
) -> int:
    """Write the classes that are not dominated, in ascending order; return their number.

    ``winner``, the best class at one sample, dominates most of the others.
    """
    count = ZERO
    for k in range(a.size):
        dominated = _dominates(a, b, c, d, winner, k)
        i = ZERO
        while i < count and not dominated:
            dominated = _dominates(a, b, c, d, kept[i], k)
            i += 1
        if dominated:
            continue
        remaining = ZERO
        for i in range(count):
            if not _dominates(a, b, c, d, k, kept[i]):
                kept[remaining] = kept[i]
                remaining += 1
        kept[remaining] = k
        count = remaining + 1
    return count


@compiled
def _dominates(a: Floats, b: Floats, c: Floats, d: Floats, i: int, k: int) -> bool:
    """Return whether class i is greater than k at all samples, or comes first and never lower."""
    if a[k] < a[i] and b[k] < b[i] and c[k] < c[i] and d[k] < d[i]:
        return True
    return i < k and a[k] <= a[i] and b[k] <= b[i] and c[k] <= c[i] and d[k] <= d[i]
