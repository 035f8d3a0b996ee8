"""Arrow arrays from flat NumPy arrays and back, without a Python object per row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from segcore._batch import offsets_of
from segcore.data._texts import Texts

MOST = 2**31 - 1
"""The greatest offset of an Arrow list or string."""


def to_bytes(texts: Texts, valid: NDArray[np.bool_] | None = None) -> pa.Array:
    """Return strings as an Arrow array of bytes; rows that are not valid are null."""
    texts = texts.compact()
    offsets = _int32(offsets_of(texts.lengths))
    data = pa.py_buffer(np.ascontiguousarray(texts.data))
    buffers = [_bitmap(valid), pa.py_buffer(offsets), data]
    return pa.Array.from_buffers(pa.binary(), len(texts), buffers)


def to_strings(texts: Texts, valid: NDArray[np.bool_] | None = None) -> pa.Array:
    """Return strings as an Arrow array; half surrogate pairs, which it cannot hold, become "?"."""
    array = to_bytes(texts, valid)
    try:
        return pc.cast(array, pa.string())
    except pa.ArrowInvalid:
        strings = [text.encode("utf-8", "replace").decode("utf-8") for text in texts]
        return pa.array(strings, pa.string(), mask=None if valid is None else ~valid)


def to_lists(offsets: NDArray[Any], values: pa.Array, valid: Any = None) -> pa.Array:
    """Return an Arrow array of lists; rows that are not valid are null."""
    buffers = [_bitmap(valid), pa.py_buffer(_int32(offsets))]
    kind = pa.list_(values.type)
    return pa.Array.from_buffers(kind, len(offsets) - 1, buffers, children=[values])


def to_numbers(values: NDArray[np.float64]) -> pa.Array:
    """Return numbers as an Arrow array in which NaN is null."""
    return pa.array(values, mask=np.isnan(values))


def from_bytes(array: pa.Array) -> Texts:
    """Return an Arrow array of bytes or strings; null is empty."""
    if pa.types.is_string(array.type):
        array = array.view(pa.binary())
    count = len(array)
    _, offsets, data = array.buffers()
    bounds = np.zeros(1, np.int64)
    if count:
        bounds = np.frombuffer(offsets, np.int32, count + 1, 4 * array.offset).astype(np.int64)
    characters = np.frombuffer(data, np.uint8) if data else np.empty(0, np.uint8)
    return Texts(characters, bounds[:-1], np.where(is_valid(array), np.diff(bounds), 0))


def from_lists(array: pa.Array) -> tuple[NDArray[np.int64], pa.Array]:
    """Return the offsets and the values of an Arrow array of lists; null is empty."""
    lengths = pc.fill_null(pc.list_value_length(array), 0)
    return offsets_of(lengths.to_numpy(zero_copy_only=False)), array.flatten()


def from_numbers(array: pa.Array, missing: float) -> NDArray[Any]:
    """Return the numbers of an Arrow array, with a number for null."""
    if array.null_count:
        array = pc.fill_null(array, missing)
    numbers: NDArray[Any] = array.to_numpy(zero_copy_only=False)
    return numbers


def is_valid(array: pa.Array) -> NDArray[np.bool_]:
    """Return which rows are not null."""
    valid: NDArray[np.bool_] = array.is_valid().to_numpy(zero_copy_only=False)
    return valid


def _bitmap(valid: NDArray[np.bool_] | None) -> Any:
    return None if valid is None else pa.py_buffer(np.packbits(valid, bitorder="little"))


def _int32(offsets: NDArray[Any]) -> NDArray[np.int32]:
    if len(offsets) and int(offsets[-1]) > MOST:
        raise ValueError(f"expected at most 2 GB for the annotations of a part, got {offsets[-1]}")
    return np.ascontiguousarray(offsets, np.int32)
