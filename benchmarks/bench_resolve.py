"""Masks that overlap to masks that share no pixel."""

import numpy as np

from .common import BACKENDS, batch, checked


class Resolve:
    params = (BACKENDS, ("blobs", "noise", "full"), ("all", "half"))
    param_names = ("backend", "input", "limits")

    def setup(self, backend, name, limits):
        masks = batch(name, 100)
        most = np.iinfo(np.int64).max if limits == "all" else masks.pixels // 100
        self.arguments = (masks, np.full(len(masks.offsets) - 1, most))
        self.kernels = checked(backend, "resolve", *self.arguments)

    def time_resolve(self, *_):
        self.kernels.resolve(*self.arguments)
