"""How this backend compiles, and the few steps that its kernels share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import numba
import numpy as np
from numpy.typing import NDArray

P = ParamSpec("P")
R = TypeVar("R")

int32: Any = np.int32
int64: Any = np.int64
uint8: Any = np.uint8
uint64: Any = np.uint64
"""Scalar types for compiled functions; Any, as mypy knows Python's arithmetic and not Numba's."""

ZERO: Any = np.int64(0)
ONE: Any = np.int64(1)
"""Not literals, to pass to compiled functions: Numba compiles them anew for every literal."""


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile ``function`` on its first call, keep the result on disk, and release the GIL.

    Numba does not see changes of what a function calls in another file: after editing one,
    remove ``__pycache__``.

    Never with ``fastmath``: polygons must come out bit for bit as they do elsewhere.
    """
    kernel: Callable[P, R] = numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    return kernel


def frozen(array: NDArray[Any]) -> NDArray[Any]:
    """Return a read-only view: Numba compiles anew for every mix of mutable and read-only ones."""
    view = array.view()
    view.flags.writeable = False
    return view


def unsigned(array: NDArray[Any]) -> NDArray[Any]:
    """Return the bits of ``array`` as unsigned integers of its item size, without a copy."""
    return array.view(f"u{array.itemsize}")


def columns_first(array: NDArray[Any]) -> bool:
    """Tell whether neighbours in a column of the (..., H, W) array lie closer than in a row."""
    return abs(array.strides[-2]) < abs(array.strides[-1])


@compiled
def with_room(buffer: NDArray[Any], used: int, more: int) -> NDArray[Any]:
    """Return ``buffer``, or a larger copy of its ``used`` values, with room for ``more``."""
    if used + more <= buffer.size:
        return buffer
    larger = np.empty(max(used + more, buffer.size + buffer.size // 2), buffer.dtype)
    for i in range(used):  # in place of a slice, which takes Numba a second to compile
        larger[i] = buffer[i]
    return larger
