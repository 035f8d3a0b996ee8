"""Find photographs, and make them small enough for a page."""

from __future__ import annotations

import io
import warnings
from pathlib import Path, PurePosixPath

from segcore.cli.dataset import MAX_PIXELS
from segcore.cli.problems import BadInput

ENDINGS = (".jpg", ".jpeg", ".png", ".webp")
LONGEST_SIDE = 1600
MOST_BYTES = 500_000
"""A larger file, or a picture of a longer side, is scaled down: it is only looked at."""


class Photographs:
    """Photographs in a folder, by the names of pictures.

    Parameters
    ----------
    folder : Path
        Where they are: under a picture's name, or its last part, with any usual ending.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise BadInput(f"{folder}: expected a folder with photographs")
        self.folder = folder
        self.missing = 0

    def read(self, name: str, size: tuple[int, int]) -> bytes | None:
        """Give a JPEG, PNG or WebP file of a picture; None, which is counted, if there is none."""
        path = self._find(name)
        if path is None:
            self.missing += 1
            return None
        return _fitted(path, size)

    def _find(self, name: str) -> Path | None:
        pure = PurePosixPath(name.replace("\\", "/"))
        if pure.is_absolute() or ".." in pure.parts:
            pure = PurePosixPath(pure.name)
        for each in (pure, PurePosixPath(pure.name)):
            for candidate in (each, *(each.with_suffix(ending) for ending in ENDINGS)):
                path = self.folder / candidate
                if path.suffix.lower() in ENDINGS and path.is_file():
                    return path
        return None


def _fitted(path: Path, size: tuple[int, int]) -> bytes:
    from PIL import Image, ImageOps

    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    height, width = size
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path, formats=["JPEG", "PNG", "WEBP"]) as image:
                turned = ImageOps.exif_transpose(image)
                # Masks belong to the pixels as they are stored, or as they are shown.
                chosen = image if image.size == (width, height) else turned
                if chosen.size != (width, height):
                    found = f"height {image.height} and width {image.width}"
                    raise BadInput(
                        f"{path}: its {found} are not those of the masks, {height} and {width}"
                    )
                small = path.stat().st_size <= MOST_BYTES and max(size) <= LONGEST_SIDE
                upright = image.getexif().get(0x0112, 1) == 1
                if small and upright:
                    return path.read_bytes()
                shown = chosen.convert("RGB")
                shown.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
                file = io.BytesIO()
                shown.save(file, "JPEG", quality=85)
                return file.getvalue()
    except Image.DecompressionBombError as error:
        raise BadInput(f"{path}: {error}") from error
    except (OSError, ValueError, SyntaxError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BadInput(f"{path}: cannot read it: {reason}") from error
