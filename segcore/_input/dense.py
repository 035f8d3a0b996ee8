"""Convert dense arrays of any dtype to dtypes that the kernels support, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._batch import Batch, sliced
from segcore._input.recognize import threshold_hint
from segcore.backends import kernels


def for_encode(array: NDArray[Any], threshold: float | None) -> tuple[NDArray[Any], float | None]:
    """Return an equivalent array and threshold that the encoding kernel supports.

    Raises
    ------
    ValueError
        If the array has a float dtype and there is no threshold.
    """
    dtype = array.dtype
    if dtype.kind == "f" and threshold is None:
        raise ValueError(f"dense: {dtype} needs a threshold; {threshold_hint(array)}")
    if dtype.char == "g":
        return array > threshold, None
    if dtype.isnative:
        return array, threshold
    native = dtype.newbyteorder("=")
    # Whether a value is zero does not depend on the byte order.
    return (array.view(native) if threshold is None else array.astype(native)), threshold


def check_numeric(dtype: np.dtype[Any], name: str) -> None:
    """Raise TypeError if the dtype is neither bool nor numeric."""
    if dtype.kind not in "biufc":
        raise TypeError(f"{name}: expected bool or a numeric dtype, got {dtype}")


def decode(batch: Batch, out: NDArray[Any], zeroed: bool) -> None:
    """Write masks as ones and zeros of any numeric dtype. `zeroed`: `out` contains only zeros."""
    if out.dtype.itemsize <= 8 and out.dtype.char not in "gG":
        kernels.decode(batch, out, zeroed)
        return
    # The kernels do not support wider elements.
    mask = np.zeros((1, *out.shape[1:]), np.bool_)
    for i, target in enumerate(out):
        kernels.decode(sliced(batch, i, i + 1), mask, False)
        target[...] = mask[0]
