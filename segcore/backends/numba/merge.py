"""Set operations on pairs of masks, and on all masks of a batch."""

from __future__ import annotations

import numpy as np

from segcore._batch import Batch, Offsets
from segcore.backends.numba.compiled import (
    ZERO,
    Integers,
    arrays_of,
    as_batch,
    compiled,
    int64,
    with_room,
)
from segcore.backends.protocol import AND, OR

WITHOUT = 0b0100
"""Table of :meth:`~segcore.backends.protocol.Kernels.combine` for a & ~b."""


def combine(a: Batch, b: Batch, table: int) -> Batch:
    """Apply a boolean function of two pixels to pairs of masks."""
    offsets = np.zeros(max(len(a.offsets), len(b.offsets)), np.int64)
    if len(a.offsets) == 1 or len(b.offsets) == 1:
        offsets = offsets[:1]
    run_ends = np.empty(0, np.int64)
    if a.pixels:
        run_ends = _combine(*arrays_of(a), *arrays_of(b), table, offsets)
    return as_batch(run_ends, offsets, *a.size)


def reduce(batch: Batch, table: int, groups: Offsets | None = None) -> Batch:
    """Combine the masks of each group: AND, OR or XOR."""
    bounds = np.array([0, len(batch.offsets) - 1]) if groups is None else np.array(groups)
    reduced_offsets = np.zeros(len(bounds), np.int64)
    reduced = np.empty(0, np.int64)
    if batch.pixels:
        reduced = _reduce(*arrays_of(batch), table, bounds, reduced_offsets)
    return as_batch(reduced, reduced_offsets, *batch.size)


@compiled
def _reduce(
    run_ends: Integers, offsets: Integers, table: int, groups: Integers, reduced_offsets: Integers
) -> Integers:
    reduced = np.empty(run_ends.size + groups.size, np.int64)
    used = ZERO
    for group in range(groups.size - 1):
        first, last = groups[group], groups[group + 1]
        if first < last:
            ends = run_ends[offsets[first] : offsets[last]]
            for value in reduce_by_pairs(ends, offsets[first : last + 1] - offsets[first], table):
                reduced[used] = value
                used += 1
        elif table == AND:  # of no masks: the whole image
            reduced[used] = 0
            used += 1
        reduced_offsets[group + 1] = used
    return reduced[:used]


@compiled
def _combine(
    a: Integers,
    a_offsets: Integers,
    b: Integers,
    b_offsets: Integers,
    table: int,
    offsets: Integers,
) -> Integers:
    run_ends = np.empty(a.size + b.size + 2, np.int64)
    used = ZERO
    for mask in range(offsets.size - 1):
        i = 0 if a_offsets.size == 2 else mask
        j = 0 if b_offsets.size == 2 else mask
        more = a_offsets[i + 1] - a_offsets[i] + b_offsets[j + 1] - b_offsets[j]
        run_ends = with_room(run_ends, used, more + 2)
        used = merge(
            a, a_offsets[i], a_offsets[i + 1],
            b, b_offsets[j], b_offsets[j + 1],
            table, run_ends, used,
        )  # fmt: skip
        offsets[mask + 1] = used
    return run_ends


@compiled
def merge(
    a: Integers,
    i: int,
    a_end: int,
    b: Integers,
    j: int,
    b_end: int,
    table: int,
    out: Integers,
    used: int,
) -> int:
    """Combine the masks ``a[i:a_end]`` and ``b[j:b_end]``; return the new ``used``.

    ``out`` has room for two more values than both masks have.
    """
    state = value = 0  # state: 2 * (in a) + (in b)
    if table & 1:  # the result begins with foreground, unless a mask changes at the first pixel
        if i < a_end and a[i] == 0:
            state ^= 2
            i += 1
        if j < b_end and b[j] == 0:
            state ^= 1
            j += 1
        value = (table >> state) & 1
        out[used] = 0
        used += value
    while i < a_end and j < b_end:
        p, q = a[i], b[j]
        in_a, in_b = int64(p <= q), int64(q <= p)
        i += in_a
        j += in_b
        state ^= 2 * in_a + in_b
        out[used] = min(p, q)  # kept if the value changes: no branch to mispredict
        used += ((table >> state) & 1) ^ value
        value = (table >> state) & 1
    for k in range(i, a_end):
        state ^= 2
        out[used] = a[k]
        used += ((table >> state) & 1) ^ value
        value = (table >> state) & 1
    for k in range(j, b_end):
        state ^= 1
        out[used] = b[k]
        used += ((table >> state) & 1) ^ value
        value = (table >> state) & 1
    return used


@compiled
def reduce_by_pairs(ends: Integers, offsets: Integers, table: int) -> Integers:
    """Merge masks in pairs, then the results in pairs, until one is left: AND, OR or XOR."""
    masks = np.empty(ends.size + 2, np.int64)
    for k in range(ends.size):
        masks[k] = ends[k]
    merged = np.empty_like(masks)
    bounds = offsets.copy()
    count = bounds.size - 1
    while count > 1:
        used = ZERO
        for k in range(0, count, 2):
            start, middle, end = bounds[k], bounds[k + 1], bounds[min(k + 2, count)]
            both = table if k + 1 < count else OR  # the last one may be alone
            used = merge(masks, start, middle, masks, middle, end, both, merged, used)
            bounds[k // 2 + 1] = used
        masks, merged = merged, masks
        count = (count + 1) // 2
    return masks[: bounds[count]].copy()
