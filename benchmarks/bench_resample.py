"""Soft masks to run ends: pasted into boxes, upsampled, upsampled by an intermediate size."""

import segcore as sc
from segcore.backends import kernels
from segcore.models import resample

from .common import BACKENDS, INPUTS, checked
from .scores import heads, wobbly


class Resample:
    params = (BACKENDS, ("paste", "upsample", "two_steps"))
    param_names = ("backend", "operation")

    def setup(self, backend, operation):
        count, size = INPUTS.count // 2, (INPUTS.height, INPUTS.width)
        calls = []
        with Recorded(calls):
            if operation == "paste":
                sc.paste_masks(*heads(count, 28, size), size)
            elif operation == "upsample":
                sc.upsample_masks(wobbly(count // 2, 160), size, 0.0)
            else:
                steps = {"intermediate": (1024, 1024), "crop": (576, 1024)}
                sc.upsample_masks(wobbly(count // 2, 256), size, 0.0, **steps)
        [self.arguments] = calls
        self.kernels = checked(backend, "resample", *self.arguments)

    def time_resample(self, *_):
        self.kernels.resample(*self.arguments)


class Recorded:
    """Keep what the functions of segcore.models call their kernel with."""

    def __init__(self, calls):
        self.calls = calls

    def resample(self, *arguments):
        self.calls.append(arguments)
        return kernels.resample(*arguments)

    def __enter__(self):
        resample.kernels = self

    def __exit__(self, *_):
        resample.kernels = kernels
