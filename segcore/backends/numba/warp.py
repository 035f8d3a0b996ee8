"""Masks under affine and perspective maps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segcore._batch import Batch
from segcore.backends.numba.blocks import add_block, without_end
from segcore.backends.numba.compiled import ZERO, Integers, arrays_of, as_batch, compiled, int64


def warp(batch: Batch, matrices: NDArray[np.float64], height: int, width: int) -> Batch:
    """Look up the input pixel of each output pixel."""
    offsets = np.zeros(len(batch.offsets), np.int64)
    values = np.array(matrices, np.float64)
    run_ends = _warp(*arrays_of(batch), *batch.size, values, height, width, offsets)
    return as_batch(run_ends, offsets, height, width)


@compiled
def _warp(
    ends: Integers,
    offsets: Integers,
    rows: int,
    columns: int,
    matrices: NDArray[np.float64],
    height: int,
    width: int,
    warped_offsets: Integers,
) -> Integers:
    warped, used = np.empty(ends.size + 16, np.int64), ZERO
    for mask in range(offsets.size - 1):
        flips = ends[offsets[mask] : offsets[mask + 1]]
        first, matrix = used, matrices[mask]
        k = ZERO  # the first flip behind the pixel that was looked up last
        for x in range(width if flips.size else ZERO):
            top_u = matrix[0] * x + matrix[2]
            top_v = matrix[3] * x + matrix[5]
            top_w = matrix[6] * x + matrix[8]
            for y in range(height):
                w = matrix[7] * y + top_w
                u = (matrix[1] * y + top_u) / w
                v = (matrix[4] * y + top_v) / w
                if u >= 0 and u < columns and v >= 0 and v < rows:
                    pixel = int64(u) * rows + int64(v)
                    while k > 0 and flips[k - 1] > pixel:
                        k -= 1
                    while k < flips.size and flips[k] <= pixel:
                        k += 1
                    if k % 2:
                        warped, used = add_block(warped, first, used, x, x + 1, y, y + 1, height)
        used = without_end(warped, first, used, height * width)
        warped_offsets[mask + 1] = used
    return warped
