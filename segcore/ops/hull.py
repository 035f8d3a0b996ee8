"""Areas of convex hulls, computed exactly from the runs in columns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segcore._batch import offsets_of, spread

Integers = NDArray[np.int64]


def hull_area(mask: Integers, x: Integers, top: Integers, bottom: Integers, count: int) -> Integers:
    """Count the pixels whose centers are in the convex hull of each mask, or on its outline.

    The hull is that of the middles of the sides of the pixels, as in scikit-image. The runs ``top``
    to ``bottom - 1`` in column ``x`` of a mask are in ascending order. Empty masks have area 0.
    """
    if not len(mask):
        return np.zeros(count, np.int64)
    # The first and the last pixel of each column.
    begins = np.flatnonzero((np.diff(mask, prepend=-1) != 0) | (np.diff(x, prepend=-1) != 0))
    last = np.append(begins[1:], len(mask)) - 1
    mask, x, top, bottom = mask[begins], x[begins], top[begins], bottom[last] - 1
    # All columns between the first and the last one of a mask.
    ends = np.flatnonzero(np.diff(mask, append=count) != 0)
    starts = np.append(0, ends[:-1] + 1)
    offsets = offsets_of(x[ends] - x[starts] + 1)
    columns = spread(x[starts], offsets)
    owners = np.repeat(mask[starts], np.diff(offsets))
    upper = _envelope(mask, x, top, owners, columns)
    lower = _envelope(mask, x, -bottom, owners, columns)
    height = (1 - upper - lower).astype(np.float64)
    return np.bincount(owners, height, count).astype(np.int64)


def _envelope(
    mask: Integers, x: Integers, y: Integers, owners: Integers, columns: Integers
) -> Integers:
    """Return the first row of the hull of the pixels (x, y) in each column.

    The pixels, sorted by mask and column, are the first ones of their columns. Coordinates of the
    hull are doubled, so that the middles of the sides of pixels have integers.
    """
    mask, x, y = _corners(mask, x, y)
    # A pixel has the corners of a diamond: left, top and right. Neighbors share left and right.
    px: Integers = np.stack([2 * x - 1, 2 * x, 2 * x + 1], axis=1).ravel()
    py: Integers = np.stack([2 * y, 2 * y - 1, 2 * y], axis=1).ravel()
    masks = np.repeat(mask, 3)
    is_new = np.ones(len(px), np.bool_)
    is_new[1:] = (masks[1:] != masks[:-1]) | (px[1:] != px[:-1])
    begins = np.flatnonzero(is_new)
    first_y: Integers = np.minimum.reduceat(py, begins)
    masks, px, py = _corners(masks[begins], px[begins], first_y)
    # The corner before each column; the next one is of the same mask.
    stride = 2 * int(columns.max()) + 4
    after = np.searchsorted(masks * stride + px + 1, owners * stride + 2 * columns + 1)
    x0, y0, x1, y1 = px[after - 1], py[after - 1], px[after], py[after]
    length = x1 - x0
    height = y0 * length + (y1 - y0) * (2 * columns - x0)  # of the hull, times the length
    row: Integers = -(-height // (2 * length))
    return row


def _corners(mask: Integers, x: Integers, y: Integers) -> tuple[Integers, Integers, Integers]:
    """Drop the points of each mask, sorted by x, that are no corners of the upper hull."""
    while True:
        # A point on or below the line between its neighbors is no corner. Both neighbors are
        # points of the mask, so all such points can be dropped at the same time.
        inner = (mask[:-2] == mask[2:]) & (
            (x[1:-1] - x[:-2]) * (y[2:] - y[:-2]) <= (y[1:-1] - y[:-2]) * (x[2:] - x[:-2])
        )
        if not inner.any():
            return mask, x, y
        kept = np.ones(len(x), np.bool_)
        kept[1:-1] = ~inner
        mask, x, y = mask[kept], x[kept], y[kept]
