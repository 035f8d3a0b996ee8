"""Masks grown by a square and by a disc."""

import math

import numpy as np

from .common import BACKENDS, DENSE, batch, checked

SHAPES = {
    "square 10": np.full(11, 10),
    "disc 10": np.array([math.isqrt(100 - x**2) for x in range(11)]),
}


class Dilate:
    params = (BACKENDS, DENSE, tuple(SHAPES))
    param_names = ("backend", "input", "shape")

    def setup(self, backend, name, shape):
        masks = batch(name, 2)
        self.arguments = (masks, np.minimum(SHAPES[shape], masks.height)[: masks.width])
        self.kernels = checked(backend, "dilate", *self.arguments)

    def time_dilate(self, *_):
        self.kernels.dilate(*self.arguments)
