"""Parquet files made of the row groups of other files, whose bytes are copied.

A row group is written and compressed by one process, and joined to the others by another one, which
moves the offsets in the footers. These are Thrift structs in the compact protocol.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, BinaryIO

from segcore.data.parquet.names import MAGIC

_BYTE, _DOUBLE, _BINARY, _LIST, _SET, _STRUCT = 3, 7, 8, 9, 10, 12
_BOOLEANS, _INTEGERS = (1, 2), (4, 5, 6)
Struct = dict[int, tuple[int, Any]]
"""The type and the value of each field. An integer n >= 0 has the value 2 n."""

NUM_ROWS, ROW_GROUPS, METADATA = 3, 4, 5
"""Fields of a footer."""
COLUMNS, GROUP_OFFSET, ORDINAL = 1, 5, 7
"""Fields of a row group."""
CHUNK_OFFSET, CHUNK = 2, 3
"""Fields of a column of a row group; the latter is a struct with the offsets of pages."""
PAGE_OFFSETS = 9, 10, 11
MAX_ORDINAL = 2**15 - 1


class JoinedFile:
    """A Parquet file that is written row group by row group.

    Parameters
    ----------
    file : binary file
        The file to write.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._footer: Struct | None = None
        self._rows = 0
        self._groups: list[Struct] = []
        file.write(MAGIC)
        self._size = len(MAGIC)

    def add(self, data: bytes) -> None:
        """Append the row groups of a Parquet file, which has the columns of the first one."""
        length = int.from_bytes(data[-8:-4], "little")
        end = len(data) - 8 - length
        footer = _Input(data, end).struct()
        if self._footer is None:
            self._footer = footer
        elif footer[2] != self._footer[2]:
            raise ValueError("dataset: expected parts whose columns are of the same types")
        self._rows += footer[NUM_ROWS][1]
        for group in footer[ROW_GROUPS][1][1]:
            _move(group, self._size - len(MAGIC))
            group.pop(ORDINAL, None)
            if len(self._groups) <= MAX_ORDINAL:
                group[ORDINAL] = 4, 2 * len(self._groups)
            self._groups.append(group)
        self._file.write(memoryview(data)[len(MAGIC) : end])
        self._size += end - len(MAGIC)

    def finish(self, metadata: Mapping[bytes, bytes]) -> None:
        """Write the footer, with metadata of the schema."""
        assert self._footer is not None
        pairs = [{1: (_BINARY, key), 2: (_BINARY, value)} for key, value in metadata.items()]
        footer = self._footer | {
            NUM_ROWS: (6, self._rows),
            ROW_GROUPS: (_LIST, (_STRUCT, self._groups)),
            METADATA: (_LIST, (_STRUCT, pairs)),
        }
        output = bytearray()
        _write_struct(output, footer)
        self._file.write(output + len(output).to_bytes(4, "little") + MAGIC)


def _move(group: Struct, by: int) -> None:
    """Add a number of bytes to all offsets of a row group."""
    _add(group, (GROUP_OFFSET,), by)
    for column in group[COLUMNS][1][1]:
        _add(column, (CHUNK_OFFSET,), by)
        _add(column[CHUNK][1], PAGE_OFFSETS, by)


def _add(struct: Struct, fields: tuple[int, ...], by: int) -> None:
    for field in fields:
        kind, value = struct.get(field, (0, 0))
        if value:  # 0 is an offset that is not given
            struct[field] = kind, value + 2 * by


class _Input:
    """Bytes of which values are taken."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data = data
        self._at = at

    def struct(self) -> Struct:
        fields: Struct = {}
        number = 0
        while head := self._byte():
            number = number + (head >> 4) if head >> 4 else self._integer() // 2
            kind = head & 15
            fields[number] = kind, None if kind in _BOOLEANS else self._value(kind)
        return fields

    def _value(self, kind: int) -> Any:
        if kind in _INTEGERS:
            return self._integer()
        if kind == _BINARY:
            return self._bytes(self._integer())
        if kind == _STRUCT:
            return self.struct()
        if kind in (_LIST, _SET):
            head = self._byte()
            count = head >> 4 if head >> 4 < 15 else self._integer()
            return head & 15, [self._value(head & 15) for _ in range(count)]
        if kind in (_BYTE, *_BOOLEANS):
            return self._byte()
        if kind == _DOUBLE:
            return self._bytes(8)
        raise ValueError(f"footer: unknown type {kind}")

    def _byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def _bytes(self, count: int) -> bytes:
        self._at += count
        return self._data[self._at - count : self._at]

    def _integer(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value


def _write_struct(output: bytearray, fields: Struct) -> None:
    before = 0
    for number in sorted(fields):
        kind, value = fields[number]
        step = number - before
        output.append((step << 4 if step < 16 else 0) | kind)
        if step >= 16:
            _write_integer(output, 2 * number)
        if kind not in _BOOLEANS:
            _write(output, kind, value)
        before = number
    output.append(0)


def _write(output: bytearray, kind: int, value: Any) -> None:
    if kind in _INTEGERS:
        _write_integer(output, value)
    elif kind == _BINARY:
        _write_integer(output, len(value))
        output += value
    elif kind == _STRUCT:
        _write_struct(output, value)
    elif kind in (_LIST, _SET):
        kind, values = value
        output.append(min(len(values), 15) << 4 | kind)
        if len(values) >= 15:
            _write_integer(output, len(values))
        for item in values:
            _write(output, kind, item)
    elif kind == _DOUBLE:
        output += value
    else:
        output.append(value)


def _write_integer(output: bytearray, value: int) -> None:
    while value > 127:
        output.append(value & 127 | 128)
        value >>= 7
    output.append(value)
