"""A hidden folder in which files wait until they are renamed into place."""

from __future__ import annotations

import errno
import itertools
import os
import shutil
import stat
import tempfile
import unicodedata
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

from segcore._publish.files import explained, is_own, sync, sync_file_system, writing
from segcore._publish.signals import signals_held

try:
    import fcntl
except ImportError:  # Windows: stages of dead processes are not recognized there
    fcntl = None  # type: ignore[assignment]

PREFIX = ".segcore-"
FLUSHED_AT_ONCE = 256
"""Number of files flushed at a time, in a fraction of a second, while signals are held back. If
there are more, the whole file system is flushed, which is about twenty times faster."""


class Move(NamedTuple):
    """A rename of a staged file or folder, and the backup path of the file that it replaces.

    Without a source, the target is removed.
    """

    source: Path | None
    target: Path
    kept: Path | None


class Stage:
    """A hidden folder of files to be renamed into the folder ``base``.

    It contains ``lock``, which is locked as long as the process lives, ``new`` with the files and
    folders as they will be below ``base``, and ``old`` with the files that they replace.
    """

    def __init__(self, base: Path, beside: bool) -> None:
        self.base = base
        self.path = _make_stage(base, beside)
        self.new = self.path / "new"
        self.old = self.path / "old"
        self.removed: list[Path] = []
        self._kept = False
        self._new_text = str(self.new)
        self._base_length = len(str(base).rstrip(os.sep))
        lock = self.path / "lock"
        try:
            self._lock = os.open(lock, os.O_CREAT | os.O_RDWR, 0o600)
            try:
                with suppress(OSError):  # without locks, no stage is considered dead
                    _lock(self._lock)
                self.new.mkdir()
                self._folds_case = lock.with_name("LOCK").exists()
            except BaseException:
                os.close(self._lock)
                raise
        except BaseException:
            shutil.rmtree(self.path, ignore_errors=True)
            raise

    def key(self, target: Path | str) -> str:
        """Return a text that is equal for paths that are the same on this file system."""
        text = str(target)
        return unicodedata.normalize("NFC", text).casefold() if self._folds_case else text

    def staged(self, target: str) -> str:
        """Return the path of a new file until it is renamed to ``target``."""
        return self._new_text + target[self._base_length :]

    @contextmanager
    def open(self, target: str, shown: Path | str) -> Iterator[BinaryIO]:
        """Open the new file that will be renamed to ``target``."""
        with explained(shown):
            file = os.fdopen(create(self.staged(target), self._new_text), "wb")
        try:
            with writing(file, shown):
                yield file
            with explained(shown):
                file.close()
        finally:
            with suppress(OSError):  # an earlier error takes precedence
                file.close()

    def write(self, target: str, data: bytes) -> None:
        """Write the new file that will be renamed to ``target``."""
        write_new(self.staged(target), data, self._new_text)

    def flush(self) -> None:
        """Flush all files to the disk."""
        are_many = next(itertools.islice(self._paths(), FLUSHED_AT_ONCE, None), None) is not None
        if are_many and sync_file_system(self.new):
            return
        paths = self._paths()
        while chunk := list(itertools.islice(paths, FLUSHED_AT_ONCE)):
            # Several at a time, which is about eight times faster. A signal must not interrupt the
            # pool while it holds its locks.
            with signals_held(), ThreadPoolExecutor(8) as pool:
                for path, flushed in [(path, pool.submit(sync, path)) for path in chunk]:
                    with explained(self.base / os.path.relpath(path, self.new)):
                        flushed.result()

    def _paths(self) -> Iterator[str]:
        """Yield the new files, and the folders that they are in."""
        for folder, _, names in os.walk(self.new):
            yield folder
            yield from (os.path.join(folder, name) for name in names)

    def moves(self) -> Iterator[Move]:
        """Yield the renames into place, of whole folders where the target does not exist.

        Files to be removed follow.
        """
        waiting = [(self.new, self.base, self.old)]
        while waiting:
            new, place, old = waiting.pop()
            for name in sorted(os.listdir(new)):
                source, target = new / name, place / name
                if not os.path.lexists(target):
                    yield Move(source, target, None)
                elif source.is_dir():
                    waiting.append((source, target, old / name))
                else:
                    yield Move(source, target, old / name)
        for target in self.removed:
            if is_own(target):
                yield Move(None, target, self.old / target.relative_to(self.base))

    def keep(self) -> None:
        """Keep the stage permanently."""
        self._kept = True
        with suppress(OSError):
            os.unlink(self.path / "lock")

    def remove(self) -> None:
        """Remove the stage, as far as possible."""
        with suppress(OSError):
            os.close(self._lock)
        if not self._kept:
            shutil.rmtree(self.path, ignore_errors=True)


def write_new(path: str, data: bytes, stage: str) -> None:
    """Write a new file in a stage."""
    descriptor = create(path, stage)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    finally:
        os.close(descriptor)


def create(path: str, stage: str) -> int:
    """Create a new file in a stage and return its descriptor."""
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0)
    try:
        return os.open(path, flags, 0o666)
    except FileNotFoundError:  # the first one in its folder
        os.stat(stage)  # an error if the stage was removed: it is not created again
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return os.open(path, flags, 0o666)


def _make_stage(base: Path, beside: bool) -> Path:
    """Create a stage beside ``base`` if files can be renamed from there, else inside it."""
    path = _make_stage_beside(base) if beside else None
    return path or _make_hidden(base)


def _make_stage_beside(base: Path) -> Path | None:
    path = None
    try:
        if _owner(base.parent) == _owner(base):
            path = _make_hidden(base.parent)
            probe = path / "probe"
            probe.mkdir()
            os.rename(probe, base / path.name)  # some mounts can only be recognized by trying
            os.rmdir(base / path.name)
        return path
    except OSError:
        if path is not None:
            shutil.rmtree(path, ignore_errors=True)
        return None


def _make_hidden(folder: Path) -> Path:
    _remove_dead_stages(folder)
    return Path(tempfile.mkdtemp(prefix=PREFIX, dir=folder))


def _owner(folder: Path) -> tuple[int, int, int]:
    """Return the device and what determines the group of new files; a stage must have the same."""
    status = folder.stat()
    return status.st_dev, status.st_gid, status.st_mode & stat.S_ISGID


def _remove_dead_stages(folder: Path) -> None:
    """Remove the stages of killed processes, whose locks nobody holds."""
    if not os.access(folder, os.R_OK):
        return
    with os.scandir(folder) as entries:
        found = [entry.path for entry in entries if entry.name.startswith(PREFIX)]
    for path in found:
        try:
            lock = os.open(os.path.join(path, "lock"), os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
        except OSError:  # not a stage, just being created, or of another user
            continue
        try:
            _lock(lock)
            shutil.rmtree(path, ignore_errors=True)
        except OSError:
            pass
        finally:
            os.close(lock)


def _lock(descriptor: int) -> None:
    """Lock a file for the lifetime of this process. Raises OSError if another process has it."""
    if fcntl is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
