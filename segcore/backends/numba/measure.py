"""Areas and bounding boxes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore.backends.numba.compiled import compiled, frozen, int64
from segcore.backends.protocol import Offsets, RunEnds


def area(run_ends: RunEnds, offsets: Offsets, height: int, width: int) -> NDArray[np.int64]:
    """Count each mask's foreground pixels: (N,)."""
    areas = np.zeros(len(offsets) - 1, np.int64)
    _area(frozen(run_ends), frozen(offsets), height * width, areas)
    return areas


def boxes(run_ends: RunEnds, offsets: Offsets, height: int, width: int) -> NDArray[np.int64]:
    """Bound each mask: (N, 4), x0 y0 x1 y1, half-open; zeros where a mask is empty."""
    boxes = np.zeros((len(offsets) - 1, 4), np.int64)
    _boxes(frozen(run_ends), frozen(offsets), height, width, boxes)
    return boxes


@compiled
def _area(
    run_ends: NDArray[Any], offsets: NDArray[np.int64], pixels: int, areas: NDArray[np.int64]
) -> None:
    for mask in range(areas.size):
        first, last = offsets[mask], offsets[mask + 1]
        total = pixels if (last - first) % 2 else 0
        for i in range(first, last):
            end = int64(run_ends[i])
            total += end if (i - first) % 2 else -end
        areas[mask] = total


@compiled
def _boxes(
    run_ends: NDArray[Any],
    offsets: NDArray[np.int64],
    height: int,
    width: int,
    boxes: NDArray[np.int64],
) -> None:
    for mask in range(offsets.size - 1):
        first, last = offsets[mask], offsets[mask + 1]
        if first == last:
            continue
        left = int64(run_ends[first]) // height
        top, bottom = height, 0
        base = left * height  # the column that was reached
        for i in range(first, last, 2):
            start = int64(run_ends[i])
            end = int64(run_ends[i + 1]) if i + 1 < last else width * height
            if start >= base + height:
                base += height
                if start >= base + height:
                    base = start // height * height
            top = min(top, start - base)
            bottom = max(bottom, end - base)
            if end > base + height:  # the bottom of one column and the top of the next
                top = 0
                base = (end - 1) // height * height
        boxes[mask, 0] = left
        boxes[mask, 1] = top
        boxes[mask, 2] = base // height + 1
        boxes[mask, 3] = min(bottom, height)
