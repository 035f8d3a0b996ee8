"""Segmentations to Arrow arrays and back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from segcore._batch import offsets_of, spread
from segcore.backends import kernels
from segcore.data.columns.checks import is_among
from segcore.data.columns.segmentations import COUNTS, NONE, OTHER, POLYGON, STRING, Segmentations
from segcore.data.columns.texts import Texts
from segcore.data.errors import DatasetError
from segcore.data.parquet.arrays import (
    from_bytes,
    from_lists,
    from_numbers,
    is_valid,
    to_array,
    to_bytes,
    to_lists,
    to_optional,
)
from segcore.errors import MaskError
from segcore.masks import Masks, unwrap

# -- writing ---------------------------------------------------------------------------------------


def encode_segmentations(
    column: Segmentations, heights: NDArray[np.int64], widths: NDArray[np.int64]
) -> tuple[pa.Array, pa.Array, dict[str, pa.Array]]:
    """Return the masks, the polygons, and how the segmentations are written.

    Parameters
    ----------
    column : Segmentations
        N segmentations.
    heights, widths : numpy.ndarray
        Image size of each row, for polygons: int64, shape (N,).
    """
    kinds = column.kinds
    is_polygon = kinds == POLYGON
    strings, exact = _as_strings(column, heights, widths)
    has_mask = strings.kinds == STRING
    sizes = np.column_stack([strings.heights, strings.widths])[has_mask].astype(np.int32)
    size = to_lists(offsets_of(2 * has_mask), to_array(sizes.ravel()), has_mask)
    counts = to_bytes(Texts(strings.characters, strings.starts, strings.lengths), has_mask)
    mask = pa.StructArray.from_arrays([size, counts], ["size", "counts"], mask=to_array(~has_mask))
    polygons, integers = _polygons(column, is_polygon)
    texts: list[bytes | None] = [None] * len(column)
    for row in np.flatnonzero((kinds == OTHER) | ((kinds == COUNTS) & ~exact)).tolist():
        texts[row] = json.dumps(column.value(row)).encode()
    form = {
        "kind": to_array(kinds),
        "integers": integers,
        "segmentation": to_optional(texts),
    }
    return mask, polygons, form


def as_strings(
    column: Segmentations, heights: NDArray[np.int64], widths: NDArray[np.int64]
) -> Segmentations:
    """Return compressed RLEs where they can be made; the other rows have no segmentation."""
    return _as_strings(column, heights, widths)[0]


def _as_strings(
    column: Segmentations, heights: NDArray[np.int64], widths: NDArray[np.int64]
) -> tuple[Segmentations, NDArray[np.bool_]]:
    """Return compressed RLEs where they can be made, and for which rows the counts follow from it.

    The other rows have no segmentation. Sizes are those of the images, for polygons.
    """
    is_polygon = column.kinds == POLYGON
    heights = np.where(is_polygon, heights, column.heights)
    widths = np.where(is_polygon, widths, column.widths)
    is_exact = np.zeros(len(column), np.bool_)
    given = np.flatnonzero(column.kinds == STRING)
    parts, order = [column[given]], [given]
    to_encode = np.flatnonzero(is_among(column.kinds, (COUNTS, POLYGON)))
    sizes = np.column_stack([heights, widths])[to_encode]
    different, group = np.unique(sizes, axis=0, return_inverse=True)
    for number, (height, width) in enumerate(different.tolist()):
        for rows, masks in _valid_masks(column, to_encode[group == number], (height, width)):
            parts.append(Segmentations.from_masks(masks))
            order.append(rows)
            runs, offsets = kernels.counts_encode(unwrap(masks))
            for i, row in enumerate(rows.tolist()):
                if column.kinds[row] == COUNTS:
                    start = int(column.starts[row])
                    stated = column.runs[start : start + int(column.lengths[row])]
                    is_exact[row] = np.array_equal(stated, runs[offsets[i] : offsets[i + 1]])
    made = np.concatenate(order)
    rest = np.setdiff1d(np.arange(len(column)), made)
    rows = np.concatenate([made, rest])
    strings = Segmentations.concatenate([*parts, Segmentations.empty(len(rest))])
    return strings[np.argsort(rows)], is_exact


def _valid_masks(
    column: Segmentations, rows: NDArray[np.int64], size: tuple[int, int]
) -> Iterator[tuple[NDArray[np.int64], Masks]]:
    """Yield the masks of rows, without those that are invalid."""
    if not len(rows):
        return
    try:
        yield rows, column[rows].masks(size)
    except (ValueError, TypeError, OverflowError):
        if len(rows) > 1:
            for half in np.array_split(rows, 2):
                yield from _valid_masks(column, half, size)


def _polygons(column: Segmentations, is_polygon: NDArray[np.bool_]) -> tuple[pa.Array, pa.Array]:
    """Return the polygons, and which coordinates are written as integers.

    The latter is null for a polygon in which those without a fraction are, empty if none is, and
    otherwise has a bit per coordinate.
    """
    part = column[np.flatnonzero(is_polygon)].compact()
    rings = np.zeros(len(column), np.int64)
    rings[is_polygon] = part.lengths
    ring_offsets = np.concatenate([np.zeros(1, np.int64), 2 * part.ring_ends])
    polygons = to_lists(
        offsets_of(rings), to_lists(ring_offsets, to_array(part.coordinates)), is_polygon
    )
    numbers = part.coordinates
    is_integer = part.is_integer.astype(np.bool_)
    offsets = ring_offsets[offsets_of(part.lengths)]
    unusual = _any(is_integer != _has_no_fraction(numbers), offsets)
    some = _any(is_integer, offsets)
    bits: list[bytes | None] = [None] * len(column)
    polygon_rows = np.flatnonzero(is_polygon)
    for i in np.flatnonzero(unusual).tolist():
        written = is_integer[offsets[i] : offsets[i + 1]]
        bits[polygon_rows[i]] = np.packbits(written).tobytes() if some[i] else b""
    return polygons, to_optional(bits)


def _has_no_fraction(numbers: NDArray[np.float64]) -> NDArray[np.bool_]:
    whole: NDArray[np.bool_] = numbers == np.floor(numbers)
    return whole


def _any(values: NDArray[np.bool_], offsets: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return for each part of an array whether one of its values is true."""
    before = offsets_of(values)
    return before[offsets[1:]] > before[offsets[:-1]]


