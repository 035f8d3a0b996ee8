"""Intersection areas of all pairs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segcore.backends.protocol import Offsets, RunEnds
from segcore.backends.reference.flips import Flips, offsets_of, spans, split
from segcore.backends.reference.measure import area


def overlap(
    a_run_ends: RunEnds,
    a_offsets: Offsets,
    b_run_ends: RunEnds,
    b_offsets: Offsets,
    height: int,
    width: int,
    above: float = 0.0,
    divisors: NDArray[np.uint8] | None = None,
) -> NDArray[np.int64]:
    """Count the pixels of each mask of ``b`` that lie in the runs of each mask of ``a``."""
    pixels = height * width
    pairs = [spans(flips, pixels) for flips in split(a_run_ends, a_offsets)]
    none = np.empty(0, np.int64)
    starts = np.concatenate([none, *(start for start, _ in pairs)])
    ends = np.concatenate([none, *(end for _, end in pairs)])
    a_spans = offsets_of([len(start) for start, _ in pairs])

    areas = np.zeros((len(a_offsets) - 1, len(b_offsets) - 1), np.int64)
    for j, flips in enumerate(split(b_run_ends, b_offsets)):
        common = _before(ends, flips, pixels) - _before(starts, flips, pixels)
        areas[:, j] = np.diff(offsets_of(common)[a_spans])
    if above > 0:
        a_area = area(a_run_ends, a_offsets, height, width)
        b_area = area(b_run_ends, b_offsets, height, width)
        divisor = _divisor(areas, a_area[:, None], b_area, divisors)
        areas[areas / np.maximum(divisor, 1) < above] = 0
    return areas


def _divisor(
    common: NDArray[np.int64],
    a_area: NDArray[np.int64],
    b_area: NDArray[np.int64],
    divisors: NDArray[np.uint8] | None,
) -> NDArray[np.int64]:
    """Give what the common area of each pair is divided by: (n, m)."""
    both = a_area + b_area - common
    if divisors is None:
        return both
    return np.choose(divisors, (both, a_area, np.minimum(a_area, b_area)))


def _before(positions: Flips, flips: Flips, pixels: int) -> NDArray[np.int64]:
    """Count the foreground pixels before each position."""
    starts, ends = spans(flips, pixels)
    begun = np.searchsorted(starts, positions, side="right")
    area = offsets_of(ends - starts)[begun]
    beyond = np.append(0, ends)[begun] - positions
    return area - np.maximum(beyond, 0)
