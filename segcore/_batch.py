"""The flat batch: offsets and concatenation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segcore.backends.protocol import Batch, Offsets


def offsets_of(lengths: ArrayLike) -> Offsets:
    """Return the offsets of N concatenated items of these lengths: int64, shape (N + 1,)."""
    lengths = np.asarray(lengths, np.int64)
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def joined(batches: Sequence[Batch]) -> Batch:
    """Concatenate at least one batch of masks of the same image size."""
    lengths = [batch_offsets[1:] - batch_offsets[:-1] for _, batch_offsets in batches]
    all_run_ends: list[NDArray[Any]] = [run_ends for run_ends, _ in batches]
    return np.concatenate(all_run_ends), offsets_of(np.concatenate(lengths))
