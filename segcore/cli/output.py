"""Write files whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from segcore.cli.problems import BadInput
from segcore.visible import visible


class Output:
    """Files that appear together in a folder when all are written: see :func:`output`."""

    def __init__(self, folder: Path, stage: Path) -> None:
        self.folder = folder
        self._stage = stage
        self._written: list[PurePosixPath] = []

    @contextmanager
    def open(self, name: PurePosixPath | str) -> Iterator[BinaryIO]:
        """Open a new file, by its path below the folder, for writing bytes."""
        path = self._stage / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            yield file
        self._written.append(PurePosixPath(name))

    def publish(self) -> None:
        """Move all files to their places, replacing those of the same names."""
        root = Path(os.path.realpath(self.folder))
        for name in self._written:  # all that can be known to fail, before the first file moves
            place = root / name
            if place.is_dir():
                raise BadInput(f"{self.folder / name}: a folder stands where a file should go")
            if not Path(os.path.realpath(place.parent)).is_relative_to(root):
                raise BadInput(f"{self.folder / name}: a link in this path leads out of the folder")
        for name in self._written:
            place = root / name
            place.parent.mkdir(parents=True, exist_ok=True)
            os.replace(self._stage / name, place)


@contextmanager
def output(folder: Path) -> Iterator[Output]:
    """Collect files, and move them into ``folder`` at the end if nothing fails.

    They wait in a hidden folder on the same file system, in ``folder`` itself where that exists.

    Raises
    ------
    BadInput
        If the folder cannot be written to.
    """
    base = next(p for p in (folder, *folder.absolute().parents) if p.exists())
    if not base.is_dir():
        raise BadInput(f"{base}: a file stands where the output folder should be")
    try:
        stage = Path(tempfile.mkdtemp(prefix=".segcore-", dir=base))
    except OSError as error:
        raise BadInput(f"cannot write into {base}: {error.strerror or error}") from error
    try:
        files = Output(folder, stage)
        yield files
        files.publish()
    except OSError as error:
        place = str(error.filename or folder).replace(str(stage), str(folder))
        raise BadInput(f"cannot write {place}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def write_json(file: BinaryIO, value: object, indent: int | None = 2) -> None:
    """Write JSON, indented unless that is None."""
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    file.write((visible(text, keep_lines=True) + "\n").encode())


def write_labels(
    file: BinaryIO, labels: NDArray[np.unsignedinteger], colors: NDArray[np.uint8]
) -> None:
    """Write a label map as PNG: uint8 as 8 bits indexed by ``colors``, uint16 as grey."""
    from PIL import Image

    image = Image.fromarray(labels)
    if labels.dtype == np.uint8:
        # A full palette: Pillow packs pixels into fewer bits for a short one.
        image.putpalette(colors.tobytes().ljust(256 * 3, b"\0"))
    image.save(file, "PNG")
