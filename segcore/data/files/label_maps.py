"""PNG label maps: those of a folder, and their pixels."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore.data.errors import DatasetError
from segcore.data.files.images import opened
from segcore.data.files.names import ambiguous, relative_path

IGNORED = 255
"""The label that is ignored by default, unless it is a class."""


def label_maps(folder: Path) -> dict[PurePosixPath, Path]:
    """List the PNG files in a folder and its subfolders.

    Files and folders whose names start with a dot are left out.

    Returns
    -------
    dict of PurePosixPath to Path
        The files by their paths below the folder, with the suffix in lower case, sorted.

    Raises
    ------
    DatasetError
        If it is not a folder, cannot be listed, contains names that differ in case alone, or
        contains a name that a data set cannot refer to.
    """
    if not folder.is_dir():
        raise DatasetError(folder, "expected a folder with label maps")
    found: dict[PurePosixPath, Path] = {}
    for parent, folders, files in os.walk(folder, onerror=_raise):
        folders[:] = [name for name in folders if not name.startswith(".")]
        names = [n for n in files if n.lower().endswith(".png") and not n.startswith(".")]
        for name in names:
            path = Path(parent, name)
            try:  # files written about this one must be readable again
                key = relative_path(path.relative_to(folder).as_posix()).with_suffix(".png")
            except ValueError as error:
                raise DatasetError(path, f"its name {error}; rename it") from None
            if key in found:
                raise DatasetError("", ambiguous(path.parent, [found[key].name, name]))
            found[key] = path
    return dict(sorted(found.items()))


def _raise(error: OSError) -> None:
    raise error


def read_labels(path: Path) -> NDArray[np.unsignedinteger]:
    """Return the labels of an indexed or grayscale PNG: uint8 or uint16, shape (H, W)."""
    modes = {"P", "P;1", "P;2", "P;4", "L", "I;16B"}
    return _read(path, modes, "an indexed PNG, or a gray one of 8 or 16 bits")


def read_colors(path: Path) -> NDArray[np.uint8]:
    """Return the pixels of an RGB PNG: uint8, shape (H, W, 3)."""
    return _read(path, {"RGB"}, "an RGB PNG of 8 bits, without alpha")


def _read(path: Path, modes: set[str], expected: str) -> NDArray[Any]:
    """Read a PNG whose raw mode, by Pillow's name, is one of ``modes``."""
    with opened(path, ("PNG",)) as image:
        # Not image.mode: Pillow scales gray of 2 and 4 bits to 8 bits and reduces colors of 16
        # bits to 8, which changes labels.
        mode = image.tile[0][3] if image.tile else image.mode
        if mode not in modes:
            raise DatasetError(path, f"expected {expected}; its mode is {mode}")
        if getattr(image, "n_frames", 1) > 1:
            raise DatasetError(path, "expected one image, got an animation")
        pixels = np.asarray(image)
    return pixels.astype(np.uint16) if pixels.dtype.itemsize > 2 else pixels
