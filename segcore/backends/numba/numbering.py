"""Labels of any values, however far apart, to their places among those that occur."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore.backends.numba.compiled import ZERO, compiled, frozen, int64, uint64, unsigned


def numbered(labels: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Give the distinct labels, ascending, and the place there of each.

    It is np.unique with the inverse, but sorts no more than the distinct labels.
    """
    found, numbers = _numbered_by_range(labels)
    if found is None:
        bits, numbers = _numbered_by_hash(frozen(unsigned(labels)))
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
def _numbered_by_hash(labels: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Give each label its number, in the order in which they come, by open addressing."""
    found = np.empty(256, labels.dtype)
    used = ZERO
    table = np.full(1024, -1)
    numbers = np.empty(labels.size, np.int64)
    for i in range(labels.size):
        label = labels[i]
        if 2 * (used + 1) > table.size:
            table = np.full(2 * table.size, -1)
            for number in range(used):
                table[_slot(found, table, found[number])] = number
        if used == found.size:
            larger = np.empty(2 * used, found.dtype)
            for number in range(used):
                larger[number] = found[number]
            found = larger
        slot = _slot(found, table, label)
        if table[slot] < 0:
            table[slot] = used
            found[used] = label
            used += 1
        numbers[i] = table[slot]
    return found[:used].copy(), numbers


@compiled
def _slot(found: NDArray[Any], table: NDArray[np.int64], label: Any) -> Any:
    """Find the label's place in the table, or the one where it would go."""
    key = uint64(label)  # mixed by the finalizer of MurmurHash3
    key = (key ^ (key >> uint64(33))) * uint64(0xFF51AFD7ED558CCD)
    key = (key ^ (key >> uint64(33))) * uint64(0xC4CEB9FE1A85EC53)
    slot = int64((key ^ (key >> uint64(33))) & uint64(table.size - 1))
    while table[slot] >= 0 and found[table[slot]] != label:
        slot = (slot + 1) & (table.size - 1)
    return slot
