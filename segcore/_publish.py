"""Publish output files: all of them when the work is done, or none.

Every output is declared first, so what cannot be written is refused before the work starts. Files
are written into a *stage*, a hidden folder on the target's file system, and are renamed into place
when the ``with`` block ends without an error:

    with publish(protect=["instances.json"]) as outputs:
        page = outputs.file("page.html")
        maps = outputs.folder("maps", names=["a.png", "sub/b.png"])
        ...
        with maps.open("a.png") as file:
            file.write(data)

What holds afterwards:

- An error, Ctrl-C or a signal with a Python handler leaves all files as they were. A rename that
  fails is undone, and so are those before it. Signals wait until the renames are done or undone.
- A killed process leaves whole files, each the old or the new one. A single file, and a folder that
  did not exist, appear in one rename; a process that is killed between the renames of several
  outputs leaves some old and some new.
- Files are flushed to the disk before the first rename, and the folders that they are in after the
  last, so the same is true of a power failure.
- The stage of a killed process stays. Its name starts with ``.segcore-``, and the next run that
  writes beside it removes it.
"""

from __future__ import annotations

import ctypes
import errno
import itertools
import os
import re
import shutil
import signal
import stat
import sys
import tempfile
import threading
import unicodedata
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

try:
    import fcntl
except ImportError:  # Windows: stages of dead processes are not recognized there
    fcntl = None  # type: ignore[assignment]

__all__ = [
    "FolderWriter",
    "OutputError",
    "OutputExistsError",
    "OutputFile",
    "OutputFolder",
    "Outputs",
    "publish",
]

PREFIX = ".segcore-"
MAX_DEPTH = 100
FLUSHED_AT_ONCE = 256
"""Files: as many as are flushed in a fraction of a second, for which signals wait. Where there are
more, the whole file system is flushed, which is some twenty times faster."""
PLAIN = re.compile(r"[A-Za-z0-9_.-]{1,100}")
"""Names that all file systems can hold."""
MARK_WITHIN = 4096
MARK = re.compile(
    rb'(?:Software\0|name="generator" content="|"software": ?")segcore '
    rb"|\Aimage,class,truth,status,[a-z_,]+,false_positive_background\n"
)
"""What files hold in their first bytes if segcore wrote them: PNG, HTML and JSON, or CSV."""


class OutputError(OSError):
    """An output that cannot be written; the message names it."""


class OutputExistsError(OutputError):
    """An output whose file exists and was not written by segcore."""


@contextmanager
def publish(
    protect: Iterable[str | os.PathLike[str]] = (), overwrite: bool = False
) -> Iterator[Outputs]:
    """Write files that appear together when the block ends without an error.

    An existing file is replaced only if segcore wrote it or it is empty.

    Parameters
    ----------
    protect : iterable of path, optional
        The inputs: files that are never replaced, by whatever name or link they are reached.
    overwrite : bool, optional
        Also replace files that segcore did not write.

    Yields
    ------
    Outputs

    Raises
    ------
    OutputError
        If an output cannot be written. Nothing has changed then.
    """
    outputs = Outputs(protect, overwrite)
    try:
        yield outputs
        outputs._publish()
    finally:
        with _signals_held():
            outputs._clean()


