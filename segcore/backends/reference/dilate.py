"""Dilation of masks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segcore.backends.protocol import Batch, Offsets, RunEnds
from segcore.backends.reference.flips import Flips, at_least, join, pieces, split


def dilate(
    run_ends: RunEnds, offsets: Offsets, height: int, width: int, reach: NDArray[np.int64]
) -> Batch:
    """Dilate each mask."""
    masks = split(run_ends, offsets)
    return join((_dilate(flips, height, width, reach) for flips in masks), height, width)


def _dilate(flips: Flips, height: int, width: int, reach: NDArray[np.int64]) -> Flips:
    runs = np.array(pieces(flips, height, width), np.int64).reshape(-1, 2)
    tops = runs[:, 0] // max(height, 1) * height
    bottoms = -(-runs[:, 1] // max(height, 1)) * height
    shifted = []
    for x in range(1 - len(reach), len(reach)):
        rows = reach[abs(x)]
        starts = np.maximum(runs[:, 0] - rows, tops)
        stops = np.minimum(runs[:, 1] + rows, bottoms)
        columns = np.stack([starts, stops], axis=1) + x * height
        columns = columns.clip(0, height * width)
        shifted.append(columns[columns[:, 0] < columns[:, 1]].ravel())
    return at_least(1, shifted, height * width)
