"""Rings of polygons: parsed from text, and joined to a single ring."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._batch import offsets_of
from segcore._input.arrays import described
from segcore.polygons import Polygons

try:
    from segcore._native import join_rings
except ImportError:  # not compiled
    from segcore.data.formats._rings_python import join_rings

Numbers = NDArray[np.float64]
Counts = NDArray[np.int64]

COMPARED = 1024
"""Number of vertices per ring that are compared for the shortest bridge."""


def parse_numbers(words: Sequence[bytes | str]) -> Numbers:
    """Parse numbers one by one. Raises ValueError for the first word that is not a number."""
    numbers = []
    for word in words:
        try:
            numbers.append(float(word))
        except ValueError:
            shown = word.decode("utf-8", "replace") if isinstance(word, bytes) else word
            raise ValueError(f"expected a number, got {shown!r:.40}") from None
    return np.array(numbers, np.float64)


def check_ring(ring: Numbers) -> None:
    """Raise ValueError unless a ring has three points or more, all finite and below 2**30."""
    if ring.ndim != 1 or len(ring) % 2:
        raise ValueError(f"expected pairs of coordinates, got {ring.size} numbers")
    if len(ring) < 6:
        raise ValueError(f"expected at least 3 points, got {len(ring) // 2}")
    if not (np.abs(ring) < 2**30).all():  # NaN included
        raise ValueError(
            f"expected finite coordinates below 2**30, got {ring[~(np.abs(ring) < 2**30)][0]}"
        )


def as_points(value: Any, name: str) -> Numbers:
    """Return a list of points as an array of shape (N, 2). Raises ValueError for other values."""
    try:
        points = np.array(value, np.float64)
    except (TypeError, ValueError):
        points = np.empty(0)
    if points.ndim != 2 or points.shape[1] != 2 or _has_other_values(value):
        raise ValueError(f"{name}: expected a list of points [x, y], got {described(value)}")
    if not (np.abs(points) < 2**30).all():
        raise ValueError(f"{name}: expected finite coordinates below 2**30")
    return points


def _has_other_values(value: Any) -> bool:
    """Return whether some coordinates are not numbers, such as texts that NumPy converts."""
    return any(type(number) not in (int, float) for point in value for number in point)


def joined_rings(
    coordinates: Numbers, ring_offsets: Counts, first_rings: Counts, ring_counts: Counts
) -> tuple[Numbers, Counts, NDArray[np.bool_]]:
    """Join the rings of each object to one, which encloses the same area by the even-odd rule.

    Each ring is connected to the nearest vertex of the rings before it by a bridge: a line there
    and back, which encloses no area.

    Parameters
    ----------
    coordinates : numpy.ndarray
        x0 y0 x1 y1 ... of all rings: float64.
    ring_offsets : numpy.ndarray
        Start of each ring, in points, and the end of the last one: int64.
    first_rings, ring_counts : numpy.ndarray
        First ring of each object, and its number of rings: int64, shape (N,).

    Returns
    -------
    coordinates : numpy.ndarray
        x0 y0 x1 y1 ... of the N joined rings: float64.
    lengths : numpy.ndarray
        How many coordinates each has: int64, shape (N,).
    are_apart : numpy.ndarray
        Whether the boxes of the rings of each object are more than a pixel apart, so that the
        joined ring has the same pixels: bool, shape (N,).
    """
    return join_rings(coordinates, ring_offsets, first_rings, ring_counts, COMPARED)


def joined_ring(coordinates: Numbers, ring_points: Counts) -> Numbers:
    """Join the rings of one object, as `joined_rings` does."""
    count = np.array([len(ring_points)])
    return joined_rings(coordinates, offsets_of(ring_points), np.array([0]), count)[0]


def outline_rings(polygons: Polygons, mask: int) -> tuple[Numbers, Counts]:
    """Return the coordinates of the rings of a mask, and the number of points per ring."""
    first, last = polygons.mask_offsets[mask : mask + 2].tolist()
    offsets = polygons.ring_offsets[first : last + 1]
    vertices = polygons.vertices[offsets[0] : offsets[-1]]
    return vertices.astype(np.float64).ravel(), np.diff(offsets)


def number_text(value: float) -> str:
    """Return the shortest text that is read as the same number."""
    return str(int(value)) if value == int(value) else repr(float(value))
