"""Connected components of masks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segcore.backends.protocol import Offsets, RunEnds
from segcore.backends.reference.flips import Flips, cancel, join, spans, split

Piece = tuple[int, int]  # a run within one column: where it starts, and where it stops


def components(
    run_ends: RunEnds, offsets: Offsets, height: int, width: int, connectivity: int
) -> tuple[RunEnds, Offsets, NDArray[np.int64]]:
    """Split each mask into its components, in the order of their first pixels."""
    found: list[Flips] = []
    parents: list[int] = []
    for mask, flips in enumerate(split(run_ends, offsets)):
        pieces = _pieces(flips, height, width)
        groups: dict[int, list[Piece]] = {}
        for piece, first in zip(pieces, _first_of_each(pieces, height, connectivity), strict=True):
            groups.setdefault(first, []).append(piece)
        # Where a component goes on from one column to the next, two flips are at one place.
        for group in groups.values():
            found.append(cancel(np.array(group, np.int64).ravel(), height * width))
            parents.append(mask)
    return *join(found, height, width), np.array(parents, np.int64)


def _pieces(flips: Flips, height: int, width: int) -> list[Piece]:
    """Cut the runs at the ends of columns."""
    pieces = []
    for start, stop in zip(*spans(flips, height * width), strict=True):
        for x in range(start // height, (stop - 1) // height + 1):
            first, last = max(start, x * height), min(stop, (x + 1) * height)
            pieces.append((int(first), int(last)))
    return pieces


def _first_of_each(pieces: list[Piece], height: int, connectivity: int) -> list[int]:
    """Give for each piece the index of the first one of its component."""
    firsts = list(range(len(pieces)))

    def first_of(piece: int) -> int:
        while firsts[piece] != piece:
            piece = firsts[piece]
        return piece

    corners = int(connectivity == 8)  # how far apart neighbours may be along the column
    columns: dict[int, list[int]] = {}
    for i, (start, stop) in enumerate(pieces):
        x = start // height
        columns.setdefault(x, []).append(i)
        for j in columns.get(x - 1, []):
            before_start, before_stop = pieces[j][0] + height, pieces[j][1] + height
            if before_start < stop + corners and start < before_stop + corners:
                low, high = sorted((first_of(i), first_of(j)))
                firsts[high] = low
    return [first_of(i) for i in range(len(pieces))]
