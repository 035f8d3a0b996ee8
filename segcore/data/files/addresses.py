"""Files at addresses such as ``s3://bucket/key``, which fsspec opens."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import PurePosixPath
from typing import Any, BinaryIO, cast

from segcore._input.extras import require
from segcore._publish import FolderWriter
from segcore._version import __version__

MANIFEST = "_SUCCESS"
"""The file that says that a folder is complete: JSON with the numbers of files and bytes."""
SENT_FILES, SENT_BYTES = 64, 2**24
"""Files are sent when their number or their total size reaches these limits."""


def fsspec_for(address: str, action: str = "reading") -> Any:
    """Import fsspec, which opens an address."""
    return require("fsspec", "fsspec", "arrow", f"{action} {address}")


def check_absent(address: str) -> None:
    """Raise FileExistsError if there is a file at an address."""
    files, key = fsspec_for(address, "writing").core.url_to_fs(address)
    if files.exists(key):
        raise FileExistsError(f"{address} exists; overwrite=True replaces it")


@contextmanager
def address_outputs() -> Iterator[AddressOutputs]:
    """Write to addresses. Folders get their manifest when the block ends without an error.

    After an error, the files that were written into folders are removed.
    """
    outputs = AddressOutputs()
    try:
        yield outputs
        for folder in outputs.folders:
            folder.finish()
    except BaseException:
        for folder in outputs.folders:
            with suppress(Exception):  # the first error is what counts
                folder.remove()
        raise


class AddressOutputs:
    """Outputs at addresses, as `segcore._publish.Outputs` for local files."""

    def __init__(self) -> None:
        self.folders: list[AddressFolder] = []

    def file(self, address: str) -> AddressOutput:
        """Declare a file."""
        return AddressOutput(address)

    def folder(self, address: str, names: Iterable[str] = ()) -> AddressFolder:
        """Declare a folder; `names` are paths below it."""
        folder = AddressFolder(address)
        self.folders.append(folder)
        for name in names:
            folder.declare(name)
        return folder


class AddressFolder:
    """A folder at an address. A manifest, which is written last, says that it is complete.

    Files are sent several at a time, since each takes a while to arrive.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._files, key = fsspec_for(address, "writing").core.url_to_fs(address)
        self._root = key.rstrip("/")
        if self._files.isfile(self._root):
            raise NotADirectoryError(f"{address}: it is a file, expected a folder")
        if self._files.exists(self._path(MANIFEST)):
            self._files.rm_file(self._path(MANIFEST))
        self._waiting: dict[str, bytes] = {}
        self._written: list[str] = []
        self._bytes = 0

    def declare(self, name: str) -> None:
        """Check that a file can be written."""
        parts = PurePosixPath(name).parts
        if not parts or ".." in parts or name.startswith("/") or name == MANIFEST:
            raise ValueError(f"{self._address}: expected a path below the folder, got {name!r}")

    def write(self, name: str, data: bytes) -> None:
        """Write the file with this path below the folder, once."""
        self.declare(name)
        self._waiting[self._path(name)] = bytes(data)
        self._bytes += len(data)
        waiting = self._waiting.values()
        if len(waiting) >= SENT_FILES or sum(map(len, waiting)) >= SENT_BYTES:
            self._send()

    def writer(self) -> FolderWriter:
        """Return what a job passes its files to: it writes none, so that this process does."""
        return FolderWriter()

    def take(self, name: str, data: bytes | None) -> None:
        """Write the data that a `FolderWriter` returned."""
        assert data is not None
        self.write(name, data)

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """Open the file with this path below the folder for writing bytes, once."""
        file = io.BytesIO()
        yield file
        self.write(name, file.getvalue())

    def finish(self) -> None:
        """Write the manifest."""
        self._send()
        counts = {"files": len(self._written), "bytes": self._bytes}
        manifest = {"info": {"software": f"segcore {__version__}"}, **counts}
        self._files.pipe_file(self._path(MANIFEST), json.dumps(manifest).encode())

    def remove(self) -> None:
        """Remove the files that were written."""
        for key in self._written:
            self._files.rm_file(key)

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _send(self) -> None:
        for parent in {key.rpartition("/")[0] for key in self._waiting}:
            self._files.makedirs(parent, exist_ok=True)
        self._written += self._waiting
        if self._waiting:
            self._files.pipe(self._waiting)
        self._waiting = {}


class AddressOutput:
    """A file at an address, which appears when it is complete."""

    def __init__(self, address: str) -> None:
        self._address = address

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Open the file under a temporary name beside it, and rename it when the block ends.

        After an error, whatever was at the address before is still there.
        """
        files, key = fsspec_for(self._address, "writing").core.url_to_fs(self._address)
        if files.isdir(key):
            raise IsADirectoryError(f"{self._address}: it is a folder, expected a file")
        folder, _, name = key.rpartition("/")
        temporary = f"{folder}/.segcore-{os.urandom(8).hex()}-{name}"
        try:
            with files.open(temporary, "wb") as file:
                yield cast("BinaryIO", file)
            _rename(files, temporary, key)
        except BaseException:
            with suppress(Exception):  # it may not exist, and the first error is what counts
                files.rm_file(temporary)
            raise


def _rename(files: Any, source: str, target: str) -> None:
    """Rename a file. The general way of fsspec takes names for patterns, as in ``a[1].json``."""
    if type(files).mv is not fsspec_for(target, "writing").AbstractFileSystem.mv:
        files.mv(source, target)
        return
    files.cp_file(source, target)
    files.rm_file(source)
