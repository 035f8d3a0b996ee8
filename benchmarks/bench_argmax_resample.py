"""Class scores to a label map."""

import numpy as np

import segcore as sc
from segcore.models.positions import bilinear_positions

from .common import BACKENDS, INPUTS, REFERENCE, expect, loaded
from .scores import class_scores


class ArgmaxResample:
    params = (BACKENDS, ("blobs", "noise", "ties"), (2, 150))
    param_names = ("backend", "scores", "classes")

    def setup(self, backend, kind, classes):
        scores = class_scores(kind, classes, 16 if INPUTS.quick else 128)
        self.out = np.empty((INPUTS.height, INPUTS.width), np.uint8)
        self.kernels = loaded(backend)
        # What the reference says is checked in a smaller image: it interpolates all classes.
        small = np.empty((97, 130), np.uint8), np.empty((97, 130), np.uint8)
        arguments = [*positions(scores, small[0]), small[0]]
        self.kernels.argmax_resample(*arguments)
        REFERENCE.argmax_resample(*arguments[:-1], small[1])
        expect(*small, f"{backend}: argmax_resample")
        self.arguments = positions(scores, self.out)

    def time_argmax_resample(self, *_):
        self.kernels.argmax_resample(*self.arguments, self.out)


class ArgmaxUpsample:
    params = (("blobs", "noise"),)
    param_names = ("scores",)

    def setup(self, kind):
        sc.set_num_threads(1)
        self.scores = class_scores(kind, 150, 16 if INPUTS.quick else 128)
        self.size = INPUTS.height, INPUTS.width

    def time_argmax_upsample(self, *_):
        sc.argmax_upsample(self.scores, self.size)

    def peakmem_argmax_upsample(self, *_):
        sc.argmax_upsample(self.scores, self.size)


def positions(scores, out):
    """Spread scores over an image."""
    (_, rows, columns), (height, width) = scores.shape, out.shape
    return scores, bilinear_positions(columns, width), bilinear_positions(rows, height)
