"""Rasterize polygons and boxes exactly like COCO (``rleFrPoly`` in pycocotools).

COCO scales the coordinates by 5 and rounds them to integers. It walks along the longer axis of each
edge, and a step between the scaled abscissas 5k + 2 and 5k + 3 crosses column k: all pixels of this
column below the crossing are flipped. Only these steps matter, so they are computed directly here
instead of walking. The floating-point expressions are those of pycocotools.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from segcore._batch import Batch, Offsets
from segcore.backends import errors
from segcore.backends.protocol import EVEN_ODD, UNITED
from segcore.backends.reference.flips import Flips, at_least, cancel, changes
from segcore.backends.runs import batch_of

IntArray = NDArray[np.int64]


def rasterize_polygons(
    coordinates: NDArray[np.float64],
    ring_offsets: Offsets,
    mask_offsets: Offsets,
    height: int,
    width: int,
    filling: int = UNITED,
) -> Batch:
    """Rasterize polygons."""
    masks = []
    for mask, (first, last) in enumerate(pairwise(mask_offsets)):
        bounds = ring_offsets[first : last + 1]
        _check(mask, coordinates[2 * bounds[0] : 2 * bounds[-1]])
        rings = [
            _crossings(coordinates[2 * start : 2 * end].reshape(-1, 2), height, width)
            for start, end in pairwise(bounds)
        ]
        if filling == UNITED:
            flips = [cancel(positions, height * width) for positions, _ in rings]
            masks.append(at_least(1, flips, height * width))
        else:
            masks.append(_filled(rings, height * width, filling))
    return batch_of(masks, height, width)


def rasterize_boxes(boxes: NDArray[np.float64], height: int, width: int) -> Batch:
    """Rasterize boxes."""
    masks = []
    for mask, box in enumerate(boxes):
        _check(mask, box)
        x0, y0, x1, y1 = _scaled(box)
        left, right = np.clip(_nearest(np.sort([x0, x1])), 0, width)
        top, bottom = np.clip(_nearest(np.sort([y0, y1])), 0, height)
        if top == 0 and bottom == height:  # whole columns form a single run
            positions = np.array([left, right]) * height
        else:
            columns = np.arange(left, right)[:, None]
            positions = (columns * height + [top, bottom]).ravel()
        masks.append(cancel(positions, height * width))
    return batch_of(masks, height, width)


def _check(mask: int, coordinates: NDArray[np.float64]) -> None:
    """Raise ValueError for the first coordinate that is NaN or too large."""
    bad = np.flatnonzero(~(np.abs(coordinates) <= errors.MAX_COORDINATE))
    if len(bad):
        raise errors.coordinate(mask, int(bad[0]))


def _scaled(coordinates: NDArray[np.float64]) -> IntArray:
    return _truncated(5.0 * coordinates + 0.5)


def _truncated(values: NDArray[np.float64]) -> IntArray:
    """Convert to integers like C, rounding toward zero."""
    return values.astype(np.int64)


def _nearest(scaled: IntArray) -> IntArray:
    """Return ceil((scaled + 0.5) / 5 - 0.5), the first column or row k with 5k + 2 >= scaled."""
    return (scaled + 2) // 5


def _filled(crossings: list[tuple[IntArray, IntArray]], pixels: int, filling: int) -> Flips:
    """Return the flips of the rings of a mask together."""
    none = np.empty(0, np.int64)
    positions = np.concatenate([none, *(positions for positions, _ in crossings)])
    directions = np.concatenate([none, *(directions for _, directions in crossings)])
    offsets, index = np.unique(positions, return_inverse=True)
    steps = np.zeros(len(offsets), np.int64)
    np.add.at(steps, index, directions)
    winding = np.cumsum(steps)[offsets < pixels]
    inside = winding % 2 == 1 if filling == EVEN_ODD else winding != 0
    return changes(offsets[offsets < pixels], inside)


def _crossings(points: NDArray[np.float64], height: int, width: int) -> tuple[IntArray, IntArray]:
    """Return the positions at which a ring flips pixels, and the direction of its edge in x.

    The positions may repeat, and may be the end of the image. The directions are 1 and -1.
    """
    if len(points) < 3 or height * width == 0:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    x, y = _scaled(points).T
    next_x, next_y = np.roll(x, -1), np.roll(y, -1)
    is_flat = np.abs(next_x - x) >= np.abs(next_y - y)  # walked along x
    positions, directions = [], []
    for edges, swap, crossed in (
        (is_flat, x > next_x, _crossed_flat),
        (~is_flat, y > next_y, _crossed_steep),
    ):
        # Edges are walked in ascending order, regardless of the direction of the ring.
        xs, xe = np.where(swap, [next_x, x], [x, next_x])[:, edges]
        ys, ye = np.where(swap, [next_y, y], [y, next_y])[:, edges]
        left = np.clip(_nearest(np.minimum(xs, xe)), 0, width)
        right = np.clip(_nearest(np.maximum(xs, xe)), 0, width)
        edge = np.repeat(np.arange(len(xs)), right - left)
        column = np.arange(len(edge)) + (right - np.cumsum(right - left))[edge]
        scaled_row = crossed(column, xs[edge], ys[edge], xe[edge], ye[edge])
        positions.append(column * height + np.clip(_nearest(scaled_row), 0, height))
        directions.append(np.sign(next_x - x)[edges][edge])
    return np.concatenate(positions), np.concatenate(directions)


def _crossed_flat(
    column: IntArray, xs: IntArray, ys: IntArray, xe: IntArray, ye: IntArray
) -> IntArray:
    """Return the smaller scaled row of the crossing step, for edges walked along x."""
    slope = (ye - ys) / (xe - xs)
    step = 5 * column + 2 - xs
    return np.minimum(
        _truncated(ys + slope * step + 0.5), _truncated(ys + slope * (step + 1) + 0.5)
    )


def _crossed_steep(
    column: IntArray, xs: IntArray, ys: IntArray, xe: IntArray, ye: IntArray
) -> IntArray:
    """Return the smaller scaled row of the crossing step, for edges walked along y."""
    slope = (xe - xs) / (ye - ys)
    rises = xe > xs
    # The abscissa is monotonic in the step: find the first step after the crossing by bisection.
    before, after = np.zeros_like(ys), ye - ys
    while np.any(after - before > 1):
        step = (before + after) // 2
        u = _truncated(xs + slope * step + 0.5)
        has_crossed = np.where(rises, u >= 5 * column + 3, u <= 5 * column + 2)
        after = np.where(has_crossed, step, after)
        before = np.where(has_crossed, before, step)
    return ys + after - 1
