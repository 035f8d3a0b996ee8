"""Connected components of masks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segcore._batch import Batch
from segcore.backends.reference.flips import Flips, Piece, cancel, pieces, split
from segcore.backends.runs import batch_of


def components(batch: Batch, connectivity: int) -> tuple[Batch, NDArray[np.int64]]:
    """Split each mask into its connected components, sorted by their first pixels."""
    found: list[Flips] = []
    parents: list[int] = []
    for mask, flips in enumerate(split(batch)):
        runs = pieces(flips, *batch.size)
        groups: dict[int, list[Piece]] = {}
        roots = _roots(runs, batch.height, connectivity)
        for run, root in zip(runs, roots, strict=True):
            groups.setdefault(root, []).append(run)
        # If a component continues in the next column, two flips coincide and cancel.
        for group in groups.values():
            found.append(cancel(np.array(group, np.int64).ravel(), batch.pixels))
            parents.append(mask)
    return batch_of(found, *batch.size), np.array(parents, np.int64)


def _roots(runs: list[Piece], height: int, connectivity: int) -> list[int]:
    """Return for each run the index of the first run of its component."""
    parents = list(range(len(runs)))  # a union-find forest

    def root_of(run: int) -> int:
        while parents[run] != run:
            run = parents[run]
        return run

    margin = int(connectivity == 8)  # gap between neighbors along the column
    columns: dict[int, list[int]] = {}
    for i, (start, stop) in enumerate(runs):
        columns.setdefault((stop - 1) // height, []).append(i)
        for j in columns.get(start // height - 1, []):
            left_start, left_stop = runs[j][0] + height, runs[j][1] + height
            if left_start < stop + margin and start < left_stop + margin:
                low, high = sorted((root_of(i), root_of(j)))
                parents[high] = low
    return [root_of(i) for i in range(len(runs))]