class Outputs:
    """The outputs of one :func:`publish` block."""

    def __init__(self, protect: Iterable[str | os.PathLike[str]], overwrite: bool) -> None:
        self._inputs = list(protect)
        self._input_ids: set[tuple[int, int] | None] | None = None
        self._overwrite = overwrite
        self._stages: dict[Path, _Stage] = {}  # by the folder that they are renamed into
        self._files: dict[str, Path | str] = {}  # all targets, as they were given
        self._folders: set[str] = set()  # all folders above targets
        self._written: dict[str, list[_Written]] = {}  # by the folder of their targets
        self._writable: set[Path] = set()  # folders of new files, as they were checked last
        self._streams: list[tuple[OutputFile, BinaryIO]] = []
        self._stream_ids: dict[tuple[int, int] | None, Path] = {}

    def file(self, path: str | os.PathLike[str]) -> OutputFile:
        """Declare a single output file.

        A symbolic link is followed: the file that it points to is replaced. A pipe or a character
        device (``/dev/stdout``, ``/dev/null``) is written to when the block ends.

        Raises
        ------
        OutputError
            If the file cannot be written.
        """
        shown = Path(path)
        with _explained(shown):
            if _is_stream(shown):
                self._claim_stream(shown)
                return OutputFile(self, shown)
            target = Path(os.path.realpath(shown))
            self._check(shown, target)
            stage = self._stage(_nearest_folder(target.parent))
            self._claim(shown, target, stage)
            return OutputFile(self, shown, target, stage)

    def folder(
        self,
        path: str | os.PathLike[str],
        names: Iterable[str | os.PathLike[str]] = (),
    ) -> OutputFolder:
        """Declare an output folder, and the files that are going to be written below it.

        Parameters
        ----------
        path : path
            The folder. It is made if it does not exist; other files in it stay as they are.
        names : iterable of path, optional
            Paths below the folder that are checked now. Others are checked when they are opened.

        Raises
        ------
        OutputError
            If the folder or one of the files cannot be written.
        """
        shown = Path(path)
        with _explained(shown):
            root = Path(os.path.realpath(shown))
            base = _nearest_folder(root)
            _check_writable(base)
            folder = OutputFolder(self, shown, root, self._stage(base, beside=base == root))
        for name in names:
            folder.declare(name)
        return folder

    @property
    def to_stdout(self) -> bool:
        """Whether something is written to the standard output."""
        return any(_descriptor(file.path) == 1 for file, _ in self._streams)

    # -- checks -----------------------------------------------------------------------------------

    def _check(self, shown: Path | str, target: Path) -> os.stat_result | None:
        """Refuse a target that must not be replaced or cannot be written.

        Returns the status of the file that would be replaced; None if there is none.
        """
        status = _status(target)
        if status is None:
            if target.parent not in self._writable:
                _check_writable(_nearest_folder(target.parent))
                self._writable.add(target.parent)
            return None
        if not stat.S_ISREG(status.st_mode):
            raise OutputError(f"{shown}: it is {_kind(status)}, expected a file")
        self._check_input(shown, _identity(target))
        if not self._overwrite and not is_replaceable(target):
            raise OutputExistsError(f"{shown}: it exists, and segcore did not write it")
        if not os.access(target, os.W_OK):
            raise OutputError(f"{shown}: it is read-only")
        _check_writable(target.parent)
        return status

    def _check_input(self, shown: Path | str, identity: tuple[int, int] | None) -> None:
        if self._input_ids is None:
            self._input_ids = {_identity(path) for path in self._inputs}
        if identity in self._input_ids:
            raise OutputError(f"{shown}: it is an input, which an output must not replace")

    def _claim_stream(self, shown: Path) -> None:
        """Refuse a stream that is an input, or that another output has."""
        descriptor = _descriptor(shown)
        identity = _identity(shown if descriptor is None else descriptor)
        if identity == _identity(os.devnull):
            return
        self._check_input(shown, identity)
        files = {_identity(path): path for path in self._files.values()}
        if other := (files | self._stream_ids).get(identity):
            raise OutputError(f"{shown}: it is the same file as the output {other}")
        self._stream_ids[identity] = shown

    def _claim(self, shown: Path | str, target: Path, stage: _Stage) -> None:
        """Refuse a target that another output has, or that lies below one."""
        if len(target.parts) - len(stage.base.parts) > MAX_DEPTH:
            raise OutputError(f"{shown}: more than {MAX_DEPTH} folders deep")
        self._claim_key(shown, stage.key(target), target)
        for folder in map(stage.key, target.parents):
            if folder in self._folders:
                break
            if other := self._files.get(folder):
                raise OutputError(f"{shown}: it is below the output {other}, which is a file")
            self._folders.add(folder)

    def _claim_key(self, shown: Path | str, key: str, target: Path | None = None) -> None:
        """Refuse a key, or a target that exists, that another output has."""
        other = self._files.get(key)
        if other is None and self._stream_ids and target is not None:
            other = self._stream_ids.get(_identity(target))
        if other is not None:
            raise OutputError(f"{shown}: it is the same file as the output {other}")
        if key in self._folders:
            raise OutputError(f"{shown}: other outputs need a folder of this name")
        self._files[key] = shown

    def _add_written(self, stage: _Stage, target: str, shown: Path | str) -> None:
        written = _Written(shown, target, stage.staged(target))
        self._written.setdefault(os.path.dirname(target), []).append(written)

    def _stage(self, base: Path, beside: bool = False) -> _Stage:
        if base not in self._stages:
            with _signals_held():
                self._stages[base] = _Stage(base, beside)
        return self._stages[base]

    # -- the end ----------------------------------------------------------------------------------

    def _publish(self) -> None:
        self._writable.clear()
        for parent, written in self._written.items():  # again: the work may have taken hours
            self._check_again(parent, written)
        stages = list(self._stages.values())
        for stage in stages:
            stage.flush()
        for file, content in self._streams:  # what was sent cannot be taken back
            with _explained(file.path):
                _send(content, file.path)
        with _signals_held():
            _swap(stages)

    def _check_again(self, parent: str, written: list[_Written]) -> None:
        """Check the targets in a folder, and keep the owners of the files that they replace."""
        first = written[0]
        with _explained(first.shown):
            if os.path.realpath(parent) != parent:
                raise OutputError(f"{first.shown}: a link has taken its place meanwhile")
            self._check(first.shown, Path(first.target))
            if not os.path.lexists(parent):
                return
        for shown, target, staged in written:
            with _explained(shown):
                if os.path.islink(target):
                    raise OutputError(f"{shown}: a link has taken its place meanwhile")
                replaced = self._check(shown, Path(target))
                if replaced is not None:
                    _keep_owner(staged, replaced)

    def _clean(self) -> None:
        for _, content in self._streams:
            content.close()
        for stage in self._stages.values():
            stage.remove()


