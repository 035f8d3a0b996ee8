"""Write files of an output folder in other processes."""

from __future__ import annotations

import os
from functools import cached_property
from typing import Any

from segcore._publish.files import explained
from segcore._publish.stage import write_new


class FolderWriter:
    """Writer of files of an output folder, for any process; see :meth:`OutputFolder.writer`.

    Without a stage, or if this process cannot reach it (as on a machine with other disks), files
    are not written, and their data is returned.

    Parameters
    ----------
    stage : str, optional
        Folder of the stage that exists as long as files may be written.
    root : str, optional
        Folder of the files until they are published.
    shown : str, optional
        The path of the output folder in messages.
    linked : dict of str to str, optional
        Paths, until they are published, of files with links in their target paths, by name.
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

        A job may run twice, so the file may exist; it is then replaced in one step.

        Returns
        -------
        bytes or None
            The data if the stage is out of reach, None if the file was written.

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
        """Pickle only the paths: each process looks for the stage itself."""
        return FolderWriter, (self._stage, self._root, self._shown, self._linked)
