"""Pairwise intersection areas, and their ratios to other areas."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from segcore._batch import Batch, Offsets, offsets_of, sliced
from segcore.backends.reference.flips import Flips, spans, split
from segcore.backends.reference.measure import area


def overlap(
    a: Batch, b: Batch, above: float = 0.0, divisors: NDArray[np.uint8] | None = None
) -> NDArray[np.int64]:
    """Count the pixels of each mask of ``b`` within the runs of each mask of ``a``."""
    pixels = a.pixels
    a_spans = [spans(flips, pixels) for flips in split(a)]
    empty = np.empty(0, np.int64)
    starts = np.concatenate([empty, *(mask_starts for mask_starts, _ in a_spans)])
    ends = np.concatenate([empty, *(mask_ends for _, mask_ends in a_spans)])
    span_offsets = offsets_of([len(mask_starts) for mask_starts, _ in a_spans])

    areas = np.zeros((len(a.offsets) - 1, len(b.offsets) - 1), np.int64)
    for j, flips in enumerate(split(b)):
        common = _area_before(ends, flips, pixels) - _area_before(starts, flips, pixels)
        areas[:, j] = np.diff(offsets_of(common)[span_offsets])
    if above > 0:
        areas[_ratios(areas, area(a), area(b), divisors) < above] = 0
    return areas


def overlap_ratios(
    a: Batch,
    b: Batch,
    above: float = 0.0,
    divisors: NDArray[np.uint8] | None = None,
    groups: tuple[Offsets, Offsets] | None = None,
) -> NDArray[np.float64]:
    """Divide each intersection area by the union area, or as ``divisors`` says."""
    if groups is None:
        return _ratios(overlap(a, b, above, divisors), area(a), area(b), divisors)
    parts = [np.empty(0)]
    bounds = (pairwise(ends.tolist()) for ends in groups)
    for (first, last), (start, stop) in zip(*bounds, strict=True):
        part = None if divisors is None else divisors[start:stop]
        ratios = overlap_ratios(sliced(a, first, last), sliced(b, start, stop), above, part)
        parts.append(ratios.ravel())
    return np.concatenate(parts)


def _ratios(
    common: NDArray[np.int64],
    a_area: NDArray[np.int64],
    b_area: NDArray[np.int64],
    divisors: NDArray[np.uint8] | None,
) -> NDArray[np.float64]:
    a_area = a_area[:, None]
    denominator = a_area + b_area - common
    if divisors is not None:
        others = a_area, np.minimum(a_area, b_area), a_area + b_area
        denominator = np.choose(divisors, (denominator, *others))
    # It is 0 only where the intersection is empty, too.
    ratios: NDArray[np.float64] = common / np.maximum(denominator, 1)
    return ratios


def _area_before(positions: Flips, flips: Flips, pixels: int) -> NDArray[np.int64]:
    """Return the number of foreground pixels before each position."""
    starts, ends = spans(flips, pixels)
    begun = np.searchsorted(starts, positions, side="right")
    area = offsets_of(ends - starts)[begun]
    excess = np.append(0, ends)[begun] - positions
    return area - np.maximum(excess, 0)
