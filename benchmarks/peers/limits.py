"""The physical limits: reading all bytes of an array once, and writing them once.

Which plain read is the fastest depends on the machine, so several take part and the best counts.
A fill with zeros is faster than any other on some processors, by a factor of two (their microcode
writes zeros without fetching or sending the line): the fill that counts writes ones.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from .timing import Contender

READ = "read"
FILL = "fill"
LIMITS = (READ, FILL)


def read(array: NDArray[np.bool_]) -> Iterator[Contender]:
    """Read all bytes of a contiguous array, and do next to nothing with them."""
    flat = array.ravel(order="K").view(np.uint8)
    yield Contender(READ, lambda: np.count_nonzero(flat.view(bool)), how="count_nonzero")
    if flat.nbytes % 8 == 0:
        yield Contender(READ, flat.view(np.uint64).max, how="maximum as uint64")
        yield Contender(READ, flat.view(np.uint64).sum, how="sum as uint64")
        yield Contender(READ, flat.view(np.uint32).max, how="maximum as uint32")


def fill(out: NDArray[np.uint8]) -> Iterator[Contender]:
    """Write ones into all bytes of a contiguous array."""
    yield Contender(FILL, lambda: out.fill(1), how="ndarray.fill(1)")
    yield Contender(FILL, lambda: _memset(out), how="memset(1)")


def _memset(out: NDArray[np.uint8]) -> None:
    ctypes.memset(out.ctypes.data, 1, out.nbytes)
