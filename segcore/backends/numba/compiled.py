"""Compilation settings, and the array conversions that the kernels share.

Numba compiles a function once per combination of argument types: dtype, memory layout and
read-only flag. The kernels therefore convert their arguments to few types before the call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

from segcore._batch import Batch, Offsets
from segcore.backends.sizes import run_end_dtype

P = ParamSpec("P")
R = TypeVar("R")

Integers = NDArray[np.int64]

int64 = cast("Callable[[Any], int]", np.int64)
uint8 = cast("Callable[[Any], int]", np.uint8)
uint64 = cast("Callable[[Any], int]", np.uint64)
"""Conversions in compiled functions, where integers have 64 bits. Array indices are checked for
negative values unless they are unsigned."""

ZERO = cast("int", np.int64(0))
"""Pass this instead of a literal 0: Numba compiles a function again for each literal argument."""


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile ``function`` at its first call, cache the result on disk, and release the GIL.

    Numba does not notice changes in functions of other files: after editing one, remove
    ``__pycache__``. ``fastmath`` stays off, because results must be identical on all backends.
    """
    kernel: Callable[P, R] = numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    return kernel


def as_int64(values: NDArray[Any], offsets: Offsets) -> tuple[Integers, Integers]:
    """Return writable int64 copies of values and their offsets."""
    return np.array(values, np.int64), np.array(offsets, np.int64)


def arrays_of(batch: Batch) -> tuple[Integers, Integers]:
    """Return writable int64 copies of the run ends and offsets of a batch."""
    return as_int64(batch.run_ends, batch.offsets)


def as_batch(run_ends: Integers, offsets: Integers, height: int, width: int) -> Batch:
    """Return a batch of the run ends up to the last offset, in the dtype of the size."""
    flips = run_ends[: offsets[-1]].astype(run_end_dtype(height, width))
    return Batch(flips, offsets, height, width)


def columns_first(array: NDArray[Any]) -> bool:
    """Return whether vertical neighbors are closer in memory than horizontal ones."""
    return abs(array.strides[-2]) < abs(array.strides[-1])


@compiled
def with_room(buffer: NDArray[Any], used: int, more: int) -> NDArray[Any]:
    """Return ``buffer``, or a larger copy of its ``used`` values, with room for ``more``."""
    if used + more <= buffer.size:
        return buffer
    larger = np.empty(max(used + more, buffer.size + buffer.size // 2), buffer.dtype)
    for i in range(used):  # instead of a slice, which takes a second to compile
        larger[i] = buffer[i]
    return larger
