"""Masks that overlap to masks that share no pixel."""

import numpy as np

from .common import BACKENDS, batch, checked


class Resolve:
    params = (BACKENDS, ("blobs", "noise", "full"), ("all", "half"))
    param_names = ("backend", "input", "limits")

    def setup(self, backend, name, limits):
        (run_ends, offsets), size = batch(name, 100)
        most = np.iinfo(np.int64).max if limits == "all" else size[0] * size[1] // 100
        self.arguments = (run_ends, offsets, *size, np.full(len(offsets) - 1, most))
        self.kernels = checked(backend, "resolve", *self.arguments)

    def time_resolve(self, *_):
        self.kernels.resolve(*self.arguments)
