"""Painting of masks on a label map."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._batch import Batch
from segcore.backends.reference.flips import foreground, split


def paint(batch: Batch, order: NDArray[np.int64], values: NDArray[Any], out: NDArray[Any]) -> None:
    """Paint masks in the given order, later ones on top."""
    masks = split(batch)
    for index in order:
        out[foreground(masks[index], *batch.size)] = values[index]
