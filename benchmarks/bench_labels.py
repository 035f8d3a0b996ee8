"""A label map to masks."""

import numpy as np

from .common import BACKENDS, INPUTS, checked


class LabelRuns:
    params = (BACKENDS, ("labels_uint8", "labels_int32", "cells"), ("C", "F"))
    param_names = ("backend", "input", "layout")

    def setup(self, backend, name, layout):
        self.labels = np.array(getattr(INPUTS, name), order=layout)
        self.kernels = checked(backend, "label_runs", self.labels, 0)

    def time_label_runs(self, *_):
        self.kernels.label_runs(self.labels, 0)
