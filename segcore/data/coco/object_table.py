"""Columns of arrays of objects, from Python objects."""

from __future__ import annotations

import json
import math
from array import array
from collections.abc import Callable
from typing import Any

import numpy as np

from segcore._batch import offsets_of
from segcore._input.arrays import described
from segcore.data.columns.layouts import Fields
from segcore.data.columns.table import (
    BOOLEAN,
    FRACTION,
    NULL,
    ODD,
    PLAIN,
    UNKNOWN,
    members_text,
)
from segcore.masks import Masks

MAX_DEPTH = 500
"""Of nested values, as in JSON files: see ``src/json/text.hpp``."""

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_EXACT = 2**53
_SIZE_FIRST, _COUNTS_FIRST = 1, 2


class ObjectTable:
    """Columns of an array of objects, which are added one by one; see ``src/json/table.hpp``.

    The compiled ``read_rows`` of ``segcore/formats/_coco.pyx`` appends common values to the buffers
    of the columns itself.

    Attributes
    ----------
    fields : list of tuple
        Name and kind of each column. Other members are kept as JSON text.
    index : dict
        Index of each column by name.
    by_index : list
        The columns, of the classes below.
    shapes : dict
        Distinct shapes of rows, and their numbers: two bytes per member, its index and its form.
    shape_ids : array of uint32
        Number of the shape of each row.
    positions : array of int64
        Byte offset of each row in the file; -1 if there is none.
    extra : _Text
        The other members of each row.
    """

    def __init__(self, fields: Fields) -> None:
        self.fields = fields
        self.index = {name: index for index, (name, _) in enumerate(fields)}
        self.by_index: list[Any] = [
            _COLUMNS[kind]() if isinstance(kind, str) else _Rows(kind) for _, kind in fields
        ]
        self.shapes: dict[bytes, int] = {}
        self.shape_ids = array("I")
        self.positions = array("q")
        self.extra = _Text()
        self._odd_rows, self._odd_columns, self._odd = array("q"), array("q"), _Text()

    def __len__(self) -> int:
        return len(self.shape_ids)

    def append(self, item: Any, position: int = -1) -> None:
        """Append one object, as :mod:`json` reads it."""
        if not isinstance(item, dict):
            raise ValueError("expected an object")
        shape = bytearray()
        extra = {}
        for name, value in item.items():
            index = self.index.get(name)
            if index is None:
                shape += bytes((UNKNOWN, PLAIN))
                extra[name] = value
            else:
                shape += bytes((index, self.append_value(index, value)))
        for name, index in self.index.items():
            if name not in item:
                self.by_index[index].append_missing()
        self.append_extra(extra)
        self.positions.append(position)
        self.shape_ids.append(self.shapes.setdefault(bytes(shape), len(self.shapes)))

    def append_value(self, index: int, value: Any) -> int:
        """Append a value to a column of the row that is being added, and return its form."""
        column = self.by_index[index]
        form: int | None = NULL if value is None else column.append(value)
        if form is None:
            form = ODD
            self._odd_rows.append(len(self))
            self._odd_columns.append(index)
            self._odd.append(text_of(value))
        if form in (NULL, ODD):
            column.append_missing()
        return form

    def append_extra(self, members: dict[str, Any]) -> None:
        """Append the members of a row that are not columns."""
        self.extra.append(members_text(members))

    def columns(self) -> dict[str, Any]:
        """Return the columns and what is needed to write the objects again."""
        names = [name for name, _ in self.fields]
        return {
            "columns": {n: c.arrays() for n, c in zip(names, self.by_index, strict=True)},
            "shapes": list(self.shapes),
            "shape_ids": np.frombuffer(self.shape_ids, np.uint32),
            "positions": np.frombuffer(self.positions, np.int64),
            "extra": self.extra.arrays(),
            "odd_rows": np.frombuffer(self._odd_rows, np.int64),
            "odd_columns": np.frombuffer(self._odd_columns, np.int64),
            "odd": self._odd.arrays(),
        }


