"""Files at addresses such as ``s3://bucket/key``, which fsspec opens."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO, cast

from segcore._input.extras import require


def fsspec_for(address: str, action: str = "reading") -> Any:
    """Import fsspec, which opens an address."""
    return require("fsspec", "fsspec", "arrow", f"{action} {address}")


def check_absent(address: str) -> None:
    """Raise FileExistsError if there is a file at an address."""
    files, key = fsspec_for(address, "writing").core.url_to_fs(address)
    if files.exists(key):
        raise FileExistsError(f"{address} exists; overwrite=True replaces it")


class AddressOutputs:
    """Outputs at addresses, one file for each, as `segcore._publish.Outputs` for local files."""

    def file(self, address: str) -> AddressOutput:
        """Declare a file."""
        return AddressOutput(address)

    def folder(self, address: str, names: object) -> None:
        """Refuse a folder: several files do not appear at once."""
        raise ValueError(f"path: expected a local path, as several files are written: {address!r}")


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
        temporary = f"{folder}/.segcore-{secrets.token_hex(8)}-{name}"
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
