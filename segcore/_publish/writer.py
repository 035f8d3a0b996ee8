"""What writes files of an output folder in other processes."""

from __future__ import annotations

import os
from functools import cached_property
from typing import Any

from segcore._publish.files import explained
from segcore._publish.stage import write_new


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
        with explained(self._shown + name):
            try:
                write_new(path, data, self._stage)
            except FileExistsError:
                beside = os.path.join(os.path.dirname(self._stage), os.urandom(8).hex())
                write_new(beside, data, self._stage)
                os.replace(beside, path)
        return None

    @cached_property
    def _is_here(self) -> bool:
        """Whether the stage, whose name is random, is on a disk that this process can write to."""
        return bool(self._stage) and os.access(self._stage, os.W_OK | os.X_OK)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the paths: each process looks for the stage itself."""
        return FolderWriter, (self._stage, self._root, self._shown, self._linked)
