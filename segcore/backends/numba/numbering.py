"""Labels of any values, however far apart, to their places among those that occur."""

from __future__ import annotations

import secrets
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore.backends.numba.compiled import ZERO, compiled, frozen, int64, uint64, unsigned

_FACTOR = np.uint64(secrets.randbits(64) | 1)
"""Of the hash: as nobody knows it before, no input can make its labels meet in the table."""


def numbered(labels: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Give the distinct labels, ascending, and the place there of each.

    It is np.unique with the inverse, but sorts no more than the distinct labels.
    """
    found, numbers = _numbered_by_range(labels)
    if found is None:
        bits, numbers = _numbered_by_hash(frozen(unsigned(labels)), _FACTOR)
        found = bits.view(labels.dtype)
        order = np.argsort(found)
        places = np.empty_like(order)
        places[order] = np.arange(len(order))
        found, numbers = found[order], places[numbers]
    return found, numbers


def _numbered_by_range(
    labels: NDArray[Any],
) -> tuple[NDArray[Any] | None, NDArray[np.int64]]:
    """Look labels up in a table, where they lie close together."""
    none = np.empty(0, np.int64)
    if not labels.size:
        return labels, none
    lowest, highest = labels.min(), labels.max()
    span = int(highest) - int(lowest) + 1
    if span > 2**16 + 4 * len(labels):
        return None, none
    places = unsigned(labels) - unsigned(lowest.reshape(1))  # wraps to what is right
    occurs = np.zeros(span, np.bool_)
    occurs[places] = True
    found = np.flatnonzero(occurs)
    ids = (found.astype(places.dtype) + unsigned(lowest.reshape(1))).view(labels.dtype)
    return ids, (np.cumsum(occurs) - 1)[places]


@compiled
def _numbered_by_hash(
    labels: NDArray[Any], factor: np.uint64
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Give each label its number, in the order in which they come, by open addressing."""
    found = np.empty(256, labels.dtype)
    used = ZERO
    bits = ZERO + 10
    table = np.full(1 << bits, -1)
    numbers = np.empty(labels.size, np.int64)
    for i in range(labels.size):
        label = labels[i]
        if 2 * (used + 1) > table.size:
            bits += 1
            table = np.full(1 << bits, -1)
            for number in range(used):
                table[_slot(found, table, found[number], factor, bits)] = number
        if used == found.size:
            larger = np.empty(2 * used, found.dtype)
            for number in range(used):
                larger[number] = found[number]
            found = larger
        slot = _slot(found, table, label, factor, bits)
        if table[slot] < 0:
            table[slot] = used
            found[used] = label
            used += 1
        numbers[i] = table[slot]
    return found[:used].copy(), numbers


@compiled
def _slot(
    found: NDArray[Any], table: NDArray[np.int64], label: Any, factor: np.uint64, bits: int
) -> Any:
    """Find the label's place in the table, or the one where it would go (multiply-shift)."""
    slot = int64((uint64(label) * factor) >> uint64(64 - bits))
    while table[slot] >= 0 and found[table[slot]] != label:
        slot = (slot + 1) & (table.size - 1)
    return slot
