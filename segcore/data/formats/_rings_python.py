"""Twin of the compiled function that joins rings, for installations without a compiler."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Counts = NDArray[np.int64]

MOST = 100
"""Number of rings of which it is found out whether they are apart."""


def join_rings(
    coordinates: Numbers,
    ring_offsets: Counts,
    first_rings: Counts,
    ring_counts: Counts,
    compared: int,
) -> tuple[Numbers, Counts, NDArray[np.bool_]]:
    """Join the rings of each object, as `segcore.data.formats._rings.joined_rings` says."""
    points = coordinates[: len(coordinates) // 2 * 2].reshape(-1, 2)
    joined, are_apart = [], []
    for first, count in zip(first_rings.tolist(), ring_counts.tolist(), strict=True):
        offsets = ring_offsets[first : first + count + 1].tolist()
        rings = [points[start:end] for start, end in pairwise(offsets)]
        joined.append(_joined(rings, compared).ravel())
        are_apart.append(_are_apart([ring for ring in rings if len(ring)]))
    lengths = np.array([len(ring) for ring in joined], np.int64)
    return np.concatenate([np.empty(0), *joined]), lengths, np.array(are_apart, np.bool_)


def _joined(rings: list[Numbers], compared: int) -> Numbers:
    joined = np.empty((0, 2))
    for ring in rings:
        if not len(joined) or not len(ring):
            joined = np.concatenate([joined, ring])
            continue
        here, there = _nearest(joined, ring, compared)
        joined = np.concatenate(
            (joined[: here + 1], ring[there:], ring[: there + 1], joined[here:])
        )
    return joined


def _nearest(a: Numbers, b: Numbers, compared: int) -> tuple[int, int]:
    """Return the indices of two vertices that are close together."""
    step_a, step_b = -(-len(a) // compared), -(-len(b) // compared)
    distances = np.abs(np.subtract.outer(a[::step_a, 0], b[::step_b, 0]))
    distances += np.abs(np.subtract.outer(a[::step_a, 1], b[::step_b, 1]))
    index_a, index_b = divmod(int(distances.argmin()), distances.shape[1])
    return index_a * step_a, index_b * step_b


def _are_apart(rings: list[Numbers]) -> bool:
    """Return whether all boxes are more than a pixel apart."""
    boxes = [(ring.min(axis=0), ring.max(axis=0)) for ring in rings]
    return len(rings) <= MOST and all(
        bool(((a[1] + 1 < b[0]) | (b[1] + 1 < a[0])).any()) for a, b in combinations(boxes, 2)
    )
