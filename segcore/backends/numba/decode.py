"""Masks to dense arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore.backends.numba.compiled import columns_first, compiled, frozen, int64, unsigned
from segcore.backends.protocol import Offsets, RunEnds


def decode(run_ends: RunEnds, offsets: Offsets, out: NDArray[Any], zeroed: bool) -> None:
    """Write the masks into the (N, H, W) array ``out`` as ones and zeros of its dtype."""
    if not out.size:
        return
    one = unsigned(np.ones(1, out.dtype))
    bits = unsigned(out)
    if columns_first(bits):
        _decode_columns(frozen(run_ends), frozen(offsets), one, bits.transpose(0, 2, 1), zeroed)
    else:
        _decode_rows(frozen(run_ends), frozen(offsets), one, bits, zeroed)


@compiled
def _decode_rows(
    run_ends: NDArray[Any],
    offsets: NDArray[np.int64],
    one: NDArray[Any],
    out: NDArray[Any],
    zeroed: bool,
) -> None:
    """Distribute the flips by row, then run down the rows with one row of the present values."""
    count, height, width = out.shape
    longest = 0
    for i in range(count):
        longest = max(longest, offsets[i + 1] - offsets[i])
    columns = np.empty(longest, np.int64)
    sorted_columns = np.empty(longest, np.int64)
    rows = np.empty(longest, np.int64)
    row_starts = np.empty(height + 1, np.int64)
    row = np.empty(width, out.dtype)
    for i in range(count):
        ends = run_ends[offsets[i] : offsets[i + 1]]
        row_starts[:] = 0
        for k in range(ends.size):
            columns[k] = int64(ends[k]) // height
            rows[k] = int64(ends[k]) - columns[k] * height
            row_starts[rows[k] + 1] += 1
        for y in range(height):
            row_starts[y + 1] += row_starts[y]
        for k in range(ends.size):
            sorted_columns[row_starts[rows[k]]] = columns[k]
            row_starts[rows[k]] += 1
        left = columns[0] if ends.size else width
        right = width if ends.size % 2 else columns[ends.size - 1] + 1 if ends.size else width
        row[:] = 0
        lit = 0
        for k in range(0, ends.size, 2):  # columns that begin inside a run begin as its pixels
            stop = columns[k + 1] + 1 if k + 1 < ends.size else width
            for x in range(columns[k] + 1, stop):
                row[x] = one[0]
                lit += 1
        k = 0
        for y in range(height):
            while k < row_starts[y]:
                x = sorted_columns[k]
                row[x] ^= one[0]
                lit += 1 if row[x] else -1
                k += 1
            if not zeroed:
                for x in range(width):
                    out[i, y, x] = row[x]
            elif lit:
                for x in range(left, right):
                    out[i, y, x] = row[x]


@compiled
def _decode_columns(
    run_ends: NDArray[Any],
    offsets: NDArray[np.int64],
    one: NDArray[Any],
    out: NDArray[Any],
    zeroed: bool,
) -> None:
    """Fill each run, column by column."""
    count, width, height = out.shape
    for i in range(count):
        if not zeroed:
            out[i] = 0
        for k in range(offsets[i], offsets[i + 1], 2):
            x = int64(run_ends[k]) // height
            y = int64(run_ends[k]) - x * height
            last = k + 1 == offsets[i + 1]
            left = (width * height if last else int64(run_ends[k + 1])) - int64(run_ends[k])
            while left > 0:
                stop = min(y + left, height)
                out[i, x, y:stop] = one[0]
                left -= stop - y
                x += 1
                y = 0
