"""Masks to a label map."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore.backends.protocol import Offsets, RunEnds
from segcore.backends.reference.flips import foreground, split


def paint(
    run_ends: RunEnds,
    offsets: Offsets,
    order: NDArray[np.int64],
    values: NDArray[Any],
    out: NDArray[Any],
) -> None:
    """Paint masks one over the other."""
    height, width = out.shape
    masks = split(run_ends, offsets)
    for mask in order:
        out[foreground(masks[mask], height, width)] = values[mask]
