"""Crops of masks, and masks of crops. All backends share these functions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segcore._batch import Batch
from segcore.backends import kernels
from segcore.backends.runs import closed_runs


def cropped(batch: Batch, boxes: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Return the start and end of each run of a mask within its box, which contains the mask.

    `boxes` are x0 y0 x1 y1, shape (N, 4). The starts and ends alternate; they are column-major
    pixel offsets in the box. The last end may be the end of the box.
    """
    count = len(batch.offsets) - 1
    if count == 0:
        return []
    bounds, bound_offsets = closed_runs(batch)
    mask = np.repeat(np.arange(count), np.diff(bound_offsets) // 2)  # index of each run's mask
    # If a run continues in the next column, its box has the full height of the image.
    x, y = np.divmod(bounds[0::2], max(batch.height, 1))
    x0, y0, _, y1 = boxes[mask].T
    starts = (x - x0) * (y1 - y0) + y - y0
    stops = starts + bounds[1::2] - bounds[0::2]
    # Join runs that touch in the box: at the bottom of one column and the top of the next.
    apart = (stops[:-1] != starts[1:]) | (mask[:-1] != mask[1:])
    first = np.concatenate([np.ones(len(mask[:1]), np.bool_), apart])
    last = np.concatenate([apart, np.ones(len(mask[:1]), np.bool_)])
    joined = np.stack([starts[first], stops[last]], axis=1).ravel()
    lengths = 2 * np.bincount(mask[first], minlength=count)
    return np.split(joined, np.cumsum(lengths)[:-1])


def placed(crop: NDArray[np.bool_], x0: int, y0: int, height: int, width: int) -> NDArray[np.int64]:
    """Return the run ends, in an image of size (height, width), of a dense crop at (x0, y0)."""
    rows, columns = crop.shape
    if rows == height:
        ends = kernels.encode(crop[None], None).run_ends.astype(np.int64) + x0 * height
        stop = (x0 + columns) * height
        is_open = len(ends) % 2 == 1 and stop < height * width
        return np.append(ends, stop) if is_open else ends
    # A row of background below the crop ensures that no run continues in the next column.
    padded = np.zeros((1, rows + 1, columns), np.bool_)
    padded[0, :rows] = crop
    x, y = np.divmod(kernels.encode(padded, None).run_ends.astype(np.int64), rows + 1)
    ends = (x0 + x) * height + y0 + y
    return ends[ends < height * width]
