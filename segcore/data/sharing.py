"""Data sets that processes share: multiprocessing sends a path instead of the columns.

When a data set is sent to another process, as a DataLoader with spawned workers does, its arrays
are written once to a file in memory, which all processes map. Ordinary pickles hold the columns.
"""

from __future__ import annotations

import mmap
import os
import pickle
import tempfile
import weakref
from contextlib import suppress
from multiprocessing.reduction import ForkingPickler
from typing import Any

from segcore.data.dataset import Dataset

LEAST = 1 << 16
"""Number of bytes from which on a data set is shared."""
_ALIGNMENT = 64

_shared: weakref.WeakKeyDictionary[Dataset, tuple[Any, ...]] = weakref.WeakKeyDictionary()


def _reduce(dataset: Dataset) -> Any:
    """Return how to make the data set in another process of this machine."""
    if dataset not in _shared:
        arrays: list[pickle.PickleBuffer] = []
        payload = pickle.dumps(dataset, protocol=5, buffer_callback=arrays.append)
        views = [array.raw() for array in arrays]
        if sum(view.nbytes for view in views) < LEAST:
            return pickle.loads, (pickle.dumps(dataset),)
        _shared[dataset] = (payload, *_write(dataset, views))
    return _restore, _shared[dataset]


def _write(dataset: Dataset, views: list[memoryview]) -> tuple[str, list[tuple[int, int]]]:
    """Write arrays to a file that is removed with the data set."""
    folder = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    descriptor, path = tempfile.mkstemp(prefix="segcore-", dir=folder)
    weakref.finalize(dataset, _remove, path, os.getpid())
    parts = []
    with os.fdopen(descriptor, "wb") as file:
        for view in views:
            file.write(b"\0" * (-file.tell() % _ALIGNMENT))
            parts.append((file.tell(), view.nbytes))
            file.write(view)
        file.write(b"\0")  # a file of no bytes cannot be mapped
    return path, parts


def _remove(path: str, owner: int) -> None:
    if os.getpid() == owner:  # a forked process does not own it
        with suppress(OSError):
            os.unlink(path)


def _restore(payload: bytes, path: str, parts: list[tuple[int, int]]) -> Dataset:
    """Map the file of a data set of another process."""
    try:
        with open(path, "rb") as file:
            memory = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except FileNotFoundError:
        raise RuntimeError(
            "the data set was shared by a process that has released it; keep it there as long as "
            "other processes start with it, or pass the path of its file and read it there"
        ) from None
    buffers = [memory[start : start + size] for start, size in parts]
    dataset: Dataset = pickle.loads(payload, buffers=buffers)
    return dataset


ForkingPickler.register(Dataset, _reduce)
