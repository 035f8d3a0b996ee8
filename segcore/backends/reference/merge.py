"""Set operations on pairs of masks, and on all masks of a batch."""

from __future__ import annotations

import numpy as np

from segcore.backends.protocol import Batch, Offsets, RunEnds
from segcore.backends.reference.flips import Flips, at_least, changes, join, split


def combine(
    a_run_ends: RunEnds,
    a_offsets: Offsets,
    b_run_ends: RunEnds,
    b_offsets: Offsets,
    height: int,
    width: int,
    table: int,
) -> Batch:
    """Apply a boolean function of two pixels to pairs of masks."""
    a, b = split(a_run_ends, a_offsets), split(b_run_ends, b_offsets)
    if len(a) == 1:
        a = a * len(b)
    elif len(b) == 1:
        b = b * len(a)
    pairs = zip(a, b, strict=True)
    return join((_combine(*pair, height * width, table) for pair in pairs), height, width)


def _combine(a: Flips, b: Flips, pixels: int, table: int) -> Flips:
    points = np.unique(np.concatenate([np.arange(min(pixels, 1)), a, b]))
    in_a = np.searchsorted(a, points, side="right") % 2
    in_b = np.searchsorted(b, points, side="right") % 2
    return changes(points, (table >> (2 * in_a + in_b)) % 2 == 1)


def reduce(run_ends: RunEnds, offsets: Offsets, height: int, width: int, intersect: bool) -> Batch:
    """Return the union of all masks (depth 1), or their intersection (depth N)."""
    masks = split(run_ends, offsets)
    depth = len(masks) if intersect else 1
    return join([at_least(depth, masks, height * width)], height, width)
