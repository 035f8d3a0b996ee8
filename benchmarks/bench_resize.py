"""Masks resized by the nearest pixel."""

from .common import BACKENDS, DENSE, batch, checked

SCALES = (0.4, 1.5)


class Resize:
    params = (BACKENDS, DENSE, SCALES)
    param_names = ("backend", "input", "scale")

    def setup(self, backend, name, scale):
        masks = batch(name, 10)
        self.arguments = (masks, *(max(int(scale * side), 1) for side in masks.size), False)
        self.kernels = checked(backend, "resize", *self.arguments)

    def time_resize(self, *_):
        self.kernels.resize(*self.arguments)
