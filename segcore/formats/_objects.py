"""What all codecs do with the list of objects that they are given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from segcore._input.arrays import described
from segcore.backends.protocol import Offsets


def as_list(objects: Iterable[Any]) -> list[Any]:
    """Give the objects as a list; one object that was passed alone is an error."""
    if not isinstance(objects, (str, bytes, bytearray, memoryview, Mapping)):
        try:
            return list(objects)
        except TypeError:
            pass
    raise TypeError(
        f"objects: expected a list of them, one a mask, got {described(objects)}; "
        "put a single object into a list"
    )


def as_offsets(lengths: list[int]) -> Offsets:
    """Give where each object begins that lies end to end with the others, and where all end."""
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def object_of(offsets: Offsets, position: int) -> int:
    """Give the object to which an element of the joint list belongs."""
    return int(np.searchsorted(offsets, position, side="right")) - 1
