"""Simplification of rings."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

_PATIENCE = 8
"""Maximum number of generations of splits at the farthest point, as a multiple of the binary
logarithm of the number of points of a ring. The outlines of real masks need less than 5."""


def simplify(
    vertices: Integers, ring_offsets: Integers, tolerance: float
) -> tuple[Integers, Integers]:
    """Simplify rings with the algorithm of Douglas and Peucker (1973).

    All lines are split simultaneously, generation by generation. The algorithm takes quadratic time
    if it splits off a few points at a time, as along a comb. Lines that would be split after
    ``_PATIENCE * log2(n)`` generations, where n is the number of points of the ring, are therefore
    split at their middle point. This bounds the time by ``n * log2(n)``.

    Parameters
    ----------
    vertices : numpy.ndarray
        x and y of the points of all rings: int64, shape (P, 2).
    ring_offsets : numpy.ndarray
        Start of each ring in `vertices`, and their total number: int64, shape (R + 1,). Each ring
        has at least three points.
    tolerance : float
        Maximum distance in pixels between a dropped point and the line that replaces it.

    Returns
    -------
    vertices : numpy.ndarray
        x and y of the remaining points: int64, shape (Q, 2). Each ring keeps its first point, the
        point farthest from it, and at least one other point.
    ring_offsets : numpy.ndarray
        Start of each ring in the returned `vertices`, and their total number: int64, shape
        (R + 1,).
    """
    points = vertices.astype(np.float64)
    starts, stops = ring_offsets[:-1], ring_offsets[1:]
    kept = np.zeros(len(vertices), np.bool_)
    kept[starts] = True
    lengths = stops - starts
    owners = np.repeat(np.arange(len(starts)), lengths)
    squared = ((points - points[starts][owners]) ** 2).sum(axis=1)
    middles = _first_greatest(squared, starts, lengths)[0]
    kept[middles] = True
    # Lines from `a` to `b`, with the points from a + 1 up to `end` between them. At the end of a
    # ring, `b` is its first point.
    a = np.concatenate([starts, middles])
    b = np.concatenate([middles, starts])
    end = np.concatenate([middles, stops])
    # The generation from which a line is split at its middle, which depends on its ring.
    patience = np.tile(_PATIENCE * np.ceil(np.log2(lengths)).astype(np.int64), 2)
    _split(kept, points, tolerance, a, b, end, patience)
    _keep_third_point(kept, points, starts, middles, lengths, owners)
    return vertices[kept], np.concatenate([[0], np.cumsum(kept)])[ring_offsets]


def simplify_lines(
    vertices: Integers, line_offsets: Integers, tolerance: float
) -> NDArray[np.bool_]:
    """Return which points of lines are kept by the same algorithm: shape (P,).

    The points of line i are ``line_offsets[i]`` to ``line_offsets[i + 1] - 1``. Its first and its
    last point, which are different ones, are kept.
    """
    points = vertices.astype(np.float64)
    first, last = line_offsets[:-1], line_offsets[1:] - 1
    kept = np.zeros(len(vertices), np.bool_)
    kept[first] = kept[last] = True
    patience = _PATIENCE * np.ceil(np.log2(np.diff(line_offsets))).astype(np.int64)
    _split(kept, points, tolerance, first, last, last, patience)
    return kept


def _split(
    kept: NDArray[np.bool_],
    points: Floats,
    tolerance: float,
    a: Integers,
    b: Integers,
    end: Integers,
    patience: Integers,
) -> None:
    """Keep the points of lines at which they are split.

    Lines lead from point `a` to point `b`, with the points from ``a + 1`` to ``end - 1`` between
    them. From generation `patience` on, they are split at their middle.
    """
    limit = tolerance * tolerance
    for generation in itertools.count():
        has_points = end - a > 1
        a, b, end, patience = a[has_points], b[has_points], end[has_points], patience[has_points]
        if not len(a):
            break
        counts = end - a - 1
        first = np.cumsum(counts) - counts
        inner = np.arange(counts.sum()) + np.repeat(a + 1 - first, counts)
        line = np.repeat(np.arange(len(a)), counts)
        squared = squared_distance(points[inner], points[a][line], points[b][line])
        farthest, greatest = _first_greatest(squared, first, counts)
        splits = greatest > limit
        a, b, end, patience = a[splits], b[splits], end[splits], patience[splits]
        middle = np.where(patience > generation, inner[farthest[splits]], (a + end) // 2)
        kept[middle] = True
        a, b, end = (
            np.concatenate([a, middle]),
            np.concatenate([middle, b]),
            np.concatenate([middle, end]),
        )
        patience = np.tile(patience, 2)


def _first_greatest(values: Floats, starts: Integers, lengths: Integers) -> tuple[Integers, Floats]:
    """Return the index of the first maximum of each nonempty group, and the maxima."""
    if not len(starts):
        return np.zeros(0, np.int64), np.zeros(0)
    greatest = np.maximum.reduceat(values, starts)
    indices = np.flatnonzero(values == np.repeat(greatest, lengths))
    return indices[np.searchsorted(indices, starts)], greatest


def squared_distance(p: Floats, a: Floats, b: Floats) -> Floats:
    """Compute the squared distances between points `p` and line segments from `a` to `b`.

    For integer coordinates, all operations except one division are exact, so that points at the
    same distance get the same value.
    """
    line, from_a, from_b = b - a, p - a, p - b
    length = (line**2).sum(axis=1)
    along = (from_a * line).sum(axis=1)
    across = from_a[:, 0] * line[:, 1] - from_a[:, 1] * line[:, 0]
    distance: Floats = np.minimum((from_a**2).sum(axis=1), (from_b**2).sum(axis=1))
    beside = (along > 0) & (along < length)
    np.divide(across**2, length, out=distance, where=beside)
    return distance


def _keep_third_point(
    kept: NDArray[np.bool_],
    points: Floats,
    starts: Integers,
    middles: Integers,
    lengths: Integers,
    owners: Integers,
) -> None:
    """Keep the point farthest from the line of each ring that would have only two points."""
    if not len(starts):
        return
    too_few = np.add.reduceat(kept, starts) < 3
    squared = squared_distance(points, points[starts][owners], points[middles][owners])
    squared[kept] = -1
    kept[_first_greatest(squared, starts, lengths)[0][too_few]] = True
