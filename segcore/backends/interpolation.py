"""Linear interpolation as the kernels define it: in float32, without fused operations."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float32]

LIMIT = np.float32(2.0**126)
"""Differences of scores within this bound are finite."""


def bounded(scores: Floats) -> Floats:
    """Bring scores within the limit; NaN becomes the lower one."""
    result: Floats = np.clip(np.where(np.isnan(scores), -LIMIT, scores), -LIMIT, LIMIT)
    return result


def interpolated(values: Floats, positions: Floats, axis: int) -> Floats:
    """Give the values at positions among the samples along an axis, counted from the first."""
    before = positions.astype(np.int64)
    after = np.minimum(before + 1, values.shape[axis] - 1)
    shape = [1] * values.ndim
    shape[axis] = -1
    fraction = (positions - before.astype(np.float32)).reshape(shape)
    a, b = values.take(before, axis), values.take(after, axis)
    result: Floats = a + fraction * (b - a)
    return result
