"""Read JSON files piece by piece into tables, without a Python object per item."""

from __future__ import annotations

import gzip
import io
import json
import os
import stat
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, TypeAlias, cast

from segcore.data.coco.in_file import FileSegmentations, SourceFile
from segcore.data.columns.checks import read_only
from segcore.data.columns.layouts import Fields
from segcore.data.errors import DatasetError
from segcore.data.files.addresses import fsspec_for
from segcore.threads import get_num_threads

try:
    from segcore._native import JsonReader, JsonTable
except ImportError:  # not compiled
    from segcore.data.coco.json_python import (  # type: ignore[assignment]
        JsonReader,
        JsonTable,
    )

Progress: TypeAlias = "Callable[[int, int | None], None]"

NO_ARRAY = "expected an array of objects"
"""What is wrong with a member that should be an array but is another value, such as null."""
CHUNK = 1 << 18
"""Number of bytes per thread that are read at a time: larger pieces are not read faster, but take
memory."""
MOST_AT_A_TIME = 1 << 24
"""Number of bytes that are read at a time with any number of threads."""
PEEK = 1 << 16
"""Number of bytes by which a panoptic file is recognized."""


def open_binary(path: str | os.PathLike[str]) -> tuple[BinaryIO, int | None]:
    """Open a file, uncompressed, and return its size on disk (None if unknown).

    Addresses such as ``s3://bucket/key`` are opened with fsspec.
    """
    if "://" in os.fspath(path):
        address = os.fspath(path)
        file = cast("BinaryIO", fsspec_for(address).open(address, "rb").open())
        size = None
    else:
        try:
            file = open(path, "rb")  # noqa: SIM115 (the caller closes it)
        except ValueError as error:  # a NUL in the name
            raise DatasetError(path, str(error)) from None
        state = os.fstat(file.fileno())
        if stat.S_ISCHR(state.st_mode) or stat.S_ISBLK(state.st_mode):
            file.close()
            raise DatasetError(path, "this is a device, expected a file")
        size = state.st_size if stat.S_ISREG(state.st_mode) else None
    if isinstance(file, io.BufferedReader):
        head = file.peek(2)[:2]  # a pipe cannot be read again
    else:
        head = file.read(2)
        file.seek(0)
    if head == b"\x1f\x8b":
        return cast("BinaryIO", _Unzipped(file)), None
    return file, size


