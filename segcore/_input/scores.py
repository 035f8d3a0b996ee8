"""Validation of scores to interpolate, and of source and target sizes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._input.arrays import Size, as_integer, as_size

MAX_SIDE = 2**24
"""Maximum side of the source and target of interpolation: float32 is exact up to this integer."""


def check_side(name: str, *sides: int) -> None:
    """Raise ValueError if a side is greater than MAX_SIDE."""
    if max(sides) > MAX_SIDE:
        raise ValueError(f"{name}: expected sides of up to 2**24, got {max(sides)}")


def as_sides(size: Iterable[int], name: str) -> Size:
    """Validate a size with at least one row and column, and sides up to MAX_SIDE."""
    sides = as_size(size, name)
    if 0 in sides:
        raise ValueError(f"{name}: expected at least one row and column, got {sides}")
    check_side(name, *sides)
    return sides


def as_crop(crop: object, sides: Sequence[int]) -> tuple[int, int, int, int]:
    """Validate a crop, (height, width) or (top, left, bottom, right), and return all four edges."""
    edges: list[Any] = list(crop) if isinstance(crop, Iterable) else [crop]
    if len(edges) != 4:
        edges = [0, 0, *as_sides(edges, "crop")]
    top, left, bottom, right = (as_integer(edge, "crop") for edge in edges)
    if not (0 <= top < bottom and 0 <= left < right):
        raise ValueError(f"crop: expected at least one row and column, got {edges}")
    if bottom > sides[0] or right > sides[1]:
        raise ValueError(
            f"crop: expected bottom and right of at most {tuple(sides)}, got {(bottom, right)}"
        )
    return top, left, bottom, right


def check_numbers(array: NDArray[np.generic], name: str) -> None:
    """Raise TypeError if the dtype is not numeric."""
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name}: expected numbers, got {array.dtype}")


def check_samples(array: NDArray[np.number], name: str) -> None:
    """Raise ValueError unless scores (N, h, w) have at least one row and column, and fit."""
    if 0 in array.shape[1:]:
        raise ValueError(f"{name}: expected at least one row and column, got {array.shape}")
    check_side(name, *array.shape[1:])


def as_float32(array: NDArray[np.number]) -> NDArray[np.float32]:
    """Convert to C-contiguous float32, without a copy if possible."""
    with np.errstate(over="ignore", invalid="ignore"):  # values out of range become infinite
        return np.ascontiguousarray(array, np.float32)
