"""Read PNG files of labels, trusting nothing in them."""

from __future__ import annotations

import warnings
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore.cli.dataset import MAX_PIXELS
from segcore.cli.problems import BadInput

IGNORED = 255
"""The label that is nothing, unless it is a class."""


def names_of_maps(folder: Path) -> set[PurePosixPath]:
    """List the label maps in a folder and those below it, by their paths from there.

    Hidden files and folders are left out: a killed run may have left its unfinished maps in one.
    """
    if not folder.is_dir():
        raise BadInput(f"{folder}: expected a folder with label maps")
    found = (path.relative_to(folder) for path in folder.rglob("*.png"))
    return {
        PurePosixPath(path.as_posix())
        for path in found
        if not any(part.startswith(".") for part in path.parts)
    }


def read_labels(path: Path) -> NDArray[np.unsignedinteger]:
    """Read a label map: an indexed or grey PNG, uint8 or uint16 (H, W); BadInput if it is none."""
    modes = {"P", "P;1", "P;2", "P;4", "L", "I;16B"}
    return _read(path, modes, "an indexed PNG, or a grey one of 8 or 16 bits")


def read_colors(path: Path) -> NDArray[np.uint8]:
    """Read an RGB PNG: (H, W, 3); BadInput if it is none."""
    return _read(path, {"RGB"}, "an RGB PNG of 8 bits, without alpha")


def _read(path: Path, modes: set[str], expected: str) -> NDArray[Any]:
    """Read a PNG whose samples are of one of ``modes``, raw modes as Pillow calls them."""
    from PIL import Image, UnidentifiedImageError

    # Ours is the limit that commands which write maps have; Pillow's own is lower.
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path, formats=["PNG"]) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise BadInput(f"{path}: it has more than {MAX_PIXELS} pixels")
                # Not image.mode: for that, Pillow scales grey of 2 and 4 bits up to 8, and cuts
                # colours of 16 bits down to 8, and labels would be others.
                mode = image.tile[0][3] if image.tile else image.mode
                if mode not in modes:
                    raise BadInput(f"{path}: expected {expected}; its mode is {mode}")
                pixels = np.asarray(image)
    except Image.DecompressionBombError as error:
        raise BadInput(f"{path}: {error}") from error
    except UnidentifiedImageError as error:
        raise BadInput(f"{path}: not a PNG") from error
    except (OSError, ValueError, SyntaxError) as error:  # SyntaxError: a broken PNG
        reason = getattr(error, "strerror", None) or error
        raise BadInput(f"{path}: cannot read it: {reason}") from error
    return pixels.astype(np.uint16) if pixels.dtype.itemsize > 2 else pixels
