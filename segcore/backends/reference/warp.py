"""Masks under affine and perspective maps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segcore._batch import Batch
from segcore.backends.reference.flips import Flips, split
from segcore.backends.runs import batch_of, run_ends_of

MAX_PIXELS = 2**20
"""Number of pixels to look up at a time."""


def warp(batch: Batch, matrices: NDArray[np.float64], height: int, width: int) -> Batch:
    """Look up the input pixel of each output pixel."""
    masks = [
        _warp(flips, *batch.size, matrix.reshape(3, 3), height, width)
        for flips, matrix in zip(split(batch), matrices, strict=True)
    ]
    return batch_of(masks, height, width)


def _warp(
    flips: Flips, rows: int, columns: int, matrix: NDArray[np.float64], height: int, width: int
) -> Flips:
    if len(flips) == 0 or height * width == 0:
        return np.empty(0, np.int64)
    step = max(MAX_PIXELS // height, 1)
    ends, values = [], []
    y = np.arange(height, dtype=np.float64)
    for first in range(0, width, step):
        x = np.arange(first, min(first + step, width), dtype=np.float64)[:, None]
        with np.errstate(all="ignore"):  # divisions by zero are outside the image
            u, v, w = (row[1] * y + (row[0] * x + row[2]) for row in matrix)
            u, v = u / w, v / w
        inside = (u >= 0) & (u < columns) & (v >= 0) & (v < rows)
        pixel = u[inside].astype(np.int64) * rows + v[inside].astype(np.int64)
        found = np.zeros(inside.shape, np.bool_)
        found[inside] = np.searchsorted(flips, pixel, side="right") % 2 == 1
        stretches = found.ravel()
        last = np.flatnonzero(np.append(stretches[1:] != stretches[:-1], True))
        ends.append(first * height + last + 1)
        values.append(stretches[last])
    return run_ends_of(np.concatenate(ends), np.concatenate(values))
