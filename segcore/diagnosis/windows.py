"""Windows of columns around masks, so that work does not grow with the image width."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from segcore.backends.runs import shifted
from segcore.masks import Masks, unwrap, wrap


def joint_boxes(a: Masks, b: Masks) -> NDArray[np.int64]:
    """Return the box around a[i] and b[i]: shape (N, 4), x0 y0 x1 y1; zeros if both are empty."""
    both = np.stack([a.boxes, b.boxes])
    empty = both[..., 2:] == 0
    low = np.where(empty, np.iinfo(np.int64).max, both[..., :2]).min(0)
    high = both[..., 2:].max(0)
    return np.concatenate([np.minimum(low, high), high], axis=1)


def longest_diagonal(boxes: NDArray[np.int64]) -> int:
    """Return the longest diagonal of the boxes, rounded up; 0 without boxes."""
    sides = boxes[:, 2:] - boxes[:, :2]
    return math.ceil(float(np.hypot(*sides.T).max(initial=0)))


class Windows:
    """N windows of columns, each around a box and a margin.

    All windows have the same width. A window ends at an edge of the image only if its box is nearer
    to that edge than the margin. Hence the surroundings of a mask, up to the margin, are the same
    in the window as in the image.

    Parameters
    ----------
    boxes : numpy.ndarray
        Boxes x0 y0 x1 y1: int64, shape (N, 4).
    margin : int
        Margin in pixels, at least 1.
    size : tuple of int
        Size (H, W) of the image.
    """

    def __init__(self, boxes: NDArray[np.int64], margin: int, size: tuple[int, int]) -> None:
        width = self._image_width = size[1]
        x0, _, x1, _ = boxes.T
        window_width = min(width, int((x1 - x0).max(initial=0)) + 2 * margin)
        self._width = window_width
        self._starts: NDArray[np.int64] = np.clip(x0 - margin, 0, width - window_width)

    def enter(self, masks: Masks) -> Masks:
        """Move N masks of the image to their windows."""
        return self._moved(masks, -self._starts, self._width)

    def leave(self, masks: Masks) -> Masks:
        """Move N masks of the windows back to the image."""
        return self._moved(masks, self._starts, self._image_width)

    def _moved(self, masks: Masks, columns: NDArray[np.int64], width: int) -> Masks:
        if self._width == self._image_width:
            return masks
        return wrap(shifted(unwrap(masks), columns, width))
