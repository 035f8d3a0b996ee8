"""Bytes to run ends, by value."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore.backends.numba.compiled import ONE, compiled, frozen, with_room
from segcore.backends.numba.rows import append_flips_of_columns
from segcore.backends.protocol import Batch
from segcore.backends.sizes import run_end_dtype


def encode_changes(columns: NDArray[np.uint8], height: int, width: int) -> Batch:
    """Encode masks that flip wherever a byte differs from the one before it, the first from 0."""
    offsets = np.zeros(len(columns) + 1, np.int64)
    run_ends = np.empty(0, run_end_dtype(height, width))
    if columns.size:
        run_ends = _encode_changes(frozen(columns), offsets, run_ends)
    return run_ends[: offsets[-1]].copy(), offsets


@compiled
def _encode_changes(
    columns: NDArray[np.uint8], offsets: NDArray[np.int64], run_ends: NDArray[Any]
) -> NDArray[Any]:
    count, size = columns.shape
    pixels = columns.reshape(columns.size)
    used = offsets[0]
    for i in range(count):
        first = i * size
        run_ends = with_room(run_ends, used, ONE)
        if pixels[first]:
            run_ends[used] = 0
            used += 1
        run_ends, used = append_flips_of_columns(pixels, first, size, False, run_ends, used)
        offsets[i + 1] = used
    return run_ends
