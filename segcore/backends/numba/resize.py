"""Masks resized by taking the nearest pixel."""

from __future__ import annotations

import numpy as np

from segcore._batch import Batch
from segcore.backends.numba.blocks import add_block, split_blocks, without_end
from segcore.backends.numba.compiled import ZERO, Integers, arrays_of, as_batch, compiled


def resize(batch: Batch, height: int, width: int, centers: bool) -> Batch:
    """Take the nearest input pixel for each output pixel."""
    offsets = np.zeros(len(batch.offsets), np.int64)
    run_ends = _resize(*arrays_of(batch), *batch.size, height, width, bool(centers), offsets)
    return as_batch(run_ends, offsets, height, width)


@compiled
def _resize(
    ends: Integers,
    offsets: Integers,
    rows: int,
    columns: int,
    height: int,
    width: int,
    centers: bool,
    resized_offsets: Integers,
) -> Integers:
    resized, used = np.empty(ends.size + 16, np.int64), ZERO
    blocks = np.empty((3 * ((ends.size + 1) // 2 + 1), 4), np.int64)
    for mask in range(offsets.size - 1):
        flips = ends[offsets[mask] : offsets[mask + 1]]
        count = split_blocks(flips, rows, rows * columns, blocks)
        first = used
        start = ZERO
        while start < count:
            left = _first_taking(blocks[start, 0], columns, width, centers)
            right = _first_taking(blocks[start, 1], columns, width, centers)
            is_whole = blocks[start, 1] - blocks[start, 0] > 1
            stop = start + 1
            while stop < count and blocks[stop, 0] == blocks[start, 0]:
                stop += 1
            x = left
            while x < right:
                next_x = right if is_whole else x + 1
                for i in range(start, stop):
                    top = _first_taking(blocks[i, 2], rows, height, centers)
                    bottom = _first_taking(blocks[i, 3], rows, height, centers)
                    resized, used = add_block(resized, first, used, x, next_x, top, bottom, height)
                x = next_x
            start = stop
        used = without_end(resized, first, used, height * width)
        resized_offsets[mask + 1] = used
    return resized


@compiled
def _first_taking(position: int, inputs: int, outputs: int, centers: bool) -> int:
    """Return the first output row (or column) that takes an input row or a later one."""
    scaled, divisor = position * outputs, inputs
    if centers:
        scaled, divisor = 2 * scaled - inputs, 2 * inputs
    return (scaled - 1) // divisor + 1 if scaled > 0 else ZERO
