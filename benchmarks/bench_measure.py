"""Areas and bounding boxes."""

from .common import BACKENDS, batch, checked


class Measure:
    params = (BACKENDS, ("blobs", "noise", "horizontal_stripes", "full"))
    param_names = ("backend", "input")

    def setup(self, backend, name):
        self.batch = batch(name, 100)
        self.kernels = checked(backend, "area", self.batch)
        checked(backend, "boxes", self.batch)

    def time_area(self, *_):
        self.kernels.area(self.batch)

    def time_boxes(self, *_):
        self.kernels.boxes(self.batch)
