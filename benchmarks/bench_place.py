"""Masks cropped, padded and moved."""

import numpy as np

from .common import BACKENDS, DENSE, batch, checked

CHANGES = {"crop": (-0.25, 0.5), "pad": (0.1, 1.2), "translate": (0.1, 1.0)}
"""The offset and the side of the canvas, as shares of the image's side."""


def moved(masks, change):
    """Give the offsets, one per mask, and the size of the canvas."""
    offset, scale = change
    height, width = (int(scale * side) for side in masks.size)
    # Offsets are from minus the image's side to the canvas's.
    x, y = (np.full(len(masks.offsets) - 1, int(offset * side)) for side in masks.size[::-1])
    return np.minimum(x, width), np.minimum(y, height), height, width


class Place:
    params = (BACKENDS, DENSE, tuple(CHANGES))
    param_names = ("backend", "input", "change")

    def setup(self, backend, name, change):
        masks = batch(name, 10)
        self.arguments = (masks, *moved(masks, CHANGES[change]))
        self.kernels = checked(backend, "place", *self.arguments)

    def time_place(self, *_):
        self.kernels.place(*self.arguments)
