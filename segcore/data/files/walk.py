"""The files below a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path


def files_below(folder: Path, everything: bool = False) -> Iterator[Path]:
    """Yield the files in a folder and its subfolders, sorted in each of them.

    Hidden files and folders, whose names start with a dot, are no data and are left out.

    Parameters
    ----------
    folder : Path
        The folder.
    everything : bool, default False
        Whether to yield hidden files and follow links to folders, too, entering each folder once.
        Folders that cannot be listed are left out.

    Raises
    ------
    OSError
        If a folder cannot be listed, unless `everything`.
    """
    seen = {os.path.realpath(folder)}
    onerror = None if everything else _raise
    for parent, folders, names in os.walk(folder, onerror=onerror, followlinks=everything):
        if everything:
            real = {name: os.path.realpath(os.path.join(parent, name)) for name in folders}
            folders[:] = [name for name in folders if real[name] not in seen]
            seen.update(real.values())
        else:
            folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if everything or not name.startswith("."):
                yield Path(parent, name)


def _raise(error: OSError) -> None:
    raise error
