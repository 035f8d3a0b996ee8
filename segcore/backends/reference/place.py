"""Masks on a canvas of another size."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segcore._batch import Batch
from segcore.backends.reference.blocks import blocks_of, flips_of
from segcore.backends.reference.flips import split
from segcore.backends.runs import batch_of


def place(
    batch: Batch, x: NDArray[np.int64], y: NDArray[np.int64], height: int, width: int
) -> Batch:
    """Move each mask by its offset, and clip it to the canvas."""
    masks = []
    for flips, dx, dy in zip(split(batch), x.tolist(), y.tolist(), strict=True):
        blocks = blocks_of(flips, *batch.size)
        columns = (blocks[:, :2] + dx).clip(0, width)
        rows = (blocks[:, 2:] + dy).clip(0, height)
        masks.append(flips_of(np.concatenate([columns, rows], axis=1), height, width))
    return batch_of(masks, height, width)
