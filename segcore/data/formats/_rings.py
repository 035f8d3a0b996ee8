"""Rings of polygons: parsed from text, and joined to a single ring."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._bridges import joined_order
from segcore._input.arrays import described
from segcore.data.coco.stream import Stream
from segcore.data.columns.segmentations import POLYGON, Segmentations
from segcore.data.errors import DatasetError
from segcore.polygons import Polygons

Numbers = NDArray[np.float64]
Counts = NDArray[np.int64]


def parse_rings(texts: Sequence[bytes], count: int | None = None) -> tuple[Numbers, Counts] | None:
    """Parse the coordinates of many rings at once, as the numbers of a JSON array.

    Parameters
    ----------
    texts : sequence of bytes
        ``x0,y0,x1,y1,...`` per ring. They may hold several rings, separated by ``],[``.
    count : int, optional
        Number of rings. Defaults to that of `texts`.

    Returns
    -------
    coordinates, ring_points : numpy.ndarray or None
        All coordinates, float64, and the number of points per ring, int64. None if a ring is not
        plain numbers in pairs; `parse_numbers` and `check_ring` find which.
    """
    count = len(texts) if count is None else count
    if not texts:
        return np.empty(0), np.empty(0, np.int64)
    document = b'[{"s":[[' + b"],[".join(texts) + b"]]}]"
    stream = Stream("", io.BytesIO(document), None, len(document))
    try:
        stream.enter()
        columns = stream.rows([("s", "segmentation")], "")["columns"]
        stream.end()
    except (DatasetError, ValueError):
        return None
    rings = Segmentations(*columns["s"])
    if len(rings) != 1 or rings.kinds[0] != POLYGON or int(rings.lengths[0]) != count:
        return None
    if not np.isfinite(rings.coordinates).all():
        return None
    return rings.coordinates, np.diff(rings.ring_ends, prepend=0)


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


def joined_ring(coordinates: Numbers, ring_points: Counts) -> Numbers:
    """Join rings to one, which encloses the same area by the even-odd rule.

    Each ring is connected to the nearest vertex of the first one by a bridge: a line there and
    back, which encloses no area.

    Parameters
    ----------
    coordinates : numpy.ndarray
        x0 y0 x1 y1 ... of all rings: float64.
    ring_points : numpy.ndarray
        Number of points of each ring.
    """
    points = coordinates.reshape(-1, 2)
    offsets = np.concatenate([[0], np.cumsum(ring_points)]).tolist()
    return points[joined_order(points, offsets)].ravel()


def outline_rings(polygons: Polygons, mask: int) -> tuple[Numbers, Counts]:
    """Return the coordinates of the rings of a mask, and the number of points per ring."""
    first, last = polygons.mask_offsets[mask : mask + 2].tolist()
    offsets = polygons.ring_offsets[first : last + 1]
    vertices = polygons.vertices[offsets[0] : offsets[-1]]
    return vertices.astype(np.float64).ravel(), np.diff(offsets)


def number_text(value: float) -> str:
    """Return the shortest text that is read as the same number."""
    return str(int(value)) if value == int(value) else repr(float(value))