class _Written(NamedTuple):
    """A file in a stage: its target, as given and without links, and where it is."""

    shown: str | Path
    target: str
    staged: str


class OutputFile:
    """A single output file; see :meth:`Outputs.file`.

    Attributes
    ----------
    path : Path
        The path as it was given.
    size : int
        Number of bytes written.
    """

    def __init__(
        self,
        outputs: Outputs,
        path: Path,
        target: Path | None = None,
        stage: _Stage | None = None,
    ) -> None:
        self._outputs = outputs
        self._target = target
        self._stage = stage  # None: the file is a stream
        self.path = path
        self.size = 0

    @property
    def is_stream(self) -> bool:
        """Whether it is a pipe or a device, such as the standard output."""
        return self._stage is None

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Open the file for writing bytes, once."""
        if self._target is None or self._stage is None:
            content = tempfile.TemporaryFile()  # noqa: SIM115 (closed by _clean)
            self._outputs._streams.append((self, content))
            with _writing(content, self.path):
                yield content
                self.size = content.tell()
            return
        with self._stage.open(str(self._target), self.path) as file:
            yield file
            self.size = file.tell()
        self._outputs._add_written(self._stage, str(self._target), self.path)


class OutputFolder:
    """Output files below a folder; see :meth:`Outputs.folder`.

    Attributes
    ----------
    path : Path
        The path as it was given.
    """

    def __init__(self, outputs: Outputs, path: Path, root: Path, stage: _Stage) -> None:
        self._outputs = outputs
        self._root = root
        self._stage = stage
        self._targets: dict[str, str] = {}
        self._parents: dict[str, Path] = {}
        self._new_parents: dict[str, tuple[str, str]] = {}  # folders to be made, and their keys
        self._parts: set[str] = set()
        self._shown = os.path.join(path, "")
        self.path = path

    def declare(self, name: str | os.PathLike[str]) -> None:
        """Check that a file can be written.

        Raises
        ------
        OutputError
            If it cannot, or if a link in its path leads out of the folder.
        """
        name = os.fspath(name)
        shown = self._shown + name
        parent, last = os.path.split(name)
        with _explained(shown):
            if parent in self._new_parents and last not in ("", os.curdir, os.pardir):
                folder, key = self._new_parents[parent]  # nothing can be there
                self._check_names((last,))
                self._targets[name] = folder + last
                self._outputs._claim_key(shown, key + self._stage.key(last))
                return
            self._check_names(Path(name).parts)
            target = self._resolve(name)
            if self._root not in target.parents:
                raise OutputError(f"{shown}: this path leads out of the output folder")
            self._outputs._check(shown, target)
            self._outputs._claim(shown, target, self._stage)
            self._targets[name] = str(target)
            if not os.path.lexists(target.parent):
                folder = os.path.join(target.parent, "")
                self._new_parents[parent] = folder, self._stage.key(folder)

    @contextmanager
    def open(self, name: str | os.PathLike[str]) -> Iterator[BinaryIO]:
        """Open the file with this path below the folder for writing bytes, once."""
        target, shown = self._declared(name)
        with self._stage.open(target, shown) as file:
            yield file
        self._outputs._add_written(self._stage, target, shown)

    def write(self, name: str | os.PathLike[str], data: bytes) -> None:
        """Write the file with this path below the folder, once."""
        target, shown = self._declared(name)
        with _explained(shown):
            self._stage.write(target, data)
        self._outputs._add_written(self._stage, target, shown)

    def remove_others(self, pattern: str) -> None:
        """Remove files that segcore wrote into the folder before, when the block ends.

        Parameters
        ----------
        pattern : str
            The names of the files, such as ``"images-*.js"``. Those of this block, and those that
            segcore did not write, stay. A folder that is empty then is removed, too.
        """
        for path in sorted(self._root.glob(pattern)):
            if path.name not in self._targets and _is_own(path):
                self.declare(path.name)
                self._stage.removed.append(path)

    def writer(self) -> FolderWriter:
        """Return what writes files of this folder in other processes.

        It knows the files that are declared. Pass to `take` what it returns.
        """
        root = str(self._root)
        linked = {
            name: self._stage.staged(target)
            for name, target in self._targets.items()
            if target != os.path.join(root, name)
        }
        return FolderWriter(str(self._stage.new), self._stage.staged(root), self._shown, linked)

    def take(self, name: str | os.PathLike[str], data: bytes | None) -> None:
        """Add a file that a `FolderWriter` has written, or write the data that it returned."""
        if data is not None:
            self.write(name, data)
            return
        target, shown = self._declared(name)
        self._outputs._add_written(self._stage, target, shown)

    def _declared(self, name: str | os.PathLike[str]) -> tuple[str, str]:
        """Return the target of a name, and the path that messages show."""
        name = os.fspath(name)
        if name not in self._targets:
            self.declare(name)
        return self._targets[name], self._shown + name

    def _check_names(self, parts: tuple[str, ...]) -> None:
        """Let the file system refuse names that it cannot hold, such as too long ones."""
        for part in parts:
            if part not in self._parts and not PLAIN.fullmatch(part):
                _status(os.path.join(self._stage.path, part))
                self._parts.add(part)

    def _resolve(self, name: str) -> Path:
        parent, last = os.path.split(self._root / name)
        if parent not in self._parents:
            self._parents[parent] = Path(os.path.realpath(parent))
        target = self._parents[parent] / last
        return Path(os.path.realpath(target)) if target.is_symlink() or last == ".." else target


class FolderWriter:
    """Writes files of an output folder in any process; see :meth:`OutputFolder.writer`.

    Where the stage is out of reach, as on a machine with other disks, and without a stage, files
    are not written, and their data is returned.

    Parameters
    ----------
    stage : str, optional
        The folder of the stage that exists while files may be written.
    root : str, optional
        Where the files are until they are published.
    shown : str, optional
        The path of the output folder in messages.
    linked : dict of str to str, optional
        Where files with links in their paths are until they are published, by name.
    """

    def __init__(
        self, stage: str = "", root: str = "", shown: str = "", linked: dict[str, str] | None = None
    ) -> None:
        self._stage = stage
        self._root = root
        self._shown = shown
        self._linked = linked or {}

    def write(self, name: str | os.PathLike[str], data: bytes) -> bytes | None:
        """Write the declared file with this path below the folder.

        A job may be done twice, so the file may exist; it is replaced by a whole one.

        Returns
        -------
        bytes or None
            The data, if the file could not be written here.

        Raises
        ------
        OutputError
            If the file cannot be written although the stage is within reach.
        """
        if not self._is_here:
            return data
        name = os.fspath(name)
        path = self._linked.get(name) or os.path.join(self._root, name)
        with _explained(self._shown + name):
            try:
                _write_new(path, data, self._stage)
            except FileExistsError:
                beside = os.path.join(os.path.dirname(self._stage), os.urandom(8).hex())
                _write_new(beside, data, self._stage)
                os.replace(beside, path)
        return None

    @cached_property
    def _is_here(self) -> bool:
        """Whether the stage, whose name is random, is on a disk that this process can write to."""
        return bool(self._stage) and os.access(self._stage, os.W_OK | os.X_OK)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the paths: each process looks for the stage itself."""
        return FolderWriter, (self._stage, self._root, self._shown, self._linked)


