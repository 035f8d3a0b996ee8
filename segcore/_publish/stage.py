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
"""Files: as many as are flushed in a fraction of a second, for which signals wait. Where there are
more, the whole file system is flushed, which is some twenty times faster."""


class Move(NamedTuple):
    """A rename of a staged file or folder, and where the file that it replaces is kept.

    Without a source, the file is removed.
    """

    source: Path | None
    target: Path
    kept: Path | None


class Stage:
    """A hidden folder with files that are going to be renamed into the folder ``base``.

    Beside ``lock``, which is locked as long as the process lives, it has ``new`` with the files and
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
                with suppress(OSError):  # without locks, no stage is taken for a dead one
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
        """Return a text that is equal for paths that this file system takes for the same."""
        text = str(target)
        return unicodedata.normalize("NFC", text).casefold() if self._folds_case else text

    def staged(self, target: str) -> str:
        """Return the path of a new file until it is renamed to ``target``."""
        return self._new_text + target[self._base_length :]

    @contextmanager
    def open(self, target: str, shown: Path | str) -> Iterator[BinaryIO]:
        """Open a new file that goes to ``target``."""
        with explained(shown):
            file = os.fdopen(create(self.staged(target), self._new_text), "wb")
        try:
            with writing(file, shown):
                yield file
            with explained(shown):
                file.close()
        finally:
            with suppress(OSError):  # if something failed before, that is what counts
                file.close()

    def write(self, target: str, data: bytes) -> None:
        """Write a new file that goes to ``target``."""
        write_new(self.staged(target), data, self._new_text)

    def flush(self) -> None:
        """Flush all files to the disk."""
        are_many = next(itertools.islice(self._paths(), FLUSHED_AT_ONCE, None), None) is not None
        if are_many and sync_file_system(self.new):
            return
        paths = self._paths()
        while chunk := list(itertools.islice(paths, FLUSHED_AT_ONCE)):
            # Several at a time, which is some eight times faster. A signal must not interrupt the
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
        """Give the renames that bring everything into place, whole folders where there is none.

        Files that are to be removed follow.
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
        """Leave the stage where it is for good."""
        self._kept = True
        with suppress(OSError):
            os.unlink(self.path / "lock")

    def remove(self) -> None:
        """Remove the stage, as far as that is possible."""
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
        os.stat(stage)  # which is not made again when it was removed meanwhile
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return os.open(path, flags, 0o666)


def _make_stage(base: Path, beside: bool) -> Path:
    """Make a stage beside ``base`` if files can be renamed from there, else inside it."""
    path = _make_stage_beside(base) if beside else None
    return path or _make_hidden(base)


def _make_stage_beside(base: Path) -> Path | None:
    path = None
    try:
        if _owner(base.parent) == _owner(base):
            path = _make_hidden(base.parent)
            probe = path / "probe"
            probe.mkdir()
            os.rename(probe, base / path.name)  # some mounts are only recognized by trying
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
    """Return what decides about the group of new files: it must be the same in the stage."""
    status = folder.stat()
    return status.st_dev, status.st_gid, status.st_mode & stat.S_ISGID


def _remove_dead_stages(folder: Path) -> None:
    """Remove the stages of processes that were killed: nobody holds their lock."""
    if not os.access(folder, os.R_OK):
        return
    with os.scandir(folder) as entries:
        found = [each.path for each in entries if each.name.startswith(PREFIX)]
    for path in found:
        try:
            lock = os.open(os.path.join(path, "lock"), os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
        except OSError:  # it is no stage, is just being made, or belongs to somebody else
            continue
        try:
            _lock(lock)
            shutil.rmtree(path, ignore_errors=True)
        except OSError:
            pass
        finally:
            os.close(lock)


def _lock(descriptor: int) -> None:
    """Lock a file, as long as this process lives; an OSError if another one has it."""
    if fcntl is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
