"""One mask as its flips: what the kernels of this package are made of.

The flips of a mask are its run ends as int64, which holds every sum and difference of positions
(sizes are below 2**59 pixels).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from segcore.backends.protocol import Batch, Offsets, RunEnds
from segcore.backends.sizes import run_end_dtype

Flips = NDArray[np.int64]
Piece = tuple[int, int]
"""A run within one column, or over all of several: where it starts, and where it stops."""


def split(run_ends: RunEnds, offsets: Offsets) -> list[Flips]:
    """Take a batch apart into the flips of each mask."""
    flips = run_ends.astype(np.int64)
    return [flips[start:end] for start, end in pairwise(offsets)]


def offsets_of(lengths: Sequence[int] | NDArray[np.int64]) -> Offsets:
    """Give the offsets of items of these lengths, laid end to end."""
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def join(masks: Iterable[Flips], height: int, width: int) -> Batch:
    """Lay masks end to end, as a batch."""
    masks = list(masks)
    run_ends = np.concatenate([np.empty(0, np.int64), *masks])
    return (
        run_ends.astype(run_end_dtype(height, width)),
        offsets_of([len(flips) for flips in masks]),
    )


def spans(flips: Flips, pixels: int) -> tuple[Flips, Flips]:
    """Give the starts and the ends (exclusive) of the foreground's runs."""
    if len(flips) % 2:
        flips = np.append(flips, pixels)
    return flips[0::2], flips[1::2]


def pieces(flips: Flips, height: int, width: int) -> list[Piece]:
    """Cut the foreground's runs at the ends of columns, but not where they fill whole columns."""
    found = []
    for start, stop in zip(*(each.tolist() for each in spans(flips, height * width)), strict=True):
        first, last = start // height, stop // height  # columns; whole ones are before `last`
        whole = first if start == first * height else first + 1
        cuts = (whole, last) if whole < last else (whole,)
        places = [start, *(min(stop, cut * height) for cut in cuts), stop]
        found += [part for part in pairwise(places) if part[0] < part[1]]
    return found


def cancel(positions: Flips, pixels: int) -> Flips:
    """Make flips of sorted positions: two at one place undo each other; the end is no pixel."""
    places, times = np.unique(positions, return_counts=True)
    flips: Flips = places[(times % 2 == 1) & (places < pixels)]
    return flips


def complement(flips: Flips) -> Flips:
    """Exchange foreground and background, in an image that has pixels."""
    return flips[1:] if len(flips) and flips[0] == 0 else np.concatenate([[0], flips])


def changes(points: Flips, inside: NDArray[np.bool_]) -> Flips:
    """Keep the points at which ``inside``, false before the first point, becomes another."""
    kept: Flips = points[np.diff(inside, prepend=False)]
    return kept


def at_least(depth: int, masks: Sequence[Flips], pixels: int) -> Flips:
    """Give the mask of the pixels that ``depth`` or more of the masks cover."""
    if pixels == 0:
        return np.empty(0, np.int64)
    pairs = [spans(flips, pixels) for flips in masks]
    none = np.empty(0, np.int64)
    starts = np.sort(np.concatenate([none, *(start for start, _ in pairs)]))
    ends = np.sort(np.concatenate([none, *(end for _, end in pairs)]))
    points = np.unique(np.concatenate([[0], starts, ends[ends < pixels]]))
    begun = np.searchsorted(starts, points, side="right")
    ended = np.searchsorted(ends, points, side="right")
    return changes(points, begun - ended >= depth)


def foreground(flips: Flips, height: int, width: int) -> NDArray[np.bool_]:
    """Draw a mask: (H, W)."""
    toggles = np.zeros(height * width, np.bool_)
    toggles[flips] = True
    return np.logical_xor.accumulate(toggles).reshape(width, height).T
