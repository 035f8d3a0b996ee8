"""Soft masks and boxes to test with: smooth, as networks emit them, from fixed seeds."""

from __future__ import annotations

import numpy as np


def logits(count: int, height: int, width: int, seed: int) -> np.ndarray:
    """Draw smooth random fields, (N, h, w) float32 of about -8 to 8."""
    rng = np.random.default_rng(seed)
    y = (np.arange(height) + 0.5) / height
    x = (np.arange(width) + 0.5) / width
    fields = np.zeros((count, height, width))
    for i in range(6 * count):
        fy, fx = rng.uniform(-4, 4, 2)
        phase = rng.uniform(0, 2 * np.pi)
        waves = np.sin(2 * np.pi * (fy * y[:, None] + fx * x) + phase)
        fields[i // 6] += rng.normal() * 1.5 * waves
    return (fields + rng.normal(0, 0.05, fields.shape)).astype(np.float32)


def probabilities(count: int, height: int, width: int, seed: int) -> np.ndarray:
    """Draw the same as probabilities, (N, h, w) float32."""
    return (1 / (1 + np.exp(-2.0 * logits(count, height, width, seed)))).astype(np.float32)


def detections(
    count: int, side: int, size: tuple[int, int], seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Draw (N, side, side) probabilities and (N, 4) boxes: inside, partly and wholly outside.

    Some have integers for corners, some are smaller than a pixel, and some larger than the image.
    """
    rng = np.random.default_rng(seed)
    scale = np.array([size[1], size[0]], float)
    middle = rng.uniform(-0.3, 1.3, (count, 2)) * scale
    reach = rng.uniform(0.01, 0.3, (count, 2)) * scale
    reach[::7] = rng.uniform(0.1, 0.6, reach[::7].shape)
    reach[1::7] *= 6
    boxes = np.concatenate([middle - reach, middle + reach], axis=1)
    boxes[2::5] = np.round(boxes[2::5])
    boxes[2::5, 2:] += 1
    return probabilities(count, side, side, seed), boxes.astype(np.float32)
