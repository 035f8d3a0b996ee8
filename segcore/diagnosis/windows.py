"""Windows of columns, one per row of masks, so that work does not grow with the image's width."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segcore.backends.sizes import run_end_dtype
from segcore.masks import Masks


class Windows:
    """For each of N rows, a window of columns that holds its masks and a margin around them.

    All windows have the same width. A window ends at an edge of the image only where the masks are
    nearer to that edge than the margin, so that a mask has the same surroundings in its window, up
    to the margin, as in the image.

    Parameters
    ----------
    batches : sequence of Masks
        Batches of N masks each, of the same image size.
    margin : int
        In pixels, at least 1.
    """

    def __init__(self, batches: tuple[Masks, ...], margin: int) -> None:
        self._size = height, width = batches[0].size
        boxes = np.stack([masks.boxes for masks in batches])
        empty = boxes[..., 2] == 0
        first = np.where(empty, width, boxes[..., 0]).min(0)
        last = boxes[..., 2].max(0)
        extent = int((last - first).max(initial=0))
        wide = min(width, extent + 2 * margin)
        starts = np.clip(first - margin, 0, width - wide)
        self._inner = (height, wide)
        self._shifts: NDArray[np.int64] = starts.astype(np.int64) * height

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
        return Masks._trusted((moved.astype(run_end_dtype(*size)), masks.offsets), size)
