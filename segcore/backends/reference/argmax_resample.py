"""Class scores to a label map: interpolated densely."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore.backends.interpolation import Floats, bounded, interpolated


def argmax_resample(
    scores: Floats, x_positions: Floats, y_positions: Floats, out: NDArray[np.unsignedinteger[Any]]
) -> None:
    """Interpolate columns, then rows, and find the first of the greatest that is not beaten."""
    if out.size == 0:
        return
    samples = bounded(scores)
    values = interpolated(interpolated(samples, x_positions, 2), y_positions, 1)
    beaten = _beaten(samples).take(x_positions.astype(np.int64), 2)
    values[beaten.take(y_positions.astype(np.int64), 1)] = -np.inf
    out[...] = values.argmax(axis=0)


def _beaten(samples: Floats) -> NDArray[np.bool_]:
    """Tell of each class in which cells another one beats it; cell (y, x) begins at that sample."""
    right = np.concatenate([samples[:, :, 1:], samples[:, :, -1:]], axis=2)
    corners = np.array([np.concatenate([a, a[:, -1:]], axis=1) for a in (samples, right)])
    corners = np.concatenate([corners[:, :, :-1], corners[:, :, 1:]])
    beaten = np.zeros(samples.shape, np.bool_)
    for k in range(len(samples)):
        one = corners[:, k : k + 1]
        beaten |= np.all(corners < one, axis=0)
        beaten[k + 1 :] |= np.all(corners[:, k + 1 :] <= one, axis=0)
    return beaten
