"""Bits to run ends."""

import numpy as np

from .common import BACKENDS, DENSE, checked, dense


class EncodeBits:
    params = (BACKENDS, DENSE, ("big", "little"))
    param_names = ("backend", "input", "order")

    def setup(self, backend, name, order):
        masks = dense(name)
        rows = np.packbits(masks, axis=2, bitorder=order)
        self.arguments = rows, masks.shape[2], order == "little"
        self.kernels = checked(backend, "encode_bits", *self.arguments)

    def time_encode_bits(self, *_):
        self.kernels.encode_bits(*self.arguments)
