"""Encode bit-packed masks to run ends."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from segcore.backends.numba.encode import CHUNK, concatenated, encode_bytes
from segcore.backends.protocol import Batch


def encode_bits(rows: NDArray[np.uint8], width: int, little: bool) -> Batch:
    """Encode masks after unpacking them to bytes, a few at a time."""
    count, height, _ = rows.shape
    order: Literal["little", "big"] = "little" if little else "big"
    step = max(1, CHUNK // max(1, height * width))
    parts = []
    for start in range(0, count, step):
        bits = rows[start : start + step]
        images = np.unpackbits(bits, axis=2, count=width, bitorder=order)
        parts.append(encode_bytes(images, by_column=False))
    return concatenated(parts, height, width)