def text_of(value: Any) -> bytes:
    """Return a value as JSON text."""
    return _ENCODER.encode(value).encode("utf-8", "surrogatepass")


def plain(value: Any, depth: int = MAX_DEPTH) -> Any:
    """Return a value of a document as :mod:`json` would read it from a file.

    Raises TypeError for values that are neither JSON's nor NumPy's, and ValueError for those that
    are nested too deeply.
    """
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, (np.ndarray, np.generic, bytes)):
        return _plain_array(value)
    for kind in (str, int, float):  # an enumeration, for example
        if isinstance(value, kind):
            return kind(value) if kind is not str else str.__str__(value)
    if not isinstance(value, (dict, list, tuple)):
        raise TypeError(f"document: expected JSON values, got {described(value)}")
    if not depth:
        raise ValueError("expected fewer nested values")
    # Without comprehensions, which are calls that count for Python's recursion limit.
    if not isinstance(value, dict):
        items = []
        for item in value:
            items.append(plain(item, depth - 1))  # noqa: PERF401
        return items
    members = {}
    for name, member in value.items():
        members[plain_name(name)] = plain(member, depth - 1)
    if len(members) < len(value):
        raise ValueError("expected names that differ as strings")
    return members


def _plain_array(value: Any) -> Any:
    """Convert bytes, and the values of NumPy: a dense mask becomes an RLE."""
    if isinstance(value, bytes):
        if value.isascii():
            return value.decode()
    elif isinstance(value, np.ndarray) and value.dtype == bool and value.ndim == 2:
        return Masks.from_dense(value).to_coco()[0]
    elif value.dtype.kind in "biuf" and value.dtype.itemsize <= 8:
        return value.tolist()
    raise TypeError(f"document: expected JSON values, got {described(value)}")


def plain_name(name: Any) -> str:
    """Return the name of a member as :mod:`json` writes it, such as ``"1"`` for 1."""
    if type(name) is str:
        return name
    [text] = json.loads(json.dumps({name: None}))
    return str(text)


# -- columns: append() returns the form of a value, or None if the value does not fit --------------


class _Integer:
    def __init__(self) -> None:
        self.values = array("q")

    def append(self, value: Any) -> int | None:
        if isinstance(value, float) and abs(value) <= _EXACT and value == int(value):
            if value == 0 and math.copysign(1, value) < 0:
                return None
            self.values.append(int(value))
            return FRACTION
        if not isinstance(value, int) or abs(value) > 2**62:
            return None
        self.values.append(value)
        return BOOLEAN if isinstance(value, bool) else PLAIN

    def append_missing(self) -> None:
        self.values.append(0)

    def arrays(self) -> Any:
        return np.frombuffer(self.values, np.int64)


class _Number:
    def __init__(self) -> None:
        self.values = array("d")

    def append(self, value: Any) -> int | None:
        if isinstance(value, bool) or not _is_number(value):
            return None
        self.values.append(value)
        return PLAIN if isinstance(value, int) else FRACTION

    def append_missing(self) -> None:
        self.values.append(float("nan"))

    def arrays(self) -> Any:
        return np.frombuffer(self.values, np.float64)


class _Box(_Number):
    def append(self, value: Any) -> int | None:
        if not isinstance(value, list) or len(value) != 4 or not all(map(_is_number, value)):
            return None
        self.values.extend(value)
        return sum(isinstance(number, int) << i for i, number in enumerate(value))

    def append_missing(self) -> None:
        self.values.extend([float("nan")] * 4)

    def arrays(self) -> Any:
        return super().arrays().reshape(-1, 4)


class _Text:
    def __init__(self) -> None:
        self.data = bytearray()
        self.lengths = array("q")

    def append(self, value: Any) -> int | None:
        if isinstance(value, str):
            value = value.encode("utf-8", "surrogatepass")
        if not isinstance(value, bytes):
            return None
        self.data += value
        self.lengths.append(len(value))
        return PLAIN

    def append_missing(self) -> None:
        self.lengths.append(0)

    def arrays(self) -> Any:
        lengths = np.frombuffer(self.lengths, np.int64)
        return np.frombuffer(self.data, np.uint8), offsets_of(lengths)[:-1], lengths


