"""Transposition of masks, for formats that store runs in row-major order.

Row-major runs of an image are column-major runs of the transposed image. They are read as a batch
of size (W, H), which is transposed without a dense array.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segcore._batch import closed_runs, offsets_of
from segcore.backends.sizes import run_end_dtype
from segcore.masks import Masks, wrap

MAX_FLIPS = 2**20
"""Maximum number of run ends of a batch, in either order. Larger batches are split, so that
temporary arrays stay small."""


def transposed(masks: Masks) -> Masks:
    """Transpose masks.

    Parameters
    ----------
    masks : Masks
        N masks of size (H, W).

    Returns
    -------
    Masks
        N masks of size (W, H).

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
    """Return the pixels that differ from the pixel to their left, as column-major runs.

    This is each mask XOR the same mask moved by one column. Pixels outside the image are
    background. The column to the right of the image is included.

    Returns
    -------
    starts, ends : numpy.ndarray
        The runs contain the pixels ``range(start, end)`` in column-major order: int64.
    owners : numpy.ndarray
        Mask index of each run: int64.
    """
    height, width = masks.size
    bounds, offsets = closed_runs(masks.run_ends, masks.offsets, masks.size)
    span = height * width + height + 1
    bounds += np.repeat(np.arange(len(masks)) * span, np.diff(offsets))
    both = np.concatenate([bounds, bounds + height])
    both.sort(kind="stable")  # merges two sorted arrays
    both = _without_pairs(both)
    owners = both[0::2] // max(span, 1)
    return both[0::2] - owners * span, both[1::2] - owners * span, owners


def _collected(
    starts: NDArray[np.int64], ends: NDArray[np.int64], owners: NDArray[np.int64], masks: Masks
) -> Masks:
    """Convert the result of :func:`_changes` to transposed masks."""
    height, width = masks.size
    pixels = height * width
    lengths = ends - starts
    pixel = np.repeat(starts - np.cumsum(lengths) + lengths, lengths)
    pixel += np.arange(len(pixel))
    columns, rows = np.divmod(pixel, max(height, 1))
    # If a row ends in foreground and the next one starts with foreground, their run ends cancel.
    keys = rows * width + columns + np.repeat(owners * (pixels + 1), lengths)
    keys.sort()
    keys = _without_pairs(keys)
    mask, flips = np.divmod(keys, pixels + 1)
    inside = flips < pixels
    offsets = offsets_of(np.bincount(mask[inside], minlength=len(masks)))
    run_ends = flips[inside].astype(run_end_dtype(width, height))
    return wrap((run_ends, offsets), (width, height))


def _without_pairs(ascending: NDArray[np.int64]) -> NDArray[np.int64]:
    """Remove numbers that occur twice. None may occur more often."""
    single = np.ones(len(ascending), np.bool_)
    equal = ascending[1:] == ascending[:-1]
    single[1:] &= ~equal
    single[:-1] &= ~equal
    return ascending[single]
