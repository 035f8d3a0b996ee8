"""File names in data sets: validated paths below a folder, and the files that they refer to.

A data set cannot refer to anything outside its folder: `relative_path` refuses such names, both for
reading and for writing. Symbolic links are followed for reading, since only the owner of a folder
can create them; nothing is written through a link that leads out of the output folder.
"""

from __future__ import annotations

import json
import os
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from segcore.data.columns.fields import describe
from segcore.data.errors import DatasetError

LONGEST_NAME = 1024
LONGEST_PART = 255
"""Maximum length in bytes of a name, and of its parts between slashes on common file systems."""

_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,100}\.[A-Za-z0-9]{1,10}")
"""Most names of files, which need no further checks, unless Windows reserves them."""
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\.|:|$)", re.I)
"""Names that Windows treats as devices, in any folder and with any suffix."""


def relative_path(name: object) -> PurePosixPath:
    r"""Return a file name in a data set as a path below a folder.

    Parameters
    ----------
    name : object
        The value of the field. Slashes and backslashes separate folders.

    Raises
    ------
    ValueError
        If it is not text, is empty or absolute (``/a``, ``C:a``, ``\\server\a``), names a folder,
        contains ``..`` or a control character, is too long, is not valid Unicode, or is a device on
        Windows.
    """
    return PurePosixPath(relative_name(name))


def check_distinct(paths: Sequence[str], image_ids: Sequence[object]) -> None:
    """Raise ValueError if two images would be written to the same path."""
    found: dict[str, object] = {}
    for path, image_id in zip(paths, image_ids, strict=True):
        if path in found:
            raise ValueError(
                f"images {found[path]} and {image_id}: both would be written to {path}"
            )
        found[path] = image_id


def relative_name(name: object) -> str:
    """Return the text of `relative_path`, which most names are as they are."""
    if isinstance(name, str) and _PLAIN.fullmatch(name) and not _RESERVED.match(name):
        return name
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
    return str(path)


class Folder:
    """Finds the files of a folder by their names in a data set.

    The case of suffixes is ignored: ``a.jpg`` also finds ``a.JPG``.

    Parameters
    ----------
    path : Path
        The folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._listed: dict[Path, dict[str, list[str]]] = {}

    def find(self, name: PurePosixPath) -> Path | None:
        """Return the file with a name, or None.

        Raises
        ------
        DatasetError
            If no file has exactly this name and several differ from it in case alone.
        """
        exact = self.path / name
        if os.path.isfile(exact):
            return exact
        if exact.parent not in self._listed:
            self._listed[exact.parent] = _by_lower_suffix(exact.parent)
        found = self._listed[exact.parent].get(_lower_suffix(exact.name), [])
        if len(found) > 1:
            raise DatasetError("", ambiguous(exact.parent, found))
        return exact.with_name(found[0]) if found else None

    def path_of(self, name: PurePosixPath) -> Path:
        """Return the file with a name, or the path where it is missing."""
        return self.find(name) or self.path / name


def ambiguous(folder: Path, names: list[str]) -> str:
    """Return the message about names in a folder that differ in case alone."""
    return f"{folder}: {' and '.join(sorted(names)[:2])} differ in case alone; rename one of them"


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
    except OSError:  # the folder is missing or not readable
        return {}
    return found
