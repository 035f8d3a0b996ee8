"""Image files beside annotations: their sizes, the labels of PNGs, and colors."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore.data.errors import DatasetError
from segcore.data.files.images import opened

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")
FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "WEBP")
"""Images that annotation tools use. Pillow opens MPO, of two images, as JPEG."""

_ORIENTATION = 0x0112


def is_image(name: str) -> bool:
    """Return whether a name has a suffix of image files."""
    return os.path.splitext(name)[1].lower() in SUFFIXES


def image_size(path: Path) -> tuple[tuple[int, int], bool]:
    """Return the size (height, width) of an image as displayed, and whether EXIF rotates it.

    Only the header is read.

    Raises
    ------
    DatasetError
        If it is not an image.
    """
    with opened(path, FORMATS) as image:
        width, height = image.size
        is_rotated = _is_rotated(image)
    return ((width, height) if is_rotated else (height, width)), is_rotated


def _is_rotated(image: Any) -> bool:
    """Return whether the EXIF orientation swaps height and width."""
    if image.format not in ("JPEG", "MPO", "TIFF", "WEBP") or "exif" not in image.info:
        return False
    try:
        orientation = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # Pillow raises various errors on broken EXIF
        return False
    return isinstance(orientation, int) and 5 <= orientation <= 8


def read_label_png(path: Path, keep_colors: bool = False) -> tuple[NDArray[Any], bool]:
    """Read a PNG label map.

    Parameters
    ----------
    path : Path
        The file.
    keep_colors : bool, default False
        Whether an RGB PNG whose colors are all gray has colors, not labels.

    Returns
    -------
    labels : numpy.ndarray
        Labels of an indexed or gray PNG of 1, 2, 4, 8 or 16 bits, shape (H, W); or the colors of
        an RGB PNG, uint8, shape (H, W, 3). An RGB PNG without colors is gray.
    is_bits : bool
        Whether it has one bit per pixel and no palette.

    Raises
    ------
    DatasetError
        If it cannot be read, or is of another kind.
    """
    with opened(path, ("PNG",)) as image:
        if getattr(image, "n_frames", 1) > 1:
            raise DatasetError(path, "expected one image, got an animation")
        # Not image.mode: Pillow scales gray of 2 and 4 bits, and reduces colors of 16 bits to 8.
        mode = image.tile[0][3] if image.tile else image.mode
        pixels = np.asarray(image)
    if mode == "1":
        return pixels.astype(np.uint8), True
    if mode in ("P", "P;1", "P;2", "P;4", "L"):
        return pixels, False
    if mode == "I;16B":
        return pixels.astype(np.uint16), False
    if mode in ("L;2", "L;4"):  # scaled by Pillow
        return pixels // (85 if mode == "L;2" else 17), False
    if mode in ("RGB", "RGBA", "LA"):
        return _opaque(path, pixels, keep_colors), False
    raise DatasetError(
        str(path), f"expected an indexed, gray or RGB PNG of up to 16 bits; its mode is {mode}"
    )


def _opaque(path: Path, pixels: NDArray[np.uint8], keep_colors: bool) -> NDArray[np.uint8]:
    """Return colors without their alpha, which must be 255, or gray if they have no color."""
    colors = pixels
    if pixels.shape[2] in (2, 4):
        if (pixels[..., -1] != 255).any():
            raise DatasetError(str(path), "expected a PNG without transparent pixels")
        colors = pixels[..., :-1]
    first = colors[..., 0]
    is_gray = colors.shape[2] == 1 or (
        not keep_colors
        and np.array_equal(first, colors[..., 1])
        and np.array_equal(first, colors[..., 2])
    )
    return np.ascontiguousarray(first if is_gray else colors)


def voc_colors() -> NDArray[np.uint8]:
    """Return the 256 colors of Pascal VOC's palette: uint8, shape (256, 3).

    The bits of an index, from the lowest, are the highest bits of red, green and blue in turn.
    """
    index = np.arange(256)
    colors = np.zeros((256, 3), np.uint8)
    for shift in range(8):
        for channel in range(3):
            colors[:, channel] |= ((index >> channel & 1) << (7 - shift)).astype(np.uint8)
        index >>= 3
    return colors
