"""The flat batch, N masks one after the other: offsets, concatenation, closed runs, groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segcore._input.arrays import Size
from segcore.backends.protocol import Batch, Offsets, RunEnds


def offsets_of(lengths: ArrayLike) -> Offsets:
    """Return the offsets of N concatenated items of these lengths: int64, shape (N + 1,)."""
    lengths = np.asarray(lengths, np.int64)
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def joined(batches: Sequence[Batch]) -> Batch:
    """Concatenate at least one batch of masks of the same image size."""
    lengths = [np.diff(batch_offsets) for _, batch_offsets in batches]
    all_run_ends: list[NDArray[Any]] = [run_ends for run_ends, _ in batches]
    return np.concatenate(all_run_ends), offsets_of(np.concatenate(lengths))


def closed_runs(
    run_ends: RunEnds, offsets: Offsets, size: Size
) -> tuple[NDArray[np.int64], Offsets]:
    """Return the start and end of each foreground run, including runs up to the last pixel.

    Returns
    -------
    bounds : numpy.ndarray
        Alternating starts and ends of the runs of all masks: int64.
    bound_offsets : numpy.ndarray
        Start of each mask in `bounds`, and the total number: int64, shape (N + 1,).
    """
    is_open = np.diff(offsets) % 2
    bound_offsets: Offsets = offsets + offsets_of(is_open)
    height, width = size
    bounds = np.full(bound_offsets[-1], height * width)
    is_run_end = np.ones(len(bounds), np.bool_)
    is_run_end[bound_offsets[1:][is_open == 1] - 1] = False
    bounds[is_run_end] = run_ends
    return bounds, bound_offsets
