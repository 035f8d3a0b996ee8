"""Read PNG files of labels, trusting nothing in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore.data._image_file import opened
from segcore.data._problems import BadInput

IGNORED = 255
"""The label that is nothing, unless it is a class."""


def read_labels(path: Path) -> NDArray[np.unsignedinteger]:
    """Read a label map: an indexed or grey PNG, uint8 or uint16 (H, W); BadInput if it is none."""
    modes = {"P", "P;1", "P;2", "P;4", "L", "I;16B"}
    return _read(path, modes, "an indexed PNG, or a grey one of 8 or 16 bits")


def read_colors(path: Path) -> NDArray[np.uint8]:
    """Read an RGB PNG: (H, W, 3); BadInput if it is none."""
    return _read(path, {"RGB"}, "an RGB PNG of 8 bits, without alpha")


def _read(path: Path, modes: set[str], expected: str) -> NDArray[Any]:
    """Read a PNG whose samples are of one of ``modes``, raw modes as Pillow calls them."""
    with opened(path, ("PNG",)) as image:
        # Not image.mode: for that, Pillow scales grey of 2 and 4 bits up to 8, and cuts
        # colours of 16 bits down to 8, and labels would be others.
        mode = image.tile[0][3] if image.tile else image.mode
        if mode not in modes:
            raise BadInput(f"{path}: expected {expected}; its mode is {mode}")
        if getattr(image, "n_frames", 1) > 1:
            raise BadInput(f"{path}: expected one image; it is an animation")
        pixels = np.asarray(image)
    return pixels.astype(np.uint16) if pixels.dtype.itemsize > 2 else pixels
