"""Masks resized by the covered share of each pixel."""

from __future__ import annotations

import numpy as np

from segcore._batch import Batch
from segcore.backends.numba.blocks import add_block, split_blocks, without_end
from segcore.backends.numba.compiled import ZERO, Integers, arrays_of, as_batch, compiled


def cover(batch: Batch, height: int, width: int, limit: int) -> Batch:
    """Set the output pixels whose covered area is at least the limit."""
    offsets = np.zeros(len(batch.offsets), np.int64)
    run_ends = _cover(*arrays_of(batch), *batch.size, height, width, limit, offsets)
    return as_batch(run_ends, offsets, height, width)


@compiled
def _cover(
    ends: Integers,
    offsets: Integers,
    rows: int,
    columns: int,
    height: int,
    width: int,
    limit: int,
    covered_offsets: Integers,
) -> Integers:
    """Sum up the covered area of the pixels of one output column after the other.

    An input pixel is ``height`` high and ``width`` wide, an output pixel ``rows`` high and
    ``columns`` wide, so that all borders are integers.
    """
    covered, used = np.empty(ends.size + 16, np.int64), ZERO
    blocks = np.empty((3 * ((ends.size + 1) // 2 + 1), 4), np.int64)
    area = np.zeros(height, np.int64)
    for mask in range(offsets.size - 1):
        flips = ends[offsets[mask] : offsets[mask + 1]]
        count = split_blocks(flips, rows, rows * columns, blocks)
        first = used
        start = ZERO
        x = ZERO
        while height > 0 and x < width:
            while start < count and blocks[start, 1] * width <= x * columns:
                start += 1
            if start == count:
                break
            x = max(x, blocks[start, 0] * width // columns)
            low, high = height, ZERO
            for i in range(start, count):
                if blocks[i, 0] * width >= (x + 1) * columns:
                    break
                right = min(blocks[i, 1] * width, (x + 1) * columns)
                left = max(blocks[i, 0] * width, x * columns)
                top, bottom = blocks[i, 2] * height, blocks[i, 3] * height
                y = top // rows
                low = min(low, y)
                while y * rows < bottom:
                    part = min(bottom, (y + 1) * rows) - max(top, y * rows)
                    area[y] += (right - left) * part
                    y += 1
                high = max(high, y)
            for y in range(low, high):
                if area[y] >= limit:
                    covered, used = add_block(covered, first, used, x, x + 1, y, y + 1, height)
                area[y] = 0
            x += 1
        used = without_end(covered, first, used, height * width)
        covered_offsets[mask + 1] = used
    return covered
