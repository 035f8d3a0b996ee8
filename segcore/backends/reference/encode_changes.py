"""Encode uint8 masks to run ends by value changes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segcore._batch import Batch
from segcore.backends.runs import batch_of


def encode_changes(columns: NDArray[np.uint8], height: int, width: int) -> Batch:
    """Encode masks as the offsets of bytes that differ from their predecessors, initially 0."""
    return batch_of(
        (np.flatnonzero(np.diff(pixels, prepend=0)) for pixels in columns), height, width
    )
