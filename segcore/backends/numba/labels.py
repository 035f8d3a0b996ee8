"""A label map to masks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore.backends.numba.compiled import (
    ZERO,
    columns_first,
    compiled,
    frozen,
    int64,
    unsigned,
    with_room,
)
from segcore.backends.numba.numbering import numbered
from segcore.backends.numba.rows import (
    append_flips_of_columns,
    append_flips_of_rows,
    sort_by_column,
)
from segcore.backends.protocol import Offsets, RunEnds
from segcore.backends.sizes import run_end_dtype


def label_runs(
    labels: NDArray[Any], background: int | None
) -> tuple[NDArray[Any], RunEnds, Offsets]:
    """Split the (H, W) integer array ``labels``, of any strides, into one mask a label."""
    height, width = labels.shape
    dtype = labels.dtype.newbyteorder("=")
    run_ends = np.empty(0, run_end_dtype(height, width))
    if not labels.size:
        return np.empty(0, dtype), run_ends, np.zeros(1, np.int64)
    by_column = columns_first(labels)
    lines = np.ascontiguousarray(labels.T if by_column else labels, dtype)
    pixels = frozen(unsigned(lines).reshape(-1))
    starts, bits = _runs(pixels, height, width, by_column, run_ends)
    ids, groups = numbered(bits.view(dtype))
    keep = np.flatnonzero(ids != background) if background is not None else np.arange(len(ids))
    masks = np.full(len(ids), -1)
    masks[keep] = np.arange(len(keep))
    offsets = np.zeros(len(keep) + 1, np.int64)
    return ids[keep], _distribute(starts, masks[groups], offsets), offsets


@compiled
def _runs(
    pixels: NDArray[Any], height: int, width: int, by_column: bool, starts: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Find where in column-major order runs of one label start, and their labels.

    ``pixels`` is in that order if ``by_column``, else in C order; ``starts`` is empty.
    """
    used = ZERO + 1
    starts = with_room(starts, ZERO, used)
    starts[0] = 0
    if by_column:
        starts, used = append_flips_of_columns(pixels, ZERO, pixels.size, False, starts, used)
    else:
        row_ends = np.empty(height, np.int64)
        found = starts[:0].copy()
        found = append_flips_of_rows(pixels, ZERO, height, width, False, found, row_ends)
        starts = with_room(starts, used, row_ends[height - 1])
        used = sort_by_column(found, row_ends, np.empty(width, np.int64), starts, used)
    labels = np.empty(used, pixels.dtype)
    for i in range(used):
        position = int64(starts[i])
        if not by_column:
            x = position // height
            position = (position - x * height) * width + x
        labels[i] = pixels[position]
    return starts[:used], labels


@compiled
def _distribute(
    starts: NDArray[Any], masks: NDArray[np.int64], offsets: NDArray[np.int64]
) -> NDArray[Any]:
    """Give each run's start and end to its mask (-1: to none), and fill in the ``offsets``."""
    last = masks.size - 1
    for i in range(masks.size):
        if masks[i] >= 0:
            offsets[masks[i] + 1] += 2 if i < last else 1  # the end of the map is implied
    for mask in range(offsets.size - 1):
        offsets[mask + 1] += offsets[mask]
    run_ends = np.empty(offsets[offsets.size - 1], starts.dtype)
    cursors = offsets.copy()
    for i in range(masks.size):
        mask = masks[i]
        if mask >= 0:
            run_ends[cursors[mask]] = starts[i]
            if i < last:
                run_ends[cursors[mask] + 1] = starts[i + 1]
            cursors[mask] += 2
    return run_ends
