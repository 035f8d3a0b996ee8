"""Outlines of masks."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from segcore._batch import Batch, Offsets, offsets_of
from segcore.backends.reference.flips import Piece, pieces, split

Point = tuple[int, int]  # x, y
Edge = tuple[Point, Point]  # from, to, with foreground on the right
Ring = list[Point]
Block = tuple[int, int, int, int]  # left, right, top, bottom: half-open


def outline(
    batch: Batch, connectivity: int
) -> tuple[NDArray[np.int64], Offsets, NDArray[np.int64], Offsets]:
    """Trace the exterior rings and holes of each mask."""
    rings: list[Ring] = []
    outer: list[int] = []
    counts: list[int] = []
    for flips in split(batch):
        traced, holes_of = _trace(pieces(flips, *batch.size), batch.height, connectivity)
        outer += [-1 if ring < 0 else len(rings) + ring for ring in holes_of]
        rings += traced
        counts.append(len(traced))
    vertices = np.array([point for ring in rings for point in ring], np.int64).reshape(-1, 2)
    ring_offsets = offsets_of([len(ring) for ring in rings])
    return vertices, ring_offsets, np.array(outer, np.int64), offsets_of(counts)


def _trace(runs: list[Piece], height: int, connectivity: int) -> tuple[list[Ring], list[int]]:
    """Return the rings of a mask, and for each hole the index of the ring around it, else -1."""
    blocks = [_block(run, height) for run in runs]
    edges = _edges(blocks)
    ring_of: dict[Edge, int] = {}
    rings: list[Ring] = []
    outer: list[int] = []
    for left, right, top, bottom in blocks:
        upper, lower = ((left, top), (right, top)), ((right, bottom), (left, bottom))
        for first in (upper, lower):
            if first in ring_of:
                continue
            path = _follow(first, edges, connectivity)
            ring_of |= dict.fromkeys(path, len(rings))
            if first is lower:
                path.append(path.pop(0))  # start at the left end
                above = ring_of[upper]
                outer.append(above if outer[above] < 0 else outer[above])
            else:
                outer.append(-1)
            rings.append(_corners(path))
    return rings, outer


def _block(run: Piece, height: int) -> Block:
    """Return the rectangle of a run that is within one column or consists of whole columns."""
    start, stop = run
    left, right = start // height, (stop - 1) // height + 1
    return left, right, start - left * height, stop - (right - 1) * height


def _edges(blocks: list[Block]) -> dict[Point, list[Point]]:
    """Return the boundary edges, as a list of successors for each point."""
    edges: dict[Point, list[Point]] = {}
    ends_at: dict[int, list[Block]] = {}
    begins_at: dict[int, list[Block]] = {}
    for block in blocks:
        left, right, top, bottom = block
        edges.setdefault((left, top), []).append((right, top))
        edges.setdefault((right, bottom), []).append((left, bottom))
        ends_at.setdefault(right, []).append(block)
        begins_at.setdefault(left, []).append(block)
    for x in ends_at.keys() | begins_at.keys():
        left_corners, right_corners = (
            {y for *_, top, bottom in side.get(x, []) for y in (top, bottom)}
            for side in (ends_at, begins_at)
        )
        on_left = on_right = False
        for y0, y1 in itertools.pairwise(sorted(left_corners | right_corners)):
            # Blocks in the same column do not touch, so each corner enters or leaves one block.
            on_left ^= y0 in left_corners
            on_right ^= y0 in right_corners
            if on_left and not on_right:
                edges.setdefault((x, y0), []).append((x, y1))
            if on_right and not on_left:
                edges.setdefault((x, y1), []).append((x, y0))
    return edges


def _follow(first: Edge, edges: dict[Point, list[Point]], connectivity: int) -> list[Edge]:
    """Return the edges of the ring that contains the first edge, starting with it."""
    path = [first]
    while True:
        previous, here = path[-1]
        successors = edges[here]
        if len(successors) == 2:
            # Two pixels share this corner: a right turn stays at the same pixel, a left turn
            # continues with the other one.
            successors = [
                point
                for point in successors
                if (_turn(previous, here, point) < 0) == (connectivity == 8)
            ]
        edge = (here, successors[0])
        if edge == first:
            return path
        path.append(edge)


def _turn(a: Point, b: Point, c: Point) -> int:
    """Return a positive number for a right turn at b, negative for a left turn (y points down)."""
    return (b[0] - a[0]) * (c[1] - b[1]) - (b[1] - a[1]) * (c[0] - b[0])


def _corners(path: list[Edge]) -> Ring:
    """Return the points at which the path turns."""
    previous_edges = [path[-1], *path[:-1]]
    return [
        edge[0]
        for previous, edge in zip(previous_edges, path, strict=True)
        if _turn(*previous, edge[1]) != 0
    ]
