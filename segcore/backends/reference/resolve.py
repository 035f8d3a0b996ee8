"""Resolution of overlapping masks into disjoint masks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segcore.backends.protocol import Offsets, RunEnds
from segcore.backends.reference.flips import at_least, cancel, join, spans, split


def resolve(
    run_ends: RunEnds,
    offsets: Offsets,
    height: int,
    width: int,
    limits: NDArray[np.int64],
) -> tuple[RunEnds, Offsets, NDArray[np.int64]]:
    """Assign each pixel to the first mask that covers it and stays within its limit."""
    pixels = height * width
    masks = split(run_ends, offsets)
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
    return *join(results, height, width), overlaps
