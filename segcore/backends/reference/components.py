"""Connected components of masks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segcore.backends.protocol import Offsets, RunEnds
from segcore.backends.reference.flips import Flips, Piece, cancel, join, pieces, split


def components(
    run_ends: RunEnds, offsets: Offsets, height: int, width: int, connectivity: int
) -> tuple[RunEnds, Offsets, NDArray[np.int64]]:
    """Split each mask into its components, in the order of their first pixels."""
    found: list[Flips] = []
    parents: list[int] = []
    for mask, flips in enumerate(split(run_ends, offsets)):
        found_pieces = pieces(flips, height, width)
        groups: dict[int, list[Piece]] = {}
        firsts = _first_of_each(found_pieces, height, connectivity)
        for piece, first in zip(found_pieces, firsts, strict=True):
            groups.setdefault(first, []).append(piece)
        # Where a component goes on from one column to the next, two flips are at one place.
        for group in groups.values():
            found.append(cancel(np.array(group, np.int64).ravel(), height * width))
            parents.append(mask)
    return *join(found, height, width), np.array(parents, np.int64)


def _first_of_each(runs: list[Piece], height: int, connectivity: int) -> list[int]:
    """Give for each piece the index of the first one of its component."""
    firsts = list(range(len(runs)))

    def first_of(piece: int) -> int:
        while firsts[piece] != piece:
            piece = firsts[piece]
        return piece

    corners = int(connectivity == 8)  # how far apart neighbours may be along the column
    columns: dict[int, list[int]] = {}
    for i, (start, stop) in enumerate(runs):
        columns.setdefault((stop - 1) // height, []).append(i)
        for j in columns.get(start // height - 1, []):
            before_start, before_stop = runs[j][0] + height, runs[j][1] + height
            if before_start < stop + corners and start < before_stop + corners:
                low, high = sorted((first_of(i), first_of(j)))
                firsts[high] = low
    return [first_of(i) for i in range(len(runs))]
