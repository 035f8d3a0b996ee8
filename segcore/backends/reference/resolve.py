"""Resolution of overlapping masks into disjoint masks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segcore._batch import Batch
from segcore.backends.reference.flips import at_least, cancel, spans, split
from segcore.backends.runs import batch_of


def resolve(batch: Batch, limits: NDArray[np.int64]) -> tuple[Batch, NDArray[np.int64]]:
    """Assign each pixel to the first mask that covers it and stays within its limit."""
    pixels = batch.pixels
    masks = split(batch)
    results = []
    overlaps = np.zeros(len(masks), np.int64)
    taken = np.empty(0, np.int64)
    for i, mask in enumerate(masks):
        common = at_least(2, [mask, taken], pixels)
        starts, ends = spans(common, pixels)
        overlaps[i] = (ends - starts).sum()
        if overlaps[i] > limits[i]:
            results.append(mask[:0])
        else:
            # The common pixels are part of the mask, so removing them is an XOR of the flips.
            results.append(cancel(np.concatenate([mask, common]), pixels))
            taken = at_least(1, [mask, taken], pixels)
    return batch_of(results, *batch.size), overlaps
