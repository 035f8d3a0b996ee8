"""Instances over a map of stuff, and the panoptic map that NumPy makes of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

import segcore as sc

SIZE = 800, 1333


def instances(
    count: int, size: tuple[int, int] = SIZE
) -> tuple[sc.Masks, NDArray[np.int64], NDArray[np.float32]]:
    """Draw overlapping blobs: masks, classes from 1 to 80, and scores."""
    rng = np.random.default_rng(0)
    height, width = size
    angle = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    radius = rng.uniform(20, 200, (count, 1)) * (1 + 0.2 * np.sin(rng.integers(2, 7) * angle))
    x = (rng.uniform(0, width, (count, 1)) + radius * np.cos(angle)).clip(0, width)
    y = (rng.uniform(0, height, (count, 1)) + radius * np.sin(angle)).clip(0, height)
    masks = sc.Masks.from_polygons(np.stack([x, y], axis=2), size)
    return masks, rng.integers(1, 81, count), rng.uniform(0.3, 1, count).astype(np.float32)


def stuff_map(size: tuple[int, int] = SIZE) -> NDArray[np.int64]:
    """Draw a semantic map of 53 classes and 0, in patches of 40 x 45 with ragged edges."""
    rng = np.random.default_rng(1)
    height, width = size
    y, x = np.mgrid[:height, :width]
    y = y + (6 * np.sin(x / 11)).astype(int) + 8
    x = x + (6 * np.sin(y / 13)).astype(int) + 8
    patches: NDArray[np.int64] = rng.integers(0, 54, (height // 40 + 2, width // 45 + 2))
    return patches[y // 40, x // 45]


def by_numpy(
    masks: NDArray[np.bool_], scores: NDArray[np.float32], semantic: NDArray[np.int64]
) -> NDArray[np.int32]:
    """Combine as detectron2 does, in NumPy."""
    labels = np.zeros(semantic.shape, np.int32)
    number = 0
    for i in np.argsort(-scores, kind="stable"):
        if scores[i] < 0.5:
            break
        mask = masks[i]
        area = np.count_nonzero(mask)
        if area == 0 or np.count_nonzero(mask & (labels > 0)) / area > 0.5:
            continue
        number += 1
        labels[mask & (labels == 0)] = number
    for label in np.unique(semantic):
        mask = (semantic == label) & (labels == 0)
        if label and np.count_nonzero(mask) >= 4096:
            number += 1
            labels[mask] = number
    return labels
