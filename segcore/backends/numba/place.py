"""Masks on a canvas of another size."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segcore._batch import Batch
from segcore.backends.numba.blocks import add_block, split_blocks, without_end
from segcore.backends.numba.compiled import ZERO, Integers, arrays_of, as_batch, compiled


def place(
    batch: Batch, x: NDArray[np.int64], y: NDArray[np.int64], height: int, width: int
) -> Batch:
    """Move each mask by its offset, and clip it to the canvas."""
    offsets = np.zeros(len(batch.offsets), np.int64)
    moves = np.stack([x, y], axis=1)
    run_ends = _place(*arrays_of(batch), *batch.size, moves, height, width, offsets)
    return as_batch(run_ends, offsets, height, width)


@compiled
def _place(
    ends: Integers,
    offsets: Integers,
    rows: int,
    columns: int,
    moves: Integers,
    height: int,
    width: int,
    placed_offsets: Integers,
) -> Integers:
    placed, used = np.empty(ends.size + 16, np.int64), ZERO
    blocks = np.empty((3 * ((ends.size + 1) // 2 + 1), 4), np.int64)
    for mask in range(offsets.size - 1):
        flips = ends[offsets[mask] : offsets[mask + 1]]
        count = split_blocks(flips, rows, rows * columns, blocks)
        first, dx, dy = used, moves[mask, 0], moves[mask, 1]
        for i in range(count):
            left, right = max(blocks[i, 0] + dx, 0), min(blocks[i, 1] + dx, width)
            top, bottom = max(blocks[i, 2] + dy, 0), min(blocks[i, 3] + dy, height)
            placed, used = add_block(placed, first, used, left, right, top, bottom, height)
        used = without_end(placed, first, used, height * width)
        placed_offsets[mask + 1] = used
    return placed
