"""Matched detections of many images, in columns: the state of average precision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore.backends.threshold_bits import bits_dtype


@dataclass
class Truths:
    """The true objects of some images: columns of equal length.

    ``counted`` has one row per range of areas: whether an object is to be found in that range.
    """

    image: NDArray[np.int64]
    label: NDArray[np.int64]
    counted: NDArray[np.bool_]

    @classmethod
    def empty(cls, num_ranges: int) -> Truths:
        """Return columns without rows."""
        none = np.empty(0, np.int64)
        return cls(none, none, np.empty((num_ranges, 0), np.bool_))


@dataclass
class Detections:
    """The detections of some images: columns of equal length.

    ``rank`` is the number of detections of the same image and class that precede it, by score.
    ``matched`` and ``ignored`` have one row per range of areas; bit t is about threshold t.
    """

    image: NDArray[np.int64]
    label: NDArray[np.int64]
    rank: NDArray[np.int64]
    score: NDArray[np.float64]
    matched: NDArray[np.unsignedinteger[Any]]
    ignored: NDArray[np.unsignedinteger[Any]]

    @classmethod
    def empty(cls, num_ranges: int, num_thresholds: int) -> Detections:
        """Return columns without rows."""
        none = np.empty(0, np.int64)
        bits = np.empty((num_ranges, 0), bits_dtype(num_thresholds))
        return cls(none, none, none, np.empty(0), bits, bits)


def concatenated(parts: list[Any]) -> Any:
    """Concatenate columns."""
    if len(parts) == 1:
        return parts[0]
    columns = [vars(part) for part in parts]
    joined = {
        name: np.concatenate([part[name] for part in columns], axis=-1) for name in columns[0]
    }
    return type(parts[0])(**joined)


def taken(part: Any, rows: NDArray[np.int64]) -> Any:
    """Return some rows of columns."""
    return type(part)(**{name: column[..., rows] for name, column in vars(part).items()})
