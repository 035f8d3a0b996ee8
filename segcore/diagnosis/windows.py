"""Several images as one, and windows around masks, so that work does not grow with its width."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from segcore.masks import Masks


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


class Canvas:
    """Images of the same size side by side, so that a call takes the masks of all of them.

    Masks of different images do not overlap there.

    Parameters
    ----------
    size : tuple of int
        Size (H, W) of each image.
    count : int
        Number of images.
    """

    def __init__(self, size: tuple[int, int], count: int) -> None:
        self.image_width = size[1]
        self.width = count * size[1]

    def left(self, images: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the first column of the images with these indices."""
        return images * self.image_width

    def enter(self, masks: Sequence[Masks]) -> Masks:
        """Return the masks of all images, one batch per image, in the columns of their images."""
        if len(masks) == 1:
            return masks[0]
        counts = [len(found) for found in masks]
        columns = np.repeat(self.left(np.arange(len(masks))), counts)
        joined = Masks.concatenate(masks)
        return joined.place((joined.size[0], self.width), x=columns)

    def leave(self, masks: Masks, images: NDArray[np.int64]) -> Masks:
        """Return masks as masks of their images, whose indices have the shape (N,)."""
        if self.width == self.image_width:
            return masks
        return masks.place((masks.size[0], self.image_width), x=-self.left(images))


class Windows:
    """N windows of columns, each around a box and a margin.

    All windows have the same width. A window ends at an edge of its image only if its box is nearer
    to that edge than the margin. Hence the surroundings of a mask, up to the margin, are the same
    in the window as in the image.

    Parameters
    ----------
    boxes : numpy.ndarray
        Boxes x0 y0 x1 y1: int64, shape (N, 4).
    margin : int
        Margin in pixels, at least 1.
    canvas : Canvas
        The images, which are side by side.
    images : numpy.ndarray
        Index of the image that each mask is in: int64, shape (N,).
    """

    def __init__(
        self, boxes: NDArray[np.int64], margin: int, canvas: Canvas, images: NDArray[np.int64]
    ) -> None:
        self._canvas_width = canvas.width
        x0, _, x1, _ = boxes.T
        left, width = canvas.left(images), canvas.image_width
        self._width = min(width, int((x1 - x0).max(initial=0)) + 2 * margin)
        self._starts = left + np.clip(x0 - left - margin, 0, width - self._width)

    def enter(self, masks: Masks) -> Masks:
        """Move N masks of the canvas to their windows."""
        return self._moved(masks, -self._starts, self._width)

    def leave(self, masks: Masks) -> Masks:
        """Move N masks of the windows back to the canvas."""
        return self._moved(masks, self._starts, self._canvas_width)

    def _moved(self, masks: Masks, columns: NDArray[np.int64], width: int) -> Masks:
        if self._width == self._canvas_width:
            return masks
        return masks.place((masks.size[0], width), x=columns)
