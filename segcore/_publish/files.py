"""File-system functions, and errors that name the output."""

from __future__ import annotations

import ctypes
import errno
import os
import re
import shutil
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from segcore._publish.errors import OutputError

MARK_WITHIN = 4096
MARK = re.compile(
    rb'(?:Software\0|name="generator" content="|"software": ?")segcore '
    rb"|\Aimage,class,truth,status,[a-z_,]+,false_positive_background\n"
)
"""Matches the first bytes of files that segcore wrote: PNG, HTML, JSON and CSV."""


@contextmanager
def explained(shown: Path | str) -> Iterator[None]:
    """Turn an OSError into an OutputError that names the output."""
    try:
        yield
    except (OutputError, BrokenPipeError):
        raise
    except OSError as error:
        raise OutputError(f"cannot write {shown}: {reason_of(error)}") from error
    except ValueError as error:  # such as a NUL in a path
        raise OutputError(f"cannot write {shown}: {error}") from error


@contextmanager
def writing(file: BinaryIO, shown: Path | str) -> Iterator[None]:
    """Name the output in errors of writing to an open file; pass on errors of other files."""
    try:
        yield
        file.flush()
    except OSError as error:
        if error.filename is not None or isinstance(error, OutputError | BrokenPipeError):
            raise
        raise OutputError(f"cannot write {shown}: {reason_of(error)}") from error


def reason_of(error: OSError) -> str:
    """Return the system's message for an error, without the path."""
    return error.strerror or str(error)


def status_of(path: str | os.PathLike[str]) -> os.stat_result | None:
    """Return the status of a file; None if there is none."""
    try:
        return os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None


def identity_of(path: str | os.PathLike[str] | int) -> tuple[int, int] | None:
    """Return the device and inode of a file, equal for all its names; None if it does not exist."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


def kind_of(status: os.stat_result) -> str:
    """Return the kind of a file-system entry, for messages."""
    kinds = {
        stat.S_IFDIR: "a folder",
        stat.S_IFREG: "a file",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
        stat.S_IFIFO: "a pipe",
        stat.S_IFSOCK: "a socket",
    }
    return kinds.get(stat.S_IFMT(status.st_mode), "not a regular file")


def nearest_folder(path: Path) -> Path:
    """Return the folder itself, or the nearest existing one above it."""
    for folder in (path, *path.parents):
        status = status_of(folder)
        if status is not None:
            if not stat.S_ISDIR(status.st_mode):
                raise OutputError(f"{folder}: it is {kind_of(status)}, expected a folder")
            return folder
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))


def check_writable(folder: Path) -> None:
    """Raise OutputError if no file can be created in a folder."""
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"{folder}: this folder is not writable")


def is_replaceable(path: str | os.PathLike[str]) -> bool:
    """Return whether a file is empty or was written by segcore."""
    with open(path, "rb") as file:
        start = file.read(MARK_WITHIN)
    return not start or MARK.search(start) is not None


def is_own(path: Path) -> bool:
    """Return whether a path is a regular file that is empty or was written by segcore."""
    with suppress(OSError):
        return path.is_file() and not path.is_symlink() and is_replaceable(path)
    return False


def sync(path: str | os.PathLike[str]) -> None:
    """Flush a file or the entries of a folder to the disk, if the file system supports it."""
    if os.name == "nt" and os.path.isdir(path):  # folders cannot be opened there
        return
    descriptor = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)


def sync_file_system(folder: Path) -> bool:
    """Flush the file system of a folder to the disk. Return False if this is not supported."""
    if not sys.platform.startswith("linux"):
        return False
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        return int(ctypes.CDLL(None).syncfs(descriptor)) == 0
    except (AttributeError, OSError):  # the C library lacks syncfs
        return False
    finally:
        os.close(descriptor)


def descriptor_of(path: Path) -> int | None:
    """Return n if a path stands for this process's open file n, as ``/dev/stdout`` does for 1."""
    path = Path(os.path.abspath(path))
    for _ in range(40):  # as many links as Linux follows
        if os.path.realpath(path.parent) in (f"/proc/{os.getpid()}/fd", "/dev/fd"):
            return int(path.name) if path.name.isdecimal() else None
        if not path.is_symlink():
            return None
        path = path.parent / os.readlink(path)
    return None


def is_stream(path: Path) -> bool:
    """Return whether a path is a pipe, a character device, or an open file of this process."""
    descriptor = descriptor_of(path)
    if descriptor is not None:
        os.fstat(descriptor)  # an OSError if it is closed
        return True
    status = status_of(path)
    return status is not None and (stat.S_ISFIFO(status.st_mode) or stat.S_ISCHR(status.st_mode))


def send(content: BinaryIO, path: Path) -> None:
    """Write the collected content to a stream."""
    descriptor = descriptor_of(path)
    opened = os.open(path, os.O_WRONLY) if descriptor is None else os.dup(descriptor)
    with os.fdopen(opened, "wb") as stream:
        content.seek(0)
        shutil.copyfileobj(content, stream)


def keep_owner(path: str, replaced: os.stat_result) -> None:
    """Give a staged file the mode of the file it replaces, and its owner if that is allowed."""
    own = os.stat(path)
    if (own.st_uid, own.st_gid) != (replaced.st_uid, replaced.st_gid):
        with suppress(OSError):
            os.chown(path, replaced.st_uid, replaced.st_gid)
    os.chmod(path, stat.S_IMODE(replaced.st_mode) & 0o777)
