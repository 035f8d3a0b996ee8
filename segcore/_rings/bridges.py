"""Join a ring and its holes to one ring, by bridges between their nearest vertices."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]

_MAX_PAIRS = 2**20
"""Number of pairs of vertices from which on only the first vertex of a hole is considered."""


def joined_order(points: NDArray[Any], offsets: list[int]) -> Integers:
    """Return the order in which the points of several rings form a single ring.

    From the vertex of the first ring that is nearest to another ring, a bridge leads to that ring
    and back along the same line. It encloses no area, so the even-odd rule fills the same pixels.
    If the other rings turn the same way as the first one, they are reversed, so that the non-zero
    rule does not fill them, either.

    Parameters
    ----------
    points : numpy.ndarray
        x and y of the points of all rings: shape (P, 2). The first point of a ring is not repeated
        at its end.
    offsets : list of int
        Start of each ring in `points`, and P. Each ring has at least one point.

    Returns
    -------
    numpy.ndarray
        Indices of the points of the ring, some of which are repeated: int64.
    """
    outline = points[: offsets[1]].astype(np.float64)
    by_x = np.argsort(outline[:, 0], kind="stable")
    turn = _signed_area(outline)
    detours: dict[int, list[Integers]] = {}
    for start, stop in pairwise(offsets[1:]):
        hole = points[start:stop].astype(np.float64)
        vertex, first = _nearest(outline, by_x, hole)
        order = np.roll(np.arange(start, stop), -first)
        if turn * _signed_area(hole) > 0:
            order[1:] = order[:0:-1].copy()
        detours.setdefault(vertex, []).append(order)
    pieces: list[Any] = []
    after = 0
    for vertex in sorted(detours.keys() - {0}):
        pieces.append(np.arange(after, vertex + 1))
        for order in detours[vertex]:
            pieces += [order, order[:1], [vertex]]
        after = vertex + 1
    pieces.append(np.arange(after, len(outline)))
    for order in detours.get(0, []):  # the closing edge of the ring is the way back
        pieces += [[0], order, order[:1]]
    return np.concatenate(pieces)


def _signed_area(ring: NDArray[np.float64]) -> float:
    x, y = (ring - ring[0]).T
    with np.errstate(over="ignore", invalid="ignore"):
        return float((x[:-1] * y[1:] - x[1:] * y[:-1]).sum())


def _nearest(
    outline: NDArray[np.float64], by_x: Integers, hole: NDArray[np.float64]
) -> tuple[int, int]:
    """Return the indices of the nearest vertices of an outline, sorted `by_x`, and of a hole."""
    x = outline[by_x, 0]
    reach = 8.0
    while True:  # the vertex that is nearest to the first one of the hole
        near = by_x[slice(*np.searchsorted(x, [hole[0, 0] - reach, hole[0, 0] + reach]))]
        distance = np.abs(outline[near] - hole[0]).sum(axis=1)
        if len(near) == len(x) or (len(near) and distance.min() < reach):
            break
        reach *= 4
    best = int(distance.argmin())
    left, right = hole[:, 0].min() - distance[best], hole[:, 0].max() + distance[best]
    closer = by_x[slice(*np.searchsorted(x, [left, right]))]
    if not 0 < len(closer) * len(hole) <= _MAX_PAIRS:
        return int(near[best]), 0
    distances = np.abs(outline[closer][:, None] - hole).sum(axis=2)
    vertex, first = divmod(int(distances.argmin()), len(hole))
    return int(closer[vertex]), first
