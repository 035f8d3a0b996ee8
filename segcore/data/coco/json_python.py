"""Twin of the compiled JSON reader and writer, for installations without a compiler.

It has the same results, but reads a file as a whole with :mod:`json`. What differs:

- errors of syntax have the message of :mod:`json`, and the depth of nested values is limited by
  Python's recursion limit instead of 500;
- of names that are repeated in an RLE, which is kept as text, only the last value is;
- the text of unknown members and odd values of rows is written anew, without white space.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from segcore.data.coco.object_table import ObjectTable, text_of
from segcore.data.columns.layouts import Fields
from segcore.data.columns.segmentations import Segmentations
from segcore.data.columns.table import BOOLEAN, FRACTION, NULL, ODD, PLAIN, UNKNOWN

_EXACT = 2**53
_COUNTS_FIRST = 2


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
                return text_of(item)
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


class JsonTable(ObjectTable):
    """Columns of an array of objects; see ``src/json/table.hpp``."""

    def __init__(self, fields: Fields, text_size: int = 0) -> None:
        del text_size  # which the compiled table reserves memory for
        super().__init__(fields)

    def read_one(self, text: bytes, offset: int) -> None:
        """Append one object."""
        self.append(json.loads(text), offset)

    def has_repeated_name(self, item: Any) -> bool:
        """Return whether an object, or one of its nested rows, repeats a name."""
        if not isinstance(item, dict):
            return False
        rows = [item.get(name) for name, kind in self.fields if not isinstance(kind, str)]
        nested = (row for value in rows if isinstance(value, list) for row in value)
        return isinstance(item, _Repeated) or any(isinstance(row, _Repeated) for row in nested)


class _Repeated(dict[str, Any]):
    """An object that repeats a name."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    return made if len(made) == len(pairs) else _Repeated(made)


_DECODER = json.JSONDecoder(object_pairs_hook=_object)
_SPACE = re.compile(r"[ \t\n\r]*")


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
    return dict(reversed(value.items())) if form == _COUNTS_FIRST else value


def _number(value: float, as_integer: bool) -> float:
    return int(value) if as_integer and abs(value) <= _EXACT and value == int(value) else value
