"""Columns of keys: sorting, runs of equal keys, and the keys that two columns have in common."""

from __future__ import annotations

import sys
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from segcore._batch import offsets_of, spread
from segcore.ops.groups import Groups

Keys: TypeAlias = NDArray[np.int64]


def _argsort(keys: Keys) -> Keys:
    return np.argsort(keys, kind="stable")


_native = sys.modules.get("segcore._native")  # which segcore.backends imports where it is built

argsort = _native.argsort if _native else _argsort
"""Return the indices that sort integers in ascending order; equal ones keep their order."""


def descending(values: NDArray[np.float64]) -> Keys:
    """Return the indices that sort numbers in descending order; equal ones keep their order."""
    bits = (0.0 - values).view(np.int64)
    return argsort(bits ^ (bits >> 63 & np.iinfo(np.int64).max))  # integers in the same order


def sorted_rows(keys: Keys, rows: Keys) -> Keys:
    """Return rows sorted by their keys; rows with equal keys keep their order."""
    return rows[argsort(keys[rows])]


def starts_of(keys: Keys) -> Keys:
    """Return the start of each run of equal keys in sorted keys."""
    return np.flatnonzero(np.append(True, keys[1:] != keys[:-1])[: len(keys)])


def distinct(keys: Keys) -> Keys:
    """Return the distinct keys in ascending order. `numpy.unique` would import numpy.ma."""
    keys = np.sort(keys)
    return keys[starts_of(keys)]


def numbered(keys: Keys) -> tuple[Keys, Keys]:
    """Return the distinct keys in ascending order, and the index of each key among them."""
    order = argsort(keys)
    ordered = keys[order]
    starts = starts_of(ordered)
    numbers = np.empty(len(keys), np.int64)
    numbers[order] = np.arange(len(starts)).repeat(np.diff(starts, append=len(keys)))
    return ordered[starts], numbers


def ranks(keys: Keys) -> Keys:
    """Return the number of equal keys before each key in sorted keys."""
    starts = starts_of(keys)
    return np.arange(len(keys)) - np.repeat(starts, np.diff(starts, append=len(keys)))


def common_groups(a: Keys, b: Keys) -> tuple[Groups, Keys, Keys]:
    """Return the groups of the equal keys that two sorted columns have in common.

    The indices of their items in both columns follow.
    """
    starts = starts_of(a), starts_of(b)
    _, *common = np.intersect1d(a[starts[0]], b[starts[1]], assume_unique=True, return_indices=True)
    bounds, items = [], []
    for keys, first, chosen in zip((a, b), starts, common, strict=True):
        offsets = offsets_of(np.diff(first, append=len(keys))[chosen])
        bounds.append(offsets)
        items.append(spread(first[chosen], offsets))
    return Groups(*bounds), items[0], items[1]
