"""Which labels of two maps meet, and the usual ways to count them."""

from __future__ import annotations

import numpy as np

from .common import BACKENDS, INPUTS, WrongAnswerError, checked

PAIRS = ("classes", "classes, noisy", "objects", "objects, RGB ids", "noise", "constant")


class OverlapTable:
    params = (BACKENDS, PAIRS)
    param_names = ("backend", "input")

    def setup(self, backend, name):
        self.pair = INPUTS.label_pairs[name]
        self.kernels = checked(backend, "overlap_table", *self.pair)

    def time_overlap_table(self, *_):
        self.kernels.overlap_table(*self.pair)


class Usual:
    """NumPy: sorting one integer a pixel, for any labels, or counting it, for class ids."""

    params = (("unique", "bincount"), PAIRS)
    param_names = ("way", "input")

    def setup(self, way, name):
        self.a, self.b = INPUTS.label_pairs[name]
        if way == "bincount" and self.a.dtype != np.uint8:
            raise NotImplementedError  # there are too many pairs to count in a table
        self.run = getattr(self, way)
        expected = checked("reference", "overlap_table", self.a, self.b).overlap_table(
            self.a, self.b
        )
        counts = self.run()[-1]
        if not np.array_equal(counts[counts > 0], expected[2]):
            raise WrongAnswerError(f"{way} is wrong")

    def unique(self):
        factor = int(self.b.max()) + 1
        return np.unique(self.a.astype(np.int64) * factor + self.b, return_counts=True)

    def bincount(self):
        classes = 256
        pairs = self.a.ravel().astype(np.int64) * classes + self.b.ravel()
        return (np.bincount(pairs, minlength=classes**2),)

    def time_usual(self, *_):
        self.run()
