"""Parts of arrays and batches."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._batch import Batch, offsets_of


def _gathered(
    values: NDArray[Any], starts: NDArray[np.int64], lengths: NDArray[np.int64]
) -> NDArray[Any]:
    parts = zip(starts.tolist(), (starts + lengths).tolist(), strict=True)
    return np.concatenate([values[:0], *(values[start:stop] for start, stop in parts)])


_native = sys.modules.get("segcore._native")  # which segcore.backends imports where it is built

gathered = _native.gather if _native else _gathered
"""Return the parts of a 1-D array with these starts and lengths (int64), one after the other."""


def taken(batch: Batch, indices: NDArray[np.intp]) -> Batch:
    """Return the masks at the given indices, from 0 to N - 1."""
    starts = batch.offsets[indices]
    lengths = batch.offsets[indices + 1] - starts
    return Batch(gathered(batch.run_ends, starts, lengths), offsets_of(lengths), *batch.size)
