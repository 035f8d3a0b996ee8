"""Polygons and boxes to run ends."""

import numpy as np

from .common import BACKENDS, INPUTS, checked


class Rasterize:
    params = (BACKENDS,)
    param_names = ("backend",)

    def setup(self, backend):
        rings = INPUTS.polygons
        self.size = INPUTS.height, INPUTS.width
        points = np.cumsum([0, *map(len, rings)])
        each = np.arange(len(rings) + 1)
        self.polygons = (np.concatenate(rings).ravel(), points, each, *self.size)
        corners = [[ring.min(axis=0), ring.max(axis=0)] for ring in rings]
        self.boxes = (np.array(corners).reshape(-1, 4), *self.size)
        self.kernels = checked(backend, "rasterize_polygons", *self.polygons)
        checked(backend, "rasterize_boxes", *self.boxes)

    def time_polygons(self, *_):
        self.kernels.rasterize_polygons(*self.polygons)

    def time_boxes(self, *_):
        self.kernels.rasterize_boxes(*self.boxes)