# -- the stage ------------------------------------------------------------------------------------


class _Stage:
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
        with _explained(shown):
            file = os.fdopen(_create(self.staged(target), self._new_text), "wb")
        try:
            with _writing(file, shown):
                yield file
            with _explained(shown):
                file.close()
        finally:
            with suppress(OSError):  # if something failed before, that is what counts
                file.close()

    def write(self, target: str, data: bytes) -> None:
        """Write a new file that goes to ``target``."""
        _write_new(self.staged(target), data, self._new_text)

    def flush(self) -> None:
        """Flush all files to the disk."""
        are_many = next(itertools.islice(self._paths(), FLUSHED_AT_ONCE, None), None) is not None
        if are_many and _sync_file_system(self.new):
            return
        paths = self._paths()
        while chunk := list(itertools.islice(paths, FLUSHED_AT_ONCE)):
            # Several at a time, which is some eight times faster. A signal must not interrupt the
            # pool while it holds its locks.
            with _signals_held(), ThreadPoolExecutor(8) as pool:
                for path, flushed in [(path, pool.submit(_sync, path)) for path in chunk]:
                    with _explained(self.base / os.path.relpath(path, self.new)):
                        flushed.result()

    def _paths(self) -> Iterator[str]:
        """Yield the new files, and the folders that they are in."""
        for folder, _, names in os.walk(self.new):
            yield folder
            yield from (os.path.join(folder, name) for name in names)

    def moves(self) -> Iterator[_Move]:
        """Give the renames that bring everything into place, whole folders where there is none.

        Files that are to be removed follow.
        """
        waiting = [(self.new, self.base, self.old)]
        while waiting:
            new, place, old = waiting.pop()
            for name in sorted(os.listdir(new)):
                source, target = new / name, place / name
                if not os.path.lexists(target):
                    yield _Move(source, target, None)
                elif source.is_dir():
                    waiting.append((source, target, old / name))
                else:
                    yield _Move(source, target, old / name)
        for target in self.removed:
            if _is_own(target):
                yield _Move(None, target, self.old / target.relative_to(self.base))

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


