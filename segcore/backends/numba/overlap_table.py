"""Which labels of two maps meet, and at how many pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore.backends.numba.compiled import (
    ZERO,
    columns_first,
    compiled,
    frozen,
    uint64,
    unsigned,
    with_room,
)
from segcore.backends.numba.numbering import numbered
from segcore.backends.numba.rows import BLOCK, STRETCH


def overlap_table(
    labels_a: NDArray[Any], labels_b: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.int64]]:
    """Cut the maps into runs of one pair of labels, and add up the lengths of each pair's."""
    by_column = columns_first(labels_a) and columns_first(labels_b)
    a, b = (_in_line(labels, by_column) for labels in (labels_a, labels_b))
    last = _run_ends(frozen(unsigned(a)), frozen(unsigned(b)))
    ids_a, numbers_a = numbered(a[last])
    ids_b, numbers_b = numbered(b[last])
    # No overflow: memory does not hold maps of so many labels.
    pairs, numbers = numbered(numbers_a * len(ids_b) + numbers_b)
    counts = _added(frozen(last), frozen(numbers), np.zeros(len(pairs), np.int64))
    rows, columns = np.divmod(pairs, max(len(ids_b), 1))
    return ids_a[rows], ids_b[columns], counts


def _in_line(labels: NDArray[Any], by_column: bool) -> NDArray[Any]:
    lines = labels.T if by_column else labels
    return np.ascontiguousarray(lines, labels.dtype.newbyteorder("=")).reshape(-1)


@compiled
def _run_ends(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.int64]:
    """Find the last pixel of each run in which neither map changes."""
    last = np.empty(0, np.int64)
    used = ZERO
    steps = a.size - 1
    for start in range(0, steps, STRETCH):
        stop = min(start + STRETCH, steps)
        last = with_room(last, used, stop - start + 1)
        used = _append_changes(a, b, uint64(start), uint64(stop), last, used)
    if a.size:
        last = with_room(last, used, ZERO + 1)
        last[used] = steps
        used += 1
    return last[:used].copy()


@compiled
def _append_changes(
    a: NDArray[Any], b: NDArray[Any], start: Any, stop: Any, last: NDArray[np.int64], used: int
) -> int:
    one = uint64(1)
    block = start
    while block < stop:
        end = min(block + uint64(BLOCK), stop)
        differ_a, differ_b = a[block] ^ a[block + one], b[block] ^ b[block + one]
        for x in range(block, end):
            differ_a |= a[x] ^ a[x + one]
            differ_b |= b[x] ^ b[x + one]
        if differ_a or differ_b:
            for x in range(block, end):
                last[used] = x
                used += (a[x] != a[x + one]) | (b[x] != b[x + one])
        block = end
    return used


@compiled
def _added(
    last: NDArray[np.int64], numbers: NDArray[np.int64], counts: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Add up the lengths of the runs of each number."""
    before = ZERO - 1
    for i in range(last.size):
        counts[numbers[i]] += last[i] - before
        before = last[i]
    return counts
