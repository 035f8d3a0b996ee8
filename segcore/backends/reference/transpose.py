"""Transposition of masks, without a dense array."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segcore._batch import Batch, joined, offsets_of, sliced
from segcore.backends.reference.reverse import reverse
from segcore.backends.runs import closed_runs
from segcore.backends.sizes import run_end_dtype

MAX_FLIPS = 2**20
"""Maximum number of run ends of a batch, before or after. Larger batches are split, so that
temporary arrays stay small."""


def transpose(batch: Batch, rows: bool = False, columns: bool = False) -> Batch:
    """Transpose masks of size (height, width) to masks of size (width, height), then reverse."""
    transposed = exchanged(batch)
    return reverse(transposed, rows, columns) if rows or columns else transposed


def exchanged(batch: Batch) -> Batch:
    """Exchange rows and columns."""
    count = len(batch.offsets) - 1
    # The keys below are less than this.
    fit = count * (batch.pixels + batch.height + 1) < 2**63
    if count < 2 or (fit and len(batch.run_ends) <= MAX_FLIPS):
        changes = starts, ends, _ = _changes(batch)
        if count < 2 or int((ends - starts).sum()) <= MAX_FLIPS:
            return _collected(*changes, count, *batch.size)
    half = count // 2
    return joined([exchanged(sliced(batch, 0, half)), exchanged(sliced(batch, half, count))])


def _changes(batch: Batch) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
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
    bounds, bound_offsets = closed_runs(batch)
    span = batch.pixels + batch.height + 1
    bounds += np.repeat(np.arange(len(batch.offsets) - 1) * span, np.diff(bound_offsets))
    both = np.concatenate([bounds, bounds + batch.height])
    both.sort(kind="stable")  # merges two sorted arrays
    both = _without_pairs(both)
    owners = both[0::2] // max(span, 1)
    return both[0::2] - owners * span, both[1::2] - owners * span, owners


def _collected(
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    owners: NDArray[np.int64],
    count: int,
    height: int,
    width: int,
) -> Batch:
    """Convert the result of :func:`_changes` to `count` transposed masks."""
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
    offsets = offsets_of(np.bincount(mask[inside], minlength=count))
    return Batch(flips[inside].astype(run_end_dtype(width, height)), offsets, width, height)


def _without_pairs(ascending: NDArray[np.int64]) -> NDArray[np.int64]:
    """Remove numbers that occur twice. None may occur more often."""
    single = np.ones(len(ascending), np.bool_)
    equal = ascending[1:] == ascending[:-1]
    single[1:] &= ~equal
    single[:-1] &= ~equal
    return ascending[single]
