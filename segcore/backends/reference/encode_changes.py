"""Bytes to run ends, by value."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segcore.backends.protocol import Batch
from segcore.backends.reference.flips import join


def encode_changes(columns: NDArray[np.uint8], height: int, width: int) -> Batch:
    """Encode masks that flip wherever a byte differs from the one before it, the first from 0."""
    return join((np.flatnonzero(np.diff(pixels, prepend=0)) for pixels in columns), height, width)
