"""Sampling positions of the columns and rows of an image.

Positions are in units of samples: 0 is the center of the first sample, n - 1 that of the last.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def bilinear_positions(samples: int, count: int) -> NDArray[np.float32]:
    """Compute the sampling positions of bilinear resizing along one axis.

    The positions are those of torch's ``interpolate(size=..., mode="bilinear",
    align_corners=False)``: pixel k is at ``scale * (k + 0.5) - 0.5``, where scale is the float32
    of samples / count. The result is rounded to float32 once, as on processors with fused
    multiply-add, and clipped to the first and last sample.

    Parameters
    ----------
    samples : int
        Number of samples, from 1 to MAX_SIDE.
    count : int
        Number of pixels, from 0 to MAX_SIDE.

    Returns
    -------
    numpy.ndarray
        Position of each pixel: float32, shape (count,), non-decreasing, from 0 to `samples` - 1.

    Examples
    --------
    >>> bilinear_positions(2, 4)
    array([0.  , 0.25, 0.75, 1.  ], dtype=float32)
    """
    return positions_at(np.arange(count), samples, count)


def positions_at(
    pixels: NDArray[np.int64], samples: int | NDArray[np.int64], count: int | NDArray[np.int64]
) -> NDArray[np.float32]:
    """Return the sampling positions of the given pixels, as :func:`bilinear_positions` does.

    `samples` and `count` may be arrays with one element per pixel.
    """
    scale = np.divide(samples, np.maximum(count, 1), dtype=np.float32).astype(np.float64)
    positions = scale * (pixels + 0.5) - 0.5
    last = np.subtract(samples, 1, dtype=np.float32)
    return np.clip(positions.astype(np.float32), 0, last)
