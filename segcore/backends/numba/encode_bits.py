"""Encode bit-packed masks to run ends."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from segcore._batch import Batch, joined
from segcore.backends.numba.encode import chunks, encode_bytes


def encode_bits(rows: NDArray[np.uint8], width: int, little: bool) -> Batch:
    """Encode masks after unpacking them to bytes, a few at a time."""
    order: Literal["little", "big"] = "little" if little else "big"
    return joined(
        [
            encode_bytes(
                np.unpackbits(rows[part], axis=2, count=width, bitorder=order), by_column=False
            )
            for part in chunks(len(rows), rows.shape[1], width)
        ]
    )
