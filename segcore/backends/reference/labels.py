"""A label map to masks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore.backends.protocol import Offsets, RunEnds
from segcore.backends.reference.flips import offsets_of
from segcore.backends.sizes import run_end_dtype


def label_runs(
    labels: NDArray[Any], background: int | None
) -> tuple[NDArray[Any], RunEnds, Offsets]:
    """Cut the map into runs of one label, and sort those by label."""
    height, width = labels.shape
    pixels = labels.ravel(order="F").astype(labels.dtype.newbyteorder("="))
    begins = np.ones(len(pixels), np.bool_)
    begins[1:] = pixels[1:] != pixels[:-1]
    starts = np.flatnonzero(begins)
    ends = np.append(starts[1:], len(pixels))[: len(starts)]
    label = pixels[starts]
    if background is not None:
        keep = label != background
        starts, ends, label = starts[keep], ends[keep], label[keep]

    by_label = np.argsort(label, kind="stable")
    ids, group = np.unique(label[by_label], return_inverse=True)
    flips = np.stack([starts, ends], axis=1)[by_label].ravel()
    inside = flips < len(pixels)  # the last run ends with the map
    lengths = np.bincount(np.repeat(group, 2)[inside], minlength=len(ids))
    return ids, flips[inside].astype(run_end_dtype(height, width)), offsets_of(lengths)