def _write_new(path: str, data: bytes, stage: str) -> None:
    """Write a new file in a stage."""
    descriptor = _create(path, stage)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    finally:
        os.close(descriptor)


def _create(path: str, stage: str) -> int:
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


def _keep_owner(path: str, replaced: os.stat_result) -> None:
    """Give a staged file the mode of the file it replaces, and its owner if that is allowed."""
    own = os.stat(path)
    if (own.st_uid, own.st_gid) != (replaced.st_uid, replaced.st_gid):
        with suppress(OSError):
            os.chown(path, replaced.st_uid, replaced.st_gid)
    os.chmod(path, stat.S_IMODE(replaced.st_mode) & 0o777)


# -- the swap -------------------------------------------------------------------------------------


class _Move(NamedTuple):
    """A rename of a staged file or folder, and where the file that it replaces is kept.

    Without a source, the file is removed.
    """

    source: Path | None
    target: Path
    kept: Path | None


def _swap(stages: list[_Stage]) -> None:
    """Rename everything into place, or undo it all."""
    done: list[_Move] = []
    target = None
    try:
        moves = [move for stage in stages for move in stage.moves()]
        for _, target, kept in moves:
            if kept is not None:
                _keep(target, kept)
        for move in moves:
            source, target, _ = move
            if source is not None:
                os.replace(source, target)
            else:
                os.unlink(target)
            done.append(move)
        for folder in {move.target.parent for move in moves}:
            target = folder
            if os.access(folder, os.R_OK):
                _sync(folder)
        for folder in {path.parent for stage in stages for path in stage.removed}:
            with suppress(OSError):  # it has other files
                os.rmdir(folder)
    except BaseException as error:
        _undo(done, stages, error)
        if isinstance(error, OSError):
            place = stages[0].base if target is None else target
            raise OutputError(f"cannot write {place}: {_reason(error)}") from error
        raise


