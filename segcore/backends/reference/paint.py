"""Painting of masks on a label map."""

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
    """Paint masks in the given order, later ones on top."""
    height, width = out.shape
    masks = split(run_ends, offsets)
    for index in order:
        out[foreground(masks[index], height, width)] = values[index]
