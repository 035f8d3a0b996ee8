"""Masks to their connected components."""

from .common import BACKENDS, DENSE, batch, checked


class Components:
    params = (BACKENDS, DENSE, (4, 8))
    param_names = ("backend", "input", "connectivity")

    def setup(self, backend, name, connectivity):
        self.arguments = (batch(name, 2), connectivity)
        self.kernels = checked(backend, "components", *self.arguments)

    def time_components(self, *_):
        self.kernels.components(*self.arguments)
