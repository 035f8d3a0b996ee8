"""Helpers of the codecs: lists of objects, and their concatenated values."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from segcore._batch import Offsets
from segcore._input.arrays import as_integers, described
from segcore._input.recognize import hint
from segcore.errors import MaskTypeError, located


def as_list(objects: Iterable[Any]) -> list[Any]:
    """Convert an iterable to a list. Raise TypeError for a single object or a table."""
    is_table = hasattr(objects, "columns") and hasattr(objects, "iloc")
    if not isinstance(objects, (str, bytes, bytearray, memoryview, Mapping)) and not is_table:
        try:
            return list(objects)
        except TypeError:
            pass
    raise TypeError(
        f"objects: expected a list of objects, one per mask, got {described(objects)}"
        f"{hint(objects) if is_table else '; put a single object into a list'}"
    )


def append_integers(numbers: array[int], index: int, item: Any, expected: str) -> None:
    """Append the integers of one object. Error messages contain its index."""
    try:
        if isinstance(item, np.ndarray) and item.dtype.kind == "O":
            item = item.tolist()
        if isinstance(item, (list, tuple)):
            numbers.fromlist(list(item))
            return
        values = as_integers(item, "numbers")
        if values.size and values.dtype.kind == "u" and int(values.max()) >= 2**63:
            raise OverflowError(f"expected less than 2**63, got {values.max()}")
        numbers.frombytes(values.astype(np.int64).tobytes())
    except TypeError:
        raise MaskTypeError(
            index, f"expected {expected}, got {described(item)}{hint(item)}", "object"
        ) from None
    except (ValueError, OverflowError) as error:
        raise located(error, index) from None


def object_of(offsets: Offsets, position: int) -> int:
    """Return the index of the object that an element of the concatenated values belongs to."""
    return int(np.searchsorted(offsets, position, side="right")) - 1
