"""Geometry of batches: crops, flips, rotations, resizing, and affine and perspective maps.

The methods of :class:`segcore.Masks` of the same names document these functions, which take and
return batches.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segcore._batch import Batch
from segcore._input.arrays import Size, as_array, as_fraction, as_integer, as_size, described
from segcore._input.integer_boxes import as_int64, as_integer_boxes
from segcore.backends import kernels
from segcore.errors import MaskError

Method: TypeAlias = Literal["nearest", "nearest-exact", "coverage"]

_MAX_PRODUCT = 2**61
"""Limit of the product of an input side and an output side, in units of which areas are exact."""

_MAX_SIDE = 2**31
"""Limit of the sides of images that are mapped."""

_MAX_SCALE = 2.0**20
"""Maximum element of the linear part of an affine matrix."""

_SINGULAR = 2.0**-40
"""A determinant that is less than this share of its terms is rounding."""

_INT64 = np.iinfo(np.int64)


# -- exact moves ----------------------------------------------------------------------------------


def crop(batch: Batch, box: ArrayLike) -> Batch:
    """Crop masks to boxes of one size."""
    boxes = as_integer_boxes(box, "box", len(batch.offsets) - 1)
    x0, y0, x1, y1 = boxes.T
    if len(boxes) == 0:
        raise ValueError("box: expected at least one box, which determines the size, got none")
    size = as_size((int(y1[0]) - int(y0[0]), int(x1[0]) - int(x0[0])), "box")
    other = np.flatnonzero((y1 - y0 != size[0]) | (x1 - x0 != size[1]))
    if len(other):
        raise MaskError(
            int(other[0]),
            f"expected the size of box 0, {size[0]} x {size[1]} pixels, got "
            f"{boxes[other[0]].tolist()}; masks of one batch have the same size",
            argument="box",
        )
    return _placed(batch, -x0, -y0, size)


def pad(
    batch: Batch, left: ArrayLike, top: ArrayLike, right: ArrayLike, bottom: ArrayLike
) -> Batch:
    """Add rows and columns of background at the edges of masks."""
    count = len(batch.offsets) - 1
    sides = {"left": left, "top": top, "right": right, "bottom": bottom}
    values = {name: _as_numbers(value, name, count) for name, value in sides.items()}
    for name, numbers in values.items():
        negative = np.flatnonzero(numbers < 0)
        if len(negative):
            raise ValueError(
                f"{name}: expected at least 0 pixels, got {numbers[negative[0]]}; "
                "crop removes rows and columns"
            )
    height = batch.height + _common_sum(values, "top", "bottom")
    width = batch.width + _common_sum(values, "left", "right")
    size = as_size((height, width), "padded size")
    return _placed(batch, values["left"], values["top"], size)


def translate(batch: Batch, dx: ArrayLike, dy: ArrayLike) -> Batch:
    """Move masks within their image."""
    return place(batch, batch.size, dx, dy, ("dx", "dy"))


def place(
    batch: Batch,
    size: Iterable[int],
    x: ArrayLike,
    y: ArrayLike,
    names: tuple[str, str] = ("x", "y"),
) -> Batch:
    """Place masks on a canvas of another size."""
    count = len(batch.offsets) - 1
    left, top = _as_numbers(x, names[0], count), _as_numbers(y, names[1], count)
    return _placed(batch, left, top, as_size(size))


def _placed(batch: Batch, x: NDArray[np.int64], y: NDArray[np.int64], size: Size) -> Batch:
    """Place masks at offsets of any length, one per mask or one for all."""
    count = len(batch.offsets) - 1
    left = np.broadcast_to(x.clip(-batch.width, size[1]), count)
    top = np.broadcast_to(y.clip(-batch.height, size[0]), count)
    return kernels.place(batch, np.ascontiguousarray(left), np.ascontiguousarray(top), *size)


def reverse(batch: Batch, rows: bool = False, columns: bool = False) -> Batch:
    """Reverse the order of rows or columns."""
    return kernels.reverse(batch, rows, columns)


def transpose(batch: Batch) -> Batch:
    """Exchange rows and columns."""
    return kernels.transpose(batch)


def rot90(batch: Batch, k: int) -> Batch:
    """Rotate masks by quarter turns, counterclockwise."""
    turns = as_integer(k, "k") % 4
    if turns == 0:
        return batch
    if turns == 2:
        return kernels.reverse(batch, True, True)
    return kernels.transpose(batch, turns == 1, turns == 3)


# -- resampling -----------------------------------------------------------------------------------


def resize(
    batch: Batch, size: Iterable[int], method: str = "nearest", threshold: float | None = None
) -> Batch:
    """Resize masks."""
    height, width = as_size(size)
    if method not in ("nearest", "nearest-exact", "coverage"):
        raise ValueError(
            f'method: expected "nearest", "nearest-exact" or "coverage", got {described(method)}'
        )
    if threshold is not None and method != "coverage":
        raise ValueError(f'threshold: only method="coverage" has one, got method={method!r}')
    if batch.pixels == 0 and height * width:
        raise ValueError(
            f"size: an image without pixels, of size {batch.size}, cannot be resized to "
            f"({height}, {width})"
        )
    if max(batch.height * height, batch.width * width) >= _MAX_PRODUCT:
        raise ValueError(
            "size: expected sides whose products with those of the masks are below 2**61, got "
            f"({height}, {width}) for masks of size {batch.size}"
        )
    if method == "coverage":
        share = Fraction(as_fraction(0.5 if threshold is None else threshold, "threshold"))
        limit = max(-(-share.numerator * batch.pixels // share.denominator), 1)
        return kernels.cover(batch, height, width, limit)
    return kernels.resize(batch, height, width, method == "nearest-exact")


def affine(batch: Batch, matrix: ArrayLike, size: Iterable[int] | None = None) -> Batch:
    """Map masks by 2 x 3 matrices."""
    matrices = _as_matrices(matrix, len(batch.offsets) - 1, (2, 3))
    return _warped(batch, matrices, _inverted_affine(matrices), size)


def perspective(batch: Batch, matrix: ArrayLike, size: Iterable[int] | None = None) -> Batch:
    """Map masks by 3 x 3 matrices."""
    matrices = _as_matrices(matrix, len(batch.offsets) - 1, (3, 3))
    return _warped(batch, matrices, _inverted(matrices), size)


def _warped(
    batch: Batch,
    matrices: NDArray[np.float64],
    inverses: NDArray[np.float64],
    size: Iterable[int] | None,
) -> Batch:
    """Map masks by inverse matrices; the first that is not finite is singular."""
    height, width = batch.size if size is None else as_size(size)
    if max(batch.height, batch.width, height, width) >= _MAX_SIDE:
        raise ValueError(
            f"size: expected sides below 2**31, got {batch.size} for the masks and "
            f"({height}, {width}) for the result"
        )
    singular = np.flatnonzero(~np.isfinite(inverses).all(axis=(1, 2)))
    if len(singular):
        first = int(singular[0])
        raise MaskError(
            first,
            "expected a matrix that can be inverted, but this one is singular, or nearly so: "
            f"{matrices[first].tolist()}",
            argument="matrix",
        )
    # The pixel with center (i, j) has the coordinates from -0.5 to +0.5 around it.
    inverses[:, :2] += 0.5 * inverses[:, 2:]
    count = len(batch.offsets) - 1
    rows = np.broadcast_to(inverses.reshape(-1, 9), (count, 9))
    return kernels.warp(batch, np.ascontiguousarray(rows), height, width)


def _inverted_affine(matrices: NDArray[np.float64]) -> NDArray[np.float64]:
    """Invert 2 x 3 matrices to 3 x 3 matrices, which are NaN where there is no inverse."""
    linear = matrices[:, :, :2]
    large = np.flatnonzero((np.abs(linear) > _MAX_SCALE).any(axis=(1, 2)))
    if len(large):
        first = int(large[0])
        raise MaskError(
            first,
            "expected scales up to 2**20 in the first two columns of the matrix, got "
            f"{matrices[first].tolist()}",
            argument="matrix",
        )
    (a, b, c), (d, e, f) = np.moveaxis(matrices, 0, -1)
    inverses = np.zeros((len(matrices), 3, 3))
    with np.errstate(all="ignore"):
        determinant = a * e - b * d
        determinant[np.abs(determinant) <= _SINGULAR * (np.abs(a * e) + np.abs(b * d))] = np.nan
        for place, value in (((0, 0), e), ((0, 1), -b), ((1, 0), -d), ((1, 1), a)):
            inverses[:, place[0], place[1]] = value / determinant
        inverses[:, :2, 2] = -(inverses[:, :2, 0] * c[:, None] + inverses[:, :2, 1] * f[:, None])
    inverses[:, 2, 2] = 1
    return inverses


def _inverted(matrices: NDArray[np.float64]) -> NDArray[np.float64]:
    """Invert 3 x 3 matrices up to a factor; they are NaN where there is no inverse."""
    inverses = np.empty_like(matrices)
    is_affine = (matrices[:, 2, :2] == 0).all(axis=1) & (matrices[:, 2, 2] != 0)
    with np.errstate(all="ignore"):
        plain = matrices[is_affine]
        inverses[is_affine] = _inverted_affine(plain[:, :2] / plain[:, 2:, 2:])
        # Powers of two, so that products do not overflow and nothing is rounded.
        exponents = np.frexp(np.abs(matrices).max(axis=(1, 2)))[1]
        scaled = np.ldexp(matrices, -exponents[:, None, None])
        first, second, third = scaled[:, 0], scaled[:, 1], scaled[:, 2]
        rows = np.cross(second, third), np.cross(third, first), np.cross(first, second)
        adjugate = np.stack(rows, axis=2)
        terms = first * adjugate[:, :, 0]
        determinant = np.abs(terms.sum(axis=1))
        sizes = np.abs(first) * (
            np.abs(np.roll(second, -1, 1) * np.roll(third, 1, 1))
            + np.abs(np.roll(second, 1, 1) * np.roll(third, -1, 1))
        )
        adjugate[~(determinant > _SINGULAR * sizes.sum(axis=1))] = np.nan
    inverses[~is_affine] = adjugate[~is_affine]
    return inverses


# -- validation -----------------------------------------------------------------------------------


def _as_numbers(value: object, name: str, count: int) -> NDArray[np.int64]:
    """Convert one integer, or one per mask, to int64, shape (1,) or (`count`,).

    Integers beyond int64 become the nearest in int64: no image reaches as far.
    """
    array = as_array(value, name)
    if array.ndim == 0:
        number = min(max(as_integer(array.item(), name), _INT64.min), _INT64.max)
        return np.array([number], np.int64)
    array = as_int64(value, array, name)
    if array.ndim != 1 or len(array) != count:
        raise ValueError(
            f"{name}: expected one integer, or {count} of them, one per mask, got the shape "
            f"{array.shape}"
        )
    return array


def _common_sum(values: dict[str, NDArray[np.int64]], first: str, second: str) -> int:
    """Add two paddings, which must have the same sum for all masks."""
    both: list[list[int]] = [values[name].tolist() for name in (first, second)]
    longest = max(map(len, both))
    pairs = zip(*(each * longest if len(each) == 1 else each for each in both), strict=True)
    sums = [int(sum(pair)) for pair in pairs]
    if not sums:
        return 0
    for i, total in enumerate(sums):
        if total != sums[0]:
            raise MaskError(
                i,
                f"expected {first} and {second} to add up to {sums[0]} pixels, as for mask 0, got "
                f"{total}; masks of one batch have the same size",
            )
    return sums[0]


def _as_matrices(matrix: object, count: int, shape: tuple[int, int]) -> NDArray[np.float64]:
    """Convert one matrix, or one per mask, to float64, shape (1, ...) or (`count`, ...)."""
    array = as_array(matrix, "matrix")
    if array.dtype.kind not in "iuf":
        raise TypeError(f"matrix: expected numbers, got {array.dtype}")
    if array.shape not in (shape, (count, *shape)):
        raise ValueError(
            f"matrix: expected the shape {shape}, or {(count, *shape)} for one matrix per mask, "
            f"got {array.shape}"
        )
    with np.errstate(over="ignore"):  # longdoubles out of range become infinite
        matrices = array.astype(np.float64).reshape(-1, *shape)
    invalid = np.flatnonzero(~np.isfinite(matrices).all(axis=(1, 2)))
    if len(invalid):
        first = int(invalid[0])
        raise MaskError(
            first, f"expected finite numbers, got {matrices[first].tolist()}", argument="matrix"
        )
    return matrices