class _Segmentation:
    def __init__(self) -> None:
        self.kinds = bytearray()
        self.heights, self.widths, self.starts, self.lengths = (array("q") for _ in range(4))
        self.characters = bytearray()
        self.runs, self.ring_ends = array("q"), array("q")
        self.coordinates, self.is_integer = array("d"), bytearray()

    def append(self, value: Any) -> int | None:
        if type(value) is dict and (form := self._append_rle(value)):
            return form
        if isinstance(value, list) and _is_polygon(value):
            self._head(3, 0, 0, len(self.ring_ends), len(value))
            for ring in value:
                self.coordinates.extend(ring)
                self.is_integer += bytes(isinstance(number, int) for number in ring)
                self.ring_ends.append(len(self.coordinates) // 2)
            return PLAIN
        text = text_of(value)
        self._head(4, 0, 0, len(self.characters), len(text))
        self.characters += text
        return PLAIN

    def append_missing(self) -> None:
        self._head(0, 0, 0, 0, 0)

    def _append_rle(self, rle: dict[str, Any]) -> int:
        size, counts = rle.get("size"), rle.get("counts")
        if len(rle) != 2 or not isinstance(size, list) or len(size) != 2:
            return 0
        if not all(type(side) is int and 0 <= side < 2**31 for side in size):
            return 0
        if isinstance(counts, str):
            data = counts.encode("utf-8", "surrogatepass")
            self._head(1, *size, len(self.characters), len(data))
            self.characters += data
        elif isinstance(counts, list) and all(type(r) is int and abs(r) <= 2**62 for r in counts):
            self._head(2, *size, len(self.runs), len(counts))
            self.runs.extend(counts)
        else:
            return 0
        return _SIZE_FIRST if next(iter(rle)) == "size" else _COUNTS_FIRST

    def _head(self, kind: int, *numbers: int) -> None:
        self.kinds.append(kind)
        columns = self.heights, self.widths, self.starts, self.lengths
        for column, number in zip(columns, numbers, strict=True):
            column.append(number)

    def arrays(self) -> Any:
        return (
            np.frombuffer(self.kinds, np.uint8),
            np.frombuffer(self.heights, np.int64),
            np.frombuffer(self.widths, np.int64),
            np.frombuffer(self.starts, np.int64),
            np.frombuffer(self.lengths, np.int64),
            np.frombuffer(self.characters, np.uint8),
            np.frombuffer(self.runs, np.int64),
            np.frombuffer(self.ring_ends, np.int64),
            np.frombuffer(self.coordinates, np.float64),
            np.frombuffer(self.is_integer, np.uint8),
        )


class _Rows(_Integer):
    """Nested tables: the number of rows of each, and all rows."""

    def __init__(self, fields: Fields) -> None:
        super().__init__()
        self._table = ObjectTable(fields)

    def append(self, value: Any) -> int | None:
        if not isinstance(value, list):
            return None
        for item in value:
            self._table.append(item)
        self.values.append(len(value))
        return PLAIN

    def arrays(self) -> Any:
        return super().arrays(), self._table.columns()


_COLUMNS: dict[str, Callable[[], Any]] = {
    "integer": _Integer,
    "number": _Number,
    "text": _Text,
    "box": _Box,
    "segmentation": _Segmentation,
}


def _is_number(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, float) or (isinstance(value, int) and abs(value) <= _EXACT)


def _is_polygon(value: list[Any]) -> bool:
    """Return whether these are rings of pairs of numbers, the first of at least three points."""
    for least, ring in zip([6] + [0] * len(value), value, strict=False):
        if not isinstance(ring, list) or len(ring) < least or len(ring) % 2:
            return False
        if not all(map(_is_number, ring)):
            return False
    return True
