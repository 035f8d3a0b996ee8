"""Components and holes of a dense mask, by flooding it."""

from __future__ import annotations

import numpy as np


def flooded(mask: np.ndarray, connectivity: int) -> list[np.ndarray]:
    """Flood from each pixel in column-major order that no flood has reached: the components."""
    left = mask.copy()
    found = []
    steps = [(0, -1), (0, 1), (-1, 0), (1, 0)]
    if connectivity == 8:
        steps += [(-1, -1), (-1, 1), (1, -1), (1, 1)]
    width, height = mask.T.shape
    for first in map(tuple, np.argwhere(mask.T).tolist()):
        if not left.T[first]:
            continue
        part = np.zeros_like(mask)
        waiting = [first]
        left.T[first] = False
        while waiting:
            x, y = waiting.pop()
            part[y, x] = True
            for dx, dy in steps:
                at = x + dx, y + dy
                if 0 <= at[0] < width and 0 <= at[1] < height and left.T[at]:
                    left.T[at] = False
                    waiting.append(at)
        found.append(part)
    return found


def holes_of(mask: np.ndarray, connectivity: int) -> list[np.ndarray]:
    """Flood the background, and keep what does not reach the border."""
    border = np.ones_like(mask)
    border[1:-1, 1:-1] = False
    return [part for part in flooded(~mask, 12 - connectivity) if not (part & border).any()]
