"""Areas, bounding boxes and moments."""

from .common import BACKENDS, batch, checked


class Measure:
    params = (BACKENDS, ("blobs", "noise", "horizontal_stripes", "full"))
    param_names = ("backend", "input")

    def setup(self, backend, name):
        self.batch = batch(name, 100)
        self.kernels = checked(backend, "area", self.batch)
        checked(backend, "boxes", self.batch)
        checked(backend, "moments", self.batch, True)

    def time_area(self, *_):
        self.kernels.area(self.batch)

    def time_boxes(self, *_):
        self.kernels.boxes(self.batch)

    def time_centroids(self, *_):
        self.kernels.moments(self.batch, False)

    def time_moments(self, *_):
        self.kernels.moments(self.batch, True)
