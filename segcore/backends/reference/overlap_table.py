"""Sparse contingency table of two label maps."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def overlap_table(
    labels_a: NDArray[Any], labels_b: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.int64]]:
    """Split the maps into runs of constant pairs of labels, and add up the runs of each pair."""
    a = labels_a.astype(labels_a.dtype.newbyteorder("=")).ravel()
    b = labels_b.astype(labels_b.dtype.newbyteorder("=")).ravel()
    is_first = np.ones(len(a), np.bool_)
    is_first[1:] = (a[1:] != a[:-1]) | (b[1:] != b[:-1])
    starts = np.flatnonzero(is_first)
    lengths = np.diff(starts, append=len(a))
    ids_a, rows = np.unique(a[starts], return_inverse=True)
    ids_b, columns = np.unique(b[starts], return_inverse=True)
    pairs, index = np.unique(rows * len(ids_b) + columns, return_inverse=True)
    counts = np.zeros(len(pairs), np.int64)
    np.add.at(counts, index, lengths)
    return ids_a[pairs // max(len(ids_b), 1)], ids_b[pairs % max(len(ids_b), 1)], counts
