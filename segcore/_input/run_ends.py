"""Batches of run ends: checks, runs, concatenation, symmetric differences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segcore._input.arrays import Size, as_integers
from segcore.backends.protocol import Batch, Offsets, RunEnds
from segcore.backends.sizes import run_end_dtype


def as_batch(run_ends: ArrayLike, offsets: ArrayLike, size: Size, copy: bool) -> Batch:
    """Give run ends and offsets in the dtypes that kernels take.

    Parameters
    ----------
    run_ends, offsets : array_like
        Integers, as :class:`segcore.Masks` takes them.
    size : (int, int)
        The masks' (height, width).
    copy : bool
        Whether arrays that already have these dtypes are copied.

    Raises
    ------
    ValueError
        If the offsets do not divide the run ends, or the run ends of a mask are not strictly
        increasing from 0 or more to less than H * W. The message names the mask.
    TypeError
        If there are other things than integers.
    """
    starts = _as_offsets(offsets)
    ends = _as_run_ends(run_ends, starts, *size)
    return ends.astype(run_end_dtype(*size), copy=copy), starts.astype(np.int64, copy=copy)


def _as_offsets(offsets: ArrayLike) -> NDArray[Any]:
    array = as_integers(offsets, "offsets")
    if len(array) == 0 or array[0] != 0 or np.any(array[1:] < array[:-1]):
        raise ValueError("offsets: expected integers that begin with 0 and never descend")
    if array[-1] >= 2**63:
        raise ValueError(f"offsets: expected the number of run ends at the end, got {array[-1]}")
    return array


def _as_run_ends(
    run_ends: ArrayLike, offsets: NDArray[Any], height: int, width: int
) -> NDArray[Any]:
    array = as_integers(run_ends, "run_ends")
    if offsets[-1] != len(array):
        raise ValueError(f"offsets: end with {offsets[-1]}, but there are {len(array)} run ends")
    outside = np.flatnonzero((array < 0) | (array >= height * width))
    if len(outside):
        raise ValueError(
            f"mask {_mask_at(offsets, outside[0])}: run end {array[outside[0]]} is not a pixel of "
            f"size ({height}, {width}), from 0 to {height * width - 1}"
        )
    falls = np.zeros(len(array) + 1, np.bool_)
    falls[1:-1] = array[1:] <= array[:-1]
    falls[offsets] = False  # another mask begins
    wrong = np.flatnonzero(falls)
    if len(wrong):
        at = wrong[0]
        raise ValueError(
            f"mask {_mask_at(offsets, at)}: run end {array[at]} follows {array[at - 1]}, but run "
            "ends are strictly increasing"
        )
    return array


def joined(batches: Sequence[Batch]) -> Batch:
    """Concatenate batches of masks of one size; there is at least one."""
    offsets = np.zeros(sum(len(own) - 1 for _, own in batches) + 1, np.int64)
    np.cumsum(np.concatenate([np.diff(own) for _, own in batches]), out=offsets[1:])
    run_ends: list[NDArray[Any]] = [own for own, _ in batches]
    return np.concatenate(run_ends), offsets


def closed_runs(
    run_ends: RunEnds, offsets: Offsets, size: Size
) -> tuple[NDArray[np.int64], Offsets]:
    """Return the start and the end of each foreground run, also of one that ends with the image.

    Returns
    -------
    bounds : numpy.ndarray
        int64: start, end, start, end, ... of all masks.
    bound_offsets : numpy.ndarray
        int64 (N + 1,): where each mask's bounds begin.
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
        int64 (N,): the group of each mask, from 0 to ``count`` - 1, in ascending order.
    count : int
        The number of groups.
    size : (int, int)
        The masks' (height, width).

    Returns
    -------
    run_ends, offsets : numpy.ndarray
        ``count`` masks: of each group the pixels that an odd number of its masks have.
    """
    run_ends, offsets = batch
    lengths = np.diff(offsets)
    if not (np.diff(groups) == 0).any():
        group_offsets = np.zeros(count + 1, np.int64)
        group_offsets[groups + 1] = lengths
        return run_ends, np.cumsum(group_offsets)
    # All flips of a group, in order, but for those that an even number of its masks have. One
    # number says which group a flip is of and where it is.
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
    if (same[1:] & same[:-1]).any():  # three or more masks flip at one place, which is rare
        begins = np.flatnonzero(np.concatenate([[True], ~same]))
        odd[begins] = np.diff(begins, append=len(flips)) % 2 == 1
    flips = flips[odd]
    group_offsets = np.searchsorted(flips, first).astype(np.int64)
    flips -= np.repeat(first[:-1], np.diff(group_offsets))
    return flips.astype(run_end_dtype(height, width)), group_offsets


def _mask_at(offsets: NDArray[Any], position: np.intp) -> int:
    return int(np.searchsorted(offsets, position, side="right")) - 1
