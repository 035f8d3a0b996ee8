"""What went wrong with predictions, object by object: on the backend in use."""

import numpy as np

import segcore as sc

from .common import expect, loaded

COUNTS = (100, 1000, 4000)
SIDE = 24
"""Objects stand in squares of this side: the more, the larger the image."""


def scene(count):
    """Draw tables on a grid; half of the predictions lack the legs, a tenth is missing."""
    columns = int(np.ceil(count**0.5))
    y, x = np.divmod(np.arange(count), columns) * np.array([[SIDE], [SIDE]])
    size = (SIDE * columns, SIDE * columns)

    def boxes(x0, y0, x1, y1):
        return sc.Masks.from_boxes(np.stack([x + x0, y + y0, x + x1, y + y1], axis=1), size)

    top, table = (
        boxes(2, 2, 22, 10),
        boxes(2, 2, 22, 10) | boxes(4, 10, 6, 20) | boxes(18, 10, 20, 20),
    )
    legless = np.arange(count) % 2 == 0
    chosen = np.where(legless, np.arange(count), count + np.arange(count))
    predicted = sc.Masks.concatenate([top, table])[chosen[np.arange(count) % 10 > 0]]
    return table, predicted


class Diagnosis:
    params = (COUNTS,)
    param_names = ("objects",)

    def setup(self, count):
        loaded(sc.backends.current())
        self.masks = scene(count)
        missing, legless = count // 10, count // 2 - count // 10
        result = sc.diagnose(*self.masks, thin_width=3, boundary_distance=1)
        pixels = {cause.name: area for cause, area in result.totals().items() if not cause.spurious}
        kinds = [finding.kind for finding in result.findings]
        got = [kinds.count("matched"), kinds.count("missed"), pixels["thin"], pixels["component"]]
        expected = [count - missing, missing, 40 * legless, 200 * missing]
        expect((np.array(got),), (np.array(expected),), "diagnose")

    def time_diagnose(self, *_):
        sc.diagnose(*self.masks)

    def peakmem_diagnose(self, *_):
        sc.diagnose(*self.masks)
