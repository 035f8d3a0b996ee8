"""Validation of scores that are interpolated, and of the sizes between which they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._input.arrays import Size, as_integer, as_size

MAX_SIDE = 2**24
"""Sides of what is interpolated, and to what, are no longer: float32 counts no further."""


def check_side(name: str, *sides: int) -> None:
    """Raise ValueError for sides beyond MAX_SIDE."""
    if max(sides) > MAX_SIDE:
        raise ValueError(f"{name}: expected sides of up to 2**24, got {max(sides)}")


def as_sides(size: Iterable[int], name: str) -> Size:
    """Check a size of at least one row and column, with sides up to MAX_SIDE."""
    sides = as_size(size, name)
    if 0 in sides:
        raise ValueError(f"{name}: expected at least one row and column, got {sides}")
    check_side(name, *sides)
    return sides


def as_crop(crop: object, sides: Sequence[int]) -> tuple[int, int, int, int]:
    """Check a crop, (height, width) or (top, left, bottom, right), and give all four edges."""
    edges: list[Any] = list(crop) if isinstance(crop, Iterable) else [crop]
    if len(edges) != 4:
        edges = [0, 0, *as_sides(edges, "crop")]
    top, left, bottom, right = (as_integer(edge, "crop") for edge in edges)
    if not (0 <= top < bottom and 0 <= left < right):
        raise ValueError(f"crop: expected at least one row and column, got {edges}")
    if bottom > sides[0] or right > sides[1]:
        raise ValueError(f"crop: expected no more than {tuple(sides)}, got {(bottom, right)}")
    return top, left, bottom, right


def check_numbers(array: NDArray[np.generic], name: str) -> None:
    """Raise TypeError for other things than numbers."""
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name}: expected numbers, got {array.dtype}")


def check_samples(array: NDArray[np.number], name: str) -> None:
    """Raise ValueError unless there are samples in each of the (N, h, w), with sides that fit."""
    if 0 in array.shape[1:]:
        raise ValueError(f"{name}: expected at least one row and column, got {array.shape}")
    check_side(name, *array.shape[1:])


def as_float32(array: NDArray[np.number]) -> NDArray[np.float32]:
    """Convert to C-contiguous float32, without a copy of what is that."""
    with np.errstate(over="ignore", invalid="ignore"):  # infinity beyond the range; NaN is NaN
        return np.ascontiguousarray(array, np.float32)
