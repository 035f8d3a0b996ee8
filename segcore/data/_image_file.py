"""Open image files with Pillow, trusting nothing in them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from segcore.data._coco_file import MAX_PIXELS
from segcore.data._json_file import look_of
from segcore.data._problems import BadInput


@contextmanager
def opened(path: Path, formats: tuple[str, ...]) -> Iterator[Any]:
    """Open an image of one of some formats, as Pillow calls them.

    Whatever Pillow raises in the block, where it reads the pixels, is a BadInput that names the
    file. An image of more pixels than `MAX_PIXELS` is refused before memory is used.
    """
    from PIL import Image, UnidentifiedImageError

    # Ours is the limit that commands which write maps have; Pillow's own is lower.
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    try:
        with path.open("rb") as file, Image.open(file, formats=formats) as image:
            if image.width * image.height > MAX_PIXELS:
                raise BadInput(f"{path}: it has more than {MAX_PIXELS} pixels")
            yield image
    except (BadInput, MemoryError):
        raise
    except Image.DecompressionBombError as error:
        raise BadInput(f"{path}: {error}") from error
    except UnidentifiedImageError as error:
        raise BadInput(f"{path}: {_not_an_image(path, formats)}") from error
    except Exception as error:  # Pillow raises anything on broken files, struct.error and others
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise BadInput(f"{path}: cannot read it: {reason}") from error


def _not_an_image(path: Path, formats: tuple[str, ...]) -> str:
    with path.open("rb") as file:
        data = file.read(4096)
    look = None if data.startswith(b"\x89PNG") else look_of(data)
    names = f"not a {' or '.join(formats)}"
    return names + (f": it looks like {look}" if look else ", or a broken one")
