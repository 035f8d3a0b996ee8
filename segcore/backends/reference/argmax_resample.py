"""Argmax of interpolated class scores, computed densely."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore.backends.interpolation import Floats, bounded, interpolated


def argmax_resample(
    scores: Floats, x_positions: Floats, y_positions: Floats, out: NDArray[np.unsignedinteger[Any]]
) -> None:
    """Interpolate columns, then rows, and write the argmax of the classes not dominated."""
    if out.size == 0:
        return
    samples = bounded(scores)
    values = interpolated(interpolated(samples, x_positions, 2), y_positions, 1)
    dominated = _dominated(samples).take(x_positions.astype(np.int64), 2)
    values[dominated.take(y_positions.astype(np.int64), 1)] = -np.inf
    out[...] = values.argmax(axis=0)


def _dominated(samples: Floats) -> NDArray[np.bool_]:
    """Return for each class the cells in which another class dominates it: shape (C, h, w).

    Cell (y, x) is to the lower right of sample (y, x).
    """
    right = np.concatenate([samples[:, :, 1:], samples[:, :, -1:]], axis=2)
    corners = np.array([np.concatenate([a, a[:, -1:]], axis=1) for a in (samples, right)])
    corners = np.concatenate([corners[:, :, :-1], corners[:, :, 1:]])
    dominated = np.zeros(samples.shape, np.bool_)
    for k in range(len(samples)):
        scores = corners[:, k : k + 1]
        dominated |= np.all(corners < scores, axis=0)
        dominated[k + 1 :] |= np.all(corners[:, k + 1 :] <= scores, axis=0)
    return dominated
