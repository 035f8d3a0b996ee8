"""Dense arrays to run ends."""

from .common import BACKENDS, DENSE, checked, dense, in_layout, loaded


class Encode:
    params = (BACKENDS, DENSE, ("C", "F"))
    param_names = ("backend", "input", "layout")

    def setup(self, backend, name, layout):
        self.dense = in_layout(dense(name), layout)
        self.kernels = checked(backend, "encode", self.dense, None)

    def time_encode(self, *_):
        self.kernels.encode(self.dense, None)


class EncodeInterleaved:
    """(H, W, N) in C order: the masks of a pixel lie beside each other."""

    params = (BACKENDS,)
    param_names = ("backend",)

    def setup(self, backend):
        self.dense = in_layout(dense("blobs"), "N")
        self.kernels = checked(backend, "encode", self.dense, None)

    def time_encode(self, *_):
        self.kernels.encode(self.dense, None)


class EncodeThreshold:
    params = (BACKENDS, ("blobs", "noise"), ("uint8", "float32"))
    param_names = ("backend", "input", "dtype")

    def setup(self, backend, name, dtype):
        self.dense = dense(name).astype(dtype)
        self.kernels = checked(backend, "encode", self.dense, 0.5)

    def time_encode(self, *_):
        self.kernels.encode(self.dense, 0.5)


class EncodeMemory:
    """Nothing but the input is set up, so that the difference is the kernel's."""

    params = (BACKENDS, ("blobs", "noise"))
    param_names = ("backend", "input")

    def setup(self, backend, name):
        self.dense = dense(name, 100)
        self.kernels = loaded(backend)

    def peakmem_nothing(self, *_):
        pass

    def peakmem_encode(self, *_):
        self.kernels.encode(self.dense, None)
