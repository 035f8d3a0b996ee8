"""Masks that are stored with the pixels of their bounding box alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segcore.masks import Masks


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
    dense = np.zeros(size, np.bool_)
    dense[top : top + height, left : left + width] = crop
    return Masks.from_dense(dense)


def cropped(mask: Masks) -> tuple[NDArray[np.bool_], int, int]:
    """Return the pixels in the bounding box of a mask, and the box's left and top."""
    left, top, right, bottom = mask.boxes[0].tolist()
    crop: NDArray[np.bool_] = mask.to_dense()[0, top:bottom, left:right]
    return crop, left, top
