"""Set operations on pairs of masks, and on groups of masks."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from segcore._batch import Batch, Offsets
from segcore.backends.protocol import AND, XOR
from segcore.backends.reference.flips import Flips, at_least, cancel, changes, split
from segcore.backends.runs import batch_of


def combine(a: Batch, b: Batch, table: int) -> Batch:
    """Apply a boolean function of two pixels to pairs of masks."""
    a_masks, b_masks = split(a), split(b)
    if len(a_masks) == 1:
        a_masks *= len(b_masks)
    elif len(b_masks) == 1:
        b_masks *= len(a_masks)
    pairs = zip(a_masks, b_masks, strict=True)
    return batch_of((_combine(*pair, a.pixels, table) for pair in pairs), *a.size)


def _combine(a: Flips, b: Flips, pixels: int, table: int) -> Flips:
    points = np.unique(np.concatenate([np.arange(min(pixels, 1)), a, b]))
    in_a = np.searchsorted(a, points, side="right") % 2
    in_b = np.searchsorted(b, points, side="right") % 2
    return changes(points, (table >> (2 * in_a + in_b)) % 2 == 1)


def reduce(batch: Batch, table: int, groups: Offsets | None = None) -> Batch:
    """Combine the masks of each group: intersection, union or symmetric difference."""
    masks = split(batch)
    bounds = [0, len(masks)] if groups is None else groups.tolist()
    results = (_reduce(masks[i:j], batch.pixels, table) for i, j in pairwise(bounds))
    return batch_of(results, *batch.size)


def _reduce(masks: list[Flips], pixels: int, table: int) -> Flips:
    if table == XOR:
        return cancel(np.concatenate([np.empty(0, np.int64), *masks]), pixels)
    return at_least(len(masks) if table == AND else 1, masks, pixels)
