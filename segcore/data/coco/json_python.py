"""Twin of the compiled JSON reader and writer, for installations without a compiler.

It has the same results, but reads a file as a whole with :mod:`json`. What differs:

- errors of syntax have the message of :mod:`json`, and the depth of nested values is limited by
  Python's recursion limit instead of 500;
- the position of a row in the file is unknown (-1), because :mod:`json` does not tell it: errors
  about an item name its index and id, but no byte offset;
- a repeated name within the RLE of an annotation is not noticed: the last value counts;
- the text of unknown members and odd values is written anew, without white space.
"""

from __future__ import annotations

import json
import math
from array import array
from typing import Any

import numpy as np

from segcore._batch import offsets_of
from segcore.data.columns.segmentations import Segmentations

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_EXACT = 2**53
_MISSING = object()
PLAIN, FRACTION, BOOLEAN, NULL, ODD, UNKNOWN = 0, 1, 2, 0x20, 0x21, 0xFF
SIZE_FIRST, COUNTS_FIRST = 1, 2


class JsonReader:
    """Reads a file as a whole; see ``src/bind/bind_json.cpp``."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._is_whole = False
        self._document: Any = _MISSING
        self._members: Any = None
        self._items: Any = None
        self._value: Any = None
        self.offset = 0
        self.error_offset: int | None = None

    def feed(self, data: bytes) -> None:
        """Add a piece of the text."""
        self._parts.append(data)
        self.offset += len(data)

    def fill(self, readinto: Any, count: int) -> int:
        """Have ``readinto`` read a piece of the text; nothing: the text has ended."""
        memory = bytearray(count)
        got = int(readinto(memory) or 0)
        self.feed(bytes(memory[:got]))
        self._is_whole = not got
        return got

    def ahead(self, count: int) -> bytes:
        """Return the beginning of the value."""
        value = self._value[:1] if isinstance(self._value, list) else self._value
        return _text(value)[:count]

    def enter(self) -> str | None:
        """Enter the outermost value."""
        if not self._is_whole:
            return None
        self._document = self._value = self._parse()
        if isinstance(self._document, dict):
            self._members = iter(self._document.items())
            if isinstance(self._document, _Repeated):
                self._members = iter(self._document.pairs)
            return "{"
        if isinstance(self._document, list):
            return "["
        raise ValueError("expected an object or an array")

    def _parse(self) -> Any:
        data = b"".join(self._parts)
        self._parts.clear()
        try:
            text = data.decode("utf-8", "surrogatepass")
            return json.loads(text, object_pairs_hook=_object)
        except UnicodeDecodeError as error:
            self.error_offset = error.start
            raise ValueError("expected UTF-8") from None
        except json.JSONDecodeError as error:
            self.error_offset = len(text[: error.pos].encode("utf-8", "surrogatepass"))
            raise ValueError(f"expected JSON: {error.msg}") from None
        except RecursionError:
            raise ValueError("expected fewer nested values") from None
        except ValueError:  # of int()
            raise ValueError("expected an integer of at most 4300 digits") from None

    def name(self) -> Any:
        """Return the next name, as JSON text, or False."""
        name, self._value = next(self._members, (_MISSING, None))
        return False if name is _MISSING else json.dumps(name).encode()

    def value(self) -> bytes:
        """Return the text of the value."""
        return _text(self._value)

    def rows(self, table: JsonTable, threads: int = 1) -> bool | bytes:
        """Read the value, an array of objects, on one thread.

        Stop after an object that repeats a name, and return its text, in which the last value of a
        name counts.
        """
        del threads
        if self._items is None:
            if not isinstance(self._value, list):
                raise ValueError("expected an array of objects")
            self._items = iter(self._value)
        for item in self._items:
            if table.has_repeated_name(item):
                return _text(item)
            table.append(item)
        self._items = None
        return True

    def end(self) -> bool:
        """Return True: json has made sure that nothing follows."""
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
        self._extra = _Text()
        self._odd_rows, self._odd_columns, self._odd = array("q"), array("q"), _Text()

    def __len__(self) -> int:
        return len(self._shape_ids)

    def read_one(self, text: bytes, offset: int) -> None:
        """Append one object."""
        self.append(json.loads(text))

    def has_repeated_name(self, item: Any) -> bool:
        """Return whether an object, or one of its nested rows, repeats a name."""
        if not isinstance(item, dict):
            return False
        rows = [item.get(name) for name, kind in self._fields if not isinstance(kind, str)]
        nested = (row for value in rows if isinstance(value, list) for row in value)
        return isinstance(item, _Repeated) or any(isinstance(row, _Repeated) for row in nested)

    def append(self, item: Any) -> None:
        """Append one object."""
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
        self._shape_ids.append(self._shapes.setdefault(bytes(shape), len(self._shapes)))

    def columns(self) -> dict[str, Any]:
        """Return the columns and what is needed to write the objects again."""
        names = [name for name, _ in self._fields]
        return {
            "columns": {n: c.arrays() for n, c in zip(names, self._columns, strict=True)},
            "shapes": list(self._shapes),
            "shape_ids": np.array(self._shape_ids, np.uint32),
            "positions": np.full(len(self), -1, np.int64),
            "extra": self._extra.arrays(),
            "odd_rows": np.array(self._odd_rows, np.int64),
            "odd_columns": np.array(self._odd_columns, np.int64),
            "odd": self._odd.arrays(),
        }


class _Repeated(dict[str, Any]):
    """An object that repeats a name, and all its members."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.pairs = pairs


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    return made if len(made) == len(pairs) else _Repeated(pairs)


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
        if len(rle) != 2 or not isinstance(size, list) or len(size) != 2:
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
