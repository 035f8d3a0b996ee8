"""Masks that other tools store row by row.

What is row by row in an image is column by column in the transposed image. So such runs are read as
a batch of size (W, H), and transposed; no dense array is needed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segcore._input.run_ends import closed_runs
from segcore.backends.sizes import run_end_dtype
from segcore.masks import Masks, wrap

MAX_FLIPS = 2**20
"""A batch of more flips is cut into parts, so that temporary arrays stay small."""


def transposed(masks: Masks) -> Masks:
    """Exchange rows and columns: masks of size (H, W) become masks of size (W, H).

    Examples
    --------
    >>> from segcore import Masks
    >>> transposed(Masks.from_dense([[0, 1, 1], [0, 0, 1]])).to_dense(int)
    array([[[0, 0],
            [1, 0],
            [1, 1]]])
    """
    height, width = masks.size
    count = len(masks)
    # The keys below are less than this.
    fit = count * (height * width + height + 1) < 2**63
    if count < 2 or (fit and len(masks.run_ends) <= MAX_FLIPS):
        starts, ends, owners = _changes(masks)
        flips = int((ends - starts).sum())
        if count < 2 or flips <= MAX_FLIPS:
            return _collected(starts, ends, owners, masks)
    half = count // 2
    return Masks.concatenate([transposed(masks[:half]), transposed(masks[half:])])


def _changes(masks: Masks) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Find the pixels that differ from the pixel to their left, in runs down the columns.

    They are the mask XOR the mask moved by one column. Left of the image is background, and so is
    the column to its right, which is looked at too.

    Returns
    -------
    starts, ends : numpy.ndarray of int64
        Each run's pixels are ``range(start, end)``, column by column.
    owners : numpy.ndarray of int64
        Each run's mask.
    """
    height, width = masks.size
    bounds, offsets = closed_runs(masks.run_ends, masks.offsets, masks.size)
    span = height * width + height + 1
    bounds += np.repeat(np.arange(len(masks)) * span, np.diff(offsets))
    both = np.concatenate([bounds, bounds + height])
    both.sort(kind="stable")  # it merges two sorted lists
    both = _odd_ones(both)
    owners = both[0::2] // max(span, 1)
    return both[0::2] - owners * span, both[1::2] - owners * span, owners


def _collected(
    starts: NDArray[np.int64], ends: NDArray[np.int64], owners: NDArray[np.int64], masks: Masks
) -> Masks:
    """Make the transposed masks of what :func:`_changes` finds."""
    height, width = masks.size
    pixels = height * width
    lengths = ends - starts
    pixel = np.repeat(starts - np.cumsum(lengths) + lengths, lengths)
    pixel += np.arange(len(pixel))
    columns, rows = np.divmod(pixel, max(height, 1))
    # Where a row ends in foreground and the next one begins with it, both flips are one pixel's.
    keys = rows * width + columns + np.repeat(owners * (pixels + 1), lengths)
    keys.sort()
    keys = _odd_ones(keys)
    mask, flips = np.divmod(keys, pixels + 1)
    inside = flips < pixels
    offsets = np.zeros(len(masks) + 1, np.int64)
    np.cumsum(np.bincount(mask[inside], minlength=len(masks)), out=offsets[1:])
    run_ends = flips[inside].astype(run_end_dtype(width, height))
    return wrap((run_ends, offsets), (width, height))


def _odd_ones(ascending: NDArray[np.int64]) -> NDArray[np.int64]:
    """Leave out numbers that are there twice; none is there more often."""
    single = np.ones(len(ascending), np.bool_)
    equal = ascending[1:] == ascending[:-1]
    single[1:] &= ~equal
    single[:-1] &= ~equal
    return ascending[single]
