"""Split rings that touch themselves at a corner."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from segcore._batch import offsets_of

Integers = NDArray[np.int64]


class Rings(NamedTuple):
    """Outlines as returned by the kernel ``outline``."""

    vertices: Integers
    ring_offsets: Integers
    parent: Integers
    mask_offsets: Integers


def split_at_corners(rings: Rings) -> Rings:
    """Split rings of outlines with connectivity 4 so that none passes through a point twice.

    Where an exterior ring touches itself, it encloses background, which becomes a hole. Where a
    hole touches itself, it consists of several ones. The loops of a ring take its place, and an
    exterior loop comes before its holes.
    """
    vertices, ring_offsets, parent, mask_offsets = rings
    lengths = np.diff(ring_offsets)
    owners = np.repeat(np.arange(len(lengths)), lengths)
    order = np.lexsort((vertices[:, 1], vertices[:, 0], owners))
    same = (vertices[order][1:] == vertices[order][:-1]).all(axis=1)
    same &= owners[order][1:] == owners[order][:-1]
    touching = set(owners[order][1:][same].tolist())
    if not touching:
        return rings
    loops: list[list[Integers]] = []
    bounds = ring_offsets.tolist()
    for ring in range(len(lengths)):
        points = vertices[bounds[ring] : bounds[ring + 1]]
        loops.append(_loops(points) if ring in touching else [points])
        if parent[ring] < 0:
            loops[-1].sort(key=_is_hole)
    counts = np.array([len(found) for found in loops], np.int64)
    first = offsets_of(counts)
    outer = np.where(parent < 0, np.arange(len(parent)), parent)
    parents = np.repeat(first[outer], counts)
    parents[first[:-1][parent < 0]] = -1
    flat = [loop for found in loops for loop in found]
    ring_offsets = offsets_of([len(loop) for loop in flat])
    return Rings(np.concatenate(flat), ring_offsets, parents, first[mask_offsets])


def _loops(ring: Integers) -> list[Integers]:
    """Return the simple loops of a ring, in the order in which they begin."""
    found: list[list[int]] = []
    path: list[int] = []
    place: dict[tuple[int, ...], int] = {}
    points = [tuple(point) for point in ring.tolist()]
    for index, point in enumerate(points):
        if point in place:
            found.append(path[place[point] :])
            del path[place[point] :]
            for dropped in found[-1]:
                del place[points[dropped]]
        place[point] = len(path)
        path.append(index)
    return [ring[loop] for loop in sorted([*found, path])]


def _is_hole(ring: Integers) -> bool:
    """Return whether a ring is counterclockwise on the screen, with y pointing down."""
    x, y = (ring - ring[0]).T
    return bool((x[:-1] * y[1:] - x[1:] * y[:-1]).sum() < 0)
