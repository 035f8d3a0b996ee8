"""Masks as flips, the representation used by the reference kernels.

The flips of a mask are its run ends as int64, which cannot overflow in sums and differences of
pixel offsets (images have fewer than 2**59 pixels).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from segcore._batch import Batch

Flips = NDArray[np.int64]
Piece = tuple[int, int]
"""Start and stop of a run within one column, or of a run that consists of whole columns."""


def split(batch: Batch) -> list[Flips]:
    """Return the flips of each mask of a batch."""
    flips = batch.run_ends.astype(np.int64)
    return [flips[start:end] for start, end in pairwise(batch.offsets)]


def spans(flips: Flips, pixels: int) -> tuple[Flips, Flips]:
    """Return the starts and ends (exclusive) of the foreground runs."""
    if len(flips) % 2:
        flips = np.append(flips, pixels)
    return flips[0::2], flips[1::2]


def pieces(flips: Flips, height: int, width: int) -> list[Piece]:
    """Split the foreground runs at column boundaries, keeping whole columns together."""
    result = []
    starts, stops = spans(flips, height * width)
    for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
        # The run covers the columns from first_whole to last (exclusive) completely.
        first, last = start // height, stop // height
        first_whole = first if start == first * height else first + 1
        cuts = (first_whole, last) if first_whole < last else (first_whole,)
        bounds = [start, *(min(stop, cut * height) for cut in cuts), stop]
        result += [piece for piece in pairwise(bounds) if piece[0] < piece[1]]
    return result


def cancel(positions: Flips, pixels: int) -> Flips:
    """Return the offsets that occur an odd number of times and are less than `pixels`, sorted."""
    offsets, counts = np.unique(positions, return_counts=True)
    flips: Flips = offsets[(counts % 2 == 1) & (offsets < pixels)]
    return flips


def complement(flips: Flips) -> Flips:
    """Exchange foreground and background, in an image that has pixels."""
    return flips[1:] if len(flips) and flips[0] == 0 else np.concatenate([[0], flips])


def changes(points: Flips, inside: NDArray[np.bool_]) -> Flips:
    """Return the points at which `inside` changes; it is False before the first point."""
    kept: Flips = points[np.diff(inside, prepend=False)]
    return kept


def at_least(depth: int, masks: Sequence[Flips], pixels: int) -> Flips:
    """Return the mask of the pixels that at least `depth` of the masks cover."""
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
    """Decode a mask to a bool array of shape (H, W)."""
    toggles = np.zeros(height * width, np.bool_)
    toggles[flips] = True
    return np.logical_xor.accumulate(toggles).reshape(width, height).T
