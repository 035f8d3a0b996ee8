"""The intersection areas of all pairs."""

import segcore as sc
from segcore.masks import unwrap

from .common import BACKENDS, INPUTS, batch, checked, scattered


class Overlap:
    kernel = "overlap"
    params = (BACKENDS, ("blobs", "real", "noise", "vertical_stripes", "horizontal_stripes"))
    param_names = ("backend", "input")

    def setup(self, backend, name):
        if name == "real":
            if INPUTS.real is None:
                raise NotImplementedError("no real data")  # which is how asv skips
            self.arguments = tuple(unwrap(sc.Masks.from_coco(rles)) for rles in INPUTS.real)
        else:
            partner = "other_blobs" if name == "blobs" else name
            self.arguments = (batch(name, 100), batch(partner, 100))
        self.kernels = checked(backend, self.kernel, *self.arguments)

    def time_overlap(self, *_):
        self.kernels.overlap(*self.arguments)


class OverlapRatios(Overlap):
    kernel = "overlap_ratios"

    def time_overlap(self, *_):
        self.kernels.overlap_ratios(*self.arguments)


class OverlapAbove:
    params = (BACKENDS, (0.0, 0.1, 0.5, 0.9))
    param_names = ("backend", "above")

    def setup(self, backend, above):
        a, b = (unwrap(scattered(1000, seed=seed)) for seed in (1, 2))
        self.arguments = (a, b, above)
        self.kernels = checked(backend, "overlap", *self.arguments)

    def time_overlap(self, *_):
        self.kernels.overlap(*self.arguments)
