"""Names of files in data sets: paths below a folder, and the files that they mean.

A data set cannot name anything outside of its folder: `relative_path` refuses such names, for
reading as for writing. Links are another matter. Only the owner of a folder can put one there, as
people do with folders of photographs, so links are followed for reading; nothing is written through
one that leads out of the output folder.
"""

from __future__ import annotations

import json
import os
import re
from collections import defaultdict
from pathlib import Path, PurePosixPath

from segcore.data._fields import describe
from segcore.data._problems import BadInput

LONGEST_NAME = 1024
LONGEST_PART = 255
"""The most bytes of a name between two slashes on any common file system."""

_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\.|:|$)", re.I)
"""What Windows takes for a device, in any folder and with any suffix."""


def relative_path(name: object) -> PurePosixPath:
    r"""Turn a name from a data set into a path below a folder.

    Parameters
    ----------
    name : object
        What stands where a file's name should. Slashes and backslashes separate folders.

    Raises
    ------
    ValueError
        If it is not text, empty, absolute (``/a``, ``C:a``, ``\\server\a``), names a folder, has
        ``..`` or a control character in it, is too long, is not valid Unicode, or is a device on
        Windows.
    """
    if not isinstance(name, str) or not name:
        raise ValueError(f"is {describe(name)}, expected the name of a file")
    shown = json.dumps(name)
    if len(shown) > 100:
        shown = f'{shown[:90]}..."'
    try:
        length = len(name.encode())
    except UnicodeEncodeError:
        raise ValueError(f"{shown} is not a valid name for a file") from None
    if any(ord(c) < 32 or 127 <= ord(c) < 160 for c in name):
        raise ValueError(f"{shown} holds a control character")
    parts = re.split(r"[/\\]", name)
    if parts[0] == "" or re.match("[A-Za-z]:", name):
        raise ValueError(f"{shown} is absolute, expected a path below a folder")
    if ".." in parts:
        raise ValueError(f'{shown} leaves its folder through ".."')
    path = PurePosixPath(*parts)
    if parts[-1] in ("", ".") or not path.stem:
        raise ValueError(f"{shown} names a folder, expected a file")
    for part in path.parts:
        if not part.strip(". ") or _RESERVED.match(part):
            raise ValueError(f"{shown} is not a valid name for a file on Windows")
    if length > LONGEST_NAME or max(len(part.encode()) for part in path.parts) > LONGEST_PART:
        raise ValueError(f"{shown} is too long for a name of a file")
    return path


class Folder:
    """Finds files of a folder by the names that a data set gives them.

    The case of suffixes does not matter: ``a.jpg`` is also found as ``a.JPG``.

    Parameters
    ----------
    path : Path
        The folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._listed: dict[Path, dict[str, list[str]]] = {}

    def find(self, name: PurePosixPath) -> Path | None:
        """Return the file of a name, or None if there is none.

        Raises
        ------
        BadInput
            If there is no file of that very name, and several that differ from it in case alone.
        """
        exact = self.path / name
        if os.path.isfile(exact):
            return exact
        if exact.parent not in self._listed:
            self._listed[exact.parent] = _by_lower_suffix(exact.parent)
        found = self._listed[exact.parent].get(_lower_suffix(exact.name), [])
        return exact.with_name(only(found, exact.parent)) if found else None

    def map(self, name: PurePosixPath) -> Path:
        """Return the file of a name, or the path where it should be."""
        return self.find(name) or self.path / name


def label_maps(folder: Path) -> dict[PurePosixPath, Path]:
    """List the PNG files in a folder and those below it.

    Hidden files and folders, whose names start with a dot, are left out.

    Returns
    -------
    dict of PurePosixPath to Path
        The files by their paths below the folder, with the suffix in lower case, in order.

    Raises
    ------
    BadInput
        If it is not a folder, cannot be listed, two names differ in case alone, or a data set
        could not name one of the files.
    """
    if not folder.is_dir():
        raise BadInput(f"{folder}: expected a folder with label maps")
    found: dict[PurePosixPath, Path] = {}
    for parent, folders, files in os.walk(folder, onerror=_raise):
        folders[:] = [name for name in folders if not name.startswith(".")]
        place = Path(parent)
        names = [n for n in files if n.lower().endswith(".png") and not n.startswith(".")]
        for name in names:
            path = place / name
            try:  # so that what is written about this file can be read again
                key = relative_path(path.relative_to(folder).as_posix()).with_suffix(".png")
            except ValueError as error:
                raise BadInput(f"{path}: its name {error}; rename it") from None
            if key in found:
                raise BadInput(_ambiguous(place, [found[key].name, name]))
            found[key] = path
    return dict(sorted(found.items()))


def only(names: list[str], folder: Path) -> str:
    """Return the only one of some names; BadInput if there are several."""
    if len(names) > 1:
        raise BadInput(_ambiguous(folder, names))
    return names[0]


def _ambiguous(folder: Path, names: list[str]) -> str:
    return f"{folder}: {' and '.join(sorted(names)[:2])} differ in case alone; rename one of them"


def _raise(error: OSError) -> None:
    raise error


def _lower_suffix(name: str) -> str:
    stem, suffix = os.path.splitext(name)
    return stem + suffix.lower()


def _by_lower_suffix(folder: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_file():
                    found[_lower_suffix(entry.name)].append(entry.name)
    except OSError:  # there is no such folder, or nobody may look into it
        return {}
    return found
