"""The outputs of a block: declared, checked, written, and published at its end."""

from __future__ import annotations

import os
import re
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from segcore._publish.errors import OutputError, OutputExistsError
from segcore._publish.files import (
    check_writable,
    descriptor_of,
    explained,
    identity_of,
    is_own,
    is_replaceable,
    is_stream,
    keep_owner,
    kind_of,
    nearest_folder,
    send,
    status_of,
    writing,
)
from segcore._publish.signals import signals_held
from segcore._publish.stage import Stage
from segcore._publish.swap import swap
from segcore._publish.writer import FolderWriter

MAX_DEPTH = 100
PLAIN = re.compile(r"[A-Za-z0-9_.-]{1,100}")
"""Names that are valid on all file systems."""


@contextmanager
def publish(
    protect: Iterable[str | os.PathLike[str]] = (), overwrite: bool = False
) -> Iterator[Outputs]:
    """Write files that appear together when the block ends without an error.

    An existing file is replaced only if segcore wrote it or it is empty.

    Parameters
    ----------
    protect : iterable of path, optional
        Input files, which are never replaced, whatever name or link leads to them.
    overwrite : bool, optional
        Also replace files that segcore did not write.

    Yields
    ------
    Outputs

    Raises
    ------
    OutputError
        If an output cannot be written. All files are then unchanged.
    """
    outputs = Outputs(protect, overwrite)
    try:
        yield outputs
        outputs._publish()
    finally:
        with signals_held():
            outputs._clean()


class Outputs:
    """The outputs of one :func:`publish` block."""

    def __init__(self, protect: Iterable[str | os.PathLike[str]], overwrite: bool) -> None:
        self._inputs = list(protect)
        self._input_ids: set[tuple[int, int] | None] | None = None
        self._overwrite = overwrite
        self._stages: dict[Path, Stage] = {}  # by the folder that their files are renamed into
        self._files: dict[str, Path | str] = {}  # all targets, as they were given
        self._folders: set[str] = set()  # all folders above targets
        self._written: dict[str, list[_Written]] = {}  # by the folder of their targets
        self._writable: set[Path] = set()  # folders of new files that are writable
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
        with explained(shown):
            if is_stream(shown):
                self._claim_stream(shown)
                return OutputFile(self, shown)
            target = Path(os.path.realpath(shown))
            self._check(shown, target)
            stage = self._stage(nearest_folder(target.parent))
            self._claim(shown, target, stage)
            return OutputFile(self, shown, target, stage)

    def folder(
        self,
        path: str | os.PathLike[str],
        names: Iterable[str | os.PathLike[str]] = (),
    ) -> OutputFolder:
        """Declare an output folder and the files to be written below it.

        Parameters
        ----------
        path : path
            The folder. It is created if it does not exist; other files in it are unchanged.
        names : iterable of path, optional
            Paths below the folder, which are checked now. Others are checked when they are opened.

        Raises
        ------
        OutputError
            If the folder or one of the files cannot be written.
        """
        shown = Path(path)
        with explained(shown):
            root = Path(os.path.realpath(shown))
            base = nearest_folder(root)
            check_writable(base)
            folder = OutputFolder(self, shown, root, self._stage(base, beside=base == root))
        for name in names:
            folder.declare(name)
        return folder

    @property
    def to_stdout(self) -> bool:
        """Whether something is written to the standard output."""
        return any(descriptor_of(file.path) == 1 for file, _ in self._streams)

    # -- checks -----------------------------------------------------------------------------------

    def _check(self, shown: Path | str, target: Path) -> os.stat_result | None:
        """Refuse a target that must not be replaced or cannot be written.

        Returns the status of the file that would be replaced; None if there is none.
        """
        status = status_of(target)
        if status is None:
            if target.parent not in self._writable:
                check_writable(nearest_folder(target.parent))
                self._writable.add(target.parent)
            return None
        if not stat.S_ISREG(status.st_mode):
            raise OutputError(f"{shown}: it is {kind_of(status)}, expected a file")
        self._check_input(shown, identity_of(target))
        if not self._overwrite and not is_replaceable(target):
            raise OutputExistsError(f"{shown}: it exists, and segcore did not write it")
        if not os.access(target, os.W_OK):
            raise OutputError(f"{shown}: it is read-only")
        check_writable(target.parent)
        return status

    def _check_input(self, shown: Path | str, identity: tuple[int, int] | None) -> None:
        if self._input_ids is None:
            self._input_ids = {identity_of(path) for path in self._inputs}
        if identity in self._input_ids:
            raise OutputError(f"{shown}: it is an input, which an output must not replace")

    def _claim_stream(self, shown: Path) -> None:
        """Refuse a stream that is an input or another output."""
        descriptor = descriptor_of(shown)
        identity = identity_of(shown if descriptor is None else descriptor)
        if identity == identity_of(os.devnull):
            return
        self._check_input(shown, identity)
        files = {identity_of(path): path for path in self._files.values()}
        if other := (files | self._stream_ids).get(identity):
            raise OutputError(f"{shown}: it is the same file as the output {other}")
        self._stream_ids[identity] = shown

    def _claim(self, shown: Path | str, target: Path, stage: Stage) -> None:
        """Refuse a target that is another output or lies below one."""
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
        """Refuse a key, or the file of an existing target, that belongs to another output."""
        other = self._files.get(key)
        if other is None and self._stream_ids and target is not None:
            other = self._stream_ids.get(identity_of(target))
        if other is not None:
            raise OutputError(f"{shown}: it is the same file as the output {other}")
        if key in self._folders:
            raise OutputError(f"{shown}: other outputs need a folder of this name")
        self._files[key] = shown

    def _add_written(self, stage: Stage, target: str, shown: Path | str) -> None:
        written = _Written(shown, target, stage.staged(target))
        self._written.setdefault(os.path.dirname(target), []).append(written)

    def _stage(self, base: Path, beside: bool = False) -> Stage:
        if base not in self._stages:
            with signals_held():
                self._stages[base] = Stage(base, beside)
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
            with explained(file.path):
                send(content, file.path)
        with signals_held():
            swap(stages)

    def _check_again(self, parent: str, written: list[_Written]) -> None:
        """Check the targets in a folder, and keep the owners of the files that they replace."""
        first = written[0]
        with explained(first.shown):
            if os.path.realpath(parent) != parent:
                raise OutputError(f"{first.shown}: a link has replaced it in the meantime")
            self._check(first.shown, Path(first.target))
            if not os.path.lexists(parent):
                return
        for shown, target, staged in written:
            with explained(shown):
                if os.path.islink(target):
                    raise OutputError(f"{shown}: a link has replaced it in the meantime")
                replaced = self._check(shown, Path(target))
                if replaced is not None:
                    keep_owner(staged, replaced)

    def _clean(self) -> None:
        for _, content in self._streams:
            content.close()
        for stage in self._stages.values():
            stage.remove()


