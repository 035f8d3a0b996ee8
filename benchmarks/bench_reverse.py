"""Masks flipped."""

from .common import BACKENDS, DENSE, batch, checked

WAYS = {"rows": (True, False), "columns": (False, True), "both": (True, True)}


class Reverse:
    params = (BACKENDS, DENSE, tuple(WAYS))
    param_names = ("backend", "input", "way")

    def setup(self, backend, name, way):
        masks = batch(name, 10)
        self.arguments = (masks, *WAYS[way])
        self.kernels = checked(backend, "reverse", *self.arguments)

    def time_reverse(self, *_):
        self.kernels.reverse(*self.arguments)
