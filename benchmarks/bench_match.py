"""Average precision: matching the detections of an image, and the curves of a class."""

from __future__ import annotations

import numpy as np

from .common import BACKENDS, checked

SIZES = ((10, 5), (100, 20), (300, 100))


class Match:
    params = (BACKENDS, SIZES)
    param_names = ("backend", "detections, true objects")

    def setup(self, backend, size):
        n, m = size
        rng = np.random.default_rng(0)
        groups = [np.arange(0, count + 1, max(count // 5, 1))[:5] for count in size]
        bounds = [np.append(ends, count) for ends, count in zip(groups, size, strict=True)]
        pairs = int(np.diff(bounds[0]) @ np.diff(bounds[1]))
        ratios = rng.random(pairs) * (rng.random(pairs) < 4 / m)
        flags = [np.zeros(shape, np.uint8) for shape in ((4, m), m)]
        claims = np.ones(n, np.uint8)
        self.arguments = ratios, *bounds, *flags, claims, np.linspace(0.5, 0.95, 10)
        self.kernels = checked(backend, "match", *self.arguments)

    def time_match(self, *_):
        self.kernels.match(*self.arguments)


class PrecisionRecall:
    params = (BACKENDS, (100, 10_000))
    param_names = ("backend", "detections")

    def setup(self, backend, count):
        rng = np.random.default_rng(0)
        matched, ignored = rng.integers(0, 1024, (2, 1, count), np.uint16)
        scores = np.sort(rng.random(count))[::-1].copy()
        columns = scores, np.zeros(count, np.int64), np.array([0, count])
        levels = np.array([[count // 2]]), np.ones(1, np.int64), 10, np.linspace(0, 1, 101)
        self.arguments = matched, ignored, *columns, *levels
        self.kernels = checked(backend, "precision_recall", *self.arguments)

    def time_precision_recall(self, *_):
        self.kernels.precision_recall(*self.arguments)
