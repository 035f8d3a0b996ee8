"""Outlines of masks.

Runs are split into pieces: part of a column, or several whole columns. Piece k has two horizontal
edges, the top 2k and the bottom 2k + 1. Edge e has two ends, the left 2e and the right 2e + 1.
Vertical boundary lines link the ends of the edges, and the rings follow these links.
"""

from __future__ import annotations

import numpy as np

from segcore._batch import Batch, Offsets
from segcore.backends.numba.compiled import ZERO, Integers, arrays_of, compiled, with_room


def outline(batch: Batch, connectivity: int) -> tuple[Integers, Offsets, Integers, Offsets]:
    """Trace the exterior rings and holes of each mask."""
    arrays = arrays_of(batch)
    vertices, *others = _outline(*arrays, batch.height, batch.pixels, connectivity == 8)
    return vertices.reshape(-1, 2), others[0], others[1], others[2]


@compiled
def _outline(
    ends: Integers, offsets: Integers, height: int, pixels: int, joins_corners: bool
) -> tuple[Integers, Integers, Integers, Integers]:
    """Return flat vertices, and the other results of the kernel."""
    vertices = np.empty(4 * ends.size, np.int64)
    ring_offsets = np.zeros(offsets.size, np.int64)
    outer = np.empty(offsets.size, np.int64)
    mask_offsets = np.zeros(offsets.size, np.int64)
    used, rings = ZERO, ZERO
    for mask in range(offsets.size - 1):
        flips = ends[offsets[mask] : offsets[mask + 1]]
        y, left, right = _pieces(flips, height, pixels)
        links = _link(y, left, right, joins_corners)
        ring_of = np.full(y.size, -1, np.int64)
        vertices = with_room(vertices, used, 4 * y.size + 2)
        for edge in range(y.size):
            if ring_of[edge] >= 0:
                continue
            ring_offsets = with_room(ring_offsets, rings + 1, 1)
            outer = with_room(outer, rings, 1)
            outer[rings] = -1
            if edge % 2:
                above = ring_of[edge - 1]
                outer[rings] = above if outer[above] < 0 else outer[above]
            used = _follow(edge, rings, y, left, right, links, ring_of, vertices, used)
            rings += 1
            ring_offsets[rings] = used // 2
        mask_offsets[mask + 1] = rings
    ring_offsets = ring_offsets[: rings + 1].copy()
    return vertices[:used].copy(), ring_offsets, outer[:rings].copy(), mask_offsets


@compiled
def _pieces(flips: Integers, height: int, pixels: int) -> tuple[Integers, Integers, Integers]:
    """Return the y of each edge, and the left and right x of each piece."""
    y = np.empty(2 * flips.size + 8, np.int64)
    left = np.empty(flips.size + 4, np.int64)
    right = np.empty(flips.size + 4, np.int64)
    count = ZERO
    for i in range(0, flips.size, 2):
        start = flips[i]
        stop = flips[i + 1] if i + 1 < flips.size else pixels
        x = start // height
        while start < stop:
            y = with_room(y, 2 * count, 2)
            left = with_room(left, count, 1)
            right = with_room(right, count, 1)
            top = x * height
            full = (stop - top) // height if start == top else 0
            columns = max(full, 1)
            left[count], right[count] = x, x + columns
            y[2 * count] = start - top
            y[2 * count + 1] = min(stop - top, height)
            count += 1
            x += columns
            start = x * height
    return y[: 2 * count], left[:count], right[:count]


@compiled
def _link(y: Integers, left: Integers, right: Integers, joins_corners: bool) -> Integers:
    """Return the end of an edge that each end is linked to."""
    links = np.empty(2 * y.size, np.int64)
    first = 0  # first edge of the previous column
    start = 0
    while start < y.size:
        stop = start
        while stop < y.size and left[stop // 2] == left[start // 2]:
            stop += 2
        alone = start == 0 or right[first // 2] != left[start // 2]
        _sweep(y, start if alone else first, start, start, stop, links, joins_corners)
        if stop == y.size or right[start // 2] != left[stop // 2]:
            _sweep(y, start, stop, stop, stop, links, joins_corners)
        first = start
        start = stop
    return links


@compiled
def _sweep(
    y: Integers, a: int, a_end: int, b: int, b_end: int, links: Integers, joins_corners: bool
) -> None:
    """Link the right ends of edges a to a_end and the left ends of b to b_end, all at one x."""
    pending = -1  # an end at which a vertical line starts
    while a < a_end or b < b_end:
        if a < a_end and b < b_end and y[a] == y[b]:
            one, other = 2 * a + 1, 2 * b
            if a % 2 != b % 2:
                # Two pieces share only a corner.
                if joins_corners == (a % 2 == 1):
                    one, other = other, one
                links[pending], links[one] = one, pending
                pending = other
            else:
                links[one], links[other] = other, one  # the line continues horizontally
            a += 1
            b += 1
            continue
        if b == b_end or (a < a_end and y[a] < y[b]):
            end = 2 * a + 1
            a += 1
        else:
            end = 2 * b
            b += 1
        if pending < 0:
            pending = end
        else:
            links[pending], links[end] = end, pending
            pending = -1


@compiled
def _follow(
    first: int,
    ring: int,
    y: Integers,
    left: Integers,
    right: Integers,
    links: Integers,
    ring_of: Integers,
    vertices: Integers,
    used: int,
) -> int:
    """Append the corners of a ring, starting at the left end of its first edge."""
    top = first % 2 == 0
    if top:
        vertices[used] = left[first // 2]
        vertices[used + 1] = y[first]
        used += 2
    edge = first
    while ring_of[edge] < 0:
        ring_of[edge] = ring
        goes_right = edge % 2 == 0
        after = links[2 * edge + (1 if goes_right else 0)] // 2
        if y[edge] != y[after]:
            x = right[edge // 2] if goes_right else left[edge // 2]
            vertices[used] = vertices[used + 2] = x
            vertices[used + 1] = y[edge]
            vertices[used + 3] = y[after]
            used += 4
        edge = after
    return used - 2 if top else used
