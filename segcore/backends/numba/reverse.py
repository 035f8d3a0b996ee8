"""Masks with the order of rows or columns reversed."""

from __future__ import annotations

import numpy as np

from segcore._batch import Batch
from segcore.backends.numba.blocks import add_block, split_blocks, without_end
from segcore.backends.numba.compiled import ZERO, Integers, arrays_of, as_batch, compiled


def reverse(batch: Batch, rows: bool, columns: bool) -> Batch:
    """Reverse the order of the rows, of the columns, or of both."""
    offsets = np.zeros(len(batch.offsets), np.int64)
    run_ends = _reverse(*arrays_of(batch), *batch.size, bool(rows), bool(columns), offsets)
    return as_batch(run_ends, offsets, *batch.size)


@compiled
def _reverse(
    ends: Integers,
    offsets: Integers,
    height: int,
    width: int,
    rows: bool,
    columns: bool,
    reversed_offsets: Integers,
) -> Integers:
    result, used = np.empty(ends.size + 16, np.int64), ZERO
    blocks = np.empty((3 * ((ends.size + 1) // 2 + 1), 4), np.int64)
    for mask in range(offsets.size - 1):
        flips = ends[offsets[mask] : offsets[mask + 1]]
        count = split_blocks(flips, height, height * width, blocks)
        first = used
        done = ZERO
        while done < count:
            # The blocks of the next column, in the order in which they are then.
            if columns:
                stop = count - done
                start = stop - 1
                while start > 0 and blocks[start - 1, 0] == blocks[start, 0]:
                    start -= 1
            else:
                start = done
                stop = start + 1
                while stop < count and blocks[stop, 0] == blocks[start, 0]:
                    stop += 1
            for k in range(stop - start):
                i = stop - 1 - k if rows else start + k
                left, right, top, bottom = blocks[i]
                if columns:
                    left, right = width - right, width - left
                if rows:
                    top, bottom = height - bottom, height - top
                result, used = add_block(result, first, used, left, right, top, bottom, height)
            done += stop - start
        used = without_end(result, first, used, height * width)
        reversed_offsets[mask + 1] = used
    return result
