"""Decode run ends to dense arrays."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from segcore._batch import Batch
from segcore.backends.reference.flips import foreground, split


def decode(batch: Batch, out: NDArray[Any], zeroed: bool) -> None:
    """Write masks as ones and zeros."""
    if not zeroed:
        out[...] = 0
    for image, flips in zip(out, split(batch), strict=True):
        image[foreground(flips, *batch.size)] = 1
