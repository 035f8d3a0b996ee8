"""Masks as pairs of numbers: the 1-based first pixel of each run of foreground, and its length."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segcore._input.arrays import Size
from segcore._input.run_ends import closed_runs
from segcore.backends import kernels
from segcore.backends.protocol import Offsets
from segcore.formats._objects import object_of
from segcore.masks import Masks, wrap


def from_pairs(numbers: NDArray[np.int64], offsets: Offsets, size: Size) -> Masks:
    """Make masks of pairs.

    Parameters
    ----------
    numbers : numpy.ndarray of int64
        start, length, start, length, ... of all objects, end to end. Starts count pixels column by
        column from 1. Runs ascend and do not overlap; they may touch, and have the length 0.
    offsets : numpy.ndarray of int64
        (N + 1,): the numbers of object ``i`` are ``numbers[offsets[i]:offsets[i + 1]]``.
    size : tuple of int
        (H, W).

    Raises
    ------
    ValueError
        For numbers that are no such pairs; the message names the object.
    """
    _check_even(offsets)
    height, width = size
    starts, lengths = numbers[0::2] - 1, numbers[1::2]
    _check_inside(numbers, offsets, size)
    ends = starts + lengths
    before = np.zeros_like(ends)  # where the run before ends
    before[1:] = ends[:-1]
    firsts = offsets[:-1][offsets[1:] > offsets[:-1]] // 2
    before[firsts] = 0
    _check_ascending(starts, before, offsets)

    # Each object's numbers become the lengths of runs, background first, and one of what is left.
    left = np.full(len(offsets) - 1, height * width)
    filled = np.flatnonzero(offsets[1:] > offsets[:-1])
    left[filled] -= ends[offsets[1:][filled] // 2 - 1]
    numbers_of_runs = offsets + np.arange(len(offsets))
    runs = np.empty(numbers_of_runs[-1], np.int64)
    runs[numbers_of_runs[1:] - 1] = left
    is_pair = np.ones(len(runs), np.bool_)
    is_pair[numbers_of_runs[1:] - 1] = False
    runs[is_pair] = np.column_stack([starts - before, lengths]).ravel()
    return wrap(kernels.counts_decode(runs, numbers_of_runs, height, width), size)


def to_pairs(masks: Masks) -> tuple[NDArray[np.int64], Offsets]:
    """Give the pairs of all masks, end to end, and where each mask's begin."""
    bounds, offsets = closed_runs(masks.run_ends, masks.offsets, masks.size)
    bounds[1::2] -= bounds[0::2]
    bounds[0::2] += 1
    return bounds, offsets


def _check_even(offsets: Offsets) -> None:
    odd = np.flatnonzero(np.diff(offsets) % 2)
    if len(odd):
        place = odd[0]
        raise ValueError(
            f"object {place}: has {offsets[place + 1] - offsets[place]} numbers; expected a start "
            "and a length for each run, so an even number"
        )


def _check_inside(numbers: NDArray[np.int64], offsets: Offsets, size: Size) -> None:
    pixels = size[0] * size[1]
    starts, lengths = numbers[0::2], numbers[1::2]
    # Where the subtraction wraps, one of the other two holds.
    wrong = np.flatnonzero((starts < 1) | (lengths < 0) | (lengths > pixels - starts + 1))
    if len(wrong):
        pair = int(wrong[0])
        place = object_of(offsets, 2 * pair)
        raise ValueError(
            f"object {place}: run {pair - offsets[place] // 2} has the start {starts[pair]} and "
            f"the length {lengths[pair]}, but the pixels of size {size} are 1 to {pixels}"
        )


def _check_ascending(
    starts: NDArray[np.int64], before: NDArray[np.int64], offsets: Offsets
) -> None:
    wrong = np.flatnonzero(starts < before)
    if len(wrong):
        pair = int(wrong[0])
        place = object_of(offsets, 2 * pair)
        raise ValueError(
            f"object {place}: run {pair - offsets[place] // 2} starts at pixel {starts[pair] + 1}, "
            f"but the run before it ends at pixel {before[pair]}; runs ascend and do not overlap"
        )
