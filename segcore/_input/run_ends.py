"""Batches of run ends: validation, concatenation, closed runs, symmetric differences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segcore._input.arrays import Size, as_integers
from segcore.backends.protocol import Batch, Offsets, RunEnds
from segcore.backends.sizes import run_end_dtype


def as_batch(run_ends: ArrayLike, offsets: ArrayLike, size: Size, copy: bool) -> Batch:
    """Validate run ends and offsets, and convert them to the dtypes of the kernels.

    Parameters
    ----------
    run_ends, offsets : array_like of int
        As for :class:`segcore.Masks`.
    size : (int, int)
        Image size (height, width).
    copy : bool
        Whether to copy arrays that already have these dtypes.

    Returns
    -------
    run_ends : numpy.ndarray
        Run ends of all masks: uint32, or uint64 for 2**32 pixels or more.
    offsets : numpy.ndarray
        int64, shape (N + 1,).

    Raises
    ------
    ValueError
        If the offsets do not partition the run ends, or the run ends of a mask are not strictly
        increasing within [0, H * W). The message contains the index of the mask.
    TypeError
        If the run ends or offsets are not integers.
    """
    starts = _as_offsets(offsets)
    ends = _as_run_ends(run_ends, starts, *size)
    return ends.astype(run_end_dtype(*size), copy=copy), starts.astype(np.int64, copy=copy)


def _as_offsets(offsets: ArrayLike) -> NDArray[Any]:
    array = as_integers(offsets, "offsets")
    if len(array) == 0 or array[0] != 0 or np.any(array[1:] < array[:-1]):
        raise ValueError("offsets: expected nondecreasing integers that start with 0")
    if array[-1] >= 2**63:
        raise ValueError(
            f"offsets: expected the last to be the number of run ends, got {array[-1]}"
        )
    return array


def _as_run_ends(
    run_ends: ArrayLike, offsets: NDArray[Any], height: int, width: int
) -> NDArray[Any]:
    array = as_integers(run_ends, "run_ends")
    if offsets[-1] != len(array):
        raise ValueError(
            f"offsets: expected the last to be the number of run ends, {len(array)}, got "
            f"{offsets[-1]}"
        )
    outside = np.flatnonzero((array < 0) | (array >= height * width))
    if len(outside):
        raise ValueError(
            f"mask {_mask_at(offsets, outside[0])}: expected run ends from 0 to "
            f"{height * width - 1} for size ({height}, {width}), got {array[outside[0]]}"
        )
    descends = np.zeros(len(array) + 1, np.bool_)
    descends[1:-1] = array[1:] <= array[:-1]
    descends[offsets] = False  # the first run end of a mask has no predecessor
    invalid = np.flatnonzero(descends)
    if len(invalid):
        first = invalid[0]
        raise ValueError(
            f"mask {_mask_at(offsets, first)}: expected strictly increasing run ends, got "
            f"{array[first]} after {array[first - 1]}"
        )
    return array


def joined(batches: Sequence[Batch]) -> Batch:
    """Concatenate at least one batch of masks of the same image size."""
    lengths = [np.diff(batch_offsets) for _, batch_offsets in batches]
    offsets = np.zeros(sum(len(batch_lengths) for batch_lengths in lengths) + 1, np.int64)
    np.cumsum(np.concatenate(lengths), out=offsets[1:])
    all_run_ends: list[NDArray[Any]] = [run_ends for run_ends, _ in batches]
    return np.concatenate(all_run_ends), offsets


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
    shifts = np.zeros_like(offsets)
    np.cumsum(is_open, out=shifts[1:])
    bound_offsets: Offsets = offsets + shifts
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


def _mask_at(offsets: NDArray[Any], position: np.intp) -> int:
    return int(np.searchsorted(offsets, position, side="right")) - 1
