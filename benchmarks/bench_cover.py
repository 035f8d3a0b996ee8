"""Masks resized by the covered share of each pixel."""

from .common import BACKENDS, DENSE, batch, checked

SCALES = (0.4, 1.5)


class Cover:
    params = (BACKENDS, DENSE, SCALES)
    param_names = ("backend", "input", "scale")

    def setup(self, backend, name, scale):
        masks = batch(name, 10)
        self.arguments = (
            masks,
            *(max(int(scale * side), 1) for side in masks.size),
            masks.pixels // 2 + 1,
        )
        self.kernels = checked(backend, "cover", *self.arguments)

    def time_cover(self, *_):
        self.kernels.cover(*self.arguments)
