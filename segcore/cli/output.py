"""The output files of commands: protection of other files, and formats."""

from __future__ import annotations

import itertools
import json
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from segcore._publish import OutputError, OutputExistsError, Outputs, is_replaceable, publish
from segcore._text import visible
from segcore._version import __version__
from segcore.cli.failures import BadInput
from segcore.data.coco.panoptic import maps_folder
from segcore.data.files.classes import CLASSES
from segcore.data.files.photographs import SUFFIXES
from segcore.data.files.walk import files_below
from segcore.data.per_image.instance_set import InstanceSet
from segcore.data.per_image.reading import is_dataset_folder

SOFTWARE = f"segcore {__version__}"
"""The mark in output files. Only files with it are replaced without ``--overwrite``."""
MARK = {"Software": SOFTWARE}
"""The mark as a text of PNGs."""


@contextmanager
def publishing(
    inputs: Iterable[Path | None], photographs: Path | None, overwrite: bool
) -> Iterator[Outputs]:
    """Open a :func:`segcore._publish.publish` block for a command.

    Parameters
    ----------
    inputs : iterable of Path
        Files and folders that the command reads. Their files are never replaced.
    photographs : Path, optional
        A folder with photographs, which are not replaced either.
    overwrite : bool
        Whether to replace files that segcore did not write.

    Raises
    ------
    BadInput
        If an output cannot be written.
    """
    try:
        with publish(_files_of(inputs, photographs), overwrite) as outputs:
            yield outputs
    except OutputExistsError as error:
        raise BadInput(f"{error}; --overwrite replaces it") from error
    except OutputError as error:
        raise BadInput(str(error)) from error
    if outputs.to_stdout:
        sys.stdout = sys.stderr  # keep printed lines out of the file


def _files_of(inputs: Iterable[Path | None], photographs: Path | None) -> Iterator[Path]:
    """Yield the input files, and those read in folders, such as the PNGs of a panoptic file."""
    for path in (*inputs, photographs):
        if path is None:
            continue
        yield path
        if path.suffix.lower() == ".png":
            yield path.with_name(CLASSES)
        is_dataset = path != photographs and is_dataset_folder(path)
        for file in files_below(path if path.is_dir() else maps_folder(path), everything=True):
            is_image = file.suffix.lower() in SUFFIXES or file.name == CLASSES
            if is_image or (is_dataset and file.suffix.lower() != ".html"):
                yield file


def check_images(folder: Path, dataset: InstanceSet) -> None:
    """Raise BadInput if a map would replace an image that the data set names."""
    for image in dataset.images:
        if image.name != image.map_name:
            continue
        path = folder / image.map_name
        if path.is_file() and not is_replaceable(path):
            raise BadInput(
                f"{path}: the data set names this file as an image, which a map must not replace; "
                "choose another output folder"
            )


class JsonList:
    """A JSON list of many items, which are in a temporary file until they are written.

    The file is closed when the ``with`` block of the list ends.
    """

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None

    def __enter__(self) -> JsonList:
        return self

    def __exit__(self, *error: object) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, items: Iterable[str]) -> None:
        """Add items, each of them JSON text."""
        for item in items:
            before = ",\n    "
            if self._file is None:
                self._file = tempfile.TemporaryFile()  # noqa: SIM115 (closed by __exit__)
                before = "\n    "
            self._file.write(visible(before + item, keep_lines=True).encode())

    def write(self, file: BinaryIO) -> None:
        """Write the list as JSON."""
        file.write(b"[")
        if self._file is not None:
            self._file.seek(0)
            shutil.copyfileobj(self._file, file)
            file.write(b"\n  ")
        file.write(b"]")


def write_json(
    file: BinaryIO, value: Mapping[str, object], lists: Mapping[str, JsonList] | None = None
) -> None:
    """Write a JSON object, a part at a time: all of its text can take more memory than it does.

    ``lists`` are further members, which come last.
    """
    described = {"info": {"software": SOFTWARE}, **value}
    pieces = json.JSONEncoder(indent=2, ensure_ascii=False).iterencode(described)
    end = ""
    while text := "".join(itertools.islice(pieces, 10_000)):
        text, end = (end + text)[:-2], (end + text)[-2:]
        file.write(visible(text, keep_lines=True).encode())
    for name, items in (lists or {}).items():
        file.write(f',\n  "{name}": '.encode())
        items.write(file)
    file.write(end.encode() + b"\n")


class ListsWriter:
    """Writes a JSON object of lists, an item per line, as `write_json` writes other objects."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._before = ""
        self._write(f'{{"info": {json.dumps({"software": SOFTWARE})}')

    def write(self, name: str, items: Iterable[str]) -> None:
        """Write a list of items, each of them JSON text."""
        self.start(name)
        self.add(items)

    def start(self, name: str) -> None:
        """Start a list."""
        self._write(f'{"]" if self._before else ""},\n"{name}": [')
        self._before = "\n"

    def add(self, items: Iterable[str]) -> None:
        """Add items to the list, each of them JSON text."""
        for item in items:
            self._write(self._before + item)
            self._before = ",\n"

    def end(self) -> None:
        """End the object."""
        self._write("]}\n")

    def _write(self, text: str) -> None:
        self._file.write(visible(text, keep_lines=True).encode())


def write_png(file: BinaryIO, image: Image.Image, optimize: bool = False) -> None:
    """Write a PNG with the mark of segcore."""
    info = PngInfo()
    info.add_text("Software", SOFTWARE)
    image.save(file, "PNG", pnginfo=info, optimize=optimize)
