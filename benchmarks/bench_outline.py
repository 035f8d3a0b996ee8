"""Masks to their outlines."""

from .common import BACKENDS, DENSE, batch, checked


class Outline:
    params = (BACKENDS, DENSE, (4, 8))
    param_names = ("backend", "input", "connectivity")

    def setup(self, backend, name, connectivity):
        self.arguments = (batch(name, 2), connectivity)
        self.kernels = checked(backend, "outline", *self.arguments)

    def time_outline(self, *_):
        self.kernels.outline(*self.arguments)
