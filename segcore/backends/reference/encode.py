"""Encode dense arrays to run ends."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._batch import Batch
from segcore.backends.runs import batch_of


def encode(dense: NDArray[Any], threshold: float | None) -> Batch:
    """Encode masks as the offsets of pixels that differ from their predecessors."""
    _, height, width = dense.shape
    columns = (foreground(image, threshold).ravel(order="F") for image in dense)
    return batch_of(
        (np.flatnonzero(np.diff(pixels, prepend=False)) for pixels in columns), height, width
    )


def foreground(image: NDArray[Any], threshold: float | None) -> NDArray[np.bool_]:
    """Return the foreground pixels of one or more masks."""
    result: NDArray[np.bool_]
    numbers = image.view(np.uint8) if image.dtype == np.bool_ else image
    if threshold is None:
        result = numbers != 0
    elif image.dtype.kind == "f":
        with np.errstate(over="ignore"):  # thresholds beyond the range become infinite
            result = image > image.dtype.type(threshold)
    elif math.isfinite(threshold):
        # NumPy compares integers exactly with a Python int, but not with a float.
        result = numbers > math.floor(threshold)
    else:
        result = np.full(image.shape, threshold == -math.inf)
    return result
