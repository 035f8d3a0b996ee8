"""Polygons and boxes to masks, by COCO's rule (``rleFrPoly`` of pycocotools), bit for bit.

The rule: coordinates are scaled by 5 and rounded to integers, each edge is walked along its longer
axis, and where the walk steps between the scaled abscissas 5k + 2 and 5k + 3 it crosses column k;
the pixels of that column below the crossing flip. Nothing else of the walk matters, so the steps
are computed here and not walked. The floating-point expressions are pycocotools' own.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore.backends import errors
from segcore.backends.numba.compiled import ZERO, compiled, frozen, int64, uint64, with_room
from segcore.backends.numba.merge import reduce_by_pairs
from segcore.backends.protocol import OR, Batch, Offsets
from segcore.backends.sizes import run_end_dtype

SCALE = 5
UNSIGNED_SCALE = uint64(SCALE)
LIKELY_FLIPS = 8
"""Run ends to make room for at first, for each coordinate."""

LIMIT = errors.MAX_COORDINATE


def rasterize_polygons(
    coordinates: NDArray[np.float64],
    ring_offsets: Offsets,
    mask_offsets: Offsets,
    height: int,
    width: int,
) -> Batch:
    """Fill polygons by COCO's rule: even-odd within a ring, union of rings."""
    offsets = np.zeros(len(mask_offsets), np.int64)
    run_ends = np.empty(LIKELY_FLIPS * len(coordinates), run_end_dtype(height, width))
    rings = frozen(coordinates), frozen(ring_offsets), frozen(mask_offsets)
    mask, index = _first_bad(*rings)
    if mask >= 0:
        raise errors.coordinate(mask, index)
    if height * width:
        run_ends = _rasterize_polygons(*rings, height, width, run_ends, offsets)
    return run_ends[: offsets[-1]].copy(), offsets


def rasterize_boxes(boxes: NDArray[np.float64], height: int, width: int) -> Batch:
    """Fill (N, 4) boxes x0 y0 x1 y1: COCO's polygon rule for their four corners."""
    offsets = np.zeros(len(boxes) + 1, np.int64)
    run_ends = np.empty(0, run_end_dtype(height, width))
    bad = np.argwhere(~(np.abs(boxes) <= LIMIT))
    if len(bad):
        raise errors.coordinate(int(bad[0, 0]), int(bad[0, 1]))
    if height * width:
        boxes = frozen(np.ascontiguousarray(boxes))
        run_ends = _rasterize_boxes(boxes, height, width, run_ends, offsets)
    return run_ends[: offsets[-1]].copy(), offsets


@compiled
def _first_bad(
    coordinates: NDArray[np.float64],
    ring_offsets: NDArray[np.int64],
    mask_offsets: NDArray[np.int64],
) -> tuple[int, int]:
    """Find the first coordinate that is NaN or too large: its mask (or -1) and index there."""
    for mask in range(mask_offsets.size - 1):
        start = 2 * ring_offsets[mask_offsets[mask]]
        for i in range(start, 2 * ring_offsets[mask_offsets[mask + 1]]):
            if not abs(coordinates[i]) <= LIMIT:
                return mask, i - start
    return -1, 0


@compiled
def _scaled(coordinate: float) -> int:
    scaled: int = int64(SCALE * coordinate + 0.5)  # toward zero, as in C
    return scaled


@compiled
def _nearest(scaled: int, limit: int) -> int:
    """Give ceil((scaled + 0.5) / 5 - 0.5): the first column or row whose 5k + 2 is not before."""
    nearest = uint64(max(scaled + 2, 0)) // UNSIGNED_SCALE  # quicker than a signed division
    within: int = min(int64(nearest), limit)
    return within


