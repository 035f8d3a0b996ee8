"""Simplification of rings that keeps shared borders shared."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from segcore._batch import offsets_of, spread
from segcore._rings.simplify import Integers, simplify_lines, squared_distance


def simplify_shared(
    vertices: Integers, ring_offsets: Integers, tolerance: float
) -> tuple[Integers, Integers]:
    """Simplify rings of horizontal and vertical edges; a border of several is simplified once.

    Rings are cut where three or more borders meet. The pieces are simplified with the algorithm of
    Douglas and Peucker, each in one direction, whatever the direction of the ring. Where a ring
    would lose its area or turn over, the points of its pieces that are farthest off are kept.

    The arguments and results are those of :func:`segcore._rings.simplify.simplify`.
    """
    if not len(vertices):
        return vertices, ring_offsets
    points, bounds = _with_junctions(vertices, ring_offsets)
    borders = _borders(points, bounds)
    kept = simplify_lines(points[borders.path], borders.offsets, tolerance)
    turns = np.sign(_areas(points, bounds))
    while True:
        at, offsets = _assembled(borders, kept)
        lost = np.flatnonzero(np.sign(_areas(points[at], offsets)) != turns)
        if not len(lost):
            return points[at], offsets
        for ring in lost.tolist():
            own = borders.border[slice(*borders.ring_offsets[ring : ring + 2].tolist())]
            farthest = max(_farthest(points, borders, kept, index) for index in own.tolist())
            kept[farthest[1]] = True


def _with_junctions(vertices: Integers, ring_offsets: Integers) -> tuple[Integers, Integers]:
    """Insert the vertices of other rings that are on the edges of a ring."""
    following = _following(ring_offsets)
    step = vertices[following] - vertices
    inserted = np.zeros(len(vertices), np.int64)
    ranges = []
    for axis in (0, 1):  # vertical edges, then horizontal ones
        other = 1 - axis
        stride = int(vertices[:, other].max()) + 2
        keys = np.unique(vertices[:, axis] * stride + vertices[:, other])
        edges = np.flatnonzero(step[:, axis] == 0)
        begin, end = vertices[edges, other], vertices[following[edges], other]
        base = vertices[edges, axis] * stride
        first = np.searchsorted(keys, base + np.minimum(begin, end), side="right")
        stop = np.searchsorted(keys, base + np.maximum(begin, end))
        inserted[edges] = stop - first
        ranges.append((edges, first, keys, stride, step[edges, other] < 0))
    place = offsets_of(inserted + 1)
    points = np.empty((place[-1], 2), np.int64)
    points[place[:-1]] = vertices
    for axis, (edges, first, keys, stride, backward) in enumerate(ranges):
        counts = inserted[edges]
        offsets = offsets_of(counts)
        to = spread(place[edges] + 1, offsets)
        rank = spread(np.zeros(len(edges), np.int64), offsets)
        rank = np.where(np.repeat(backward, counts), np.repeat(counts, counts) - 1 - rank, rank)
        found = keys[np.repeat(first, counts) + rank]
        points[to, axis], points[to, 1 - axis] = np.divmod(found, stride)
    return points, place[ring_offsets]


def _following(offsets: Integers) -> Integers:
    """Return the index of the next point of each ring."""
    following = np.arange(1, offsets[-1] + 1)
    following[offsets[1:] - 1] = offsets[:-1]
    return following


class _Borders(NamedTuple):
    """Rings as sequences of borders, each of which is stored once."""

    path: Integers
    """Indices of the points of all borders."""
    offsets: Integers
    """Start of each border in `path`, and its length."""
    border: Integers
    """Index of each border of the rings, in the order of the rings."""
    is_reversed: NDArray[np.bool_]
    """Whether the ring follows the border from its last point to its first."""
    ring_offsets: Integers
    """First border of each ring, and the total number."""


def _borders(points: Integers, bounds: Integers) -> _Borders:
    """Cut rings where three or more edges meet."""
    stride = int(points[:, 1].max()) + 1
    keys, node = np.unique(points[:, 0] * stride + points[:, 1], return_inverse=True)
    following = _following(bounds)
    low, high = np.minimum(node, node[following]), np.maximum(node, node[following])
    edges = np.unique(low * len(keys) + high)
    ends = np.concatenate(np.divmod(edges, len(keys)))
    is_cut = (np.bincount(ends, minlength=len(keys)) != 2)[node]
    # A ring without cuts is cut at its first point, whatever its direction.
    ring = np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))
    uncut = np.bincount(ring, is_cut, len(bounds) - 1) == 0
    order = np.lexsort((node, ring))
    is_cut[order[bounds[:-1]][uncut]] = True
    # A border that returns to its start is cut at its farthest point, too.
    path, offsets = _paths(is_cut, bounds)
    first, last = path[offsets[:-1]], path[offsets[1:] - 1]
    line = np.repeat(np.arange(len(first)), np.diff(offsets))
    squared = ((points[path] - points[first][line]) ** 2).sum(axis=1)
    farthest = path[np.lexsort((node[path], -squared, line))[offsets[:-1]]]
    is_cut[farthest[node[first] == node[last]]] = True

    path, offsets = _paths(is_cut, bounds)
    first, last = path[offsets[:-1]], path[offsets[1:] - 1]
    is_reversed = node[first] > node[last]
    second = np.where(is_reversed, path[offsets[1:] - 2], path[offsets[:-1] + 1])
    start = np.where(is_reversed, last, first)
    _, chosen, border = np.unique(
        node[start] * len(keys) + node[second], return_index=True, return_inverse=True
    )
    lengths = np.diff(offsets)[chosen]
    begin = np.where(is_reversed[chosen], offsets[chosen + 1] - 1, offsets[chosen])
    at = _strided(begin, np.where(is_reversed[chosen], -1, 1), offsets_of(lengths))
    counts = np.bincount(ring[first], minlength=len(bounds) - 1)
    return _Borders(path[at], offsets_of(lengths), border, is_reversed, offsets_of(counts))


def _paths(is_cut: NDArray[np.bool_], bounds: Integers) -> tuple[Integers, Integers]:
    """Return the indices of the points from each cut to the next one of the ring, both included."""
    cuts = np.flatnonzero(is_cut)
    ring = np.searchsorted(bounds, cuts, side="right") - 1
    lengths = np.diff(bounds)[ring]
    following = np.append(cuts[1:], 0)
    is_last = np.append(ring[1:] != ring[:-1], True)
    first_cut = cuts[np.searchsorted(ring, ring)]
    following[is_last] = first_cut[is_last] + lengths[is_last]
    offsets = offsets_of(following - cuts + 1)
    path = spread(cuts, offsets)
    counts = np.diff(offsets)
    end = np.repeat(bounds[ring + 1], counts)
    return np.where(path >= end, path - np.repeat(lengths, counts), path), offsets


def _strided(starts: Integers, steps: Integers, offsets: Integers) -> Integers:
    """Return the indices of groups that begin at `starts` and go on by `steps`."""
    counts = np.diff(offsets)
    rank = spread(np.zeros(len(starts), np.int64), offsets)
    return np.repeat(starts, counts) + np.repeat(steps, counts) * rank


def _assembled(borders: _Borders, kept: NDArray[np.bool_]) -> tuple[Integers, Integers]:
    """Return the indices of the points of the rings, and the offsets of the rings."""
    places = np.flatnonzero(kept)
    ends = np.searchsorted(places, borders.offsets)
    first, last = ends[:-1][borders.border], ends[1:][borders.border] - 1
    offsets = offsets_of(last - first)  # without the last point, with which the next one begins
    start = np.where(borders.is_reversed, last, first)
    at = _strided(start, np.where(borders.is_reversed, -1, 1), offsets)
    return borders.path[places[at]], offsets[borders.ring_offsets]


def _areas(points: Integers, offsets: Integers) -> NDArray[np.float64]:
    """Return twice the signed area of each ring."""
    ring = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    x, y = (points - points[offsets[:-1]][ring]).astype(np.float64).T
    after = _following(offsets)
    terms = x * y[after] - x[after] * y
    return np.bincount(ring, terms, len(offsets) - 1).astype(np.float64)


def _farthest(
    points: Integers, borders: _Borders, kept: NDArray[np.bool_], index: int
) -> tuple[float, int]:
    """Return the squared distance of the dropped point farthest off its line, and its place."""
    start, stop = borders.offsets[index : index + 2].tolist()
    places = start + np.flatnonzero(kept[start:stop])
    dropped = start + np.flatnonzero(~kept[start:stop])
    if not len(dropped):
        return -1.0, start
    after = np.searchsorted(places, dropped)
    p, a, b = (
        points[borders.path[at]].astype(np.float64)
        for at in (dropped, places[after - 1], places[after])
    )
    squared = squared_distance(p, a, b)
    best = int(squared.argmax())
    return float(squared[best]), int(dropped[best])
