"""Masks as blocks: rectangles that consist of part of one column, or of whole columns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segcore.backends.reference.flips import Flips, cancel, pieces

Blocks = NDArray[np.int64]
"""Blocks of one mask, ascending: left, right, top, bottom (half-open), shape (K, 4)."""


def blocks_of(flips: Flips, height: int, width: int) -> Blocks:
    """Split a mask into blocks."""
    starts, stops = np.array(pieces(flips, height, width), np.int64).reshape(-1, 2).T
    rows = max(height, 1)
    left = starts // rows
    right = np.maximum(left + 1, stops // rows)
    top = starts - left * height
    return np.stack([left, right, top, top + np.minimum(stops - starts, height)], axis=1)


def flips_of(blocks: Blocks, height: int, width: int) -> Flips:
    """Return the flips of the mask that consists of these blocks, which do not overlap."""
    blocks = blocks[(blocks[:, 0] < blocks[:, 1]) & (blocks[:, 2] < blocks[:, 3])]
    left, right, top, bottom = blocks.T
    # Whole columns are one run.
    counts = np.where((top == 0) & (bottom == height), 1, right - left)
    block = np.repeat(np.arange(len(blocks)), counts)
    column = left[block] + np.arange(len(block)) - (np.cumsum(counts) - counts)[block]
    ends = np.where(counts == 1, right, left + 1)[block] + column - left[block]
    starts = column * height + top[block]
    stops = (ends - 1) * height + bottom[block]
    return cancel(np.concatenate([starts, stops]), height * width)