@compiled
def _rasterize_boxes(
    boxes: NDArray[np.float64],
    height: int,
    width: int,
    run_ends: NDArray[Any],
    offsets: NDArray[np.int64],
) -> NDArray[Any]:
    used = ZERO
    for mask in range(boxes.shape[0]):
        x0, y0, x1, y1 = boxes[mask]
        left = _nearest(_scaled(min(x0, x1)), width)
        right = _nearest(_scaled(max(x0, x1)), width)
        top = _nearest(_scaled(min(y0, y1)), height)
        bottom = _nearest(_scaled(max(y0, y1)), height)
        if left < right and top < bottom:
            base = left * height
            step = height  # from run to run
            if top == 0 and bottom == height:  # the columns are one run
                bottom = step = (right - left) * height
            stop = right * height
            run_ends = with_room(run_ends, used, 2 * ((stop - base) // step))
            used = _append_runs(base, stop, step, top, bottom, run_ends, used)
            if stop == height * width and bottom == step:  # the last run's end is implied
                used -= 1
        offsets[mask + 1] = used
    return run_ends


@compiled
def _append_runs(
    base: int, stop: int, step: int, start: int, end: int, run_ends: NDArray[Any], used: int
) -> int:
    for position in range(base, stop, step):
        run_ends[used] = position + start
        run_ends[used + 1] = position + end
        used += 2
    return used


@compiled
def _rasterize_polygons(
    coordinates: NDArray[np.float64],
    ring_offsets: NDArray[np.int64],
    mask_offsets: NDArray[np.int64],
    height: int,
    width: int,
    run_ends: NDArray[Any],
    offsets: NDArray[np.int64],
) -> NDArray[Any]:
    used = ZERO
    for mask in range(mask_offsets.size - 1):
        first, last = mask_offsets[mask], mask_offsets[mask + 1]
        bounds = np.zeros(last - first + 1, np.int64)  # of the rings' flips, from `begin`
        begin = used
        for ring in range(first, last):
            start, stop = 2 * ring_offsets[ring], 2 * ring_offsets[ring + 1]
            if stop - start >= 6:
                positions = _crossings(coordinates[start:stop], height, width)
                run_ends = with_room(run_ends, used, positions.size)
                used = _append_flips(positions, height * width, run_ends, used)
            bounds[ring - first + 1] = used - begin
        if last - first > 1:
            union = reduce_by_pairs(run_ends[begin:used], bounds, OR)
            for i in range(union.size):
                run_ends[begin + i] = union[i]
            used = begin + union.size
        offsets[mask + 1] = used
    return run_ends


@compiled
def _append_flips(positions: NDArray[np.int64], end: int, run_ends: NDArray[Any], used: int) -> int:
    """Append sorted positions before ``end``; equal ones undo each other in pairs."""
    i = 0
    while i < positions.size and positions[i] < end:
        if i + 1 < positions.size and positions[i + 1] == positions[i]:
            i += 2
        else:
            run_ends[used] = positions[i]
            used += 1
            i += 1
    return used


@compiled
def _crossings(coordinates: NDArray[np.float64], height: int, width: int) -> NDArray[np.int64]:
    """Give the sorted positions from which a ring flips a column's pixels."""
    count = coordinates.size // 2
    x = np.empty(count + 1, np.int64)
    y = np.empty(count + 1, np.int64)
    for k in range(count):
        x[k] = _scaled(coordinates[2 * k])
        y[k] = _scaled(coordinates[2 * k + 1])
    x[count], y[count] = x[0], y[0]
    left = _nearest(x.min(), width)
    columns = _nearest(x.max(), width) - left

    # An edge crosses a range of columns: the sums of these steps are how many cross each.
    ends = np.zeros(columns + 1, np.int64)
    for k in range(count):
        ends[_nearest(min(x[k], x[k + 1]), width) - left] += 1
        ends[_nearest(max(x[k], x[k + 1]), width) - left] -= 1
    crossing = total = 0
    for column in range(columns):
        crossing += ends[column]
        ends[column] = total  # where the column's positions begin; later, where they end
        total += crossing

    positions = np.empty(total, np.int64)
    for k in range(count):
        if abs(x[k + 1] - x[k]) >= abs(y[k + 1] - y[k]):
            _cross_flat(x[k], y[k], x[k + 1], y[k + 1], left, height, width, ends, positions)
        else:
            _cross_steep(x[k], y[k], x[k + 1], y[k + 1], left, height, width, ends, positions)
    start = 0
    for column in range(columns):
        _sort(positions, start, ends[column])
        start = ends[column]
    return positions


@compiled
def _cross_flat(
    xs: int,
    ys: int,
    xe: int,
    ye: int,
    left: int,
    height: int,
    width: int,
    ends: NDArray[np.int64],
    positions: NDArray[np.int64],
) -> None:
    """Cross columns along an edge that is walked along x, from its left end."""
    if xs > xe:
        xs, ys, xe, ye = xe, ye, xs, ys
    start, stop = _nearest(xs, width), _nearest(xe, width)
    if start == stop:
        return
    slope = (ye - ys) / (xe - xs)
    for column in range(start, stop):
        # Of the two points of the step the upper one counts.
        step = SCALE * column + 2 - xs + (1 if slope < 0 else 0)
        row = _nearest(int64(ys + slope * step + 0.5), height)
        positions[ends[column - left]] = column * height + row
        ends[column - left] += 1


@compiled
def _cross_steep(
    xs: int,
    ys: int,
    xe: int,
    ye: int,
    left: int,
    height: int,
    width: int,
    ends: NDArray[np.int64],
    positions: NDArray[np.int64],
) -> None:
    """Cross columns along an edge that is walked along y, from its upper end."""
    if ys > ye:
        xs, ys, xe, ye = xe, ye, xs, ys
    start, stop = _nearest(min(xs, xe), width), _nearest(max(xs, xe), width)
    if start == stop:
        return
    slope = (xe - xs) / (ye - ys)
    steps_a_unit = 1.0 / slope
    rises = xe > xs
    for column in range(start, stop):
        # Find the first step that has crossed: the abscissa is monotonic, so guess and correct.
        boundary = SCALE * column + 3
        guess = int64((boundary - 0.5 - xs) * steps_a_unit)
        step = min(max(guess, 1), ye - ys)
        while step > 1 and (int64(xs + slope * (step - 1) + 0.5) >= boundary) == rises:
            step -= 1
        while (int64(xs + slope * step + 0.5) >= boundary) != rises:
            step += 1
        positions[ends[column - left]] = column * height + _nearest(ys + step - 1, height)
        ends[column - left] += 1


@compiled
def _sort(values: NDArray[np.int64], start: int, stop: int) -> None:
    """Sort values[start:stop], which are few in most cases: a Shell sort."""
    gap = 1
    while gap < (stop - start) // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for i in range(start + gap, stop):
            value = values[i]
            k = i
            while k >= start + gap and values[k - gap] > value:
                values[k] = values[k - gap]
                k -= gap
            values[k] = value
        gap //= 3
