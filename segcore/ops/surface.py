"""Distances between the outlines of masks."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._batch import offsets_of, spread
from segcore._input.arrays import as_number
from segcore.masks import Masks, check_same_size, unwrap
from segcore.ops.measure import columns_of
from segcore.ops.morphology import erode

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

_BLOCK = 2**16
"""Number of run ends of the masks that are compared at a time, unless a pair has more."""

_MAX_KEY = 2**60
"""Limit of the number of pixels of the masks that are compared at a time, so that keys fit."""


def surface_distances(a: Masks, b: Masks, tolerance: float = 1.0) -> dict[str, Floats]:
    """Compute distances between the outlines of each mask in `a` and the same mask in `b`.

    The outline of a mask consists of its pixels next to the background, or to the border of the
    image, at one of their four sides. The distance of a pixel is that to the nearest pixel of the
    other outline, from center to center.

    Parameters
    ----------
    a, b : Masks
        N masks each, of the same image size.
    tolerance : float, default 1.0
        Distance in pixels up to which a pixel of an outline counts as correct.

    Returns
    -------
    dict of str to numpy.ndarray
        Columns of float64, shape (N,), in pixels:

        - ``"hausdorff"``: the greatest distance of any pixel of either outline;
        - ``"hausdorff_95"``: the greater of the 95th percentiles of the distances from `a` to `b`
          and from `b` to `a`;
        - ``"mean_distance"``: mean distance of the pixels of both outlines (symmetric average
          surface distance);
        - ``"surface_dice"``: share of the pixels of both outlines whose distance is at most
          `tolerance` (normalized surface Dice), from 0 to 1.

        If one mask of a pair is empty, the distances are infinite and the surface Dice is 0. If
        both are, the distances are 0 and the surface Dice is 1.

    Raises
    ------
    ValueError
        If the image sizes or the numbers of masks differ, or `tolerance` is negative or not finite.
    TypeError
        If `a` or `b` is not a `Masks`, or `tolerance` is not a number.

    See Also
    --------
    boundary_iou : IoU of the boundary regions of all pairs of two batches.

    Notes
    -----
    The values are those of MONAI's ``compute_hausdorff_distance``, ``compute_surface_dice``, and
    ``compute_average_surface_distance`` with ``symmetric=True``, up to rounding: squared distances
    are exact integers here. MONAI returns NaN where a mask is empty.

    Time grows with the number of pixels of the outlines and, for each of them, with the number of
    columns of the other outline that are nearer than its nearest pixel.

    Examples
    --------
    >>> import segcore as sc
    >>> a = sc.Masks.from_boxes([[0, 0, 10, 10]], (20, 20))
    >>> b = sc.Masks.from_boxes([[0, 0, 14, 10]], (20, 20))
    >>> {name: column.round(2).tolist() for name, column in sc.surface_distances(a, b).items()}
    {'hausdorff': [4.0], 'hausdorff_95': [4.0], 'mean_distance': [0.9], 'surface_dice': [0.75]}
    """
    check_same_size(a, b)
    if len(a) != len(b):
        raise ValueError(f"expected the same number of masks, got {len(a)} and {len(b)}")
    limit = as_number(tolerance, "tolerance")
    if limit < 0:
        raise ValueError(f"tolerance: expected at least 0, got {limit}")
    total = a.offsets + b.offsets
    blocks = np.searchsorted(total, np.arange(_BLOCK, total[-1], _BLOCK))
    most = max(_MAX_KEY // max((a.size[0] + 2) * (a.size[1] + 2), 1), 1)
    bounds = np.unique([0, *blocks, *range(0, len(a), most), len(a)]).tolist()
    tables = [_compared(a[i:j], b[i:j], limit) for i, j in pairwise(bounds if len(a) else [0, 0])]
    return {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}


def _compared(a: Masks, b: Masks, tolerance: float) -> dict[str, Floats]:
    count = len(a)
    of_a, of_b = _Outlines(a), _Outlines(b)
    one_way = [(of_a.mask, of_a.distances_to(of_b)), (of_b.mask, of_b.distances_to(of_a))]
    sizes = [np.bincount(mask, minlength=count) for mask, _ in one_way]
    none, missing = (sizes[0] == 0) & (sizes[1] == 0), (sizes[0] == 0) | (sizes[1] == 0)

    def column(values: NDArray[Any], if_missing: float, if_none: float) -> Floats:
        return np.where(none, if_none, np.where(missing, if_missing, values)).astype(np.float64)

    ordered = [
        (offsets_of(size), distance[np.lexsort((distance, mask))])
        for size, (mask, distance) in zip(sizes, one_way, strict=True)
    ]
    greatest = np.maximum(*(_percentile(1.0, *each) for each in ordered))
    most = np.maximum(*(_percentile(0.95, *each) for each in ordered))
    pixels = np.maximum(sizes[0] + sizes[1], 1)
    finite = [(mask, np.where(np.isfinite(d), d, 0)) for mask, d in one_way]
    sums = sum(np.bincount(mask, distance, count) for mask, distance in finite)
    close = sum(np.bincount(mask, distance <= tolerance, count) for mask, distance in one_way)
    return {
        "hausdorff": column(greatest, np.inf, 0),
        "hausdorff_95": column(most, np.inf, 0),
        "mean_distance": column(sums / pixels, np.inf, 0),
        "surface_dice": column(close / pixels, 0, 1),
    }


class _Outlines:
    """The pixels of the outlines of masks, sorted by mask, column and row."""

    def __init__(self, masks: Masks) -> None:
        padded = masks.pad(1, 1, 1, 1)
        runs = columns_of(unwrap(padded - erode(padded, 1, "diamond")))
        offsets = offsets_of(runs.bottom - runs.top)
        lengths = np.diff(offsets)
        self.mask = np.repeat(runs.mask, lengths)
        self.x = np.repeat(runs.x, lengths)
        self.y = spread(runs.top, offsets)
        self.width, self.stride = padded.size[1], 2 * padded.size[0]
        # Pixels of different columns are at least a height apart, and columns of different masks at
        # least a width.
        self.column = 2 * self.width * self.mask + self.x
        self.key = self.column * self.stride + self.y

    def distances_to(self, other: _Outlines) -> Floats:
        """Return the distance of each pixel to the nearest one of the other outline.

        The columns of the other outline are searched from the nearest one outwards, on both sides.
        """
        farthest = np.iinfo(np.int64).max
        squared = np.full(len(self.key), farthest)
        columns = np.unique(other.column)
        position = np.searchsorted(columns, self.column)
        active = np.flatnonzero(np.isin(self.mask, other.mask))
        step = 0
        while len(active):
            goes_on = np.zeros(len(active), np.bool_)
            for index in (position[active] + step, position[active] - 1 - step):
                column = columns[index.clip(0, len(columns) - 1)]
                dx = np.abs(column - self.column[active])
                is_near = (index >= 0) & (index < len(columns)) & (dx < self.width)
                is_near[is_near] = dx[is_near] ** 2 < squared[active[is_near]]
                goes_on |= is_near
                near, dx = active[is_near], dx[is_near]
                key = column[is_near] * self.stride + self.y[near]
                after = np.searchsorted(other.key, key)
                for found in (after.clip(max=len(other.key) - 1), (after - 1).clip(0)):
                    dy = np.abs(other.key[found] - key)
                    distance = np.where(2 * dy < self.stride, dx * dx + dy * dy, farthest)
                    squared[near] = np.minimum(squared[near], distance)
            step += 1
            active = active[goes_on & (squared[active] > step**2)]  # columns are a pixel apart
        return np.where(squared < farthest, np.sqrt(squared), np.inf)


def _percentile(share: float, offsets: Integers, distances: Floats) -> Floats:
    """Interpolate between the sorted distances of each mask, like NumPy; 0 if there are none."""
    place = share * np.maximum(np.diff(offsets) - 1, 0)
    low = np.floor(place).astype(np.int64)
    padded = np.append(distances, 0.0)
    first = np.minimum(offsets[:-1] + low, len(distances))
    second = np.minimum(first + 1, np.maximum(offsets[1:] - 1, first))
    with np.errstate(invalid="ignore"):
        values: Floats = padded[first] + (padded[second] - padded[first]) * (place - low)
    return values
