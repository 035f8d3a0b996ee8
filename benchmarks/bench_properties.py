"""Measurements of many small objects, and distances between outlines: on the backend in use."""

import numpy as np

import segcore as sc

from .common import expect, loaded, scattered

PROPERTIES = ("centroid", "perimeter", "solidity", "inscribed_box")


class Properties:
    params = (PROPERTIES, (1000, 10_000))
    param_names = ("property", "masks")

    def setup(self, name, count):
        loaded(sc.backends.current())
        self.masks, self.names = scattered(count, seed=1), [name]
        if name == "centroid":
            mask = self.masks[0].to_dense()[0]
            y, x = np.nonzero(mask)
            table = sc.measure(self.masks[:1], self.names)
            expect(table["centroid_x"], np.array([x.sum() / len(x)]), "centroid")
            expect(table["centroid_y"], np.array([y.sum() / len(y)]), "centroid")

    def time_measure(self, *_):
        sc.measure(self.masks, self.names)

    def peakmem_measure(self, *_):
        sc.measure(self.masks, self.names)


class SurfaceDistances:
    params = ((100, 1000),)
    param_names = ("masks",)

    def setup(self, count):
        loaded(sc.backends.current())
        self.masks = scattered(count, seed=1)
        self.moved = self.masks.translate(3, 2)
        zero = sc.surface_distances(self.masks, self.masks)["hausdorff"]
        expect(zero, np.zeros(len(self.masks)), "hausdorff")

    def time_surface_distances(self, *_):
        sc.surface_distances(self.masks, self.moved)
