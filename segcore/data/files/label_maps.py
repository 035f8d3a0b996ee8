"""PNG label maps of a folder, and the ids in PNGs of colors."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from segcore.data.errors import DatasetError
from segcore.data.files.images import opened
from segcore.data.files.names import ambiguous, relative_path
from segcore.data.files.walk import files_below

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
    for path in files_below(folder):
        if path.suffix.lower() != ".png":
            continue
        try:  # files written about this one must be readable again
            key = relative_path(path.relative_to(folder).as_posix()).with_suffix(".png")
        except ValueError as error:
            raise DatasetError(path, f"its name {error}; rename it") from None
        if key in found:
            raise DatasetError("", ambiguous(path.parent, [found[key].name, path.name]))
        found[key] = path
    return dict(sorted(found.items()))


def read_colors(path: Path) -> NDArray[np.uint8]:
    """Return the pixels of an RGB PNG: uint8, shape (H, W, 3)."""
    with opened(path, ("PNG",)) as image:
        # Not image.mode: Pillow reduces colors of 16 bits to 8 bits, which changes ids.
        mode = image.tile[0][3] if image.tile else image.mode
        if mode != "RGB":
            raise DatasetError(
                path, f"expected an RGB PNG of 8 bits, without alpha; its mode is {mode}"
            )
        if getattr(image, "n_frames", 1) > 1:
            raise DatasetError(path, "expected one image, got an animation")
        return np.asarray(image)
