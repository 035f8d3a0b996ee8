"""Decode run ends to dense arrays."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from segcore.backends.protocol import Offsets, RunEnds
from segcore.backends.reference.flips import foreground, split


def decode(run_ends: RunEnds, offsets: Offsets, out: NDArray[Any], zeroed: bool) -> None:
    """Write masks as ones and zeros."""
    _, height, width = out.shape
    if not zeroed:
        out[...] = 0
    for image, flips in zip(out, split(run_ends, offsets), strict=True):
        image[foreground(flips, height, width)] = 1
