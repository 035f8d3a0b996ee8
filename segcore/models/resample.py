"""Resampling of scores to masks, shared by pasting and upsampling."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segcore._input.arrays import Size, as_array, as_threshold
from segcore._input.scores import check_numbers, check_samples
from segcore.backends import kernels
from segcore.backends.errors import MAX_COORDINATE
from segcore.masks import Masks, wrap

FloatArray: TypeAlias = NDArray[np.float32]
IntArray: TypeAlias = NDArray[np.int64]

MAX_THRESHOLD = 2.0**126
"""Bound to which scores are clipped, so that their differences are finite."""

BLOCK = 2**22
"""Number of scores that are converted or computed at a time (16 MiB)."""


def as_planes(scores: ArrayLike, name: str) -> NDArray[np.number]:
    """Return scores as an array of shape (N, h, w); raise ValueError for other shapes or sides."""
    array = as_array(scores, name)
    check_numbers(array, name)
    if array.ndim == 4 and array.shape[1] == 1:
        array = array[:, 0]
    elif array.ndim == 2:
        array = array[None]
    if array.ndim != 3:
        raise ValueError(f"{name}: expected (N, h, w) or (N, 1, h, w), got {array.shape}")
    check_samples(array, name)
    return array


def float32_threshold(threshold: float) -> float:
    """Return the threshold rounded to float32; raise ValueError if it is out of range."""
    with np.errstate(over="ignore"):
        number = float(np.float32(as_threshold(threshold)))
    if not abs(number) < MAX_THRESHOLD:
        raise ValueError(
            f"threshold: expected a number between -2**126 and 2**126, got {threshold}"
        )
    return number


def blocks_of(scores: NDArray[np.number]) -> list[slice]:
    """Return slices of blocks to convert, or a single slice if no conversion is needed."""
    if scores.dtype == np.float32 and scores.flags.c_contiguous:
        return [slice(0, len(scores))]
    return slices(*scores.shape)


class Sampling(NamedTuple):
    """Sampling positions and windows, the arguments of the kernel ``resample``."""

    inner: tuple[FloatArray, FloatArray] | None
    x: FloatArray
    y: FloatArray
    windows: IntArray


def resample(
    scores: Callable[[slice], FloatArray],
    blocks: list[slice],
    sampling: Sampling,
    size: Size,
    threshold: float,
) -> Masks:
    """Return the masks of resampled scores above a threshold.

    `scores` is called with each slice of `blocks` and returns the scores of these masks.
    """
    inner, x, y, windows = sampling
    parts = [
        wrap(kernels.resample(scores(masks), inner, x, y, windows[masks], *size, threshold))
        for masks in blocks
    ]
    return parts[0] if len(parts) == 1 else Masks.concatenate(parts)


def slices(count: int, rows: int, columns: int) -> list[slice]:
    """Return slices that split `count` planes of scores into blocks of at most BLOCK scores."""
    step = max(BLOCK // (rows * columns), 1)
    return [slice(start, min(start + step, count)) for start in range(0, max(count, 1), step)]


def check_finite(boxes: NDArray[np.float64]) -> None:
    """Raise ValueError unless all coordinates are from -2**30 to 2**30."""
    bad = np.flatnonzero(~np.all(np.abs(boxes) <= MAX_COORDINATE, axis=1))
    if len(bad):
        raise ValueError(
            f"box {bad[0]}: expected finite numbers between -2**30 and 2**30, got "
            f"{boxes[bad[0]].tolist()}"
        )
