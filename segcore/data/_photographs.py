"""Find photographs, and make them small enough for a page."""

from __future__ import annotations

import io
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from segcore.data._file_names import Folder, relative_path
from segcore.data._image_file import opened
from segcore.data._problems import BadInput, Problems

ENDINGS = (".jpg", ".jpeg", ".png", ".webp")
FORMATS = ("JPEG", "PNG", "WEBP")
LONGEST_SIDE = 1600
MOST_BYTES = 500_000
"""A larger file, or an image of a longer side, is scaled down: it is only looked at."""

_ORIENTATION = 0x0112


class Photographs:
    """Photographs in a folder, by the names of images.

    Parameters
    ----------
    folder : Path
        Where they are: under an image's name, or its last part, with any usual ending.
    problems : Problems
        Told of each photograph that cannot be used; its image is shown without.
    """

    def __init__(self, folder: Path, problems: Problems) -> None:
        if not folder.is_dir():
            raise BadInput(f"{folder}: expected a folder with photographs")
        self.folder = folder
        self._files = Folder(folder)
        self._problems = problems
        self.missing = 0

    def read(self, name: str, size: tuple[int, int]) -> bytes | None:
        """Return a JPEG, PNG or WebP file of an image; None, which is counted, if there is none."""
        path = self._find(name)
        if path is None:
            self.missing += 1
            return None
        try:
            return _fitted(path, size)
        except BadInput as error:
            self._problems.report(error.message)
            return None

    def _find(self, name: str) -> Path | None:
        try:
            path = relative_path(name)
        except ValueError:  # a label map may have such a name, a photograph in the folder not
            return None
        for place in dict.fromkeys((path, PurePosixPath(path.name))):
            for candidate in (place, *(place.with_suffix(ending) for ending in ENDINGS)):
                if candidate.suffix.lower() in ENDINGS and (found := self._files.find(candidate)):
                    return found
        return None


def _fitted(path: Path, size: tuple[int, int]) -> bytes:
    height, width = size
    with opened(path, FORMATS) as image:
        orientation = _orientation(image)
        # Masks belong to the pixels as they are stored, or as they are shown.
        if image.size == (width, height):
            shown = image
        elif orientation > 4 and image.size == (height, width):
            shown = _turned(image, orientation)
        else:
            found = f"height {image.height} and width {image.width}"
            raise BadInput(f"{path}: its {found} are not those of the masks, {height} and {width}")
        shown.load()  # a truncated file fails here, and not in the browser
        small = path.stat().st_size <= MOST_BYTES and max(size) <= LONGEST_SIDE
        plain = image.mode in ("L", "P", "RGB", "RGBA") and getattr(image, "n_frames", 1) == 1
        if small and plain and orientation == 1:
            return path.read_bytes()
        shown = _as_rgb(shown)
        shown.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
        file = io.BytesIO()
        shown.save(file, "JPEG", quality=85)
        return file.getvalue()


def _orientation(image: Any) -> int:
    """Read how a photograph is to be turned, 1 to 8; 1 where its EXIF is missing or broken."""
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # older versions of Pillow raise anything on broken EXIF
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _turned(image: Any, orientation: int) -> Any:
    from PIL.Image import Transpose

    methods = (
        *(None, Transpose.FLIP_LEFT_RIGHT, Transpose.ROTATE_180, Transpose.FLIP_TOP_BOTTOM),
        *(Transpose.TRANSPOSE, Transpose.ROTATE_270, Transpose.TRANSVERSE, Transpose.ROTATE_90),
    )
    method = methods[orientation - 1]
    return image if method is None else image.transpose(method)


def _as_rgb(image: Any) -> Any:
    """Convert an image of any mode to RGB; the upper 8 of 16 bits are kept."""
    from PIL import Image

    if image.mode.startswith("I"):
        image = Image.fromarray((np.asarray(image) >> 8).clip(0, 255).astype(np.uint8))
    return image.convert("RGB")
