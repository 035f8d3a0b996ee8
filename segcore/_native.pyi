"""The compiled extension: the C++ kernels, bound with pybind11."""

from segcore.backends import protocol

version: str
"""The version of segcore that it was compiled from."""
compiler: str
"""The compiler, with its version."""
ndebug: bool
"""Whether it was compiled without assertions."""

class Kernels(protocol.Kernels):
    """The kernels with the leaf functions of one instruction set."""

    def __init__(self, variant: str) -> None: ...

def variants() -> tuple[str, ...]:
    """Name the instruction sets that this processor has, best first."""

def set_num_threads(n: int) -> None:
    """Set how many threads a kernel may use, from 1."""

def get_num_threads() -> int:
    """Say how many threads a kernel may use."""
