"""Masks rotated, and seen in perspective."""

import numpy as np

from .common import BACKENDS, DENSE, batch, checked

MAPS = {
    "rotation": [0.8, 0.6, -90, -0.6, 0.8, 120, 0, 0, 1],
    "perspective": [0.9, 0.1, 3, 0, 1.1, 5, 1e-4, 1e-4, 1],
}


class Warp:
    params = (BACKENDS, DENSE, tuple(MAPS))
    param_names = ("backend", "input", "map")

    def setup(self, backend, name, name_of_map):
        masks = batch(name, 2)
        matrices = np.tile(np.array(MAPS[name_of_map], float), (len(masks.offsets) - 1, 1))
        self.arguments = (masks, matrices, *masks.size)
        self.kernels = checked(backend, "warp", *self.arguments)

    def time_warp(self, *_):
        self.kernels.warp(*self.arguments)