class _Written(NamedTuple):
    """A staged file: its target as given, its target without links, and its path in the stage."""

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
        stage: Stage | None = None,
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
            with writing(content, self.path):
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

    def __init__(self, outputs: Outputs, path: Path, root: Path, stage: Stage) -> None:
        self._outputs = outputs
        self._root = root
        self._stage = stage
        self._targets: dict[str, str] = {}
        self._parents: dict[str, Path] = {}
        self._new_parents: dict[str, tuple[str, str]] = {}  # folders to be created, and their keys
        self._parts: set[str] = set()
        self._shown = os.path.join(path, "")
        self.path = path

    def declare(self, name: str | os.PathLike[str]) -> None:
        """Check that a file can be written.

        Raises
        ------
        OutputError
            If it cannot, or a link in its path leads out of the folder.
        """
        name = os.fspath(name)
        shown = self._shown + name
        parent, last = os.path.split(name)
        with explained(shown):
            if parent in self._new_parents and last not in ("", os.curdir, os.pardir):
                folder, key = self._new_parents[parent]  # the folder is new, so nothing is there
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
        with explained(shown):
            self._stage.write(target, data)
        self._outputs._add_written(self._stage, target, shown)

    def remove_others(self, pattern: str) -> None:
        """When the block ends, remove files that segcore wrote into the folder before.

        Parameters
        ----------
        pattern : str
            Glob pattern of the files, such as ``"images-*.js"``. Files of this block, and files
            that segcore did not write, are kept. If the folder is then empty, it is removed, too.
        """
        for path in sorted(self._root.glob(pattern)):
            if path.name not in self._targets and is_own(path):
                self.declare(path.name)
                self._stage.removed.append(path)

    def writer(self) -> FolderWriter:
        """Return a writer of files of this folder, for other processes.

        It knows the files declared so far. Pass the results of its `write` to `take`.
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
        """Raise the file system's error for names that it does not support, such as long ones."""
        for part in parts:
            if part not in self._parts and not PLAIN.fullmatch(part):
                status_of(os.path.join(self._stage.path, part))
                self._parts.add(part)

    def _resolve(self, name: str) -> Path:
        parent, last = os.path.split(self._root / name)
        if parent not in self._parents:
            self._parents[parent] = Path(os.path.realpath(parent))
        target = self._parents[parent] / last
        return Path(os.path.realpath(target)) if target.is_symlink() or last == ".." else target
