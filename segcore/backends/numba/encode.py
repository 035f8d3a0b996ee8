"""Dense arrays to masks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore.backends.numba.compiled import (
    ONE,
    columns_first,
    compiled,
    frozen,
    unsigned,
    with_room,
)
from segcore.backends.numba.octets import (
    count_flips,
    flips_often,
    octets_of,
    pack_flips,
    write_flips,
)
from segcore.backends.numba.rows import (
    append_flips_of_columns,
    append_flips_of_rows,
    sort_by_column,
)
from segcore.backends.protocol import Batch
from segcore.backends.sizes import run_end_dtype

SCRATCH = 2**20
"""Bytes of truth values, one a pixel, to make at a time (at least those of one image)."""

SMALLEST = 2**14
"""Pixels of the smallest batch in which it pays to look how often rows flip."""

EVERYTHING = (0, 2**64 - 1, 1, 0)
NOTHING = (1, 0, 1, 0)


def encode(dense: NDArray[Any], threshold: float | None) -> Batch:
    """Encode the (N, H, W) array ``dense``: nonzero, or above the threshold, is foreground."""
    count, height, width = dense.shape
    offsets = np.zeros(count + 1, np.int64)
    run_ends = np.empty(0, run_end_dtype(height, width))
    if not dense.size:
        return run_ends, offsets
    by_column = columns_first(dense)
    bits = unsigned(dense).transpose(0, 2, 1) if by_column else unsigned(dense)
    if bits.itemsize == 1 and threshold is None and bits.flags.c_contiguous:
        run_ends = _append(frozen(bits), by_column, offsets, run_ends)
        return _trimmed(run_ends, int(offsets[-1])), offsets

    ranges = np.array(foreground(dense.dtype, threshold), np.uint64)
    step = max(1, SCRATCH // (height * width))
    scratch = np.empty((min(step, count), *bits.shape[1:]), np.uint8)
    for start in range(0, count, step):
        images = bits[start : start + step]
        truth = scratch[: len(images)]
        _classify(frozen(images), ranges, truth)
        part = offsets[start : start + len(images) + 1]
        run_ends = _append(frozen(truth), by_column, part, run_ends)
    return _trimmed(run_ends, int(offsets[-1])), offsets


def foreground(dtype: np.dtype[Any], threshold: float | None) -> tuple[int, int, int, int]:
    """Return the bit patterns of the foreground, as two closed ranges of unsigned integers.

    Every question is one of bits: so there is one kernel an item size, and none for floats.
    """
    top = 2 ** (8 * dtype.itemsize) - 1
    if threshold is None:
        return 1, top, 1, 0
    if math.isnan(threshold):
        return NOTHING
    if dtype.kind == "f":
        return _floats_above(dtype, threshold)
    if math.isinf(threshold):
        return NOTHING if threshold > 0 else EVERYTHING
    lowest = math.floor(threshold) + 1
    if dtype.kind == "b":
        return EVERYTHING if lowest <= 0 else (1, top, 1, 0) if lowest == 1 else NOTHING
    if dtype.kind == "u":
        return NOTHING if lowest > top else (max(lowest, 0), top, 1, 0)
    half = (top + 1) // 2
    if lowest >= half:
        return NOTHING
    if lowest >= 0:
        return lowest, half - 1, 1, 0
    return 0, half - 1, max(lowest, -half) + top + 1, top


def _floats_above(dtype: np.dtype[Any], threshold: float) -> tuple[int, int, int, int]:
    """Give the patterns of the floats above the threshold, rounded to ``dtype``; no NaN is."""
    with np.errstate(over="ignore"):
        limit = unsigned(np.array([threshold, math.inf]).astype(dtype))
    pattern, infinity = int(limit[0]), int(limit[1])
    sign = 2 ** (8 * dtype.itemsize - 1)
    if pattern <= sign:  # zero of either sign, or positive
        return pattern % sign + 1, infinity, 1, 0
    return 0, infinity, sign, pattern - 1


def _append(
    images: NDArray[np.uint8], by_column: bool, offsets: NDArray[np.int64], run_ends: NDArray[Any]
) -> NDArray[Any]:
    """Append the masks of C-contiguous images, in the way that suits how often they flip.

    Takes and returns what :func:`_encode` does.
    """
    if by_column or images.size < SMALLEST or not flips_often(images):
        return _encode(images, by_column, offsets, run_ends)
    octets = octets_of(images)
    pack_flips(images, octets)
    count_flips(octets, offsets)
    run_ends = _grown(run_ends, int(offsets[0]), int(offsets[-1]) + 1)
    write_flips(octets, images.shape[1], images.shape[2], run_ends, offsets[0])
    return run_ends


def _grown(run_ends: NDArray[Any], used: int, size: int) -> NDArray[Any]:
    """Return ``run_ends``, or a larger copy of its ``used`` values, with room for ``size``.

    Not Numba's: the memory that NumPy allocates comes in large pages, where there are any.
    """
    if size <= run_ends.size:
        return run_ends
    larger = np.empty(max(size, run_ends.size + run_ends.size // 2), run_ends.dtype)
    larger[:used] = run_ends[:used]
    return larger


def _trimmed(run_ends: NDArray[Any], used: int) -> NDArray[Any]:
    """Return the ``used`` values, without a copy if that leaves little memory unused."""
    values = run_ends[:used]
    return values if 4 * used >= 3 * run_ends.size else values.copy()


@compiled
def _classify(bits: NDArray[Any], ranges: NDArray[np.uint64], truth: NDArray[np.uint8]) -> None:
    low, high, low2, high2 = ranges
    for i in range(bits.shape[0]):
        for y in range(bits.shape[1]):
            for x in range(bits.shape[2]):
                value = bits[i, y, x]
                truth[i, y, x] = ((low <= value) & (value <= high)) | (
                    (low2 <= value) & (value <= high2)
                )


@compiled
def _encode(
    images: NDArray[np.uint8],
    by_column: bool,
    offsets: NDArray[np.int64],
    run_ends: NDArray[Any],
) -> NDArray[Any]:
    """Append the masks of C-contiguous images, which are (n, W, H) if ``by_column``.

    Returns ``run_ends``, or a larger copy. The first of the ``offsets`` says how much is there.
    """
    pixels = images.reshape(images.size)
    count, height, width = images.shape
    size = height * width
    found = np.empty(0, run_ends.dtype)
    row_ends = np.empty(height, np.int64)
    column_starts = np.empty(width, np.int64)
    used = offsets[0]
    for i in range(count):
        first = i * size
        run_ends = with_room(run_ends, used, ONE)
        if pixels[first]:
            run_ends[used] = 0
            used += 1
        if by_column:
            run_ends, used = append_flips_of_columns(pixels, first, size, True, run_ends, used)
        else:
            found = append_flips_of_rows(pixels, first, height, width, True, found, row_ends)
            run_ends = with_room(run_ends, used, row_ends[height - 1])
            used = sort_by_column(found, row_ends, column_starts, run_ends, used)
        offsets[i + 1] = used
    return run_ends
