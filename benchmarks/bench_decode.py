"""Run ends to dense arrays."""

import numpy as np

from .common import BACKENDS, DENSE, WrongAnswerError, batch, dense, in_layout, loaded


class Decode:
    params = (BACKENDS, DENSE, ("C", "F"))
    param_names = ("backend", "input", "layout")
    dtype = "bool"

    def setup(self, backend, name, layout):
        expected = dense(name)
        self.batch = batch(name)
        self.out = in_layout(np.ones(expected.shape, self.dtype), layout)
        self.kernels = loaded(backend)
        self.time_decode()
        if not np.array_equal(self.out, expected):
            raise WrongAnswerError(f"{backend}: decode is wrong")

    def time_decode(self, *_):
        self.kernels.decode(self.batch, self.out, False)


class DecodeInteger(Decode):
    params = (BACKENDS, ("blobs", "noise"), ("C", "F"))
    dtype = "int32"


class DecodeMemory:
    """Nothing but the input is set up, so that the difference is the kernel's."""

    params = (BACKENDS, ("blobs", "noise"))
    param_names = ("backend", "input")

    def setup(self, backend, name):
        self.batch = batch(name, 100)
        self.kernels = loaded(backend)
        self.out = np.ones((len(self.batch.offsets) - 1, *self.batch.size), bool)

    def peakmem_nothing(self, *_):
        pass

    def peakmem_decode(self, *_):
        self.kernels.decode(self.batch, self.out, False)
