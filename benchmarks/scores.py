"""Scores as models emit them: of a Mask R-CNN head, of masks of a whole image, of classes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def heads(
    count: int, side: int, size: tuple[int, int]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Draw what a Mask R-CNN head emits: probabilities (N, side, side), and boxes.

    The boxes are from 24 to 500 pixels long, small ones as often as large ones.
    """
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:side, :side] / (side - 1) * 2 - 1
    radius, angle = np.hypot(y, x), np.arctan2(y, x)
    outlines = (
        0.75 + 0.12 * np.sin(rng.integers(2, 6) * angle + rng.uniform(0, 6)) for _ in range(count)
    )
    probs = np.array([1 / (1 + np.exp((radius - outline) * 14)) for outline in outlines])
    limits = np.array([size[1], size[0]])
    centre = rng.uniform(0.05, 0.95, (count, 2)) * limits
    reach = np.exp(rng.uniform(np.log(12), np.log(250), (count, 2)))
    boxes = np.concatenate([(centre - reach).clip(0), (centre + reach).clip(max=limits)], axis=1)
    return probs.astype(np.float32), boxes.astype(np.float32)


def wobbly(count: int, side: int) -> NDArray[np.float32]:
    """Draw logits of objects on the whole image, (N, side, side), noisy as networks are."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:side, :side] / (side - 1)
    scores = np.empty((count, side, side), np.float32)
    for i in range(count):
        cy, cx = rng.uniform(0.1, 0.9, 2)
        radius = np.exp(rng.uniform(np.log(0.03), np.log(0.3)))
        angle = np.arctan2(y - cy, x - cx)
        outline = radius * (1 + 0.2 * np.sin(rng.integers(2, 7) * angle + rng.uniform(0, 6)))
        scores[i] = (outline - np.hypot(y - cy, x - cx)) * 60 + rng.normal(0, 0.05, y.shape)
    return scores


def class_scores(kind: str, classes: int, side: int) -> NDArray[np.float32]:
    """Draw class scores (C, side, side) of a kind: "blobs", "noise" or "ties"."""
    rng = np.random.default_rng(0)
    shape = (classes, side, side)
    if kind == "ties":
        return np.zeros(shape, np.float32)
    noise = rng.standard_normal(shape, np.float32)
    if kind == "noise":
        return noise
    # Blobs of a dozen samples: low frequencies alone.
    spectrum = np.fft.rfft2(noise)
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side))
    smooth = np.fft.irfft2(spectrum * np.exp(-200 * frequency**2), (side, side))
    return (smooth / smooth.std()).astype(np.float32)
