"""Masks resized by the covered share of each pixel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segcore._batch import Batch
from segcore.backends.reference.blocks import Blocks, blocks_of
from segcore.backends.reference.flips import Flips, changes, split
from segcore.backends.runs import batch_of


def cover(batch: Batch, height: int, width: int, limit: int) -> Batch:
    """Set the output pixels whose covered area is at least the limit."""
    masks = []
    for flips in split(batch):
        columns = _covered(blocks_of(flips, *batch.size), *batch.size, height, width, limit)
        masks.append(np.concatenate([np.empty(0, np.int64), *columns]))
    joined = [_joined(mask, height * width) for mask in masks]
    return batch_of(joined, height, width)


def _covered(
    blocks: Blocks, rows: int, columns: int, height: int, width: int, limit: int
) -> list[Flips]:
    """Return the starts and ends of the runs of each output column.

    An input pixel is `height` high and `width` wide, an output pixel `rows` high and `columns`
    wide, so that all borders are integers.
    """
    left, right, top, bottom = (blocks * [width, width, height, height]).T
    found = []
    borders = np.arange(height + 1) * rows
    for x in _columns_of(blocks, columns, width):
        widths = np.minimum(right, (x + 1) * columns) - np.maximum(left, x * columns)
        area = np.zeros(height, np.int64)
        for i in np.flatnonzero(widths > 0).tolist():
            first, last = top[i] // rows, -(-bottom[i] // rows)
            covered = borders[first : last + 1].clip(top[i], bottom[i])
            area[first:last] += widths[i] * np.diff(covered)
        inside = np.concatenate([area >= limit, [False]])
        found.append(x * height + changes(np.arange(height + 1), inside))
    return found


def _columns_of(blocks: Blocks, columns: int, width: int) -> list[int]:
    """Return the output columns that the blocks may cover."""
    if len(blocks) == 0 or width == 0:
        return []
    first = blocks[:, 0] * width // columns
    last = -(-blocks[:, 1] * width // columns)
    touched = np.zeros(width + 1, np.int64)
    np.add.at(touched, first, 1)
    np.add.at(touched, last, -1)
    found: list[int] = np.flatnonzero(touched.cumsum() > 0).tolist()
    return found


def _joined(ends: NDArray[np.int64], pixels: int) -> Flips:
    """Join runs that touch, and leave out the end of the image."""
    apart = np.ones(len(ends), np.bool_)
    equal = ends[1:] == ends[:-1]
    apart[1:] &= ~equal
    apart[:-1] &= ~equal
    kept: Flips = ends[apart & (ends < pixels)]
    return kept
