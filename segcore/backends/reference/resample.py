"""Threshold interpolated soft masks, computed densely for one mask at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segcore._batch import Batch
from segcore.backends.interpolation import Floats, bounded, interpolated
from segcore.backends.reference.flips import Flips
from segcore.backends.runs import batch_of


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
    """Interpolate columns, then rows, and encode the pixels greater than the threshold."""
    masks = []
    for samples, (x0, y0, x1, y1, x_index, y_index) in zip(scores, windows, strict=True):
        values = bounded(samples)
        x = x_positions[x_index : x_index + x1 - x0]
        y = y_positions[y_index : y_index + y1 - y0]
        for axis, window_positions in ((1, x), (0, y)):
            if inner is not None:
                values = interpolated(values, inner[1 - axis], axis)
            values = interpolated(values, window_positions, axis)
        masks.append(_flips(values > np.float32(threshold), x0, y0, height, width))
    return batch_of(masks, height, width)


def _flips(window: NDArray[np.bool_], x0: int, y0: int, height: int, width: int) -> Flips:
    """Return the flips of a window whose first pixel is at (y0, x0) in the image."""
    rows, columns = window.shape
    if rows == 0 or columns == 0:
        return np.empty(0, np.int64)
    strip = np.zeros((columns + 1, height), np.bool_)  # the columns of the window and one more
    strip[:columns, y0 : y0 + rows] = window.T
    flips: Flips = np.flatnonzero(np.diff(strip.ravel(), prepend=False)) + x0 * height
    return flips[flips < height * width]