def _keep(target: Path, kept: Path) -> None:
    """Give a file a second name in the stage, so that the target is never absent."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(target, kept)
    except OSError:  # a file system without hard links, or a file of another user
        shutil.copy2(target, kept)


def _undo(done: list[_Move], stages: list[_Stage], error: BaseException) -> None:
    failed = []
    for source, target, backup in reversed(done):
        try:
            if backup is not None:
                os.replace(backup, target)
            elif source is not None:
                os.replace(target, source)
        except OSError:
            failed.append(target)
    if failed:
        for stage in stages:
            stage.keep()
        kept = ", ".join(str(stage.path) for stage in stages)
        raise OutputError(
            f"cannot write all outputs ({error}), nor restore {failed[0]}; what was replaced is in "
            f"{kept}"
        ) from error


@contextmanager
def _signals_held() -> Iterator[None]:
    """Hold back the signals that end a program until the block is left."""
    if threading.current_thread() is not threading.main_thread():
        yield  # Python runs handlers in the main thread alone
        return
    names = ("SIGINT", "SIGTERM", "SIGHUP")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    # None is a handler that was not installed by Python, and could not be restored.
    previous = {n: h for n in numbers if (h := signal.getsignal(n)) not in (None, signal.SIG_IGN)}
    held: list[int] = []
    try:
        for number in previous:
            signal.signal(number, lambda caught, _: held.append(caught))
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        for number in held[:1]:
            signal.raise_signal(number)


# -- the file system ------------------------------------------------------------------------------


@contextmanager
def _explained(shown: Path | str) -> Iterator[None]:
    """Turn an OSError into an OutputError that names the output."""
    try:
        yield
    except (OutputError, BrokenPipeError):
        raise
    except OSError as error:
        raise OutputError(f"cannot write {shown}: {_reason(error)}") from error
    except ValueError as error:  # such as a NUL in a path
        raise OutputError(f"cannot write {shown}: {error}") from error


@contextmanager
def _writing(file: BinaryIO, shown: Path | str) -> Iterator[None]:
    """Name the output in errors of writing to an open file; those of other files pass."""
    try:
        yield
        file.flush()
    except OSError as error:
        if error.filename is not None or isinstance(error, OutputError | BrokenPipeError):
            raise
        raise OutputError(f"cannot write {shown}: {_reason(error)}") from error


def _reason(error: OSError) -> str:
    return error.strerror or str(error)


def _status(path: str | os.PathLike[str]) -> os.stat_result | None:
    try:
        return os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None


def _identity(path: str | os.PathLike[str] | int) -> tuple[int, int] | None:
    """Return device and inode of a file, which are the same for all its names; None without one."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