# -- reading ---------------------------------------------------------------------------------------


def decode_segmentations(
    path: str,
    count: int,
    mask: tuple[pa.Array, pa.Array] | None,
    polygons: pa.Array | None,
    kinds: pa.Array | None,
    integers: pa.Array | None,
    texts: pa.Array | None,
) -> Segmentations:
    """Return segmentations in the forms in which they were written.

    Parameters
    ----------
    path : str
        The file, for error messages.
    count : int
        Number of rows.
    mask : tuple of pyarrow.Array, optional
        Sizes (lists of integers) and compressed counts (bytes).
    polygons : pyarrow.Array, optional
        Rings of each row.
    kinds, integers, texts : pyarrow.Array, optional
        Kind of each row, which coordinates are integers, and JSON of other segmentations.
    """
    part = _Part(path, count, mask, polygons, integers, texts)
    kind = part.kinds() if kinds is None else part.checked(from_numbers(kinds, 0xFF))
    pieces, order = [], []
    for number, make in (
        (NONE, lambda rows: Segmentations.empty(len(rows))),
        (STRING, part.strings),
        (COUNTS, part.counts),
        (POLYGON, part.polygons),
        (OTHER, part.others),
    ):
        rows = np.flatnonzero(kind == number)
        if len(rows):
            pieces.append(make(rows))
            order.append(rows)
    if len(pieces) == 1:
        return pieces[0]
    rows = np.concatenate([np.empty(0, np.int64), *order])
    return Segmentations.concatenate(pieces)[np.argsort(rows)]


