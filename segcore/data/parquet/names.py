"""Paths and addresses of Parquet files; works without pyarrow."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath
from typing import Any

from segcore.data.files.addresses import fsspec_for

MAGIC = b"PAR1"


def has_parquet_name(path: Any) -> bool:
    """Return whether a name has a suffix of Parquet files."""
    name: str = os.fspath(path)
    return name.lower().endswith((".parquet", ".parq", ".pq"))


def is_parquet(path: Any) -> bool:
    """Return whether a path is a Parquet file, a folder of some, or a list of files."""
    if isinstance(path, (list, tuple)):
        return True
    if has_parquet_name(path):
        return True
    name = os.fspath(path)
    if "://" in name:
        return not PurePosixPath(name).suffix  # a folder
    if os.path.isdir(name):
        return bool(parquet_files(name))
    try:
        if not os.path.isfile(name):  # what is read of a pipe is gone
            return False
        with open(name, "rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except (OSError, ValueError):
        return False


def parquet_files(path: Any) -> list[str]:
    """Return the files that a path, an address or a list of them stands for, sorted by name."""
    if isinstance(path, (list, tuple)):
        return [file for item in path for file in parquet_files(item)]
    name: str = os.fspath(path)
    if "://" in name:
        files, folder = fsspec_for(name).core.url_to_fs(name)
        if not files.isdir(folder):
            return [name]
        found = sorted(file for file in files.find(folder) if _is_data(file))
        return [files.unstrip_protocol(file) for file in found]
    if not os.path.isdir(name):
        return [name]
    return sorted(str(file) for file in Path(name).rglob("*") if _is_data(str(file)))


def _is_data(name: str) -> bool:
    """Return whether this file of a folder is neither hidden nor metadata."""
    return has_parquet_name(name) and not PurePosixPath(name).name.startswith((".", "_"))
