"""Boolean operations: element by element, and of a whole batch."""

from segcore.backends.protocol import AND, OR, XOR

from .common import BACKENDS, batch, checked

PARTNERS = {"blobs": "other_blobs", "noise": "full"}


class Combine:
    params = (BACKENDS, tuple(PARTNERS))
    param_names = ("backend", "input")

    def setup(self, backend, name):
        self.arguments = (batch(name, 100), batch(PARTNERS[name], 100), XOR)
        self.kernels = checked(backend, "combine", *self.arguments)

    def time_combine(self, *_):
        self.kernels.combine(*self.arguments)


class Reduce:
    params = (BACKENDS, ("blobs", "noise"), ("union", "intersection"))
    param_names = ("backend", "input", "operation")

    def setup(self, backend, name, operation):
        self.arguments = (batch(name, 100), AND if operation == "intersection" else OR)
        self.kernels = checked(backend, "reduce", *self.arguments)

    def time_reduce(self, *_):
        self.kernels.reduce(*self.arguments)
