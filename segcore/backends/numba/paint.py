"""Masks to a label map."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore.backends.numba.compiled import compiled, frozen, int64, uint64, unsigned
from segcore.backends.protocol import Offsets, RunEnds

TILE_BYTES = 2**18
MIN_TILE_WIDTH = 16


def paint(
    run_ends: RunEnds,
    offsets: Offsets,
    order: NDArray[np.int64],
    values: NDArray[Any],
    out: NDArray[Any],
) -> None:
    """Paint the masks ``order`` with their ``values`` over the (H, W) array ``out``.

    A map in Fortran order is painted where it is; any other by tiles of some columns, each read
    into a small Fortran-order copy and written back.
    """
    height, width = out.shape
    if not out.size or not len(order):
        return
    masks = frozen(run_ends), frozen(offsets), frozen(order)
    colors = frozen(unsigned(values.astype(out.dtype)))
    columns = unsigned(out).T
    cursors = offsets[order]  # the next run of each
    if columns.flags.c_contiguous:
        _paint(*masks, colors, cursors, 0, columns.reshape(-1))
        return
    step = max(MIN_TILE_WIDTH, TILE_BYTES // (height * out.itemsize))
    tile = np.empty((step, height), columns.dtype)
    for x in range(0, width, step):
        part = columns[x : x + step]
        copy = tile[: len(part)]
        copy[...] = part
        _paint(*masks, colors, cursors, x * height, copy.reshape(-1))
        part[...] = copy


@compiled
def _paint(
    run_ends: NDArray[Any],
    offsets: NDArray[np.int64],
    order: NDArray[np.int64],
    values: NDArray[Any],
    cursors: NDArray[np.int64],
    begin: int,
    pixels: NDArray[Any],
) -> None:
    """Paint the pixels from position ``begin`` on, and move the cursors to what comes after."""
    stop = begin + pixels.size
    for k in range(order.size):
        i, last = cursors[k], offsets[order[k] + 1]
        value = values[order[k]]
        while i < last and int64(run_ends[i]) < stop:
            end = min(int64(run_ends[i + 1]), stop) if i + 1 < last else stop
            start = max(int64(run_ends[i]), begin)
            for p in range(uint64(start - begin), uint64(end - begin)):
                pixels[p] = value
            if end == stop and (i + 1 == last or int64(run_ends[i + 1]) > stop):
                break
            i += 2
        cursors[k] = i
