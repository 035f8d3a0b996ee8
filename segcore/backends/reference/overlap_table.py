"""Sparse contingency table of two label maps."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def overlap_table(
    labels_a: NDArray[Any], labels_b: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.int64]]:
    """Sort the pixels by their pairs of labels and count equal pairs."""
    a = labels_a.astype(labels_a.dtype.newbyteorder("=")).ravel()
    b = labels_b.astype(labels_b.dtype.newbyteorder("=")).ravel()
    by_pair = np.lexsort((b, a))
    a, b = a[by_pair], b[by_pair]
    is_first = np.ones(len(a), np.bool_)
    is_first[1:] = (a[1:] != a[:-1]) | (b[1:] != b[:-1])
    starts = np.flatnonzero(is_first)
    return a[starts], b[starts], np.diff(starts, append=len(a)).astype(np.int64)
