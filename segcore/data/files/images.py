"""Image files, opened with Pillow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from segcore.data.columns.fields import MAX_PIXELS
from segcore.data.errors import DatasetError
from segcore.data.files.kinds import look_of

_SIGNATURES = (
    ("JPEG", b"\xff\xd8\xff"),
    ("PNG", b"\x89PNG"),
    ("TIFF", b"II*\x00"),
    ("TIFF", b"MM\x00*"),
    ("WEBP", b"RIFF"),
)


@contextmanager
def opened(path: Path, formats: tuple[str, ...]) -> Iterator[Any]:
    """Open an image file as a ``PIL.Image.Image``.

    Whatever Pillow raises inside the block, where the pixels are read, becomes a DatasetError that
    names the file. Images of more than `MAX_PIXELS` pixels are refused before memory is allocated.

    Parameters
    ----------
    path : Path
        The file.
    formats : tuple of str
        Accepted formats by Pillow's names.

    Raises
    ------
    ImportError
        If Pillow is not installed.
    DatasetError
        If the file cannot be read.
    """
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError as error:
        raise ImportError(
            'reading image files needs Pillow: pip install "segcore[cli]"', name="PIL"
        ) from error

    # Pillow's own limit is lower than the one for maps that segcore writes.
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    try:
        with path.open("rb") as file, Image.open(file, formats=formats) as image:
            if image.width * image.height > MAX_PIXELS:
                raise DatasetError(path, f"it has more than {MAX_PIXELS} pixels")
            yield image
    except (DatasetError, MemoryError):
        raise
    except Image.DecompressionBombError as error:
        raise DatasetError(path, f"{error}") from error
    except UnidentifiedImageError as error:
        raise DatasetError(path, f"{_not_an_image(path, formats)}") from error
    except Exception as error:  # Pillow raises struct.error and others on broken files
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise DatasetError(path, f"cannot read it: {reason}") from error


def _not_an_image(path: Path, formats: tuple[str, ...]) -> str:
    with path.open("rb") as file:
        data = file.read(4096)
    is_broken = any(name in formats and data.startswith(start) for name, start in _SIGNATURES)
    look = None if is_broken else look_of(data)
    names = f"not a {' or '.join(formats)}"
    return names + (f": it looks like {look}" if look else ", or a broken one")
