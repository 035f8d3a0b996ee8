"""Read-only arrays whose memory nothing in Python can make writable again."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._batch import Batch, sliced

# A read-only view is not enough: NumPy lets it become writable again as long as the array or
# buffer at its ``base`` is, and kernels rely on run ends that have been checked.


def _copied(array: NDArray[Any]) -> NDArray[Any]:
    """Copy into bytes, which are immutable, unless the array is a view of such a copy."""
    owner: Any = array
    while isinstance(owner.base, np.ndarray):
        owner = owner.base
    if isinstance(owner.base, bytes) and not _can_be_writable(owner):
        return array.view()
    return np.frombuffer(array.tobytes(), array.dtype).reshape(array.shape)


def _can_be_writable(array: NDArray[Any]) -> bool:
    """Return whether NumPy lets the array be written to; it does so for unpickled ones in bytes."""
    if array.flags.writeable:
        return True
    try:
        array.flags.writeable = True
    except ValueError:
        return False
    array.flags.writeable = False
    return True


def _copied_batch(batch: Batch) -> Batch:
    return Batch(_copied(batch.run_ends), _copied(batch.offsets), *batch.size)


def _copied_slice(batch: Batch, start: int, stop: int) -> Batch:
    return _copied_batch(sliced(batch, start, stop))


_native = sys.modules.get("segcore._native")  # which segcore.backends imports where it is built

seal = _native.seal if _native else _copied
"""Return the array read-only. Compiled code hides the owner of the memory; without it, copy."""

seal_batch = _native.seal_batch if _native else _copied_batch
"""Return the batch with both arrays sealed."""

slice_batch = _native.slice_batch if _native else _copied_slice
"""Return the masks from ``start`` up to ``stop`` of a sealed batch, sealed."""
