"""Photographs: found by the names of images, and scaled down for a page."""

from __future__ import annotations

import io
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from segcore.data.errors import DatasetError
from segcore.data.files.images import opened
from segcore.data.files.names import Folder, relative_path

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
FORMATS = ("JPEG", "PNG", "WEBP")
MAX_SIDE = 1600
MAX_BYTES = 500_000
"""Images with a longer side, and larger files, are scaled down, since they are only looked at."""

_ORIENTATION = 0x0112


class Photographs:
    """The photographs in a folder.

    Parameters
    ----------
    folder : Path
        The folder. A photograph has an image's name, or the last part of it, with any usual suffix.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise DatasetError(folder, "expected a folder with photographs")
        self.folder = folder
        self._files = Folder(folder.absolute())  # other processes may have another working folder

    def read(self, name: str, size: tuple[int, int]) -> bytes | None:
        """Return the JPEG, PNG or WebP file of an image.

        Parameters
        ----------
        name : str
            The image's name.
        size : tuple of int
            Height and width of its masks, which the photograph must have.

        Returns
        -------
        bytes or None
            None if there is no photograph.

        Raises
        ------
        DatasetError
            If it cannot be used.
        """
        path = self._find(name)
        return None if path is None else _scaled_down(path, size)

    def _find(self, name: str) -> Path | None:
        try:
            path = relative_path(name)
        except ValueError:  # a label map can have such a name, a photograph cannot
            return None
        for named in dict.fromkeys((path, PurePosixPath(path.name))):
            for candidate in (named, *(named.with_suffix(suffix) for suffix in SUFFIXES)):
                if candidate.suffix.lower() in SUFFIXES and (found := self._files.find(candidate)):
                    return found
        return None


def _scaled_down(path: Path, size: tuple[int, int]) -> bytes:
    """Return the file, or a JPEG of it in a smaller size or the right orientation."""
    height, width = size
    with opened(path, FORMATS) as image:
        orientation = _orientation(image)
        # Masks are of the pixels as stored, or of the image as displayed.
        if image.size == (width, height):
            shown = image
        elif orientation > 4 and image.size == (height, width):
            shown = _rotated(image, orientation)
        else:
            found = f"height {image.height} and width {image.width}"
            raise DatasetError(
                path, f"its {found} are not those of the masks, {height} and {width}"
            )
        shown.load()  # so that a truncated file fails here and not in the browser
        small = path.stat().st_size <= MAX_BYTES and max(size) <= MAX_SIDE
        plain = image.mode in ("L", "P", "RGB", "RGBA") and getattr(image, "n_frames", 1) == 1
        if small and plain and orientation == 1:
            return path.read_bytes()
        shown = _as_rgb(shown)
        shown.thumbnail((MAX_SIDE, MAX_SIDE))
        file = io.BytesIO()
        shown.save(file, "JPEG", quality=85)
        return file.getvalue()


def _orientation(image: Any) -> int:
    """Return the EXIF orientation, 1 to 8; 1 if it is missing or broken."""
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # older versions of Pillow raise various errors on broken EXIF
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _rotated(image: Any, orientation: int) -> Any:
    from PIL.Image import Transpose

    methods = (
        *(None, Transpose.FLIP_LEFT_RIGHT, Transpose.ROTATE_180, Transpose.FLIP_TOP_BOTTOM),
        *(Transpose.TRANSPOSE, Transpose.ROTATE_270, Transpose.TRANSVERSE, Transpose.ROTATE_90),
    )
    method = methods[orientation - 1]
    return image if method is None else image.transpose(method)


def _as_rgb(image: Any) -> Any:
    """Convert an image of any mode to RGB, keeping the upper 8 of 16 bits."""
    from PIL import Image

    if image.mode.startswith("I"):
        image = Image.fromarray((np.asarray(image) >> 8).clip(0, 255).astype(np.uint8))
    return image.convert("RGB")
