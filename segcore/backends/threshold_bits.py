"""Flags for each of several thresholds, as the bits of an integer."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def bits_dtype(count: int) -> np.dtype[Any]:
    """Return the smallest unsigned dtype of at least `count` bits."""
    return np.dtype(next(f"u{size}" for size in (1, 2, 4, 8) if count <= 8 * size))


def packed(flags: NDArray[np.bool_]) -> NDArray[np.unsignedinteger[Any]]:
    """Pack flags of shape (R, T, n) to integers of shape (R, n) with a bit per threshold."""
    dtype = bits_dtype(flags.shape[1])
    bits = np.left_shift(dtype.type(1), np.arange(flags.shape[1], dtype=dtype))
    result: NDArray[Any] = np.bitwise_or.reduce(flags * bits[:, None], axis=1, dtype=dtype)
    return result
