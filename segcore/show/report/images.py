"""Storage of a page's images: in its file, or in files of a folder beside it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

from segcore._text import visible
from segcore._version import __version__

SINGLE_FILE = 50_000_000
"""The default of the greatest size of the images in a single file, in bytes."""
_FULL = 1_000_000
"""The size from which on a file of a folder is full, in bytes."""


@dataclass(frozen=True)
class PageFolder:
    """A folder beside a page, for its images if they are too large for one file.

    Attributes
    ----------
    name : str
        Name of the folder, by which the page reads it.
    open : callable
        Takes the name of a file, and returns a context manager of the file, open for writing bytes.
    single_file : int
        Images of up to this size in bytes are in the page itself, and the folder is not used.
        Default: 50 MB.
    """

    name: str
    open: Callable[[str], AbstractContextManager[BinaryIO]]
    single_file: int = SINGLE_FILE

    @classmethod
    def at(cls, path: Path, single_file: int = SINGLE_FILE) -> PageFolder:
        """Return the folder at a path, which is created when its first file is written."""

        def opened(name: str) -> AbstractContextManager[BinaryIO]:
            path.mkdir(parents=True, exist_ok=True)
            return (path / name).open("wb")

        return cls(path.name, opened, single_file)


class ImageWriter:
    """Writes the images of a page one by one.

    Without a folder, each image is written to the page at once. With a folder, images are kept in
    memory until they exceed its limit, and then written to files of about 1 MB. The files are
    scripts, because a page that was opened from a disk cannot read other files.

    Parameters
    ----------
    page : file
        The page, open for writing bytes.
    folder : PageFolder, optional
        The folder for large pages.
    """

    def __init__(self, page: BinaryIO, folder: PageFolder | None) -> None:
        self._page = page
        self._folder = folder
        self._waiting: list[str] = []
        self._size = 0
        self._count = 0
        self._starts: list[int] = []

    def add(self, text: str) -> None:
        """Write the next image, which is JSON as returned by `json_text`."""
        self._waiting.append(text)
        self._size += len(self._waiting[-1])
        if self._folder is None:
            self._write_to_page()
        elif self._size > (_FULL if self._starts else self._folder.single_file):
            self._write_to_folder(self._folder)

    def finish(self) -> dict[str, Any] | None:
        """Write the rest.

        Returns
        -------
        dict or None
            The address of the folder, and the index of the first image of each of its files; None
            if all images are in the page.
        """
        if self._folder is None or not self._starts:
            self._write_to_page()
            return None
        self._write_to_folder(self._folder)
        return {"folder": quote(self._folder.name), "starts": self._starts}

    def _write_to_page(self) -> None:
        for text in self._waiting:
            write_element(self._page, f"image-{self._count}", [text])
            self._count += 1
        self._waiting, self._size = [], 0

    def _write_to_folder(self, folder: PageFolder) -> None:
        part: list[str] = []
        for text in self._waiting:
            part.append(text)
            if sum(map(len, part)) >= _FULL:
                self._write_file(folder, part)
                part = []
        if part:
            self._write_file(folder, part)
        self._waiting, self._size = [], 0

    def _write_file(self, folder: PageFolder, part: list[str]) -> None:
        number = len(self._starts)
        self._starts.append(self._count)
        self._count += len(part)
        head = f'receiveImages({{"software":"segcore {__version__}","file":{number},"images":['
        with folder.open(f"images-{number}.js") as file:
            file.write(f"{head}{','.join(part)}]}});\n".encode())


def json_text(value: object) -> str:
    """Return JSON for a script element: "</script>" in a text would end it."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return visible(text)


def write_element(file: BinaryIO, key: str, texts: Iterable[str]) -> None:
    """Write JSON, which is in several texts, as a script element."""
    file.write(f'<script type="application/json" id="{key}">'.encode())
    for text in texts:
        file.write(text.encode())
    file.write(b"</script>\n")
