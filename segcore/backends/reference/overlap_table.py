"""Sparse contingency table of two label maps."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def overlap_table(
    labels_a: NDArray[Any], labels_b: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.int64]]:
    """Sort the runs of constant pairs of labels by pair, and add up their lengths."""
    a = labels_a.astype(labels_a.dtype.newbyteorder("=")).ravel()
    b = labels_b.astype(labels_b.dtype.newbyteorder("=")).ravel()
    runs = _starts(a, b)
    lengths = np.diff(runs, append=len(a))
    a, b = a[runs], b[runs]
    by_pair = np.lexsort((b, a))
    a, b = a[by_pair], b[by_pair]
    pairs = _starts(a, b)
    ends = np.concatenate([[0], np.cumsum(lengths[by_pair], dtype=np.int64)])
    return a[pairs], b[pairs], np.diff(ends[np.append(pairs, len(a))])


def _starts(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.int64]:
    """Return the indices at which either label differs from the previous one, and 0."""
    is_first = np.ones(len(a), np.bool_)
    is_first[1:] = (a[1:] != a[:-1]) | (b[1:] != b[:-1])
    return np.flatnonzero(is_first)
