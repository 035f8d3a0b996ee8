"""Twin of the compiled JSON reader and writer, for installations without a compiler.

It has the same results, but reads a file as a whole with :mod:`json`. What differs:

- errors of syntax have the message of :mod:`json`, and the depth of nested values is limited by
  Python's recursion limit instead of 500;
- of names that are repeated in an RLE, which is kept as text, only the last value is;
- the text of unknown members and odd values of rows is written anew, without white space.
"""

from __future__ import annotations

import json
import math
import re
from array import array
from collections.abc import Iterator
from typing import Any

import numpy as np

from segcore._batch import offsets_of
from segcore.data.columns.segmentations import Segmentations

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_EXACT = 2**53
PLAIN, FRACTION, BOOLEAN, NULL, ODD, UNKNOWN = 0, 1, 2, 0x20, 0x21, 0xFF
SIZE_FIRST, COUNTS_FIRST = 1, 2


class JsonReader:
    """Reads a file as a whole; see ``src/bind/bind_json.cpp``."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._is_whole = False
        self._text = ""
        self._at = 0  # index in the text
        self._measured = 0, 0  # an index, and its offset in bytes
        self._is_first = True  # of the outermost object
        self._items: Iterator[tuple[int, Any]] | None = None
        self.error_offset: int | None = None

    def feed(self, data: bytes) -> None:
        """Add a piece of the text."""
        self._parts.append(data)

    def fill(self, readinto: Any, count: int) -> int:
        """Have ``readinto`` read a piece of the text; nothing: the text has ended."""
        memory = bytearray(count)
        got = int(readinto(memory) or 0)
        self.feed(bytes(memory[:got]))
        self._is_whole = not got
        return got

    @property
    def offset(self) -> int:
        """Byte offset of what is taken next."""
        index, offset = self._measured if self._measured[0] <= self._at else (0, 0)
        offset += len(self._text[index : self._at].encode("utf-8", "surrogatepass"))
        self._measured = self._at, offset
        return offset

    def ahead(self, count: int) -> bytes:
        """Return the text that follows."""
        return self._text[self._at : self._at + count].encode("utf-8", "surrogatepass")[:count]

    def enter(self) -> str | None:
        """Enter the outermost value."""
        if not self._is_whole:
            return None
        data = b"".join(self._parts)
        self._parts.clear()
        try:
            self._text = data.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError as error:
            self.error_offset = error.start
            raise ValueError("expected UTF-8") from None
        if self._peek() == "{":
            self._at += 1
            return "{"
        if self._peek() == "[":
            return "["
        self._take()
        raise ValueError("expected an object or an array")

    def _peek(self) -> str:
        """Skip white space, and return the next character; it is empty at the end."""
        space = _SPACE.match(self._text, self._at)
        self._at = space.end() if space else self._at
        return self._text[self._at : self._at + 1]

    def _expect(self, characters: str, name: str) -> str:
        """Take the next character, which must be one of these."""
        found = self._peek()
        if not found or found not in characters:
            self.error_offset = self.offset
            raise ValueError(f"expected JSON: Expecting {name}")
        self._at += 1
        return found

    def _take(self) -> Any:
        """Take the next value."""
        self._peek()
        try:
            value, self._at = _DECODER.raw_decode(self._text, self._at)
        except json.JSONDecodeError as error:
            self._at = error.pos
            self.error_offset = self.offset
            raise ValueError(f"expected JSON: {error.msg}") from None
        except RecursionError:
            raise ValueError("expected fewer nested values") from None
        except ValueError:  # of int()
            raise ValueError("expected an integer of at most 4300 digits") from None
        return value

    def name(self) -> Any:
        """Return the next name, as JSON text, or False."""
        if self._peek() == "}" and self._is_first:
            self._at += 1
            return False
        if not self._is_first and self._expect(",}", "',' delimiter") == "}":
            return False
        self._is_first = False
        if self._peek() != '"':
            self._expect('"', "property name enclosed in double quotes")
        name = self._take()
        self._expect(":", "':' delimiter")
        return json.dumps(name).encode()

    def value(self) -> bytes:
        """Return the text of the value."""
        self._peek()
        begin = self._at
        self._take()
        return self._text[begin : self._at].encode("utf-8", "surrogatepass")

    def rows(self, table: JsonTable, threads: int = 1) -> bool | bytes:
        """Read the value, an array of objects, on one thread.

        Stop after an object that repeats a name, and return its text, in which the last value of a
        name counts.
        """
        del threads
        if self._items is None:
            if self._peek() != "[":
                self.error_offset = self.offset
                self._take()
                raise ValueError("expected an array of objects")
            self._items = self._array()
        for offset, item in self._items:
            if table.has_repeated_name(item):
                return _text(item)
            self.error_offset = offset
            table.append(item, offset)
        self._items = None
        return True

    def _array(self) -> Iterator[tuple[int, Any]]:
        """Take an array; yield the byte offset and the value of each item."""
        self._at += 1
        is_first = True
        while not (self._peek() == "]" and is_first):
            if not is_first and self._expect(",]", "',' delimiter") == "]":
                return
            is_first = False
            self._peek()
            yield self.offset, self._take()
        self._at += 1

    def end(self) -> bool:
        """Make sure that nothing follows, and return True."""
        if self._peek():
            self.error_offset = self.offset
            raise ValueError("expected JSON: Extra data")
        return True


class JsonTable:
    """Columns of an array of objects; see ``src/json/table.hpp``."""

    def __init__(self, fields: list[tuple[str, Any]], text_size: int = 0) -> None:
        del text_size  # which the compiled table reserves memory for
        self._fields = fields
        self._index = {name: i for i, (name, _) in enumerate(fields)}
        self._columns = [
            _COLUMNS[kind]() if isinstance(kind, str) else _Rows(kind) for _, kind in fields
        ]
        self._shapes: dict[bytes, int] = {}
        self._shape_ids = array("I")
        self._positions = array("q")
        self._extra = _Text()
        self._odd_rows, self._odd_columns, self._odd = array("q"), array("q"), _Text()

    def __len__(self) -> int:
        return len(self._shape_ids)

    def read_one(self, text: bytes, offset: int) -> None:
        """Append one object."""
        self.append(json.loads(text), offset)

    def has_repeated_name(self, item: Any) -> bool:
        """Return whether an object, or one of its nested rows, repeats a name."""
        if not isinstance(item, dict):
            return False
        rows = [item.get(name) for name, kind in self._fields if not isinstance(kind, str)]
        nested = (row for value in rows if isinstance(value, list) for row in value)
        return isinstance(item, _Repeated) or any(isinstance(row, _Repeated) for row in nested)

    def append(self, item: Any, offset: int = 0) -> None:
        """Append one object, which begins at a byte of the file."""
        if not isinstance(item, dict):
            raise ValueError("expected an object")
        shape = bytearray()
        extra = []
        for name, value in item.items():
            index = self._index.get(name)
            if index is None:
                shape += bytes((UNKNOWN, PLAIN))
                extra.append(_text(name) + b":" + _text(value))
                continue
            form = NULL if value is None else self._columns[index].append(value)
            if form is None:
                form = ODD
                self._odd_rows.append(len(self))
                self._odd_columns.append(index)
                self._odd.append(_text(value))
            if form in (NULL, ODD):
                self._columns[index].append_missing()
            shape += bytes((index, form))
        for name, index in self._index.items():
            if name not in item:
                self._columns[index].append_missing()
        self._extra.append(b",".join(extra))
        self._positions.append(offset)
        self._shape_ids.append(self._shapes.setdefault(bytes(shape), len(self._shapes)))

    def columns(self) -> dict[str, Any]:
        """Return the columns and what is needed to write the objects again."""
        names = [name for name, _ in self._fields]
        return {
            "columns": {n: c.arrays() for n, c in zip(names, self._columns, strict=True)},
            "shapes": list(self._shapes),
            "shape_ids": np.array(self._shape_ids, np.uint32),
            "positions": np.array(self._positions, np.int64),
            "extra": self._extra.arrays(),
            "odd_rows": np.array(self._odd_rows, np.int64),
            "odd_columns": np.array(self._odd_columns, np.int64),
            "odd": self._odd.arrays(),
        }


class _Repeated(dict[str, Any]):
    """An object that repeats a name."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    return made if len(made) == len(pairs) else _Repeated(made)


