"""Encode bit-packed masks to run ends."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from segcore._batch import Batch
from segcore.backends.runs import batch_of


def encode_bits(rows: NDArray[np.uint8], width: int, little: bool) -> Batch:
    """Encode masks as the offsets of bits that differ from their predecessors."""
    order: Literal["little", "big"] = "little" if little else "big"
    images = (np.unpackbits(image, axis=1, count=width, bitorder=order) for image in rows)
    flips = (np.flatnonzero(np.diff(image.ravel(order="F"), prepend=0)) for image in images)
    return batch_of(flips, rows.shape[1], width)
