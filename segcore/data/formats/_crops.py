"""Masks that are stored with the pixels of their bounding box alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segcore.backends import crops
from segcore.backends.runs import batch_of
from segcore.masks import Masks, unwrap, wrap


def pasted(crop: NDArray[np.bool_], left: int, top: int, size: tuple[int, int]) -> Masks:
    """Return the mask of an image whose box at (left, top) has these pixels: shape (h, w).

    Raises
    ------
    ValueError
        If the box is not within the image.
    """
    height, width = crop.shape
    if left < 0 or top < 0 or left + width > size[1] or top + height > size[0]:
        raise ValueError(
            f"expected a box within the image of {size[0]} x {size[1]} pixels, got left {left}, "
            f"top {top}, width {width} and height {height}"
        )
    return wrap(batch_of([crops.placed(crop, left, top, *size)], *size))


def cropped(mask: Masks) -> tuple[NDArray[np.bool_], int, int]:
    """Return the pixels in the bounding box of a mask, and the box's left and top."""
    boxes = mask.boxes
    left, top, right, bottom = boxes[0].tolist()
    height, width = bottom - top, right - left
    [ends] = crops.cropped(unwrap(mask), boxes)
    crop: NDArray[np.bool_] = wrap(
        batch_of([ends[ends < height * width]], height, width)
    ).to_dense()[0]
    return crop, left, top
