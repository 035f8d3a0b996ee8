"""The intersection areas of all pairs."""

import segcore as sc

from .common import BACKENDS, INPUTS, batch, checked, scattered


class Overlap:
    kernel = "overlap"
    params = (BACKENDS, ("blobs", "real", "noise", "vertical_stripes", "horizontal_stripes"))
    param_names = ("backend", "input")

    def setup(self, backend, name):
        if name == "real":
            if INPUTS.real is None:
                raise NotImplementedError("no real data")  # which is how asv skips
            a, b = (sc.Masks.from_coco(rles) for rles in INPUTS.real)
            self.arguments = (a.run_ends, a.offsets, b.run_ends, b.offsets, *a.size)
        else:
            a, size = batch(name, 100)
            b, _ = batch("other_blobs" if name == "blobs" else name, 100)
            self.arguments = (*a, *b, *size)
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
        a, b = scattered(1000, seed=1), scattered(1000, seed=2)
        self.arguments = (a.run_ends, a.offsets, b.run_ends, b.offsets, *a.size, above)
        self.kernels = checked(backend, "overlap", *self.arguments)

    def time_overlap(self, *_):
        self.kernels.overlap(*self.arguments)
