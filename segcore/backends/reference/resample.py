"""Soft masks to run ends: interpolated densely, mask by mask."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segcore.backends.interpolation import Floats, bounded, interpolated
from segcore.backends.protocol import Batch
from segcore.backends.reference.flips import Flips, join


def resample(
    scores: Floats,
    inner: tuple[Floats, Floats] | None,
    x_positions: Floats,
    y_positions: Floats,
    windows: NDArray[np.int64],
    height: int,
    width: int,
    threshold: float,
) -> Batch:
    """Interpolate columns, then rows, and encode what is greater than the threshold."""
    masks = []
    for samples, (x0, y0, x1, y1, x_place, y_place) in zip(scores, windows, strict=True):
        values = bounded(samples)
        x = x_positions[x_place : x_place + x1 - x0]
        y = y_positions[y_place : y_place + y1 - y0]
        for axis, steps in ((1, (x,)), (0, (y,))):
            for positions in steps if inner is None else (inner[1 - axis], *steps):
                values = interpolated(values, positions, axis)
        masks.append(_flips(values > np.float32(threshold), x0, y0, height, width))
    return join(masks, height, width)


def _flips(window: NDArray[np.bool_], x0: int, y0: int, height: int, width: int) -> Flips:
    """Encode what lies in the picture with its first pixel at (y0, x0)."""
    rows, columns = window.shape
    if rows == 0 or columns == 0:
        return np.empty(0, np.int64)
    strip = np.zeros((columns + 1, height), np.bool_)  # the window's columns, and one behind
    strip[:columns, y0 : y0 + rows] = window.T
    flips: Flips = np.flatnonzero(np.diff(strip.ravel(), prepend=False)) + x0 * height
    return flips[flips < height * width]
