"""Validation of integers of any size, and of boxes with integer coordinates."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._input.arrays import as_array, as_integer
from segcore._input.recognize import box_hint
from segcore.errors import MaskError

_MAX_BOX = 2**62
"""Limit of the coordinates of boxes, so that their differences fit in int64."""

_INT64 = np.iinfo(np.int64)


def as_int64(value: object, array: NDArray[Any], name: str) -> NDArray[np.int64]:
    """Convert an array of integers to int64, those beyond it to the nearest."""
    if array.size == 0:
        return np.zeros(array.shape, np.int64)  # an empty list has no dtype
    if array.dtype.kind == "i":
        return array.astype(np.int64)
    if array.dtype.kind == "u":
        array = np.minimum(array.astype(np.uint64), _INT64.max)
        return array.astype(np.int64)
    # A list of integers that no dtype holds, or something else.
    items = np.array(value if isinstance(value, (list, tuple)) else array, object)
    numbers = [as_integer(item, name) for item in items.flat]
    clipped = [min(max(number, _INT64.min), _INT64.max) for number in numbers]
    integers: NDArray[np.int64] = np.array(clipped, np.int64).reshape(array.shape)
    return integers


def as_integer_boxes(value: object, name: str, count: int | None = None) -> NDArray[np.int64]:
    """Convert boxes x0 y0 x1 y1 to int64, shape (T, 4).

    If `count` is given, there is one box, of shape (4,), or one for each of `count` masks.
    """
    array = as_array(value, name)
    if count is None:
        if array.shape == (0,):
            array = array.reshape(0, 4)
        if array.ndim != 2 or array.shape[1] != 4:
            raise ValueError(
                f"{name}: expected the shape (T, 4), got {array.shape}{box_hint(array.shape)}"
            )
    elif array.shape not in ((4,), (count, 4)):
        raise ValueError(
            f"{name}: expected the shape (4,), or ({count}, 4) for one box per mask, got "
            f"{array.shape}{box_hint(array.shape)}"
        )
    boxes = as_int64(value, array, name).reshape(-1, 4)
    far = np.flatnonzero(((boxes <= -_MAX_BOX) | (boxes >= _MAX_BOX)).any(axis=1))
    if len(far):
        raise MaskError(int(far[0]), "expected integers between -2**62 and 2**62", argument="box")
    inverted = np.flatnonzero((boxes[:, 2] < boxes[:, 0]) | (boxes[:, 3] < boxes[:, 1]))
    if len(inverted):
        first = int(inverted[0])
        raise MaskError(
            first,
            f"expected x0 y0 x1 y1 with x0 <= x1 and y0 <= y1, got {boxes[first].tolist()}; if "
            "these are x y width height, add x to the width and y to the height",
            argument="box",
        )
    return boxes
