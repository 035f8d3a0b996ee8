"""A column of segmentations as they are in a file: RLE, polygons, or other JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore import _batch
from segcore._batch import Batch, Offsets, offsets_of
from segcore._gather import gathered
from segcore._input.arrays import Size
from segcore.backends import kernels
from segcore.data.columns.checks import (
    check_lengths,
    check_parts,
    column_array,
    is_among,
    read_only,
)
from segcore.data.columns.texts import Texts
from segcore.errors import ItemError, MaskError
from segcore.formats import coco
from segcore.masks import Masks, unwrap, wrap

NONE, STRING, COUNTS, POLYGON, OTHER = range(5)
"""Kinds of segmentations: missing, an RLE with a compressed string or with a list of run lengths,
polygons, and any other JSON value, which is kept as text."""

_PER_ROW = {
    "kinds": np.uint8,
    "heights": np.int64,
    "widths": np.int64,
    "starts": np.int64,
    "lengths": np.int64,
}
_BUFFERS = {
    "characters": np.uint8,
    "runs": np.int64,
    "ring_ends": np.int64,
    "coordinates": np.float64,
    "is_integer": np.uint8,
}


class Segmentations:
    """Column of N segmentations as they are in a file, stored in flat buffers.

    ``segmentations[rows]``, with a slice, integers or bools, selects rows without copying the
    buffers. ``len(segmentations)`` is N. The constructor takes the arrays below as positional
    arguments, in this order.

    Attributes
    ----------
    kinds : numpy.ndarray
        Kind of each row: uint8, shape (N,). 0 (NONE) is a missing segmentation, 1 (STRING) an RLE
        with a compressed string, 2 (COUNTS) an RLE with a list of run lengths, 3 (POLYGON) a list
        of polygon rings, and 4 (OTHER) any other value, kept as JSON text.
    heights, widths : numpy.ndarray
        Image size of each RLE: int64, shape (N,); 0 for other kinds.
    starts, lengths : numpy.ndarray
        Start and length of each row in its buffer: int64, shape (N,). The units are characters for
        STRING and OTHER, run lengths for COUNTS, and rings for POLYGON.
    characters : numpy.ndarray
        Characters of the compressed strings and JSON texts: uint8, 1-D.
    runs : numpy.ndarray
        Run lengths: int64, 1-D.
    ring_ends : numpy.ndarray
        End of each ring, in points: int64, 1-D.
    coordinates : numpy.ndarray
        Coordinates x0 y0 x1 y1 ... of all rings: float64, 1-D.
    is_integer : numpy.ndarray
        Whether each coordinate is written as an integer in JSON: uint8, the shape of `coordinates`.

    Raises
    ------
    TypeError
        If an array does not have the dtype above, or is not 1-D.
    ValueError
        If the arrays of the rows differ in length, a row is not within its buffer, a kind is not 0
        to 4, or `ring_ends` are not ascending.
    """

    __slots__: tuple[str, ...] = (*_PER_ROW, *_BUFFERS)

    kinds: NDArray[np.uint8]
    heights: NDArray[np.int64]
    widths: NDArray[np.int64]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    characters: NDArray[np.uint8]
    runs: NDArray[np.int64]
    ring_ends: NDArray[np.int64]
    coordinates: NDArray[np.float64]
    is_integer: NDArray[np.uint8]

    def __init__(self, *arrays: NDArray[Any]) -> None:
        dtypes = (_PER_ROW | _BUFFERS).items()
        for (name, dtype), array in zip(dtypes, arrays, strict=True):
            setattr(self, name, column_array(array, dtype, name))
        self._check()

    def _check(self) -> None:
        """Raise ValueError unless every row lies within the buffers."""
        check_lengths({name: len(getattr(self, name)) for name in _PER_ROW}, len(self.kinds))
        if (self.kinds > OTHER).any():
            row = int((self.kinds > OTHER).argmax())
            raise ValueError(f"row {row}: expected a kind from 0 to 4, got {self.kinds[row]}")
        check_lengths({"is_integer": len(self.is_integer)}, len(self.coordinates))
        points = np.concatenate([[0], self.ring_ends, [len(self.coordinates) // 2]])
        if (points[1:] < points[:-1]).any():
            raise ValueError("ring_ends: expected ascending numbers of points")
        there = self.kinds != NONE
        sizes = self._per_kind(lambda name: len(getattr(self, name)))[self.kinds]
        check_parts(self.starts * there, self.lengths * there, sizes, "items of the buffer")

    @staticmethod
    def _per_kind(of_buffer: Callable[[str], int]) -> NDArray[np.int64]:
        """Return the value of the buffer that each kind refers to: int64, shape (5,)."""
        values = np.zeros(5, np.int64)
        values[[STRING, OTHER]] = of_buffer("characters")
        values[COUNTS] = of_buffer("runs")
        values[POLYGON] = of_buffer("ring_ends")
        return values

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle only the parts of the buffers that rows use."""
        used = np.bincount(self.kinds, self.lengths, 5)
        sizes = self._per_kind(lambda name: len(getattr(self, name)))
        is_part = used[STRING] + used[OTHER] < sizes[STRING]
        is_part |= used[COUNTS] < sizes[COUNTS] or used[POLYGON] < sizes[POLYGON]
        part = self.compact() if is_part else self
        return Segmentations, tuple(getattr(part, name) for name in self.__slots__)

    @classmethod
    def unchecked(cls, *arrays: NDArray[Any]) -> Segmentations:
        """Store arrays that are known to fit together, such as those of the reader of JSON."""
        made = cls.__new__(cls)
        for name, array in zip(cls.__slots__, arrays, strict=True):
            setattr(made, name, read_only(array))
        return made

    @classmethod
    def empty(cls, count: int) -> Segmentations:
        """Create a column of `count` missing segmentations."""
        zeros = np.zeros(count, np.int64)
        return cls(np.zeros(count, np.uint8), zeros, zeros, zeros, zeros, *_no_buffers())

    @classmethod
    def from_strings(
        cls,
        kinds: NDArray[np.uint8],
        heights: NDArray[np.int64],
        widths: NDArray[np.int64],
        strings: Texts,
    ) -> Segmentations:
        """Create a column of RLEs with compressed strings.

        Parameters
        ----------
        kinds : numpy.ndarray
            Kind of each row, 1 (STRING) or 0 (NONE): uint8, shape (N,).
        heights, widths : numpy.ndarray
            Image size of each RLE: int64, shape (N,).
        strings : Texts
            N compressed strings.

        Returns
        -------
        Segmentations

        Raises
        ------
        TypeError
            If an array does not have the dtype above, or is not 1-D.
        ValueError
            If the lengths differ.
        """
        return cls(
            kinds,
            np.ascontiguousarray(heights),
            np.ascontiguousarray(widths),
            strings.starts,
            strings.lengths,
            strings.data,
            *_no_buffers()[1:],
        )

    @classmethod
    def from_masks(cls, masks: Masks) -> Segmentations:
        """Create a column of compressed RLEs, one per mask."""
        height, width = masks.size
        characters, offsets = kernels.string_encode(unwrap(masks))
        count = len(masks)
        return cls(
            np.full(count, STRING, np.uint8),
            np.full(count, height, np.int64),
            np.full(count, width, np.int64),
            offsets[:-1],
            np.diff(offsets),
            characters,
            *_no_buffers()[1:],
        )

    @classmethod
    def concatenate(cls, parts: Sequence[Segmentations]) -> Segmentations:
        """Concatenate the rows of several columns."""
        shifted = []
        before = dict.fromkeys(("characters", "runs", "ring_ends", "coordinates"), 0)
        for part in (part.loaded() for part in parts):
            shifts = cls._per_kind(before.__getitem__)
            copy = part[:]
            copy.starts = part.starts + shifts[part.kinds]
            copy.ring_ends = part.ring_ends + before["coordinates"] // 2
            shifted.append(copy)
            for name in before:
                before[name] += len(getattr(part, name))
        first = Segmentations.empty(0)
        return Segmentations(
            *(
                np.concatenate([getattr(part, name) for part in (first, *shifted)])
                for name in Segmentations.__slots__
            )
        )

    def loaded(self) -> Segmentations:
        """Return the column with its buffers in memory, if they are in a large JSON file so far.

        Returns
        -------
        Segmentations

        Raises
        ------
        DatasetError
            If the file has changed since it was read, or cannot be read again.
        """
        return self

    def __len__(self) -> int:
        return len(self.kinds)

    def __getitem__(self, rows: slice | NDArray[Any]) -> Segmentations:
        selected = Segmentations.__new__(Segmentations)  # without the checks, which held before
        # Written out, because this is called for every image.
        selected.kinds = self.kinds[rows]
        selected.heights = self.heights[rows]
        selected.widths = self.widths[rows]
        selected.starts = self.starts[rows]
        selected.lengths = self.lengths[rows]
        selected.characters = self.characters
        selected.runs = self.runs
        selected.ring_ends = self.ring_ends
        selected.coordinates = self.coordinates
        selected.is_integer = self.is_integer
        return selected

    @property
    def is_missing(self) -> NDArray[np.bool_]:
        """Whether each segmentation is missing or has no rings (``[]``): bool, shape (N,)."""
        is_empty = (self.kinds == POLYGON) & (self.lengths == 0)
        is_missing: NDArray[np.bool_] = (self.kinds == NONE) | is_empty
        return is_missing

    @classmethod
    def from_boxes(cls, boxes: NDArray[np.float64]) -> Segmentations:
        """Create a column of polygons of one ring, the outlines of boxes x, y, width, height."""
        x, y, width, height = np.asarray(boxes, np.float64).reshape(-1, 4).T
        corners = x, y, x + width, y, x + width, y + height, x, y + height
        coordinates = np.stack(corners, axis=1).ravel()
        count = len(x)
        zeros = np.zeros(count, np.int64)
        return cls(
            np.full(count, POLYGON, np.uint8),
            zeros,
            zeros,
            np.arange(count),
            np.ones(count, np.int64),
            np.empty(0, np.uint8),
            np.empty(0, np.int64),
            4 * np.arange(1, count + 1),
            coordinates,
            (coordinates == np.rint(coordinates)).astype(np.uint8),
        )

    def compact(self) -> Segmentations:
        """Return a copy whose buffers hold only the data of its rows, in row order."""
        starts = np.zeros(len(self), np.int64)
        buffers = dict(zip(_BUFFERS, _no_buffers(), strict=True))
        for kinds, name in (((STRING, OTHER), "characters"), ((COUNTS,), "runs")):
            rows = np.flatnonzero(is_among(self.kinds, kinds))
            values, offsets = _gather(getattr(self, name), self.starts[rows], self.lengths[rows])
            starts[rows] = offsets[:-1]
            buffers[name] = values
        rows = np.flatnonzero(self.kinds == POLYGON)
        points, ring_offsets, mask_offsets = self._rings(rows)
        starts[rows] = mask_offsets[:-1]
        buffers["ring_ends"] = ring_offsets[1:]
        buffers["coordinates"] = points
        buffers["is_integer"] = self._rings(rows, self.is_integer)[0]
        return Segmentations(
            self.kinds, self.heights, self.widths, starts, self.lengths, *buffers.values()
        )

    # -- masks ------------------------------------------------------------------------------------

    def masks(
        self, size: Size, name: Callable[[int], str] | None = None, source: str = ""
    ) -> Masks:
        """Convert all rows, which must belong to the same image, to masks.

        Parameters
        ----------
        size : tuple of int
            Image size (H, W).
        name : callable, optional
            Function that returns the name of a row, given its index, for error messages. Defaults
            to ``f"object {row}"``.
        source : str, optional
            The file that the rows are from, for warnings. Used only with `name`.

        Returns
        -------
        Masks
            N masks of size (H, W).

        Raises
        ------
        MaskError
            If a segmentation is missing or invalid, or an RLE does not have the size `size`.
        """
        kinds = self.kinds
        every_row, text = slice(0, len(kinds)), kinds.tobytes()

        def polygons(rows: NDArray[np.int64] | slice, height: int, width: int) -> Batch:
            coordinates, ring_offsets, mask_offsets = self._rings(rows)
            named = None
            if name is not None:
                named = lambda mask: (source, name(int(np.arange(len(self))[rows][mask])))  # noqa: E731
            return coco.rasterize(
                coordinates, ring_offsets, mask_offsets, height, width, name=named
            )

        # Small arrays of bytes are counted faster as bytes.
        if text and text.count(STRING) == len(text):
            self._check_sizes(every_row, size, name)
            return wrap(self._decode(self._strings, every_row, size, name))
        if text and text.count(POLYGON) == len(text):
            return wrap(self._decode(polygons, every_row, size, name))
        batches, order = [], []
        for kind, decode in (
            (STRING, self._strings),
            (COUNTS, self._counts),
            (POLYGON, polygons),
        ):
            rows = np.flatnonzero(kinds == kind)
            if len(rows):
                if kind != POLYGON:
                    self._check_sizes(rows, size, name)
                batches.append(self._decode(decode, rows, size, name))
                order.append(rows)
        for row in np.flatnonzero((kinds == OTHER) | (kinds == NONE)).tolist():
            batches.append(self._other(row, size, name))
            order.append(np.array([row]))
        rows = np.concatenate([np.empty(0, np.int64), *order])
        places = np.empty(len(rows), np.int64)
        places[rows] = np.arange(len(rows))
        joined = wrap(_batch.joined(batches)) if batches else _no_masks(size)
        in_order = len(order) <= 1 or bool((rows[1:] > rows[:-1]).all())
        return joined if in_order else joined[places]

    def _decode(
        self,
        decode: Callable[[Any, int, int], Batch],
        rows: NDArray[np.int64] | slice,
        size: Size,
        name: Callable[[int], str] | None,
    ) -> Batch:
        try:
            return decode(rows, *size)
        except MaskError as error:
            row = int(np.arange(len(self))[rows][error.index])
            raise MaskError(
                row, error.detail, "object", _label(row, name), error.position
            ) from None

    def _strings(self, rows: NDArray[np.int64] | slice, height: int, width: int) -> Batch:
        characters, offsets = _gather(self.characters, self.starts[rows], self.lengths[rows])
        return kernels.string_decode(characters, offsets, height, width)

    def _counts(self, rows: NDArray[np.int64], height: int, width: int) -> Batch:
        runs, offsets = _gather(self.runs, self.starts[rows], self.lengths[rows])
        return kernels.counts_decode(runs, offsets, height, width)

    def _rings(
        self, rows: NDArray[np.int64] | slice, values: NDArray[Any] | None = None
    ) -> tuple[NDArray[Any], Offsets, Offsets]:
        """Return the coordinates of polygons, and the offsets of their rings and masks."""
        values = self.coordinates if values is None else values
        starts, lengths = self.starts[rows], self.lengths[rows]
        ends, mask_offsets = _gather(self.ring_ends, starts, lengths)
        begins = np.empty_like(ends)
        begins[1:] = ends[:-1]
        with_rings = np.flatnonzero(lengths)
        before = starts[with_rings] - 1  # the ring before the first one of each row
        begins[mask_offsets[with_rings]] = np.where(before < 0, 0, self.ring_ends[before])
        numbers, offsets = _gather(values, 2 * begins, 2 * (ends - begins))
        return numbers, offsets // 2, mask_offsets

    def _other(self, row: int, size: Size, name: Callable[[int], str] | None) -> Batch:
        try:
            if self.kinds[row] == NONE:
                raise ValueError(
                    "there is no segmentation; Dataset.with_box_masks() takes boxes as masks, and "
                    "Dataset.select() leaves annotations out"
                )
            masks = Masks.from_coco([self.value(row)], size)
        except (ValueError, TypeError) as error:
            detail = error.detail if isinstance(error, ItemError) else str(error)
            raise MaskError(row, detail, "object", _label(row, name)) from None
        return unwrap(masks)

    def _check_sizes(
        self, rows: NDArray[np.int64] | slice, size: Size, name: Callable[[int], str] | None
    ) -> None:
        """Raise MaskError for the first RLE that does not have the size `size`."""
        height, width = size
        differs = (self.heights[rows] != height) | (self.widths[rows] != width)
        if np.count_nonzero(differs):  # faster than any()
            row = int(np.arange(len(self))[rows][differs.argmax()])
            stated = [int(self.heights[row]), int(self.widths[row])]
            swapped = stated == [width, height]
            raise MaskError(
                row,
                f"size {stated} differs from the image's {size}"
                + ("; sizes are [height, width], and one of these seems to be swapped" * swapped),
                "object",
                _label(row, name),
            )

    # -- JSON -------------------------------------------------------------------------------------

    def value(self, row: int) -> Any:
        """Return the segmentation of a row as JSON-like Python objects.

        Parameters
        ----------
        row : int
            Index of the row.

        Returns
        -------
        object
            As ``json.loads`` would return it: an RLE dict, a list of rings, None for a missing
            segmentation, or any other value.

        Raises
        ------
        IndexError
            If `row` is out of range.
        """
        kind, start, length = (int(a[row]) for a in (self.kinds, self.starts, self.lengths))
        stop = start + length
        if kind == NONE:
            return None
        if kind == OTHER:
            return json.loads(self.characters[start:stop].tobytes())
        if kind == POLYGON:
            return [self._ring(ring) for ring in range(start, stop)]
        counts: Any
        if kind == STRING:
            counts = self.characters[start:stop].tobytes().decode("utf-8", "surrogatepass")
        else:
            counts = self.runs[start:stop].tolist()
        return {"size": [int(self.heights[row]), int(self.widths[row])], "counts": counts}

    def _ring(self, ring: int) -> list[float]:
        begin = 2 * int(self.ring_ends[ring - 1]) if ring else 0
        part = slice(begin, 2 * int(self.ring_ends[ring]))
        numbers, integers = self.coordinates[part].tolist(), self.is_integer[part].tolist()
        return [
            int(number) if integer else number
            for number, integer in zip(numbers, integers, strict=True)
        ]


def _no_buffers() -> list[NDArray[Any]]:
    return [np.empty(0, dtype) for dtype in _BUFFERS.values()]


def _no_masks(size: Size) -> Masks:
    return Masks.from_dense(np.empty((0, *size), np.bool_))


def _label(row: int, name: Callable[[int], str] | None) -> str | None:
    return None if name is None else name(row)


def _gather(
    values: NDArray[Any], starts: NDArray[np.int64], lengths: NDArray[np.int64]
) -> tuple[NDArray[Any], Offsets]:
    """Return parts of an array, one after the other, and their offsets; a view if they adjoin."""
    offsets = offsets_of(lengths)
    if len(starts) == 0:
        return values[:0], offsets
    first = int(starts[0])
    if np.count_nonzero(starts - first == offsets[:-1]) == len(starts):
        return values[first : first + int(offsets[-1])], offsets
    return gathered(values, starts, lengths), offsets
