"""Masks to a label map."""

import numpy as np

from .common import BACKENDS, REFERENCE, batch, expect, loaded


class Paint:
    params = (BACKENDS, ("blobs", "noise"), ("uint8", "int32"), ("C", "F"))
    param_names = ("backend", "input", "dtype", "layout")

    def setup(self, backend, name, dtype, layout):
        masks = batch(name, 100)
        count = len(masks.offsets) - 1
        self.out = np.zeros(masks.size, dtype, order=layout)
        self.arguments = (masks, np.arange(count), np.arange(1, count + 1).astype(dtype))
        self.kernels = loaded(backend)
        expected = np.zeros_like(self.out)
        REFERENCE.paint(*self.arguments, expected)
        self.time_paint()
        expect(self.out, expected, f"{backend}: paint")

    def time_paint(self, *_):
        self.kernels.paint(*self.arguments, self.out)
