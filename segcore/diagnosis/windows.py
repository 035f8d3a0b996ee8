"""Windows of columns, one per row of masks, so that work does not grow with the image's width."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from segcore.backends.sizes import run_end_dtype
from segcore.masks import Masks, wrap


def joint_boxes(a: Masks, b: Masks) -> NDArray[np.int64]:
    """Return the box (N, 4), x0 y0 x1 y1, around both masks of each row; zeros without pixels."""
    both = np.stack([a.boxes, b.boxes])
    empty = both[..., 2:] == 0
    low = np.where(empty, np.iinfo(np.int64).max, both[..., :2]).min(0)
    high = both[..., 2:].max(0)
    return np.concatenate([np.minimum(low, high), high], axis=1)


def longest_diagonal(boxes: NDArray[np.int64]) -> int:
    """Return the greatest distance between pixels of a box, rounded up; 0 without boxes."""
    sides = boxes[:, 2:] - boxes[:, :2]
    return math.ceil(float(np.hypot(*sides.T).max(initial=0)))


class Windows:
    """For each of N rows, a window of columns that holds its masks and a margin around them.

    All windows have the same width. A window ends at an edge of the image only where the masks are
    nearer to that edge than the margin, so that a mask has the same surroundings in its window, up
    to the margin, as in the image.

    Parameters
    ----------
    boxes : numpy.ndarray
        int64 (N, 4): what the windows are made for.
    margin : int
        In pixels, at least 1.
    size : tuple of int
        (H, W) of the image.
    """

    def __init__(self, boxes: NDArray[np.int64], margin: int, size: tuple[int, int]) -> None:
        height, width = self._size = size
        x0, _, x1, _ = boxes.T
        wide = min(width, int((x1 - x0).max(initial=0)) + 2 * margin)
        self._inner = (height, wide)
        self._shifts: NDArray[np.int64] = np.clip(x0 - margin, 0, width - wide) * height

    def enter(self, masks: Masks) -> Masks:
        """Return the masks as they are in their windows."""
        return self._moved(masks, -self._shifts, self._inner)

    def leave(self, masks: Masks) -> Masks:
        """Return masks of the windows as they are in the image."""
        return self._moved(masks, self._shifts, self._size)

    def _moved(self, masks: Masks, shifts: NDArray[np.int64], size: tuple[int, int]) -> Masks:
        # Columns follow each other, so that to move by columns is to add to all run ends.
        if self._inner == self._size:
            return masks
        moved = masks.run_ends + np.repeat(shifts, np.diff(masks.offsets))
        return wrap((moved.astype(run_end_dtype(*size)), masks.offsets), size)
