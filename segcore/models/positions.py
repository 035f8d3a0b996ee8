"""Where the columns and rows of an image lie among samples.

Positions count samples: 0 is the middle of the first, n - 1 that of the last.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def bilinear_positions(samples: int, count: int) -> NDArray[np.float32]:
    """Spread ``count`` pixels evenly over samples, half-pixel centres on half-sample centres.

    The rule of torch's ``interpolate(mode="bilinear", align_corners=False)`` with a size: pixel k
    is at ``scale * (k + 0.5) - 0.5``, where scale is the float32 of samples / count, and the result
    is rounded once to float32 (as its processors with fused operations do); before the first
    sample and behind the last one there is nothing, so that the positions stay there.

    Parameters
    ----------
    samples, count : int
        How many samples there are, at least one, and how many pixels; both up to MAX_SIDE.

    Returns
    -------
    numpy.ndarray
        float32 (count,), never descending, from 0 to samples - 1.

    Examples
    --------
    >>> bilinear_positions(2, 4)
    array([0.  , 0.25, 0.75, 1.  ], dtype=float32)
    """
    return positions_at(np.arange(count), samples, count)


def positions_at(
    pixels: NDArray[np.int64], samples: int | NDArray[np.int64], count: int | NDArray[np.int64]
) -> NDArray[np.float32]:
    """Give the positions of single pixels; ``samples`` and ``count`` may be one for each."""
    scale = np.divide(samples, np.maximum(count, 1), dtype=np.float32).astype(np.float64)
    positions = scale * (pixels + 0.5) - 0.5
    last = np.subtract(samples, 1, dtype=np.float32)
    return np.clip(positions.astype(np.float32), 0, last)
