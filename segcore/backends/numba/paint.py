"""Painting of masks on a label map."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._batch import Batch
from segcore.backends.numba.compiled import Integers, arrays_of, compiled, uint64


def paint(batch: Batch, order: NDArray[np.int64], values: NDArray[Any], out: NDArray[Any]) -> None:
    """Paint masks in the given order, later ones on top, on a copy in column-major order."""
    if not out.size:
        return
    bits = f"u{out.itemsize}"
    pixels = np.array(out.T, out.dtype.newbyteorder("="), order="C").view(bits)
    colors = np.array(values).view(bits)
    _paint(*arrays_of(batch), np.array(order, np.int64), colors, pixels.reshape(-1))
    out[...] = pixels.view(out.dtype.newbyteorder("=")).T


@compiled
def _paint(
    ends: Integers, offsets: Integers, order: Integers, values: NDArray[Any], pixels: NDArray[Any]
) -> None:
    for mask in order:
        for k in range(offsets[mask], offsets[mask + 1], 2):
            stop = ends[k + 1] if k + 1 < offsets[mask + 1] else pixels.size
            for position in range(uint64(ends[k]), uint64(stop)):
                pixels[position] = values[mask]
