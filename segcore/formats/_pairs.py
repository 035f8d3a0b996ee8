"""Convert masks to (start, length) pairs of their foreground runs and back; starts are 1-based."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segcore._batch import Offsets
from segcore._input.arrays import Size
from segcore.backends import kernels
from segcore.backends.runs import closed_runs
from segcore.errors import MaskError
from segcore.formats._objects import object_of
from segcore.masks import Masks, unwrap, wrap


def from_pairs(numbers: NDArray[np.int64], offsets: Offsets, size: Size) -> Masks:
    """Convert pairs to masks.

    Parameters
    ----------
    numbers : numpy.ndarray
        Concatenated start, length, start, length, ... of all objects: int64. Starts are 1-based,
        column-major pixel numbers. The runs of an object must be in ascending order without
        overlap; they may be adjacent, and their length may be 0.
    offsets : numpy.ndarray
        int64, shape (N + 1,). The numbers of object ``i`` are
        ``numbers[offsets[i]:offsets[i + 1]]``.
    size : tuple of int
        Image size (H, W).

    Returns
    -------
    Masks
        N masks of size (H, W).

    Raises
    ------
    ValueError
        If an object has an odd number of numbers, or its runs are outside the image, overlap or are
        not in ascending order. The message contains the index of the object.
    """
    _check_even(offsets)
    height, width = size
    starts, lengths = numbers[0::2] - 1, numbers[1::2]
    _check_inside(numbers, offsets, size)
    ends = starts + lengths
    before = np.zeros_like(ends)  # end of the previous run
    before[1:] = ends[:-1]
    firsts = offsets[:-1][offsets[1:] > offsets[:-1]] // 2
    before[firsts] = 0
    _check_ascending(starts, before, offsets)

    # Convert the numbers of each object to run lengths, background first, and append the rest.
    rest = np.full(len(offsets) - 1, height * width)
    filled = np.flatnonzero(offsets[1:] > offsets[:-1])
    rest[filled] -= ends[offsets[1:][filled] // 2 - 1]
    run_offsets = offsets + np.arange(len(offsets))
    runs = np.empty(run_offsets[-1], np.int64)
    runs[run_offsets[1:] - 1] = rest
    is_pair = np.ones(len(runs), np.bool_)
    is_pair[run_offsets[1:] - 1] = False
    runs[is_pair] = np.column_stack([starts - before, lengths]).ravel()
    return wrap(kernels.counts_decode(runs, run_offsets, height, width))


def to_pairs(masks: Masks) -> tuple[NDArray[np.int64], Offsets]:
    """Return the concatenated pairs of all masks, and the start of each mask in them."""
    bounds, offsets = closed_runs(unwrap(masks))
    bounds[1::2] -= bounds[0::2]
    bounds[0::2] += 1
    return bounds, offsets


def _check_even(offsets: Offsets) -> None:
    odd = np.flatnonzero(np.diff(offsets) % 2)
    if len(odd):
        index = int(odd[0])
        raise MaskError(
            index,
            "expected an even number of integers, a start and a length for each run, got "
            f"{offsets[index + 1] - offsets[index]}",
            "object",
        )


def _check_inside(numbers: NDArray[np.int64], offsets: Offsets, size: Size) -> None:
    pixels = size[0] * size[1]
    starts, lengths = numbers[0::2], numbers[1::2]
    # If the subtraction overflows, one of the other two conditions is true.
    invalid = np.flatnonzero((starts < 1) | (lengths < 0) | (lengths > pixels - starts + 1))
    if len(invalid):
        pair = int(invalid[0])
        index = object_of(offsets, 2 * pair)
        run = pair - int(offsets[index]) // 2
        detail = (
            f"run {run} has start {starts[pair]} and length {lengths[pair]}, "
            f"but the pixels of size {size} are 1 to {pixels}"
        )
        raise MaskError(index, detail, "object", position=run)


def _check_ascending(
    starts: NDArray[np.int64], before: NDArray[np.int64], offsets: Offsets
) -> None:
    invalid = np.flatnonzero(starts < before)
    if len(invalid):
        pair = int(invalid[0])
        index = object_of(offsets, 2 * pair)
        run = pair - int(offsets[index]) // 2
        detail = (
            f"run {run} starts at pixel {starts[pair] + 1}, but the previous run ends at pixel "
            f"{before[pair]}; runs must be in ascending order and must not overlap"
        )
        raise MaskError(index, detail, "object", position=run)
