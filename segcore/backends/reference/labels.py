"""Encode a label map as one mask per label."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._batch import Batch, offsets_of
from segcore.backends.sizes import run_end_dtype


def label_runs(labels: NDArray[Any], background: int | None) -> tuple[NDArray[Any], Batch]:
    """Split the map into runs of equal labels and group the runs by label."""
    height, width = labels.shape
    pixels = labels.ravel(order="F").astype(labels.dtype.newbyteorder("="))
    is_first = np.ones(len(pixels), np.bool_)
    is_first[1:] = pixels[1:] != pixels[:-1]
    starts = np.flatnonzero(is_first)
    ends = np.append(starts[1:], len(pixels))[: len(starts)]
    run_labels = pixels[starts]
    if background is not None:
        keep = run_labels != background
        starts, ends, run_labels = starts[keep], ends[keep], run_labels[keep]

    by_label = np.argsort(run_labels, kind="stable")
    ids, group = np.unique(run_labels[by_label], return_inverse=True)
    flips = np.stack([starts, ends], axis=1)[by_label].ravel()
    inside = flips < len(pixels)  # the end of the map is not a flip
    lengths = np.bincount(np.repeat(group, 2)[inside], minlength=len(ids))
    run_ends = flips[inside].astype(run_end_dtype(height, width))
    return ids, Batch(run_ends, offsets_of(lengths), height, width)
