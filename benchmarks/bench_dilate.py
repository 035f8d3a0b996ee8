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
        masks, (height, width) = batch(name, 2)
        reach = np.minimum(SHAPES[shape], height)[:width]
        self.arguments = (*masks, height, width, reach)
        self.kernels = checked(backend, "dilate", *self.arguments)

    def time_dilate(self, *_):
        self.kernels.dilate(*self.arguments)
