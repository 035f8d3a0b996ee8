"""Encode uint8 masks to run ends by value changes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segcore._batch import Batch, joined
from segcore.backends.numba.encode import encode_bytes


def encode_changes(columns: NDArray[np.uint8], height: int, width: int) -> Batch:
    """Encode masks by comparing each byte with its predecessor, initially 0."""
    lines = columns.reshape(len(columns), width, height)
    return joined([encode_bytes(lines, by_column=True)])
