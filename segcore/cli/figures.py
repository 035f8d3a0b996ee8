"""Figures with titles and legends, drawn with Pillow: RGB images, uint8, shape (H, W, 3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from segcore.cli.output import write_png
from segcore.show.draw import RgbImage

INK = (32, 34, 40)
PAPER = (255, 255, 255)


def write_image(file: BinaryIO, image: RgbImage, colors: int | None = None) -> None:
    """Write an image as PNG, indexed with at most ``colors`` colors if given."""
    png = Image.fromarray(image)
    if colors is not None:
        png = png.quantize(colors, dither=Image.Dither.NONE)
    write_png(file, png, optimize=True)


def resized(image: RgbImage, width: int) -> RgbImage:
    """Return an image resampled to a width."""
    height = round(image.shape[0] * width / image.shape[1])
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.LANCZOS))


def titled(image: RgbImage, title: str, size: int = 22) -> RgbImage:
    """Return an image with a line of text above it."""
    strip = Image.new("RGB", (image.shape[1], 2 * size), PAPER)
    ImageDraw.Draw(strip).text((2, size), title, INK, _font(size), anchor="lm")
    return np.concatenate([np.asarray(strip), image])


def legend(names: Sequence[str], colors: RgbImage, width: int, size: int = 17) -> RgbImage:
    """Return an image of the given width with a color swatch per name, in columns."""
    font = _font(size)
    swatch, pad, line = size, size // 2, round(size * 1.7)
    column = swatch + 3 * pad + max(round(font.getlength(name)) for name in names)
    columns = max(1, (width - pad) // column)
    rows = -(-len(names) // columns)
    image = Image.new("RGB", (width, rows * line + pad * 2), PAPER)
    draw = ImageDraw.Draw(image)
    for i, (name, color) in enumerate(zip(names, colors, strict=True)):
        x = pad + (i // rows) * ((width - pad) // columns)
        y = pad + (i % rows) * line
        box = (x, y + (line - swatch) // 2, x + swatch, y + (line + swatch) // 2)
        draw.rounded_rectangle(box, 3, fill=tuple(color.tolist()), outline=(150, 150, 150))
        draw.text((x + swatch + pad, y + line / 2), name, INK, font, anchor="lm")
    return np.asarray(image)


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
