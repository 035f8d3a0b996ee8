"""Soft masks to masks: the functions that people call, on the backend in use."""

import segcore as sc

from .common import INPUTS
from .scores import heads, wobbly


class Soft:
    params = (("paste", "upsample"),)
    param_names = ("operation",)

    def setup(self, operation):
        sc.set_num_threads(1)
        size = INPUTS.height, INPUTS.width
        if operation == "paste":
            arguments = (*heads(INPUTS.count, 28, size), size)
            self.run = lambda: sc.paste_masks(*arguments)
        else:
            scores = wobbly(INPUTS.count, 160)
            self.run = lambda: sc.upsample_masks(scores, size, 0.0)

    def time_soft(self, *_):
        self.run()

    def peakmem_soft(self, *_):
        self.run()
