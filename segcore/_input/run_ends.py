"""Validation of run ends that come from users and pickles."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segcore._batch import Batch
from segcore._input.arrays import Size, as_integers
from segcore.backends.sizes import run_end_dtype
from segcore.errors import MaskError


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
    Batch
        N masks.

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
    ends = ends.astype(run_end_dtype(*size), copy=copy)
    return Batch(ends, starts.astype(np.int64, copy=copy), *size)


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
        raise MaskError(
            _mask_at(offsets, outside[0]),
            f"expected run ends from 0 to {height * width - 1} for size ({height}, {width}), got "
            f"{array[outside[0]]}",
        )
    descends = np.zeros(len(array) + 1, np.bool_)
    descends[1:-1] = array[1:] <= array[:-1]
    descends[offsets] = False  # the first run end of a mask has no predecessor
    invalid = np.flatnonzero(descends)
    if len(invalid):
        first = invalid[0]
        raise MaskError(
            _mask_at(offsets, first),
            f"expected strictly increasing run ends, got {array[first]} after {array[first - 1]}",
        )
    return array


def _mask_at(offsets: NDArray[Any], position: np.intp) -> int:
    return int(np.searchsorted(offsets, position, side="right")) - 1