_DECODER = json.JSONDecoder(object_pairs_hook=_object)
_SPACE = re.compile(r"[ \t\n\r]*")


def _text(value: Any) -> bytes:
    return _ENCODER.encode(value).encode("utf-8", "surrogatepass")


# -- columns: append() returns the form of a value, or None if the value does not fit --------------


class _Integer:
    def __init__(self) -> None:
        self._values = array("q")

    def append(self, value: Any) -> int | None:
        if isinstance(value, float) and abs(value) <= _EXACT and value == int(value):
            if value == 0 and math.copysign(1, value) < 0:
                return None
            self._values.append(int(value))
            return FRACTION
        if not isinstance(value, int) or abs(value) > 2**62:
            return None
        self._values.append(value)
        return BOOLEAN if isinstance(value, bool) else PLAIN

    def append_missing(self) -> None:
        self._values.append(0)

    def arrays(self) -> Any:
        return np.array(self._values, np.int64)


class _Number:
    def __init__(self) -> None:
        self._values = array("d")

    def append(self, value: Any) -> int | None:
        if isinstance(value, bool) or not _is_number(value):
            return None
        self._values.append(value)
        return PLAIN if isinstance(value, int) else FRACTION

    def append_missing(self) -> None:
        self._values.append(float("nan"))

    def arrays(self) -> Any:
        return np.array(self._values, np.float64)


