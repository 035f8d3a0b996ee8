"""Intersection areas of all pairs.

Three forms of a mask, of which each mask has the one that suits it; two masks of the same form
are compared in it, all others by ranks.

- Layers: layer k has the k-th run of every column, as intervals of rows. Two layers meet in
  ``min(ends) - max(starts)`` rows of a column, many columns at a time. For masks with few runs a
  column, which most are.
- A plane of bits, for masks with so many runs that it is no larger than they are: noise, fine
  horizontal stripes.
- Ranks: the foreground pixels before each run end. The area that one mask covers of a run of the
  other is a difference of two ranks. For masks with long runs, such as a full one, which have few.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segcore.backends.numba.compiled import ZERO, compiled, frozen, int32, int64, uint64
from segcore.backends.numba.measure import area, boxes
from segcore.backends.numba.merge import WORD, count_bits, fill_bits
from segcore.backends.protocol import Offsets, RunEnds

MAX_LAYERS = 8
"""Masks with more runs in a column have too many pairs of layers."""

MAX_CELLS_PER_RUN = 4
"""Cells (columns of layers) that a mask may take for a run, or long runs would take too many."""

MAX_LAYERED_PIXELS = 2**31
"""From here on, areas do not fit in the 32 bits that layers are computed in."""

LAYERS, PLANE, RANKS = range(3)

BOTH, FIRST, SMALLER, SUM = range(4)
"""Denominators: the area of ``a | b``, of ``a``, of the smaller mask, and the sum of both."""

Forms: TypeAlias = tuple[
    NDArray[np.int8],  # form of each mask
    NDArray[np.int64],  # (N + 1): where its layers begin in the next
    NDArray[np.int64],  # (layers, 3): first column, last column + 1, first cell
    NDArray[np.int32],  # (cells): start of the run, a row
    NDArray[np.int32],  # (cells): end of the run
    NDArray[np.int64],  # (N): first word of its plane in the next
    NDArray[np.uint64],  # the planes
]


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
    """Count the common pixels of every pair: (n, m), 0 where they are too few."""
    areas = np.zeros((len(a_offsets) - 1, len(b_offsets) - 1), np.int64)
    if areas.size and height * width:
        a, b = (frozen(a_run_ends), frozen(a_offsets)), (frozen(b_run_ends), frozen(b_offsets))
        same = a_run_ends is b_run_ends and a_offsets is b_offsets
        a_boxes = boxes(*a, height, width)
        b_boxes = a_boxes if same else boxes(*b, height, width)
        a_forms = _forms(*a, height, width)
        b_forms = a_forms if same else _forms(*b, height, width)
        lowest = min(a_forms[0].min(), b_forms[0].min())
        highest = max(a_forms[0].max(), b_forms[0].max())
        needs_ranks = bool(lowest != highest or lowest == RANKS)
        a_ranks = _ranks(*a, needs_ranks)
        b_ranks = a_ranks if same else _ranks(*b, needs_ranks)
        a_area = area(*a, height, width)
        b_area = a_area if same else area(*b, height, width)
        if divisors is None:
            divisors = np.full(len(b_area), BOTH, np.uint8)
        _overlap(
            *a, a_area, a_boxes, a_forms, a_ranks, *b, b_area, b_boxes, b_forms, b_ranks,
            height * width, float(above), frozen(divisors), areas,
        )  # fmt: skip
    return areas


def overlap_ratios(
    a_run_ends: RunEnds,
    a_offsets: Offsets,
    b_run_ends: RunEnds,
    b_offsets: Offsets,
    height: int,
    width: int,
    above: float = 0.0,
    divisors: NDArray[np.uint8] | None = None,
) -> NDArray[np.float64]:
    """Divide the common pixels of every pair: (n, m), 0 where there are none or too few."""
    batches = a_run_ends, a_offsets, b_run_ends, b_offsets
    areas = overlap(*batches, height, width, above, divisors)
    if divisors is None:
        divisors = np.full(areas.shape[1], BOTH, np.uint8)
    a_area = area(a_run_ends, a_offsets, height, width)
    b_area = area(b_run_ends, b_offsets, height, width)
    return _ratios(areas, a_area, b_area, frozen(divisors))


@compiled
def _ratios(
    areas: NDArray[np.int64],
    a_area: NDArray[np.int64],
    b_area: NDArray[np.int64],
    divisors: NDArray[np.uint8],
) -> NDArray[np.float64]:
    ratios = np.zeros(areas.shape)
    for i in range(areas.shape[0]):
        for j in range(areas.shape[1]):
            if areas[i, j]:
                ratios[i, j] = _ratio(areas[i, j], a_area[i], b_area[j], divisors[j])
    return ratios


@compiled
def _forms(run_ends: NDArray[Any], offsets: NDArray[np.int64], height: int, width: int) -> Forms:
    """Choose the form of each mask, and make it."""
    count = offsets.size - 1
    pixels = height * width
    words = (pixels + WORD - 1) // WORD
    form = np.empty(count, np.int8)
    layer_bounds = np.zeros(count + 1, np.int64)
    plane_starts = np.zeros(count, np.int64)
    ranges = np.empty((count, MAX_LAYERS, 2), np.int64)
    cells = plane_words = 0
    for mask in range(count):
        first, last = offsets[mask], offsets[mask + 1]
        if last - first >= words:
            form[mask] = PLANE
            plane_starts[mask] = plane_words
            plane_words += words
            layers = 0
        elif pixels < MAX_LAYERED_PIXELS:
            layers = _find_layers(run_ends, first, last, height, pixels, ranges[mask])
            form[mask] = LAYERS if layers >= 0 else RANKS
        else:
            layers = 0
            form[mask] = RANKS
        layer_bounds[mask + 1] = layer_bounds[mask] + max(layers, 0)
        for k in range(layers):
            cells += ranges[mask, k, 1] - ranges[mask, k, 0]

    layer = np.empty((layer_bounds[count], 3), np.int64)
    starts = np.zeros(cells, np.int32)
    ends = np.zeros(cells, np.int32)
    planes = np.zeros(plane_words, np.uint64)
    cell = 0
    for mask in range(count):
        first, last = offsets[mask], offsets[mask + 1]
        if form[mask] == PLANE:
            plane = planes[plane_starts[mask] : plane_starts[mask] + words]
            for i in range(first, last, 2):
                end = uint64(run_ends[i + 1]) if i + 1 < last else uint64(pixels)
                fill_bits(plane, uint64(run_ends[i]), end)
        elif form[mask] == LAYERS:
            begin = layer_bounds[mask]
            for k in range(layer_bounds[mask + 1] - begin):
                layer[begin + k, 0], layer[begin + k, 1] = ranges[mask, k]
                layer[begin + k, 2] = cell
                cell += ranges[mask, k, 1] - ranges[mask, k, 0]
            own = layer[begin : layer_bounds[mask + 1]]
            _fill_layers(run_ends, first, last, height, pixels, own, starts, ends)
    return form, layer_bounds, layer, starts, ends, plane_starts, planes


@compiled
def _find_layers(
    run_ends: NDArray[Any],
    first: int,
    last: int,
    height: int,
    pixels: int,
    ranges: NDArray[np.int64],
) -> int:
    """Find the columns of each layer; -1 if there are too many layers, or cells to pay for."""
    budget = MAX_CELLS_PER_RUN * ((last - first + 1) // 2) + 64
    layers = 0
    column = int64(-1)
    k = 0
    pieces = 0
    for i in range(first, last, 2):
        position = int64(run_ends[i])
        end = int64(run_ends[i + 1]) if i + 1 < last else pixels
        while position < end:
            if position >= (column + 1) * height:
                column = column + 1 if position < (column + 2) * height else position // height
                k = 0
            if k == MAX_LAYERS or pieces == budget:
                return -1
            if k == layers:
                ranges[k, 0] = column
                layers += 1
            ranges[k, 1] = column + 1
            k += 1
            pieces += 1
            position = min(end, (column + 1) * height)
    cells = 0
    for k in range(layers):
        cells += ranges[k, 1] - ranges[k, 0]
    return layers if cells <= budget else -1


@compiled
def _fill_layers(
    run_ends: NDArray[Any],
    first: int,
    last: int,
    height: int,
    pixels: int,
    layer: NDArray[np.int64],
    starts: NDArray[np.int32],
    ends: NDArray[np.int32],
) -> None:
    column = int64(-1)
    k = 0
    for i in range(first, last, 2):
        position = int64(run_ends[i])
        end = int64(run_ends[i + 1]) if i + 1 < last else pixels
        while position < end:
            if position >= (column + 1) * height:
                column = column + 1 if position < (column + 2) * height else position // height
                k = 0
            cell = layer[k, 2] + column - layer[k, 0]
            stop = min(end, (column + 1) * height)
            starts[cell] = position - column * height
            ends[cell] = stop - column * height
            k += 1
            position = stop


@compiled
def _ranks(run_ends: NDArray[Any], offsets: NDArray[np.int64], needed: bool) -> NDArray[np.int64]:
    """Count the foreground pixels of its mask before each run end."""
    ranks = np.empty(run_ends.size if needed else 0, np.int64)
    for mask in range(offsets.size - 1 if needed else 0):
        area = 0
        for i in range(offsets[mask], offsets[mask + 1]):
            if (i - offsets[mask]) % 2:
                area += int64(run_ends[i]) - int64(run_ends[i - 1])
            ranks[i] = area
    return ranks


@compiled
def _overlap(
    a: NDArray[Any],
    a_offsets: NDArray[np.int64],
    a_area: NDArray[np.int64],
    a_boxes: NDArray[np.int64],
    a_forms: Forms,
    a_ranks: NDArray[np.int64],
    b: NDArray[Any],
    b_offsets: NDArray[np.int64],
    b_area: NDArray[np.int64],
    b_boxes: NDArray[np.int64],
    b_forms: Forms,
    b_ranks: NDArray[np.int64],
    pixels: int,
    above: float,
    divisors: NDArray[np.uint8],
    areas: NDArray[np.int64],
) -> None:
    a_form, a_layers, a_layer, a_starts, a_ends, a_planes, a_plane = a_forms
    b_form, b_layers, b_layer, b_starts, b_ends, b_planes, b_plane = b_forms
    words = (pixels + WORD - 1) // WORD
    for i in range(areas.shape[0]):
        a_first, a_last = a_offsets[i], a_offsets[i + 1]
        for j in range(areas.shape[1]):
            b_first, b_last = b_offsets[j], b_offsets[j + 1]
            # The ratio never falls as the common area grows, nor does what floats make of it.
            most = min(_common_box(a_boxes, i, b_boxes, j), a_area[i], b_area[j])
            if most == 0 or _ratio(most, a_area[i], b_area[j], divisors[j]) < above:
                continue
            if a_form[i] == LAYERS and b_form[j] == LAYERS:
                common = _meet_layers(
                    a_layer, a_layers[i], a_layers[i + 1], a_starts, a_ends,
                    b_layer, b_layers[j], b_layers[j + 1], b_starts, b_ends,
                )  # fmt: skip
            elif a_form[i] == PLANE and b_form[j] == PLANE:
                common = _meet_planes(a_plane, a_planes[i], b_plane, b_planes[j], words)
            elif a_last - a_first <= b_last - b_first:
                common = _meet_ranks(a, a_first, a_last, b, b_first, b_last, b_ranks, pixels)
            else:
                common = _meet_ranks(b, b_first, b_last, a, a_first, a_last, a_ranks, pixels)
            if not _ratio(common, a_area[i], b_area[j], divisors[j]) < above:
                areas[i, j] = common


@compiled
def _common_box(a: NDArray[np.int64], i: int, b: NDArray[np.int64], j: int) -> int:
    """Count the pixels that two boxes share."""
    width = min(a[i, 2], b[j, 2]) - max(a[i, 0], b[j, 0])
    height = min(a[i, 3], b[j, 3]) - max(a[i, 1], b[j, 1])
    area: int = max(width, 0) * max(height, 0)
    return area


@compiled
def _ratio(common: int, a_area: int, b_area: int, divisor: int) -> float:
    """Divide the common area of two masks that are not empty."""
    if divisor == FIRST:
        return common / a_area
    if divisor == SMALLER:
        return common / min(a_area, b_area)
    if divisor == SUM:
        return common / (a_area + b_area)
    return common / (a_area + b_area - common)


@compiled
def _meet_layers(
    a_layer: NDArray[np.int64],
    a_first: int,
    a_last: int,
    a_starts: NDArray[np.int32],
    a_ends: NDArray[np.int32],
    b_layer: NDArray[np.int64],
    b_first: int,
    b_last: int,
    b_starts: NDArray[np.int32],
    b_ends: NDArray[np.int32],
) -> int:
    total = 0
    for k in range(a_first, a_last):
        for m in range(b_first, b_last):
            left = max(a_layer[k, 0], b_layer[m, 0])
            right = min(a_layer[k, 1], b_layer[m, 1])
            if left >= right:
                continue
            p = uint64(a_layer[k, 2] + left - a_layer[k, 0])
            q = uint64(b_layer[m, 2] + left - b_layer[m, 0])
            common = int32(0)  # 32 bits all along, for twice as many columns in a vector
            for x in range(uint64(right - left)):
                start = max(a_starts[p + x], b_starts[q + x])
                end = min(a_ends[p + x], b_ends[q + x])
                common = int32(common + max(int32(end - start), int32(0)))
            total += int64(common)
    return total


@compiled
def _meet_planes(
    a_plane: NDArray[np.uint64], a: int, b_plane: NDArray[np.uint64], b: int, words: int
) -> int:
    p, q = uint64(a), uint64(b)
    total: int = ZERO
    for word in range(uint64(words)):
        total += count_bits(a_plane[p + word] & b_plane[q + word])
    return total


@compiled
def _meet_ranks(
    few: NDArray[Any],
    few_first: int,
    few_last: int,
    many: NDArray[Any],
    first: int,
    last: int,
    ranks: NDArray[np.int64],
    pixels: int,
) -> int:
    """Add up what the second mask covers of the runs of the first, which has fewer."""
    total = 0
    at = first
    for i in range(few_first, few_last + (few_last - few_first) % 2):
        position = int64(few[i]) if i < few_last else pixels
        at = _first_beyond(many, at, last, position)
        before = 0
        if at > first:
            before = ranks[at - 1]
            if (at - first) % 2:
                before += position - int64(many[at - 1])
        total += before if (i - few_first) % 2 else -before
    return total


@compiled
def _first_beyond(run_ends: NDArray[Any], at: int, last: int, position: int) -> int:
    """Find the first of run_ends[at:last] beyond ``position``, in steps that double."""
    step = 1
    while at + step <= last and int64(run_ends[at + step - 1]) <= position:
        at += step
        step *= 2
    high = min(at + step - 1, last)  # it is in at ... high
    while at < high:
        middle = (at + high) // 2
        if int64(run_ends[middle]) <= position:
            at = middle + 1
        else:
            high = middle
    return at
