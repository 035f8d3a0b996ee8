"""Dense arrays of every dtype, in the form that kernels take them."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._input.recognize import threshold_hint
from segcore.backends import kernels
from segcore.backends.protocol import Offsets, RunEnds


def for_encode(array: NDArray[Any], threshold: float | None) -> tuple[NDArray[Any], float | None]:
    """Give the array and threshold in a form that the kernel knows."""
    dtype = array.dtype
    if dtype.kind == "f" and threshold is None:
        raise ValueError(f"dense: {dtype} needs a threshold; {threshold_hint(array)}")
    if dtype.char == "g":
        return array > threshold, None
    if dtype.isnative:
        return array, threshold
    native = dtype.newbyteorder("=")
    # Whether something is zero does not depend on the order of its bytes.
    return (array.view(native) if threshold is None else array.astype(native)), threshold


def check_numeric(dtype: np.dtype[Any], name: str) -> None:
    """Raise TypeError for what holds no numbers."""
    if dtype.kind not in "biufc":
        raise TypeError(f"{name}: expected bool or a numeric dtype, got {dtype}")


def decode(run_ends: RunEnds, offsets: Offsets, out: NDArray[Any], zeroed: bool) -> None:
    """Write masks as ones and zeros of any numeric dtype; ``zeroed``: there are zeros already."""
    if out.dtype.itemsize <= 8 and out.dtype.char not in "gG":
        kernels.decode(run_ends, offsets, out, zeroed)
        return
    # Such elements no kernel writes.
    plane = np.zeros((1, *out.shape[1:]), np.bool_)
    for image, (start, end) in zip(out, itertools.pairwise(offsets), strict=True):
        kernels.decode(run_ends[start:end], np.array([0, end - start]), plane, False)
        image[...] = plane[0]
