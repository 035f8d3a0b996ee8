"""COCO's compressed strings, and lists of counts."""

from .common import BACKENDS, batch, checked

INPUTS = ("blobs", "noise", "horizontal_stripes")


class Strings:
    params = (BACKENDS, INPUTS)
    param_names = ("backend", "input")

    def setup(self, backend, name):
        self.batch = batch(name, 100)
        self.kernels = checked(backend, "string_encode", self.batch)
        self.strings = self.kernels.string_encode(self.batch)
        checked(backend, "string_decode", *self.strings, *self.batch.size)

    def time_string_encode(self, *_):
        self.kernels.string_encode(self.batch)

    def time_string_decode(self, *_):
        self.kernels.string_decode(*self.strings, *self.batch.size)


class Counts:
    params = (BACKENDS, INPUTS)
    param_names = ("backend", "input")

    def setup(self, backend, name):
        self.batch = batch(name, 100)
        self.kernels = checked(backend, "counts_encode", self.batch)
        self.counts = self.kernels.counts_encode(self.batch)
        checked(backend, "counts_decode", *self.counts, *self.batch.size)

    def time_counts_encode(self, *_):
        self.kernels.counts_encode(self.batch)

    def time_counts_decode(self, *_):
        self.kernels.counts_decode(*self.counts, *self.batch.size)
