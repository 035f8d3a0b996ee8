"""Set operations: on two batches element by element, and on all masks of one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore.backends.numba.compiled import ZERO, compiled, frozen, int64, uint64, with_room
from segcore.backends.protocol import AND, OR, XOR, Batch, Offsets, RunEnds

WORD = 64
NONE, ALL = uint64(0), uint64(2**64 - 1)
BIT, HIGHEST = uint64(1), uint64(WORD - 1)
SHIFT = uint64(6)

RESIDUES = uint64(67)
BIT_OF_RESIDUE = np.zeros(67, np.int64)
"""The number of the bit that is set in a word with a single one: powers of two differ mod 67."""
BIT_OF_RESIDUE[[2**bit % 67 for bit in range(WORD)]] = np.arange(WORD)


def combine(
    a_run_ends: RunEnds,
    a_offsets: Offsets,
    b_run_ends: RunEnds,
    b_offsets: Offsets,
    height: int,
    width: int,
    table: int,
) -> Batch:
    """Apply a boolean function of two pixels, element by element."""
    n, m = len(a_offsets) - 1, len(b_offsets) - 1
    offsets = np.zeros((m if n == 1 else n) + 1, np.int64)
    run_ends = np.empty(a_run_ends.size + b_run_ends.size, a_run_ends.dtype)
    if height * width:
        a, b = (frozen(a_run_ends), frozen(a_offsets)), (frozen(b_run_ends), frozen(b_offsets))
        run_ends = _combine(*a, *b, table, run_ends, offsets)
    return run_ends[: offsets[-1]].copy(), offsets


def reduce(
    run_ends: RunEnds,
    offsets: Offsets,
    height: int,
    width: int,
    table: int,
    groups: Offsets | None = None,
) -> Batch:
    """Combine the masks of each group to one mask: AND, OR or XOR."""
    bounds = np.array([0, offsets.size - 1]) if groups is None else groups
    return _reduce(frozen(run_ends), frozen(offsets), height * width, table, frozen(bounds))


@compiled
def _reduce(
    run_ends: NDArray[Any],
    offsets: NDArray[np.int64],
    pixels: int,
    table: int,
    groups: NDArray[np.int64],
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    reduced = np.empty(run_ends.size + groups.size, run_ends.dtype)
    bounds = np.zeros(groups.size, np.int64)
    used = ZERO
    for group in range(groups.size - 1):
        first, last = groups[group], groups[group + 1]
        ends = run_ends[offsets[first] : offsets[last]]
        starts = offsets[first : last + 1] - offsets[first]
        if first < last and pixels > 0:
            if last - first == 1:
                result = ends.copy()
            elif table != XOR and _is_dense(ends.size, last - first, pixels // WORD, table == AND):
                result = _union_by_plane(ends, starts, pixels, table == AND)
            else:
                result = reduce_by_pairs(ends, starts, table)
            for k in range(result.size):
                reduced[used + k] = result[k]
            used += result.size
        elif table == AND and pixels > 0:
            reduced[used] = 0
            used += 1
        bounds[group + 1] = used
    return reduced[:used].copy(), bounds


@compiled
def _is_dense(ends: int, masks: int, words: int, intersect: bool) -> bool:
    """Tell whether a plane of so many words is worth its while; estimated from times taken.

    A union clears and reads the plane once; an intersection fills it with nearly every mask's
    background, where the merge often ends early.
    """
    return 8 * ends >= masks * words if intersect else 32 * ends >= words


@compiled
def _combine(
    a: NDArray[Any],
    a_offsets: NDArray[np.int64],
    b: NDArray[Any],
    b_offsets: NDArray[np.int64],
    table: int,
    run_ends: NDArray[Any],
    offsets: NDArray[np.int64],
) -> NDArray[Any]:
    used = ZERO
    for mask in range(offsets.size - 1):
        i = 0 if a_offsets.size == 2 else mask
        j = 0 if b_offsets.size == 2 else mask
        more = a_offsets[i + 1] - a_offsets[i] + b_offsets[j + 1] - b_offsets[j]
        run_ends = with_room(run_ends, used, more + 2)
        used = _merge(
            a, a_offsets[i], a_offsets[i + 1],
            b, b_offsets[j], b_offsets[j + 1],
            table, run_ends, used,
        )  # fmt: skip
        offsets[mask + 1] = used
    return run_ends


@compiled
def _merge(
    a: NDArray[Any],
    i: int,
    a_end: int,
    b: NDArray[Any],
    j: int,
    b_end: int,
    table: int,
    out: NDArray[Any],
    used: int,
) -> int:
    """Combine mask a[i:a_end] with b[j:b_end]; return the new ``used``.

    ``out`` must have room for two values more than both masks have.
    """
    state = 0  # 2 * (in a) + (in b)
    value = 0
    if table & 1:  # the background of both is foreground
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
        out[used] = min(p, q)
        of_a, of_b = int64(p <= q), int64(q <= p)
        state ^= 2 * of_a + of_b
        i += of_a
        j += of_b
        bit = (table >> state) & 1
        used += bit ^ value
        value = bit
    for k in range(i, a_end):
        state ^= 2
        bit = (table >> state) & 1
        out[used] = a[k]
        used += bit ^ value
        value = bit
    for k in range(j, b_end):
        state ^= 1
        bit = (table >> state) & 1
        out[used] = b[k]
        used += bit ^ value
        value = bit
    return used


@compiled
def reduce_by_pairs(ends: NDArray[Any], offsets: NDArray[np.int64], table: int) -> NDArray[Any]:
    """Merge one or more masks in pairs, and the results in pairs, to one."""
    masks = np.empty(ends.size + 2, ends.dtype)
    for i in range(ends.size):
        masks[i] = ends[i]
    merged = np.empty_like(masks)
    bounds = offsets.copy()
    count = bounds.size - 1
    while count > 1:
        used = ZERO
        for k in range(0, count, 2):
            start, middle, end = bounds[k], bounds[k + 1], bounds[min(k + 2, count)]
            both = table if k + 1 < count else OR  # the last one may be alone
            used = _merge(masks, start, middle, masks, middle, end, both, merged, used)
            if table == AND and used == bounds[k // 2]:  # nothing can come of an empty mask
                return masks[:0].copy()
            bounds[k // 2 + 1] = used
        masks, merged = merged, masks
        count = (count + 1) // 2
    return masks[: bounds[count]].copy()


@compiled
def _union_by_plane(
    ends: NDArray[Any], offsets: NDArray[np.int64], pixels: int, complement: bool
) -> NDArray[Any]:
    """Draw the masks into one plane of bits, and read its flips.

    With ``complement``, draw the background of each and read the complement: the intersection.
    """
    plane = np.zeros((pixels + WORD - 1) // WORD, np.uint64)
    for mask in range(offsets.size - 1):
        k, last = offsets[mask], offsets[mask + 1]
        if complement:
            fill_bits(plane, NONE, uint64(ends[k]) if k < last else uint64(pixels))
            k += 1
        while k < last:
            end = uint64(ends[k + 1]) if k + 1 < last else uint64(pixels)
            fill_bits(plane, uint64(ends[k]), end)
            k += 2
    return _flips_of_plane(plane, pixels, complement, ends[:0])


@compiled
def fill_bits(plane: NDArray[np.uint64], start: Any, end: Any) -> None:
    """Set the bits from ``start`` to ``end``, uint64: signed indices would be checked for sign."""
    if start == end:
        return
    first, last = start >> SHIFT, (end - BIT) >> SHIFT
    head = ALL << (start & HIGHEST)
    tail = ALL >> (HIGHEST - ((end - BIT) & HIGHEST))
    if first == last:
        plane[first] |= head & tail
        return
    plane[first] |= head
    for word in range(first + BIT, last):
        plane[word] = ALL
    plane[last] |= tail


@compiled
def _flips_of_plane(
    plane: NDArray[np.uint64], pixels: int, complement: bool, none: NDArray[Any]
) -> NDArray[Any]:
    """Return the run ends of the plane's mask, in the dtype of ``none``."""
    inverted = ALL if complement else NONE
    found = np.empty(_count_flips(plane, inverted), none.dtype)
    used = 0
    before = NONE
    for word in range(plane.size):
        bits = plane[word] ^ inverted
        flips = bits ^ ((bits << BIT) | before)
        before = bits >> HIGHEST  # the last bit of the word
        while flips:
            lowest = flips & (~flips + BIT)
            found[used] = word * WORD + BIT_OF_RESIDUE[lowest % RESIDUES]
            used += 1
            flips ^= lowest
    if used and int64(found[used - 1]) >= pixels:  # the bits beyond the last pixel
        used -= 1
    return found[:used].copy()


@compiled
def _count_flips(plane: NDArray[np.uint64], inverted: int) -> int:
    count = 0
    before = NONE
    for word in range(plane.size):
        bits = plane[word] ^ inverted
        count += count_bits(bits ^ ((bits << BIT) | before))
        before = bits >> HIGHEST
    return count


@compiled
def count_bits(word: int) -> int:
    """Count the ones of an unsigned word of 64 bits."""
    word -= (word >> uint64(1)) & uint64(0x5555555555555555)
    word = (word & uint64(0x3333333333333333)) + ((word >> uint64(2)) & uint64(0x3333333333333333))
    word = (word + (word >> uint64(4))) & uint64(0x0F0F0F0F0F0F0F0F)
    word += word >> uint64(8)
    word += word >> uint64(16)
    word += word >> uint64(32)
    ones: int = int64(word & uint64(127))
    return ones