class _Box(_Number):
    def append(self, value: Any) -> int | None:
        if not isinstance(value, list) or len(value) != 4 or not all(map(_is_number, value)):
            return None
        self._values.extend(value)
        return sum(isinstance(number, int) << i for i, number in enumerate(value))

    def append_missing(self) -> None:
        self._values.extend([float("nan")] * 4)

    def arrays(self) -> Any:
        return np.array(self._values, np.float64).reshape(-1, 4)


class _Text:
    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def append(self, value: Any) -> int | None:
        if isinstance(value, str):
            value = value.encode("utf-8", "surrogatepass")
        if not isinstance(value, bytes):
            return None
        self._parts.append(value)
        return PLAIN

    def append_missing(self) -> None:
        self._parts.append(b"")

    def arrays(self) -> Any:
        offsets = offsets_of([len(part) for part in self._parts])
        return np.frombuffer(b"".join(self._parts), np.uint8), offsets[:-1], np.diff(offsets)


class _Segmentation:
    def __init__(self) -> None:
        self._kinds = bytearray()
        self._heads = [array("q") for _ in range(4)]  # heights, widths, starts, lengths
        self._characters = bytearray()
        self._runs, self._ring_ends = array("q"), array("q")
        self._coordinates, self._is_integer = array("d"), bytearray()

    def append(self, value: Any) -> int | None:
        if isinstance(value, dict) and (form := self._append_rle(value)):
            return form
        if isinstance(value, list) and _is_polygon(value):
            self._head(3, 0, 0, len(self._ring_ends), len(value))
            for ring in value:
                self._coordinates.extend(ring)
                self._is_integer += bytes(isinstance(number, int) for number in ring)
                self._ring_ends.append(len(self._coordinates) // 2)
            return PLAIN
        text = _text(value)
        self._head(4, 0, 0, len(self._characters), len(text))
        self._characters += text
        return PLAIN

    def append_missing(self) -> None:
        self._head(0, 0, 0, 0, 0)

    def _append_rle(self, rle: dict[str, Any]) -> int:
        size, counts = rle.get("size"), rle.get("counts")
        if isinstance(rle, _Repeated) or len(rle) != 2:  # kept as text
            return 0
        if not isinstance(size, list) or len(size) != 2:
            return 0
        if not all(type(side) is int and 0 <= side < 2**31 for side in size):
            return 0
        if isinstance(counts, str):
            data = counts.encode("utf-8", "surrogatepass")
            self._head(1, *size, len(self._characters), len(data))
            self._characters += data
        elif isinstance(counts, list) and all(type(r) is int and abs(r) <= 2**62 for r in counts):
            self._head(2, *size, len(self._runs), len(counts))
            self._runs.extend(counts)
        else:
            return 0
        return SIZE_FIRST if next(iter(rle)) == "size" else COUNTS_FIRST

    def _head(self, kind: int, *numbers: int) -> None:
        self._kinds.append(kind)
        for column, number in zip(self._heads, numbers, strict=True):
            column.append(number)

    def arrays(self) -> Any:
        return (
            np.frombuffer(bytes(self._kinds), np.uint8),
            *(np.array(column, np.int64) for column in self._heads),
            np.frombuffer(bytes(self._characters), np.uint8),
            np.array(self._runs, np.int64),
            np.array(self._ring_ends, np.int64),
            np.array(self._coordinates, np.float64),
            np.frombuffer(bytes(self._is_integer), np.uint8),
        )


class _Rows(_Integer):
    """Nested tables: the number of rows of each, and all rows."""

    def __init__(self, fields: list[tuple[str, Any]]) -> None:
        super().__init__()
        self._table = JsonTable(fields)

    def append(self, value: Any) -> int | None:
        if not isinstance(value, list):
            return None
        for item in value:
            self._table.append(item)
        self._values.append(len(value))
        return PLAIN

    def arrays(self) -> Any:
        return super().arrays(), self._table.columns()


_COLUMNS: dict[str, Any] = {
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


# -- writing --------------------------------------------------------------------------------------


def write_json_rows(
    fields: list[tuple[str, str, Any]],
    shapes: list[bytes],
    shape_ids: Any,
    extra: Any,
    odd_rows: Any,
    odd_columns: Any,
    odd: Any,
) -> bytes:
    """Return the objects of a table, separated by commas."""
    odd_texts = {
        (row, column): _part(odd, i)
        for i, (row, column) in enumerate(zip(odd_rows.tolist(), odd_columns.tolist(), strict=True))
    }
    objects = []
    for row, shape_id in enumerate(shape_ids.tolist()):
        unknown = iter(json.loads(b"{" + _part(extra, row) + b"}").items())
        members = []
        shape = shapes[shape_id]
        for index, form in zip(shape[0::2], shape[1::2], strict=True):
            if index == UNKNOWN:
                name, value = next(unknown)
                members.append(json.dumps(name) + ":" + json.dumps(value, separators=(",", ":")))
                continue
            name, kind, column = fields[index]
            if form == ODD:
                text = odd_texts[row, index].decode("utf-8", "surrogatepass")
            else:
                value = None if form == NULL else _value(kind, column, row, form)
                text = json.dumps(value, separators=(",", ":"))
            members.append(json.dumps(name) + ":" + text)
        objects.append("{" + ",".join(members) + "}")
    return ",".join(objects).encode("utf-8", "surrogatepass")


def _part(texts: Any, row: int) -> bytes:
    data, starts, lengths = texts
    return bytes(data[starts[row] : starts[row] + lengths[row]].tobytes())


def _value(kind: str, column: Any, row: int, form: int) -> Any:
    if kind == "integer":
        number = int(column[row])
        return bool(number) if form == BOOLEAN else float(number) if form == FRACTION else number
    if kind == "number":
        return _number(float(column[row]), form == PLAIN)
    if kind == "text":
        return _part(column, row).decode("utf-8", "surrogatepass")
    if kind == "box":
        return [_number(x, bool(form >> i & 1)) for i, x in enumerate(column[row].tolist())]
    if kind == "rows":
        offsets, parts = column
        texts = json.loads(b"[" + write_json_rows(*parts) + b"]")
        return texts[offsets[row] : offsets[row + 1]]
    value = Segmentations(*column).value(row)
    return dict(reversed(value.items())) if form == COUNTS_FIRST else value


def _number(value: float, as_integer: bool) -> float:
    return int(value) if as_integer and abs(value) <= _EXACT and value == int(value) else value
