"""The flat batch, N masks one after the other: offsets, concatenation, closed runs, groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segcore._input.arrays import Size
from segcore.backends.protocol import Batch, Offsets, RunEnds
from segcore.backends.sizes import run_end_dtype


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


def symmetric_differences(batch: Batch, groups: NDArray[np.int64], count: int, size: Size) -> Batch:
    """Compute the symmetric difference of the masks of each group.

    Parameters
    ----------
    batch : tuple of numpy.ndarray
        Run ends and offsets of N masks.
    groups : numpy.ndarray
        Group of each mask, from 0 to `count` - 1, in ascending order: int64, shape (N,).
    count : int
        Number of groups.
    size : (int, int)
        Image size (height, width).

    Returns
    -------
    run_ends, offsets : numpy.ndarray
        `count` masks with the pixels that are in an odd number of masks of the group.
    """
    run_ends, offsets = batch
    lengths = np.diff(offsets)
    if not (np.diff(groups) == 0).any():
        group_offsets = np.zeros(count + 1, np.int64)
        group_offsets[groups + 1] = lengths
        return run_ends, np.cumsum(group_offsets)
    # Sort the run ends of each group, and drop those that occur an even number of times. A single
    # number encodes the group and the run end.
    height, width = size
    if count * height * width >= 2**64:
        half = count // 2
        cut = int(np.searchsorted(groups, half))
        middle = offsets[cut]
        a = symmetric_differences((run_ends[:middle], offsets[: cut + 1]), groups[:cut], half, size)
        b = symmetric_differences(
            (run_ends[middle:], offsets[cut:] - middle), groups[cut:] - half, count - half, size
        )
        return joined([a, b])
    first = np.arange(count + 1, dtype=np.uint64) * np.uint64(height * width)
    flips: NDArray[np.uint64] = np.sort(run_ends + np.repeat(first[groups], lengths))
    odd = np.ones(len(flips), np.bool_)
    same = flips[1:] == flips[:-1]
    odd[1:] &= ~same
    odd[:-1] &= ~same
    if (same[1:] & same[:-1]).any():  # a run end that three or more masks share, which is rare
        begins = np.flatnonzero(np.concatenate([[True], ~same]))
        odd[begins] = np.diff(begins, append=len(flips)) % 2 == 1
    flips = flips[odd]
    group_offsets = np.searchsorted(flips, first).astype(np.int64)
    flips -= np.repeat(first[:-1], np.diff(group_offsets))
    return flips.astype(run_end_dtype(height, width)), group_offsets
