"""Read-only arrays whose memory nothing in Python can make writable again."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

# A read-only view is not enough: NumPy lets it become writable again as long as the array or
# buffer at its ``base`` is, and kernels rely on run ends that have been checked.


def _copied(array: NDArray[Any]) -> NDArray[Any]:
    """Copy into bytes, which are immutable, unless the array lies in bytes already."""
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    if type(base) is bytes:
        return array.view()
    return np.frombuffer(array.tobytes(), array.dtype).reshape(array.shape)


_native = sys.modules.get("segcore._native")  # which segcore.backends imports where it is built

seal = _native.seal if _native else _copied
"""Return the array read-only. Compiled code hides the owner of the memory; without it, copy."""
