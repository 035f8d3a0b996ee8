"""Tiles of a canvas, and masks of the canvas from masks of its tiles.

The methods of :class:`segcore.Masks` that read tiles, and :func:`segcore.stitch`, call these
functions, which work on batches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from segcore._batch import Batch, joined, offsets_of
from segcore._gather import taken
from segcore._input.arrays import Size, as_integer, as_size, described
from segcore._text import counted
from segcore.backends import kernels
from segcore.backends.protocol import OR
from segcore.errors import located

_Part = TypeVar("_Part")
_Labeled: TypeAlias = "tuple[NDArray[Any], Batch]"

_MAX_TILES = 2**24
"""Limit of the number of tiles, whose boxes then take half a gigabyte."""


def tiles(
    size: Iterable[int], tile: int | Iterable[int], overlap: int | Iterable[int] = 0
) -> NDArray[np.int64]:
    """Divide an image into tiles of the same size.

    Parameters
    ----------
    size : sequence of int
        Image size (H, W).
    tile : int or sequence of int
        Side of the tiles in pixels, or their size (h, w).
    overlap : int or sequence of int, default 0
        Number of rows and columns that neighboring tiles share, or both numbers (y, x). It is less
        than the side of a tile.

    Returns
    -------
    numpy.ndarray
        Boxes x0 y0 x1 y1 of the tiles, half-open, row by row: int64, shape (T, 4). Together they
        cover the image. The last tile of a row or column ends with the image, so it may overlap its
        neighbor by more than `overlap`. Tiles are smaller only where the image is.

    Raises
    ------
    ValueError
        If `size` is invalid, a side of `tile` is less than 1, `overlap` is negative or not less
        than the side of a tile, or there are 2**24 tiles or more.
    TypeError
        If an argument does not consist of integers.

    See Also
    --------
    stitch : Join the instances found in tiles.
    Masks.from_tiles : Encode a canvas tile by tile.

    Notes
    -----
    These are the tiles of SAHI's ``get_slice_bboxes``.

    Examples
    --------
    >>> import segcore as sc
    >>> sc.tiles((4, 10), tile=4, overlap=1)
    array([[ 0,  0,  4,  4],
           [ 3,  0,  7,  4],
           [ 6,  0, 10,  4]])
    """
    sides, overlaps = _as_pair(tile, "tile"), _as_pair(overlap, "overlap")
    axes = list(zip(as_size(size), sides, overlaps, strict=True))
    for _, side, shared in axes:
        if side < 1:
            raise ValueError(f"tile: expected sides of at least 1 pixel, got {side}")
        if not 0 <= shared < side:
            raise ValueError(
                f"overlap: expected at least 0 and less than the side of a tile, {side}, got "
                f"{shared}"
            )
    counts = [max(-(-(n - shared) // (side - shared)), 1) for n, side, shared in axes]
    if counts[0] * counts[1] >= _MAX_TILES:
        raise ValueError(f"tile: expected fewer than 2**24 tiles, got {counts[0]} x {counts[1]}")
    (y0, y1), (x0, x1) = (_intervals(*axis) for axis in axes)
    rows, columns = np.divmod(np.arange(len(y0) * len(x0)), max(len(x0), 1))
    return np.stack([x0[columns], y0[rows], x1[columns], y1[rows]], axis=1)


def _as_pair(value: int | Iterable[int], name: str) -> Size:
    if not isinstance(value, Iterable):
        number = as_integer(value, name)
        return number, number
    numbers = [as_integer(number, name) for number in value]
    if len(numbers) != 2:
        raise ValueError(f"{name}: expected one integer or two, got {described(value)}")
    return numbers[0], numbers[1]


def _intervals(length: int, side: int, overlap: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the starts and stops of the tiles along an axis."""
    if length <= side:
        starts = np.zeros(min(length, 1), np.int64)
        return starts, starts + length
    last = length - side
    starts = np.append(np.arange(0, last, side - overlap, dtype=np.int64), last)
    return starts, starts + side


def read_tiles(
    parts: Iterable[Any], boxes: NDArray[np.int64], read: Callable[[Any, Size], _Part]
) -> Iterator[_Part]:
    """Yield ``read(part, size)`` of the part of each tile. Errors name the tile.

    `size` is the size (h, w) of the tile.
    """
    iterator = iter(parts)
    expected = f"parts: expected {counted(len(boxes), 'tile')}, one per box, got"
    for i, (x0, y0, x1, y1) in enumerate(boxes.tolist()):
        try:
            part = next(iterator)
        except StopIteration:
            raise ValueError(f"{expected} {i:,}") from None
        try:
            value = read(part, (y1 - y0, x1 - x0))
        except (TypeError, ValueError) as error:
            raise located(error, i, "part") from None
        yield value
    if next(iterator, iterator) is not iterator:
        raise ValueError(f"{expected} more")


def placed(batch: Batch, box: NDArray[np.int64], canvas: Size) -> Batch:
    """Place the masks of a tile on the canvas."""
    count = len(batch.offsets) - 1
    x = np.full(count, box[0].clip(-batch.width, canvas[1]))
    y = np.full(count, box[1].clip(-batch.height, canvas[0]))
    return kernels.place(batch, x, y, *canvas)


def assembled(parts: Iterable[_Labeled], boxes: NDArray[np.int64], canvas: Size) -> _Labeled:
    """Unite the masks of at least one tile that have the same id.

    Returns the distinct ids in ascending order, and one mask per id, of the canvas's size.
    """
    # Unions of as many tiles are united, so that each tile takes part in few unions, and memory is
    # that of the unions rather than that of the tiles, at whose borders all runs are cut.
    stack: list[tuple[int, _Labeled]] = []
    for (ids, part), box in zip(parts, boxes, strict=True):
        level, union = 0, (ids, placed(part, box, canvas))
        while stack and stack[-1][0] == level:
            level, union = level + 1, _united(stack.pop()[1], union)
        stack.append((level, union))
    _, union = stack.pop()
    while stack:
        union = _united(stack.pop()[1], union)
    return union


def _united(a: _Labeled, b: _Labeled) -> _Labeled:
    ids = np.concatenate([a[0], b[0]])
    order = np.argsort(ids, kind="stable")
    distinct, counts = np.unique(ids, return_counts=True)
    return distinct, kernels.reduce(taken(joined([a[1], b[1]]), order), OR, offsets_of(counts))