class _Part:
    def __init__(
        self,
        path: str,
        count: int,
        mask: tuple[pa.Array, pa.Array] | None,
        polygons: pa.Array | None,
        integers: pa.Array | None,
        texts: pa.Array | None,
    ) -> None:
        self._path = path
        self._count = count
        self._mask = mask
        self._polygon = polygons
        self._integers = integers
        self._text = texts

    def _there(self, array: pa.Array | None) -> NDArray[np.bool_]:
        return np.zeros(self._count, np.bool_) if array is None else is_valid(array)

    def _refuse(self, rows: NDArray[Any], detail: str) -> None:
        if len(rows):
            raise DatasetError(self._path, detail, f"row {rows[0]}")

    def kinds(self) -> NDArray[np.uint8]:
        """Return the kinds of a table that segcore did not write."""
        kinds = np.full(self._count, NONE, np.uint8)
        if self._mask is not None:
            kinds[self._there(self._mask[1])] = STRING
        kinds[self._there(self._polygon)] = POLYGON
        return kinds

    def checked(self, kinds: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Raise DatasetError unless each row has what its kind needs."""
        has_text = self._there(self._text)
        has_mask = self._there(None if self._mask is None else self._mask[1])
        lacks = (
            (kinds > OTHER)
            | ((kinds == STRING) & ~has_mask)
            | ((kinds == COUNTS) & ~has_mask & ~has_text)
            | ((kinds == POLYGON) & ~self._there(self._polygon))
            | ((kinds == OTHER) & ~has_text)
        )
        self._refuse(np.flatnonzero(lacks), "json.kind: expected the form of the segmentation")
        return kinds

    def strings(self, rows: NDArray[np.int64]) -> Segmentations:
        """Return rows with compressed RLEs."""
        assert self._mask is not None
        sizes, counts = self._mask
        offsets, sides = from_lists(sizes, rows)
        numbers = from_numbers(sides, -1).astype(np.int64, copy=False)
        bad = np.flatnonzero(np.diff(offsets) != 2)
        self._refuse(rows[bad], "mask.size: expected height and width")
        numbers = numbers.reshape(-1, 2)
        bad = np.flatnonzero(((numbers < 0) | (numbers >= 2**31)).any(axis=1))
        self._refuse(rows[bad], "mask.size: expected sides from 0 to 2**31 - 1")
        texts = from_bytes(counts)[rows].compact()
        kinds = np.full(len(rows), STRING, np.uint8)
        return Segmentations.from_strings(kinds, numbers[:, 0], numbers[:, 1], texts)

    def counts(self, rows: NDArray[np.int64]) -> Segmentations:
        """Return rows with lists of run lengths, which follow from the mask or are in a text."""
        in_text = self._there(self._text)[rows]
        runs: list[Any] = [()] * len(rows)
        heights, widths = np.zeros((2, len(rows)), np.int64)
        for i in np.flatnonzero(in_text).tolist():
            heights[i], widths[i], runs[i] = self._counts(int(rows[i]))
        sized = np.flatnonzero(~in_text)
        strings = self.strings(rows[sized])
        heights[sized], widths[sized] = strings.heights, strings.widths
        for height, width in set(
            zip(strings.heights.tolist(), strings.widths.tolist(), strict=True)
        ):
            same = np.flatnonzero((strings.heights == height) & (strings.widths == width))
            try:
                masks = strings[same].masks((height, width))
            except MaskError as error:
                row = rows[sized[same[error.index]]]
                raise DatasetError(self._path, f"mask: {error.detail}", f"row {row}") from None
            numbers, offsets = kernels.counts_encode(unwrap(masks))
            for i, row in enumerate(sized[same].tolist()):
                runs[row] = numbers[offsets[i] : offsets[i + 1]]
        lengths = np.array([len(part) for part in runs], np.int64)
        made = Segmentations.empty(len(rows))
        made.kinds = np.full(len(rows), COUNTS, np.uint8)
        made.heights, made.widths = heights, widths
        made.starts, made.lengths = np.cumsum(lengths) - lengths, lengths
        made.runs = np.concatenate(
            [np.empty(0, np.int64), *(np.asarray(r, np.int64) for r in runs)]
        )
        return made

    def _counts(self, row: int) -> tuple[int, int, list[int]]:
        """Return height, width and run lengths from the JSON text of a row."""
        rle = self._json(row)
        try:
            (height, width), runs = rle["size"], rle["counts"]
            valid = all(type(n) is int and abs(n) <= 2**62 for n in (height, width, *runs))
        except (TypeError, ValueError, KeyError):
            valid = False
        if not valid:
            raise DatasetError(self._path, "json.segmentation: expected an RLE", f"row {row}")
        return height, width, runs

    def _json(self, row: int) -> Any:
        assert self._text is not None
        try:
            return json.loads(self._text[row].as_py())
        except (ValueError, RecursionError):
            raise DatasetError(
                self._path, "json.segmentation: expected JSON", f"row {row}"
            ) from None

    def polygons(self, rows: NDArray[np.int64]) -> Segmentations:
        """Return rows of polygons. Invalid ones, such as rings of two points, are kept as JSON."""
        assert self._polygon is not None
        offsets, rings = from_lists(self._polygon, rows)
        ring_offsets, values = from_lists(rings)
        is_odd = np.diff(ring_offsets) % 2 != 0
        odd_before = np.concatenate([np.zeros(1, np.int64), np.cumsum(is_odd)])
        first = np.minimum(offsets[:-1], max(len(rings) - 1, 0))
        first_length = np.diff(ring_offsets)[first] if len(rings) else np.zeros(len(rows), int)
        is_other = odd_before[offsets[1:]] > odd_before[offsets[:-1]]
        is_other |= (np.diff(offsets) > 0) & (first_length < 6)
        if is_other.any():
            return self._with_others(rows, is_other)
        coordinates = np.ascontiguousarray(from_numbers(values, np.nan))
        made = Segmentations.empty(len(rows))
        made.kinds = np.full(len(rows), POLYGON, np.uint8)
        made.starts, made.lengths = offsets[:-1], np.diff(offsets)
        made.ring_ends = ring_offsets[1:] // 2
        made.coordinates = coordinates
        made.is_integer = self._is_integer(rows, coordinates, ring_offsets[offsets])
        return made

    def _with_others(self, rows: NDArray[np.int64], is_other: NDArray[np.bool_]) -> Segmentations:
        assert self._polygon is not None
        good, bad = np.flatnonzero(~is_other), np.flatnonzero(is_other)
        rings = [self._polygon[row].as_py() for row in rows[bad].tolist()]
        texts = [json.dumps(value).encode() for value in rings]
        parts = [self.polygons(rows[good])] if len(good) else []
        order = np.concatenate([good, bad])
        return Segmentations.concatenate([*parts, _others(texts)])[np.argsort(order)]

    def _is_integer(
        self,
        rows: NDArray[np.int64],
        coordinates: NDArray[np.float64],
        offsets: NDArray[np.int64],
    ) -> NDArray[np.uint8]:
        """Return which coordinates are written as integers."""
        if self._integers is None:
            return np.zeros(len(coordinates), np.uint8)
        is_integer = _has_no_fraction(coordinates).astype(np.uint8)
        stated = np.flatnonzero(is_valid(self._integers)[rows])
        texts = from_bytes(self._integers)[rows[stated]].compact()
        starts, counts = offsets[stated], np.diff(offsets)[stated]
        has_bits = texts.lengths > 0
        bad = np.flatnonzero(has_bits & (texts.lengths != (counts + 7) // 8))
        self._refuse(rows[stated[bad]], "json.integers: expected one bit per coordinate")
        is_integer[spread(starts, offsets_of(counts))] = 0
        parts = offsets_of(counts[has_bits])
        bits = np.unpackbits(texts.data)[spread(8 * texts.starts[has_bits], parts)]
        is_integer[spread(starts[has_bits], parts)] = bits
        return is_integer

    def others(self, rows: NDArray[np.int64]) -> Segmentations:
        """Return rows with other JSON values."""
        return _others([json.dumps(self._json(row)).encode() for row in rows.tolist()])


def _others(texts: list[bytes]) -> Segmentations:
    lengths = np.array([len(text) for text in texts], np.int64)
    made = Segmentations.empty(len(texts))
    made.kinds = np.full(len(texts), OTHER, np.uint8)
    made.starts, made.lengths = np.cumsum(lengths) - lengths, lengths
    made.characters = np.frombuffer(b"".join(texts), np.uint8)
    return made
