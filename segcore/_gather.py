"""Parts of arrays and batches."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._batch import Batch, offsets_of


def _gathered(
    values: NDArray[Any], starts: NDArray[np.int64], lengths: NDArray[np.int64]
) -> NDArray[Any]:
    parts = zip(starts.tolist(), (starts + lengths).tolist(), strict=True)
    return np.concatenate([values[:0], *(values[start:stop] for start, stop in parts)])


def _gathered_from(
    values: Sequence[NDArray[Any]],
    array: NDArray[np.int64],
    starts: NDArray[np.int64],
    lengths: NDArray[np.int64],
) -> NDArray[Any]:
    sizes = offsets_of([len(part) for part in values])
    return _gathered(np.concatenate(values), starts + sizes[array], lengths)


_native = sys.modules.get("segcore._native")  # which segcore.backends imports where it is built

gathered = _native.gather if _native else _gathered
"""Concatenate the parts of a 1-D array with these starts and lengths (int64)."""

gathered_from = _native.gather_from if _native else _gathered_from
"""Concatenate parts of several 1-D arrays; `array` (int64) has the array's index for each part."""


def taken(batch: Batch, indices: NDArray[np.intp]) -> Batch:
    """Return the masks at the given indices, from 0 to N - 1."""
    starts = batch.offsets[indices]
    lengths = batch.offsets[indices + 1] - starts
    return Batch(gathered(batch.run_ends, starts, lengths), offsets_of(lengths), *batch.size)


def taken_from(
    batches: Sequence[Batch], batch: NDArray[np.int64], indices: NDArray[np.int64]
) -> Batch:
    """Return selected masks of several batches, all of the same image size.

    `batch` has the index of the batch of each mask, and `indices` its index in the concatenated
    batches.
    """
    all_lengths = np.concatenate([part.offsets[1:] - part.offsets[:-1] for part in batches])
    all_starts = np.concatenate([part.offsets[:-1] for part in batches])
    lengths = all_lengths[indices]
    run_ends = gathered_from(
        [part.run_ends for part in batches], batch, all_starts[indices], lengths
    )
    return Batch(run_ends, offsets_of(lengths), *batches[0].size)
