"""Rasterize polygons and boxes exactly like COCO (``rleFrPoly`` in pycocotools).

:mod:`segcore.backends.reference.rasterize` describes the rule, and raises the errors. Only the
steps of an edge that cross a column are computed, with the floating-point expressions of
pycocotools.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segcore._batch import Batch, Offsets
from segcore.backends import reference
from segcore.backends.errors import MAX_COORDINATE
from segcore.backends.numba.compiled import (
    ZERO,
    Integers,
    as_batch,
    as_int64,
    compiled,
    int64,
    with_room,
)
from segcore.backends.numba.merge import reduce_by_pairs
from segcore.backends.protocol import OR, UNITED


def rasterize_polygons(
    coordinates: NDArray[np.float64],
    ring_offsets: Offsets,
    mask_offsets: Offsets,
    height: int,
    width: int,
    filling: int = UNITED,
) -> Batch:
    """Rasterize polygons. All rings of a mask together are left to the reference."""
    if filling != UNITED or not np.all(np.abs(coordinates) <= MAX_COORDINATE):
        return reference.rasterize_polygons(
            coordinates, ring_offsets, mask_offsets, height, width, filling
        )
    offsets = np.zeros(len(mask_offsets), np.int64)
    run_ends = np.empty(0, np.int64)
    if height * width:
        rings, masks = as_int64(ring_offsets, mask_offsets)
        run_ends = _rasterize_polygons(np.array(coordinates), rings, masks, height, width, offsets)
    return as_batch(run_ends, offsets, height, width)


def rasterize_boxes(boxes: NDArray[np.float64], height: int, width: int) -> Batch:
    """Rasterize boxes."""
    if not np.all(np.abs(boxes) <= MAX_COORDINATE):
        return reference.rasterize_boxes(boxes, height, width)
    offsets = np.zeros(len(boxes) + 1, np.int64)
    run_ends = np.empty(0, np.int64)
    if height * width:
        run_ends = _rasterize_boxes(np.array(boxes, order="C"), height, width, offsets)
    return as_batch(run_ends, offsets, height, width)


@compiled
def _scaled(coordinate: float) -> int:
    scaled: int = int64(5.0 * coordinate + 0.5)  # rounds toward zero, like C
    return scaled


@compiled
def _nearest(scaled: int, limit: int) -> int:
    """Return the first column or row k with 5k + 2 >= scaled, between 0 and the limit."""
    return min(max(scaled + 2, 0) // 5, limit)


@compiled
def _rasterize_boxes(
    boxes: NDArray[np.float64], height: int, width: int, offsets: Integers
) -> Integers:
    """Return the run ends, and write the offsets."""
    run_ends = np.empty(0, np.int64)
    used = ZERO
    for mask in range(boxes.shape[0]):
        x0, y0, x1, y1 = boxes[mask]
        left = _nearest(_scaled(min(x0, x1)), width)
        right = _nearest(_scaled(max(x0, x1)), width)
        top = _nearest(_scaled(min(y0, y1)), height)
        bottom = _nearest(_scaled(max(y0, y1)), height)
        if left < right and top < bottom:
            size = height
            if bottom - top == height:  # whole columns form a single run
                size = bottom = (right - left) * height
            run_ends = with_room(run_ends, used, 2 * (right - left))
            for position in range(left * height, right * height, size):
                run_ends[used] = position + top
                run_ends[used + 1] = position + bottom
                used += 2
            if run_ends[used - 1] == height * width:
                used -= 1
        offsets[mask + 1] = used
    return run_ends


@compiled
def _rasterize_polygons(
    coordinates: NDArray[np.float64],
    ring_offsets: Integers,
    mask_offsets: Integers,
    height: int,
    width: int,
    offsets: Integers,
) -> Integers:
    """Return the run ends, and write the offsets."""
    run_ends = np.empty(coordinates.size, np.int64)
    used = ZERO
    for mask in range(mask_offsets.size - 1):
        first, last = mask_offsets[mask], mask_offsets[mask + 1]
        bounds = np.zeros(last - first + 1, np.int64)  # of the flips of the rings
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
            for k in range(union.size):
                run_ends[begin + k] = union[k]
            used = begin + union.size
        offsets[mask + 1] = used
    return run_ends


@compiled
def _append_flips(positions: Integers, pixels: int, run_ends: Integers, used: int) -> int:
    """Append sorted positions below ``pixels``; equal ones cancel in pairs."""
    k = 0
    while k < positions.size and positions[k] < pixels:
        if k + 1 < positions.size and positions[k + 1] == positions[k]:
            k += 2
        else:
            run_ends[used] = positions[k]
            used += 1
            k += 1
    return used


@compiled
def _crossings(coordinates: NDArray[np.float64], height: int, width: int) -> Integers:
    """Return the sorted positions below which a ring flips the pixels of a column."""
    count = coordinates.size // 2
    x, y = np.empty(count + 1, np.int64), np.empty(count + 1, np.int64)
    for k in range(count):
        x[k], y[k] = _scaled(coordinates[2 * k]), _scaled(coordinates[2 * k + 1])
    x[count], y[count] = x[0], y[0]
    left = _nearest(x.min(), width)
    columns = _nearest(x.max(), width) - left

    # An edge crosses a range of columns: count the crossings of each column by cumulative sums.
    ends = np.zeros(columns + 1, np.int64)
    for k in range(count):
        ends[_nearest(min(x[k], x[k + 1]), width) - left] += 1
        ends[_nearest(max(x[k], x[k + 1]), width) - left] -= 1
    crossing = total = 0
    for column in range(columns):
        crossing += ends[column]
        ends[column] = total  # start of the positions of the column, later their end
        total += crossing

    positions = np.empty(total, np.int64)
    for k in range(count):
        _cross(x[k], y[k], x[k + 1], y[k + 1], left, height, width, ends, positions)
    start = 0
    for column in range(columns):
        _sort(positions, start, ends[column])
        start = ends[column]
    return positions


@compiled
def _cross(
    xs: int,
    ys: int,
    xe: int,
    ye: int,
    left: int,
    height: int,
    width: int,
    ends: Integers,
    positions: Integers,
) -> None:
    """Append the positions at which an edge crosses columns, to those of each column."""
    start, stop = _nearest(min(xs, xe), width), _nearest(max(xs, xe), width)
    if start == stop:
        return
    is_flat = abs(xe - xs) >= abs(ye - ys)  # walked along x
    if xs > xe if is_flat else ys > ye:
        xs, ys, xe, ye = xe, ye, xs, ys
    slope = (ye - ys) / (xe - xs) if is_flat else (xe - xs) / (ye - ys)
    for column in range(start, stop):
        if is_flat:
            row = _flat_row(5 * column + 2 - xs, ys, slope)
        else:
            row = _steep_row(5 * column + 3, xs, ys, ye, slope)
        positions[ends[column - left]] = column * height + _nearest(row, height)
        ends[column - left] += 1


@compiled
def _flat_row(step: int, ys: int, slope: float) -> int:
    """Return the smaller scaled row of a step along x."""
    row: int = int64(ys + slope * (step + (1 if slope < 0 else 0)) + 0.5)
    return row


@compiled
def _steep_row(boundary: int, xs: int, ys: int, ye: int, slope: float) -> int:
    """Return the smaller scaled row of the step along y that crosses an abscissa.

    The abscissa is monotonic in the step: start at the step that division gives, then correct it.
    """
    rises = slope > 0
    step = min(max(int64((boundary - 0.5 - xs) / slope), 1), ye - ys)
    while step > 1 and (int64(xs + slope * (step - 1) + 0.5) >= boundary) == rises:
        step -= 1
    while (int64(xs + slope * step + 0.5) >= boundary) != rises:
        step += 1
    return ys + step - 1


@compiled
def _sort(values: Integers, start: int, stop: int) -> None:
    """Sort ``values[start:stop]``, usually few values, by Shell sort."""
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
