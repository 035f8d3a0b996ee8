"""Bits to run ends."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from segcore.backends.numba.encode import SCRATCH, encode
from segcore.backends.protocol import Batch
from segcore.backends.sizes import run_end_dtype


def encode_bits(rows: NDArray[np.uint8], width: int, little: bool) -> Batch:
    """Encode masks of one bit a pixel, which NumPy spreads to bytes, a few masks at a time."""
    count, height, _ = rows.shape
    order: Literal["little", "big"] = "little" if little else "big"
    step = max(1, SCRATCH // max(height * width, 1))
    parts = [np.empty(0, run_end_dtype(height, width))]
    lengths = [np.zeros(1, np.int64)]
    for start in range(0, count, step):
        bits = rows[start : start + step]
        images = np.unpackbits(bits, axis=2, count=width, bitorder=order)
        run_ends, offsets = encode(images, None)
        parts.append(run_ends)
        lengths.append(np.diff(offsets))
    return np.concatenate(parts), np.cumsum(np.concatenate(lengths))
