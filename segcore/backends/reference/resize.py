"""Masks resized by taking the nearest pixel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segcore._batch import Batch
from segcore.backends.reference.blocks import blocks_of, flips_of
from segcore.backends.reference.flips import split
from segcore.backends.runs import batch_of


def resize(batch: Batch, height: int, width: int, centers: bool) -> Batch:
    """Take the nearest input pixel for each output pixel."""
    masks = []
    for flips in split(batch):
        blocks = blocks_of(flips, *batch.size)
        columns = _first_taking(blocks[:, :2], batch.width, width, centers)
        rows = _first_taking(blocks[:, 2:], batch.height, height, centers)
        masks.append(flips_of(np.concatenate([columns, rows], axis=1), height, width))
    return batch_of(masks, height, width)


def _first_taking(
    positions: NDArray[np.int64], inputs: int, outputs: int, centers: bool
) -> NDArray[np.int64]:
    """Return the first output row (or column) that takes each input row or a later one."""
    # Row Y takes floor(Y * inputs / outputs), or floor((2 Y + 1) * inputs / (2 outputs)).
    if centers:
        first = -((inputs - 2 * outputs * positions) // (2 * max(inputs, 1)))
    else:
        first = -(-outputs * positions // max(inputs, 1))
    return np.maximum(first, 0)
