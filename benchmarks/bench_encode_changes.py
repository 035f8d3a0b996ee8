"""Bytes to run ends, by value."""

import numpy as np

from .common import BACKENDS, DENSE, checked, dense


class EncodeChanges:
    params = (BACKENDS, DENSE)
    param_names = ("backend", "input")

    def setup(self, backend, name):
        images = dense(name)
        self.size = images.shape[1:]
        columns = np.ascontiguousarray(images.transpose(0, 2, 1)).view(np.uint8)
        self.columns = columns.reshape(len(images), -1)
        self.kernels = checked(backend, "encode_changes", self.columns, *self.size)

    def time_encode_changes(self, *_):
        self.kernels.encode_changes(self.columns, *self.size)
