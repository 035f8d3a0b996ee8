"""What all codecs do with the list of objects that they are given."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from segcore._input.arrays import as_integers, described
from segcore._input.recognize import hint
from segcore.backends.protocol import Offsets


def as_list(objects: Iterable[Any]) -> list[Any]:
    """Give the objects as a list; one object that was passed alone is an error."""
    is_table = hasattr(objects, "columns") and hasattr(objects, "iloc")
    if not isinstance(objects, (str, bytes, bytearray, memoryview, Mapping)) and not is_table:
        try:
            return list(objects)
        except TypeError:
            pass
    raise TypeError(
        f"objects: expected a list of them, one per mask, got {described(objects)}"
        f"{hint(objects) if is_table else '; put a single object into a list'}"
    )


def append_integers(numbers: array[int], place: int, item: Any, expected: str) -> None:
    """Append one object's integers; errors name it."""
    try:
        if isinstance(item, np.ndarray) and item.dtype.kind == "O":
            item = item.tolist()
        if isinstance(item, (list, tuple)):
            numbers.fromlist(list(item))
            return
        values = as_integers(item, "its numbers")
        if values.size and values.dtype.kind == "u" and int(values.max()) >= 2**63:
            raise OverflowError(f"it is {values.max()}")
        numbers.frombytes(values.astype(np.int64).tobytes())
    except OverflowError as error:
        raise ValueError(f"object {place}: a number is too large: {error}") from None
    except TypeError:
        raise TypeError(
            f"object {place}: expected {expected}, got {described(item)}{hint(item)}"
        ) from None
    except ValueError as error:
        raise ValueError(f"object {place}: {error}") from None


def as_offsets(lengths: list[int]) -> Offsets:
    """Give where each object begins that lies end to end with the others, and where all end."""
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def object_of(offsets: Offsets, position: int) -> int:
    """Give the object to which an element of the joint list belongs."""
    return int(np.searchsorted(offsets, position, side="right")) - 1
