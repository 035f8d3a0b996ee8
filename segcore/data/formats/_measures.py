"""Areas and boxes of polygons as COCO's files have them: of the rings, not of their pixels."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from segcore._batch import offsets_of
from segcore.data.columns.segmentations import Segmentations

Numbers = NDArray[np.float64]
Counts = NDArray[np.int64]

CHUNK = 1 << 16
"""Number of points that are measured at a time, so that memory is bounded."""
DECIMALS = 6


def polygon_measures(segmentations: Segmentations, rows: Counts) -> tuple[Numbers, Numbers]:
    """Return the areas and boxes of polygons, whose rings are adjacent and in the order of `rows`.

    Returns
    -------
    areas : numpy.ndarray
        Sum of the areas of the rings of each polygon: float64, shape (N,).
    boxes : numpy.ndarray
        Boxes x, y, width, height around all points: float64, shape (N, 4).
    """
    points = segmentations.coordinates.reshape(-1, 2)
    offsets = np.concatenate([[0], segmentations.ring_ends])
    areas, boxes = np.empty(len(offsets) - 1), np.empty((len(offsets) - 1, 4))
    cuts = np.flatnonzero(np.diff(offsets[:-1] // CHUNK)) + 1
    bounds = [0, *cuts.tolist(), len(areas)]
    for first, last in pairwise(bounds):
        if first < last:
            part = points[offsets[first] : offsets[last]]
            areas[first:last], boxes[first:last] = _of_rings(
                part, offsets[first : last + 1] - offsets[first]
            )
    starts = offsets_of(segmentations.lengths[rows])[:-1]
    areas = np.add.reduceat(areas, starts)
    corners = [np.minimum.reduceat(boxes[:, :2], starts), np.maximum.reduceat(boxes[:, 2:], starts)]
    boxes = np.concatenate([corners[0], corners[1] - corners[0]], axis=1)
    return np.round(areas, DECIMALS), np.round(boxes, DECIMALS)


def _of_rings(points: Numbers, offsets: Counts) -> tuple[Numbers, Numbers]:
    """Return the area of each ring, and its box x0 y0 x1 y1."""
    starts = offsets[:-1]
    low, high = np.minimum.reduceat(points, starts), np.maximum.reduceat(points, starts)
    return ring_areas(points, starts), np.concatenate([low, high], axis=1)


def ring_areas(points: Numbers, starts: Counts) -> Numbers:
    """Return the areas of rings that start at these points: float64, shape (N,)."""
    following = np.empty_like(points)
    following[:-1] = points[1:]
    following[np.append(starts[1:], 0) - 1] = points[starts]
    x, y = points.T
    twice = np.add.reduceat(x * following[:, 1] - following[:, 0] * y, starts)
    areas: Numbers = np.abs(twice) / 2
    return areas
