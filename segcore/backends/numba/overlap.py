"""Pairwise intersection areas, and their ratios to other areas."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segcore._batch import Batch, Offsets
from segcore.backends.numba.compiled import Integers, arrays_of, compiled, uint64
from segcore.backends.numba.measure import write_areas, write_boxes

UNION, FIRST, SMALLER, SUM = range(4)
"""Denominators: the union area, the area of ``a``, of the smaller mask, and the sum of both."""


def overlap(
    a: Batch, b: Batch, above: float = 0.0, divisors: NDArray[np.uint8] | None = None
) -> NDArray[np.int64]:
    """Compute the intersection areas of all pairs whose boxes and areas do not rule them out."""
    shape = len(a.offsets) - 1, len(b.offsets) - 1
    everything = np.array([0, shape[0]]), np.array([0, shape[1]])
    areas, _ = _areas_and_ratios(a, b, above, divisors, everything)
    return areas.reshape(shape)


def overlap_ratios(
    a: Batch,
    b: Batch,
    above: float = 0.0,
    divisors: NDArray[np.uint8] | None = None,
    groups: tuple[Offsets, Offsets] | None = None,
) -> NDArray[np.float64]:
    """Divide the intersection areas of all pairs, or of those of the same group."""
    if groups is not None:
        return _areas_and_ratios(a, b, above, divisors, groups)[1]
    shape = len(a.offsets) - 1, len(b.offsets) - 1
    everything = np.array([0, shape[0]]), np.array([0, shape[1]])
    return _areas_and_ratios(a, b, above, divisors, everything)[1].reshape(shape)


def _areas_and_ratios(
    a: Batch,
    b: Batch,
    above: float,
    divisors: NDArray[np.uint8] | None,
    groups: tuple[Offsets, Offsets],
) -> tuple[Integers, NDArray[np.float64]]:
    """Return the intersection area and the ratio of each pair, group by group."""
    groups_a, groups_b = (np.array(bounds) for bounds in groups)
    areas = np.zeros(np.diff(groups_a) @ np.diff(groups_b), np.int64)
    ratios = np.zeros(len(areas))
    if not len(areas) or a.pixels == 0:
        return areas, ratios
    if divisors is None:
        divisors = np.full(len(b.offsets) - 1, UNION, np.uint8)
    _overlap(*_with_sizes(a), *_with_sizes(b), float(above), np.array(divisors), groups_a, groups_b,
             areas, ratios)  # fmt: skip
    return areas, ratios


def _with_sizes(batch: Batch) -> tuple[Integers, Integers, Integers, Integers]:
    """Return the run ends, with the last one of each mask if it is implied, and the offsets.

    The areas and boxes of the masks follow.
    """
    ends, bounds = arrays_of(batch)
    areas = np.zeros(len(bounds) - 1, np.int64)
    boxes = np.zeros((len(bounds) - 1, 4), np.int64)
    write_areas(ends, bounds, batch.pixels, areas)
    write_boxes(ends, bounds, *batch.size, boxes)
    is_open = np.diff(bounds) % 2 == 1
    ends = np.insert(ends, bounds[1:][is_open], batch.pixels)
    bounds[1:] += np.cumsum(is_open)
    return ends, bounds, areas, boxes


@compiled
def _overlap(
    a: Integers,
    a_offsets: Integers,
    a_areas: Integers,
    a_boxes: Integers,
    b: Integers,
    b_offsets: Integers,
    b_areas: Integers,
    b_boxes: Integers,
    above: float,
    divisors: NDArray[np.uint8],
    groups_a: Integers,
    groups_b: Integers,
    areas: Integers,
    ratios: NDArray[np.float64],
) -> None:
    pair = -1
    for group in range(groups_a.size - 1):
        for i in range(groups_a[group], groups_a[group + 1]):
            for j in range(groups_b[group], groups_b[group + 1]):
                pair += 1
                # The ratio is monotonic in the intersection area, in floating point too.
                most = min(_common_box(a_boxes, i, b_boxes, j), a_areas[i], b_areas[j])
                if most == 0 or _ratio(most, a_areas[i], b_areas[j], divisors[j]) < above:
                    continue
                common = _common(
                    a, a_offsets[i], a_offsets[i + 1], b, b_offsets[j], b_offsets[j + 1]
                )
                ratio = _ratio(common, a_areas[i], b_areas[j], divisors[j])
                if common and not ratio < above:
                    areas[pair], ratios[pair] = common, ratio


@compiled
def _common_box(a: Integers, i: int, b: Integers, j: int) -> int:
    """Return the number of pixels in the intersection of two boxes."""
    width = min(a[i, 2], b[j, 2]) - max(a[i, 0], b[j, 0])
    height = min(a[i, 3], b[j, 3]) - max(a[i, 1], b[j, 1])
    area: int = max(width, 0) * max(height, 0)
    return area


@compiled
def _ratio(common: int, a_area: int, b_area: int, divisor: int) -> float:
    """Divide the intersection area of two masks that are not empty."""
    if divisor == FIRST:
        return common / a_area
    if divisor == SMALLER:
        return common / min(a_area, b_area)
    if divisor == SUM:
        return common / (a_area + b_area)
    return common / (a_area + b_area - common)


@compiled
def _common(a: Integers, i: int, a_end: int, b: Integers, j: int, b_end: int) -> int:
    """Return the intersection area of two masks that are not empty, with all run ends given."""
    start = max(a[i], b[j])
    i, j = _first_run(a, i, a_end, start), _first_run(b, j, b_end, start)
    total = 0
    p, q = uint64(i), uint64(j)
    while p < uint64(a_end) and q < uint64(b_end):
        a_stop, b_stop = a[p + uint64(1)], b[q + uint64(1)]
        total += max(min(a_stop, b_stop) - max(a[p], b[q]), 0)
        if a_stop <= b_stop:
            p += uint64(2)
        else:
            q += uint64(2)
    return total


@compiled
def _first_run(ends: Integers, low: int, high: int, start: int) -> int:
    """Return the index of the first run in ``ends[low:high]`` that ends after ``start``."""
    while low < high:
        middle = low + (high - low) // 4 * 2
        if ends[middle + 1] <= start:
            low = middle + 2
        else:
            high = middle
    return low
