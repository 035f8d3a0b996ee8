"""Masks with the order of rows or columns reversed."""

from __future__ import annotations

from segcore._batch import Batch
from segcore.backends.reference.blocks import blocks_of, flips_of
from segcore.backends.reference.flips import split
from segcore.backends.runs import batch_of


def reverse(batch: Batch, rows: bool, columns: bool) -> Batch:
    """Reverse the order of the rows, of the columns, or of both."""
    height, width = batch.size
    masks = []
    for flips in split(batch):
        blocks = blocks_of(flips, height, width)
        if columns:
            blocks[:, :2] = width - blocks[:, 1::-1]
        if rows:
            blocks[:, 2:] = height - blocks[:, :1:-1]
        masks.append(flips_of(blocks, height, width))
    return batch_of(masks, height, width)
