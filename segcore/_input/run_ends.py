"""Run ends that come from users and from pickles: checked, so that kernels can rely on them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segcore._input.arrays import Size, as_integers
from segcore.backends.protocol import Batch
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


def _mask_at(offsets: NDArray[Any], position: np.intp) -> int:
    return int(np.searchsorted(offsets, position, side="right")) - 1