def _kind(status: os.stat_result) -> str:
    kinds = {
        stat.S_IFDIR: "a folder",
        stat.S_IFREG: "a file",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
        stat.S_IFIFO: "a pipe",
        stat.S_IFSOCK: "a socket",
    }
    return kinds.get(stat.S_IFMT(status.st_mode), "no regular file")


def _nearest_folder(path: Path) -> Path:
    """Return the folder itself, or the nearest existing one above it."""
    for folder in (path, *path.parents):
        status = _status(folder)
        if status is not None:
            if not stat.S_ISDIR(status.st_mode):
                raise OutputError(f"{folder}: it is {_kind(status)}, expected a folder")
            return folder
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))


def _check_writable(folder: Path) -> None:
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"{folder}: this folder is not writable")


def is_replaceable(path: str | os.PathLike[str]) -> bool:
    """Return whether segcore wrote a file, or it is empty."""
    with open(path, "rb") as file:
        start = file.read(MARK_WITHIN)
    return not start or MARK.search(start) is not None


def _is_own(path: Path) -> bool:
    """Return whether a path is that of a regular file that segcore wrote."""
    with suppress(OSError):
        return path.is_file() and not path.is_symlink() and is_replaceable(path)
    return False


def _sync(path: str | os.PathLike[str]) -> None:
    """Flush a file or the entries of a folder to the disk, where the file system can do that."""
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


def _sync_file_system(folder: Path) -> bool:
    """Flush the file system of a folder to the disk; False where that cannot be done."""
    if not sys.platform.startswith("linux"):
        return False
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        return int(ctypes.CDLL(None).syncfs(descriptor)) == 0
    except (AttributeError, OSError):  # a C library without it
        return False
    finally:
        os.close(descriptor)


def _descriptor(path: Path) -> int | None:
    """Return n if a path stands for this process's open file n, as ``/dev/stdout`` does for 1."""
    path = Path(os.path.abspath(path))
    for _ in range(40):  # as many links as Linux follows
        if os.path.realpath(path.parent) in (f"/proc/{os.getpid()}/fd", "/dev/fd"):
            return int(path.name) if path.name.isdecimal() else None
        if not path.is_symlink():
            return None
        path = path.parent / os.readlink(path)
    return None


def _is_stream(path: Path) -> bool:
    """Return whether a path is a pipe or a device that takes bytes, or an open file."""
    descriptor = _descriptor(path)
    if descriptor is not None:
        os.fstat(descriptor)  # an OSError if it is closed
        return True
    status = _status(path)
    return status is not None and (stat.S_ISFIFO(status.st_mode) or stat.S_ISCHR(status.st_mode))


def _send(content: BinaryIO, path: Path) -> None:
    """Write what was collected to a stream."""
    descriptor = _descriptor(path)
    opened = os.open(path, os.O_WRONLY) if descriptor is None else os.dup(descriptor)
    with os.fdopen(opened, "wb") as stream:
        content.seek(0)
        shutil.copyfileobj(content, stream)
