"""Measurements of masks: moments, perimeter, convex hull, inscribed boxes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from segcore._batch import Batch
from segcore._input.arrays import described
from segcore.backends import kernels
from segcore.backends.protocol import AND, OR, WITHOUT, XOR
from segcore.backends.sizes import run_end_dtype
from segcore.masks import Masks, check_masks, unwrap, wrap
from segcore.ops.hull import hull_area
from segcore.ops.morphology import erode

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Table = dict[str, NDArray[Any]]

_BLOCK = 2**15
"""Number of run ends of the masks that are measured at a time, unless a mask has more."""


def measure(masks: Masks, properties: Iterable[str] | None = None) -> Table:
    """Measure the masks.

    Parameters
    ----------
    masks : Masks
        N masks.
    properties : iterable of str, optional
        Names of the properties, in the order of the columns. By default, all but
        ``"inscribed_box"``, which takes the longest, are measured:

        - ``"area"``: number of pixels;
        - ``"box"``: bounding box, columns ``x0``, ``y0``, ``x1``, ``y1``, half-open;
        - ``"centroid"``: mean of the coordinates of the pixels, columns ``centroid_x`` and
          ``centroid_y``. The center of the first pixel is (0, 0);
        - ``"moments"``: variances and covariance of these coordinates, columns ``variance_x``,
          ``variance_y``, ``covariance``;
        - ``"axes"``: lengths ``major_axis`` and ``minor_axis`` of the ellipse with the same second
          moments, in pixels;
        - ``"orientation"``: angle between the vertical axis and the major axis, counterclockwise,
          in radians from -pi / 2 to pi / 2;
        - ``"eccentricity"`` of this ellipse: 0 for a circle, up to 1;
        - ``"equivalent_diameter"``: diameter of a circle with the same area;
        - ``"extent"``: area divided by that of the bounding box;
        - ``"perimeter"``: length of the line through the centers of the border pixels;
        - ``"solidity"``: area divided by that of the convex hull;
        - ``"inscribed_box"``: the largest box of foreground, columns ``inscribed_x0``,
          ``inscribed_y0``, ``inscribed_x1``, ``inscribed_y1``. The narrowest, then the leftmost,
          then the topmost one if several are the largest.

    Returns
    -------
    dict of str to numpy.ndarray
        The columns: arrays of shape (N,), int64 for areas and boxes, and float64 for others. Of an
        empty mask, boxes are zeros, the centroid, the moments and the ratios ``extent`` and
        ``solidity`` are NaN, and all others are 0.

    Raises
    ------
    ValueError
        If a property is unknown.
    TypeError
        If `masks` is not a `Masks`.

    See Also
    --------
    surface_distances : Distances between the outlines of two batches of masks.

    Notes
    -----
    The values are those of scikit-image's ``regionprops``, up to rounding: sums of coordinates are
    exact here up to 2**53, and variances are computed from distances to the centroid. If
    both axes have the same length up to rounding, the orientation may differ. Convex hulls are
    computed exactly, in integers; scikit-image's may differ by pixels whose centers lie on an edge
    of the hull.

    Time and memory grow with the number of run ends in columns; for the inscribed box, time also
    grows with the width of the mask.

    Examples
    --------
    >>> import segcore as sc
    >>> masks = sc.Masks.from_boxes([[1, 2, 5, 4], [0, 0, 1, 6]], (6, 8))
    >>> table = sc.measure(masks, ["area", "centroid", "perimeter"])
    >>> {name: column.tolist() for name, column in table.items()}
    {'area': [8, 6], 'centroid_x': [2.5, 0.0], 'centroid_y': [2.5, 2.5], 'perimeter': [8.0, 4.0]}

    The table can be passed to ``pandas.DataFrame`` or ``pyarrow.table``.
    """
    check_masks(masks)
    if isinstance(properties, str):
        raise TypeError(
            f'properties: expected a list of names, such as ["{properties}"], got a str'
        )
    names = list(_PROPERTIES)[:-1] if properties is None else list(properties)
    unknown = [name for name in names if name not in list(_PROPERTIES)]
    if unknown:
        expected = ", ".join(f'"{name}"' for name in _PROPERTIES)
        raise ValueError(f"properties: expected some of {expected}, got {described(unknown[0])}")
    # A few masks at a time, so that what is computed from them stays in the cache.
    offsets = masks.offsets
    blocks = np.arange(_BLOCK, offsets[-1], _BLOCK)
    bounds = np.unique([0, *np.searchsorted(offsets, blocks), len(masks)]).tolist()
    tables: list[Table] = []
    for start, stop in pairwise(bounds if len(masks) else [0, 0]):
        measured = _Measured(masks[start:stop])
        tables.append({})
        for name in names:
            tables[-1] |= _PROPERTIES[name](measured)
    return {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}


class Columns(NamedTuple):
    """The runs of masks in each column: pixels ``top`` to ``bottom - 1`` of column ``x``."""

    mask: Integers
    x: Integers
    top: Integers
    bottom: Integers


def columns_of(batch: Batch) -> Columns:
    """Return the runs of masks whose last row is background, so that no run is in two columns."""
    run_ends = batch.run_ends.astype(np.int64)
    x, top = np.divmod(run_ends[0::2], batch.height)
    bottom = top + run_ends[1::2] - run_ends[0::2]
    mask = np.repeat(np.arange(len(batch.offsets) - 1), np.diff(batch.offsets) // 2)
    return Columns(mask, x, top, bottom)


class _Measured:
    """What several properties are computed from."""

    def __init__(self, masks: Masks) -> None:
        self.masks = masks
        self.count = len(masks)

    @cached_property
    def area(self) -> Integers:
        return self.masks.area

    @cached_property
    def boxes(self) -> Integers:
        return self.masks.boxes

    @cached_property
    def columns(self) -> Columns:
        return columns_of(unwrap(self.masks.pad(bottom=1)))

    @cached_property
    def covariance(self) -> tuple[Floats, Floats, Floats]:
        """The variances of x and y, and their covariance."""
        x, y, xy = kernels.moments(unwrap(self.masks), True)[:, 2:].T
        return x, y, xy

    @cached_property
    def axes(self) -> tuple[Floats, Floats]:
        """The lengths of the axes of the ellipse; zeros for empty masks."""
        x, y, xy = (np.nan_to_num(values) for values in self.covariance)
        mean, half = (x + y) / 2, np.hypot((x - y) / 2, xy)
        return 4 * np.sqrt(mean + half), 4 * np.sqrt((mean - half).clip(0))


def _ratio(numerator: NDArray[Any], denominator: NDArray[Any]) -> Floats:
    """Divide; NaN where the denominator is 0."""
    ratio = np.full(len(numerator), np.nan)
    np.divide(numerator, denominator, out=ratio, where=denominator != 0)
    return ratio


def _area(measured: _Measured) -> Table:
    return {"area": measured.area}


def _box(measured: _Measured) -> Table:
    return dict(zip(("x0", "y0", "x1", "y1"), measured.boxes.T.copy(), strict=True))


def _centroid(measured: _Measured) -> Table:
    return dict(zip(("centroid_x", "centroid_y"), measured.masks.centroid.T, strict=True))


def _covariance(measured: _Measured) -> Table:
    names = ("variance_x", "variance_y", "covariance")
    return dict(zip(names, measured.covariance, strict=True))


def _axes(measured: _Measured) -> Table:
    return dict(zip(("major_axis", "minor_axis"), measured.axes, strict=True))


def _orientation(measured: _Measured) -> Table:
    x, y, xy = (np.nan_to_num(values) for values in measured.covariance)
    diagonal = np.where(xy > 0, np.pi / 4, -np.pi / 4)
    angle = np.where(x == y, diagonal, 0.5 * np.arctan2(2 * xy, y - x))
    return {"orientation": np.where(measured.area > 0, angle, 0)}


def _eccentricity(measured: _Measured) -> Table:
    major, minor = measured.axes
    share = np.zeros(measured.count)
    np.divide(minor, major, out=share, where=major > 0)
    return {"eccentricity": np.where(major > 0, np.sqrt((1 - share**2).clip(0)), 0)}


def _equivalent_diameter(measured: _Measured) -> Table:
    return {"equivalent_diameter": np.sqrt(4 * measured.area / np.pi)}


def _extent(measured: _Measured) -> Table:
    x0, y0, x1, y1 = measured.boxes.T
    return {"extent": _ratio(measured.area, (x1 - x0) * (y1 - y0))}


def _solidity(measured: _Measured) -> Table:
    mask, x, top, bottom = measured.columns
    return {"solidity": _ratio(measured.area, hull_area(mask, x, top, bottom, measured.count))}


# -- perimeter ------------------------------------------------------------------------------------


def _perimeter(measured: _Measured) -> Table:
    """Weigh each border pixel by the number of its neighbors on the border, like scikit-image."""
    # Moved by a pixel, no mask leaves the padded image, and no run ends at its end.
    padded = measured.masks.pad(1, 1, 2, 1)
    border = unwrap(padded - erode(padded, 1, "diamond"))
    dtype = run_end_dtype(*border.size)

    def both(a: Batch, b: Batch, table: int = AND) -> Batch:
        return kernels.combine(a, b, table)

    def beside(batch: Batch, step: int) -> tuple[Batch, Batch]:
        """Return the batch moved backward and forward by `step` pixels."""
        ends = batch.run_ends.astype(np.int64)
        before, behind = (
            Batch((ends + move).astype(dtype), batch.offsets, *border.size)
            for move in (-step, step)
        )
        return before, behind

    def counted(ones: tuple[Batch, Batch], twos: tuple[Batch, Batch]) -> tuple[Batch, Batch, Batch]:
        """Return the bits 1, 2 and 4 of the sums of two numbers, given by their bits 1 and 2."""
        two = both(both(*twos, XOR), both(*ones), OR)
        return both(*ones, XOR), two, both(*twos)

    # How many of two neighbors, above and below or left and right, are border pixels.
    rows, columns = beside(border, 1), beside(border, border.height)
    row_1, row_2 = both(*rows, XOR), both(*rows)
    column_1, column_2 = both(*columns, XOR), both(*columns)
    side_1, side_2, side_4 = counted((row_1, column_1), (row_2, column_2))
    corner_1, corner_2, corner_4 = counted(
        beside(row_1, border.height), beside(row_2, border.height)
    )
    three_corners = both(corner_1, corner_2)
    one_side = both(side_1, side_2, WITHOUT)
    some_sides = both(both(side_1, side_2, OR), side_4, OR)
    straight = both(side_2, both(three_corners, corner_4, OR), WITHOUT)
    bent = both(one_side, both(corner_1, corner_2, XOR))
    two_corners = both(corner_2, corner_1, WITHOUT)
    diagonal = both(both(one_side, three_corners), both(two_corners, some_sides, WITHOUT), OR)
    lengths = ((straight, 1.0), (diagonal, np.sqrt(2)), (bent, (1 + np.sqrt(2)) / 2))
    total = np.zeros(measured.count)
    for pixels, length in lengths:
        total += length * kernels.area(both(border, pixels))
    return {"perimeter": total}


# -- inscribed boxes ------------------------------------------------------------------------------


def _inscribed_box(measured: _Measured) -> Table:
    """Find the longest run in the columns of the foreground of each width."""
    boxes = np.zeros((measured.count, 4), np.int64)
    best = np.zeros(measured.count, np.int64)
    tall = unwrap(measured.masks.pad(bottom=1))
    index = np.arange(measured.count)
    first = wide = tall
    for width in range(1, measured.masks.size[1] + 1):
        # Pixels that start `width` pixels of foreground to their right.
        found = columns_of(wide)
        has_runs = np.flatnonzero(np.diff(wide.offsets))
        if not len(has_runs):
            break
        length = found.bottom - found.top
        starts = (wide.offsets[:-1] // 2)[has_runs]
        longest = np.maximum.reduceat(length, starts)
        at = np.flatnonzero(length == longest.repeat(np.diff(np.append(starts, len(length)))))
        at = at[np.searchsorted(at, starts)]
        masks = index[has_runs]
        better = longest * width > best[masks]
        masks, at, longest = masks[better], at[better], longest[better]
        best[masks] = longest * width
        x, y = found.x[at], found.top[at]
        boxes[masks] = np.stack([x, y, x + width, y + longest], axis=1)
        # Masks without runs are left out from here on.
        index = index[has_runs]
        first, wide = (unwrap(wrap(batch)[has_runs]) for batch in (first, wide))
        offset = np.full(len(index), -width)
        zeros = np.zeros(len(index), np.int64)
        wide = kernels.combine(wide, kernels.place(first, offset, zeros, *tall.size), AND)
    names = ("inscribed_x0", "inscribed_y0", "inscribed_x1", "inscribed_y1")
    return dict(zip(names, boxes.T.copy(), strict=True))


_PROPERTIES: dict[str, Callable[[_Measured], Table]] = {
    "area": _area,
    "box": _box,
    "centroid": _centroid,
    "moments": _covariance,
    "axes": _axes,
    "orientation": _orientation,
    "eccentricity": _eccentricity,
    "equivalent_diameter": _equivalent_diameter,
    "extent": _extent,
    "perimeter": _perimeter,
    "solidity": _solidity,
    "inscribed_box": _inscribed_box,
}
