"""Masks transposed."""

from .common import BACKENDS, DENSE, batch, checked


class Transpose:
    params = (BACKENDS, DENSE)
    param_names = ("backend", "input")

    def setup(self, backend, name):
        masks = batch(name, 10)
        self.arguments = (masks,)
        self.kernels = checked(backend, "transpose", *self.arguments)

    def time_transpose(self, *_):
        self.kernels.transpose(*self.arguments)
