"""Visualization of masks: colors, drawing, notebooks and report pages."""

from segcore.show.colors import class_colors, palette, shades
from segcore.show.draw import (
    boundaries,
    colorize,
    difference,
    instances,
    overlay,
    semantic_image,
    side_by_side,
)

__all__ = [
    "boundaries",
    "class_colors",
    "colorize",
    "difference",
    "instances",
    "overlay",
    "palette",
    "semantic_image",
    "shades",
    "side_by_side",
]
