"""Set operations on pairs of masks, and on groups of masks."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from segcore.backends.protocol import AND, XOR, Batch, Offsets, RunEnds
from segcore.backends.reference.flips import Flips, at_least, cancel, changes, join, split


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


def reduce(
    run_ends: RunEnds,
    offsets: Offsets,
    height: int,
    width: int,
    table: int,
    groups: Offsets | None = None,
) -> Batch:
    """Combine the masks of each group: intersection, union or symmetric difference."""
    masks = split(run_ends, offsets)
    bounds = [0, len(masks)] if groups is None else groups.tolist()
    results = (_reduce(masks[i:j], height * width, table) for i, j in pairwise(bounds))
    return join(results, height, width)


def _reduce(masks: list[Flips], pixels: int, table: int) -> Flips:
    if table == XOR:
        return cancel(np.concatenate([np.empty(0, np.int64), *masks]), pixels)
    return at_least(len(masks) if table == AND else 1, masks, pixels)
