"""Rings with fewer points."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

_PATIENCE = 8
"""Generations of splits at the farthest point, as a multiple of the binary logarithm of a ring's
points. The outlines of real masks need less than 5."""


def simplify(
    vertices: Integers, ring_offsets: Integers, tolerance: float
) -> tuple[Integers, Integers]:
    """Drop points of rings, by the algorithm of Douglas and Peucker (1973).

    All lines are split at once, generation by generation. The algorithm is quadratic where it
    splits off a few points at a time, as along a comb. A line that is still too long after
    ``_PATIENCE * log2(points of its ring)`` generations is therefore split at its middle point,
    which bounds the time by ``n * log2(n)``.

    Parameters
    ----------
    vertices : numpy.ndarray
        int64 (P, 2): x and y.
    ring_offsets : numpy.ndarray
        int64 (R + 1,): where each ring begins. Each has three points or more.
    tolerance : float
        In pixels. A dropped point is at most this far from the line between the two points that
        are kept before and after it.

    Returns
    -------
    vertices : numpy.ndarray
        int64 (Q, 2). Each ring keeps its first point, the one that is farthest from that, and at
        least one more.
    ring_offsets : numpy.ndarray
        int64 (R + 1,).
    """
    points = vertices.astype(np.float64)
    starts, stops = ring_offsets[:-1], ring_offsets[1:]
    kept = np.zeros(len(vertices), np.bool_)
    kept[starts] = True
    lengths = stops - starts
    owners = np.repeat(np.arange(len(starts)), lengths)
    away = ((points - points[starts][owners]) ** 2).sum(axis=1)
    middles = _first_greatest(away, starts, lengths)[0]
    kept[middles] = True
    # Lines from `a` to `b`, which is the first point again at a ring's end; between them are the
    # points from a + 1 to `end`.
    a = np.concatenate([starts, middles])
    b = np.concatenate([middles, starts])
    end = np.concatenate([middles, stops])
    # The generation from which a line is split at its middle, by the length of its ring.
    patience = np.tile(_PATIENCE * np.ceil(np.log2(lengths)).astype(np.int64), 2)
    limit = tolerance * tolerance
    for generation in itertools.count():
        some = end - a > 1
        a, b, end, patience = a[some], b[some], end[some], patience[some]
        if not len(a):
            break
        counts = end - a - 1
        first = np.cumsum(counts) - counts
        inner = np.arange(counts.sum()) + np.repeat(a + 1 - first, counts)
        line = np.repeat(np.arange(len(a)), counts)
        far = _squared_distance(points[inner], points[a][line], points[b][line])
        places, farthest = _first_greatest(far, first, counts)
        splits = farthest > limit
        a, b, end, patience = a[splits], b[splits], end[splits], patience[splits]
        middle = np.where(patience > generation, inner[places[splits]], (a + end) // 2)
        kept[middle] = True
        a, b, end = (
            np.concatenate([a, middle]),
            np.concatenate([middle, b]),
            np.concatenate([middle, end]),
        )
        patience = np.tile(patience, 2)
    _keep_a_third(kept, points, starts, middles, lengths, owners)
    return vertices[kept], np.concatenate([[0], np.cumsum(kept)])[ring_offsets]


def _first_greatest(values: Floats, starts: Integers, lengths: Integers) -> tuple[Integers, Floats]:
    """Find the greatest value of each group, the first one of equals; none is empty."""
    if not len(starts):
        return np.zeros(0, np.int64), np.zeros(0)
    greatest = np.maximum.reduceat(values, starts)
    at = np.flatnonzero(values == np.repeat(greatest, lengths))
    return at[np.searchsorted(at, starts)], greatest


def _squared_distance(p: Floats, a: Floats, b: Floats) -> Floats:
    """Measure from points to lines, which end at a and b.

    Points that are equally far get the same number: in whole coordinates all is exact but for one
    division.
    """
    line, from_a, from_b = b - a, p - a, p - b
    length = (line**2).sum(axis=1)
    along = (from_a * line).sum(axis=1)
    across = from_a[:, 0] * line[:, 1] - from_a[:, 1] * line[:, 0]
    distance: Floats = np.minimum((from_a**2).sum(axis=1), (from_b**2).sum(axis=1))
    beside = (along > 0) & (along < length)
    np.divide(across**2, length, out=distance, where=beside)
    return distance


def _keep_a_third(
    kept: NDArray[np.bool_],
    points: Floats,
    starts: Integers,
    middles: Integers,
    lengths: Integers,
    owners: Integers,
) -> None:
    """Keep the point that is farthest from the line of rings that would have no other."""
    if not len(starts):
        return
    few = np.add.reduceat(kept, starts) < 3
    far = _squared_distance(points, points[starts][owners], points[middles][owners])
    far[kept] = -1
    kept[_first_greatest(far, starts, lengths)[0][few]] = True