class _Unzipped(gzip.GzipFile):
    """A compressed file that closes the file it reads."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(fileobj=file)
        self._compressed = file

    def close(self) -> None:
        super().close()
        self._compressed.close()


class NotLocatedError(Exception):
    """The items of a file are not where they seem to be, so it has to be read into memory."""


def no_rows(fields: Fields) -> dict[str, Any]:
    """Return the columns of an array without objects."""
    columns: dict[str, Any] = JsonTable(fields).columns()
    return columns


class Stream:
    """A JSON file that is read once, from its beginning to its end.

    ``repeated`` lists where a name occurs twice in an object. With `source`, segmentations stay in
    the file.
    """

    def __init__(
        self,
        path: str,
        file: BinaryIO,
        progress: Progress | None,
        size: int | None,
        source: SourceFile | None = None,
    ):
        self.path = path
        self._file = file
        self._source = source
        self._progress = progress
        self._size = size
        self._reader = JsonReader()
        self._threads = get_num_threads()
        # Two pieces per thread, since one thread may be faster than another.
        count = 2 * self._threads if self._threads > 1 else 1
        self._least = self._chunk = min(CHUNK * count, MOST_AT_A_TIME)
        self.repeated: list[str] = []
        self._read = 0
        self._fed = -1
        self._ended = False

    def enter(self) -> str:
        """Enter the outermost value: "{", or "[", which is not taken."""
        try:
            return str(self._until(self._reader.enter))
        except DatasetError as error:
            detail = error.detail if "gzip" in error.detail else f"not JSON: {error.detail}"
            raise DatasetError(self.path, detail, offset=error.offset) from None

    def names(self) -> Any:
        """Yield the name of each member of the outermost object; the caller takes its value."""
        while (name := self._until(self._reader.name)) is not False:
            yield json.loads(name)

    def is_panoptic(self) -> bool:
        """Return whether the text that follows has segments, as panoptic annotations do."""
        return b'"segments_info"' in self._until(lambda: self._reader.ahead(PEEK))

    def value(self) -> bytes:
        """Take a value and return its text."""
        return bytes(self._until(self._reader.value))

    def rows(self, fields: Fields, item: str) -> dict[str, Any]:
        """Take an array of objects and return it as columns.

        Raises NotLocatedError if segmentations should stay in the file, and a name is repeated.
        """
        source = self._source
        located = [name for name, kind in fields if kind == "segmentation" and source is not None]
        fields = [(name, "located" if name in located else kind) for name, kind in fields]
        table = JsonTable(fields, self._size or 0)
        repeated: list[int] = []
        while True:
            position = self._reader.offset
            try:
                found = self._until(lambda: self._reader.rows(table, self._threads))
            except DatasetError as error:
                is_array = error.detail != NO_ARRAY
                where = f"{item}[{len(table)}]" if is_array else item
                raise DatasetError(self.path, error.detail, where, error.offset) from None
            if found is True:
                if repeated:
                    more = f", and {len(repeated) - 1} more" if len(repeated) > 1 else ""
                    self.repeated.append(
                        f"{self.path}: {item}[{repeated[0]}]{more}: a name occurs twice in one "
                        "object; the last value counts"
                    )
                raw: dict[str, Any] = table.columns()
                if source is not None:
                    for name in located:
                        arrays = map(read_only, raw["columns"][name])
                        raw["columns"][name] = FileSegmentations(source, *arrays)
                return raw
            if located:
                raise NotLocatedError
            repeated.append(len(table))
            # A name occurs twice in this object: the last one counts, as for json.
            # Compact, so that the unknown members are kept as in other objects.
            once = json.dumps(json.loads(found), ensure_ascii=False, separators=(",", ":"))
            try:
                table.read_one(once.encode("utf-8", "surrogatepass"), position)
            except ValueError as error:
                where = f"{item}[{len(table)}]"
                raise DatasetError(self.path, str(error), where, position) from None

    def row(self, fields: Fields, item: str) -> dict[str, Any]:
        """Take one object and return it as columns of one row."""
        table = JsonTable(fields)
        text = self.value()
        once = json.dumps(json.loads(text), ensure_ascii=False)  # without repeated names
        try:
            table.read_one(once.encode("utf-8", "surrogatepass"), self._reader.offset - len(text))
        except ValueError as error:
            raise DatasetError(self.path, str(error), item) from None
        return table.columns()

    def end(self) -> None:
        """Make sure that nothing follows."""
        self._until(self._reader.end)

    def _until(self, take: Callable[[], Any]) -> Any:
        """Take something, and read more of the file as long as it is incomplete."""
        while True:
            try:
                found = take()
            except ValueError as error:
                offset = self._reader.error_offset
                raise DatasetError(self.path, str(error), offset=offset) from None
            if found is not None:
                return found
            self._feed()

    def _feed(self) -> None:
        if self._ended:
            raise DatasetError(self.path, "the file ends too early", offset=self._read)
        # What does not fit into one piece needs larger ones.
        self._chunk = self._chunk * 2 if self._reader.offset == self._fed else self._least
        self._fed = self._reader.offset
        if self._read == 0:
            head = self._as_utf8(self._read_file(4))
            self._reader.feed(head)
            self._read = len(head)
        count = self._reader.fill(self._read_into, self._chunk)
        self._read += count
        self._ended = not count
        if self._progress is not None:
            self._progress(self._read, self._size)

    def _read_file(self, size: int = -1) -> bytes:
        with self._gzip_errors():
            return self._file.read(size)

    def _read_into(self, memory: memoryview) -> int:
        with self._gzip_errors():
            return int(self._file.readinto(memory) or 0)  # type: ignore[attr-defined]

    @contextmanager
    def _gzip_errors(self) -> Iterator[None]:
        try:
            yield
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            detail = f"the gzip file is damaged: {error}"
            raise DatasetError(self.path, detail, offset=self._read) from None

    def _as_utf8(self, data: bytes) -> bytes:
        """Replace a byte order mark; convert UTF-16 and UTF-32, which are read whole.

        Byte offsets in error messages are those of the UTF-8 text.
        """
        while len(data) < 4 and (more := self._read_file(4 - len(data))):
            data += more
        encoding = json.detect_encoding(data)
        if encoding == "utf-8":
            return data
        if encoding == "utf-8-sig":
            return b"   " + data[3:]  # spaces, so that offsets remain those of the file
        try:
            text = (data + self._read_file()).decode(encoding, "surrogatepass")
        except UnicodeDecodeError as error:
            raise DatasetError(
                self.path, f"expected {encoding}: {error.reason}", offset=error.start
            ) from None
        self._file = io.BytesIO(text.encode("utf-8", "surrogatepass"))
        self._source = None
        return b""
