"""Convert flat NumPy arrays to Arrow arrays and back, without a Python object per row.

Importing ``pyarrow.compute`` takes longer than reading a file. Code that reads segcore's files
therefore avoids it, and the methods of arrays that import it: ``is_valid``, ``take``,
``drop_null`` and ``cast``.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from segcore._batch import offsets_of, spread
from segcore.data.columns.texts import Texts

MOST = 2**31 - 1
"""The greatest offset of an Arrow list or string."""


def to_array(values: NDArray[Any], valid: NDArray[np.bool_] | None = None) -> pa.Array:
    """Return numbers as an Arrow array, without a copy; rows that are not valid are null.

    ``pyarrow.array`` imports pandas, which takes longer than reading a file; so does ``to_numpy``.
    """
    values = np.ascontiguousarray(values)
    if values.dtype == np.bool_:
        kind, buffer = pa.bool_(), _bitmap(values)
    else:
        kind, buffer = pa.from_numpy_dtype(values.dtype), pa.py_buffer(values)
    return pa.Array.from_buffers(kind, len(values), [_bitmap(valid), buffer])


def to_bytes(texts: Texts, valid: NDArray[np.bool_] | None = None) -> pa.Array:
    """Return strings as an Arrow array of bytes; rows that are not valid are null."""
    texts = texts.compact()
    offsets = _int32(offsets_of(texts.lengths))
    data = pa.py_buffer(np.ascontiguousarray(texts.data))
    buffers = [_bitmap(valid), pa.py_buffer(offsets), data]
    return pa.Array.from_buffers(pa.binary(), len(texts), buffers)


def to_strings(
    texts: Texts | Sequence[str | bytes], valid: NDArray[np.bool_] | None = None
) -> pa.Array:
    """Return strings as an Arrow array; half surrogate pairs, which it cannot hold, become "?"."""
    if not isinstance(texts, Texts):
        texts = Texts.from_strings(texts)
    try:
        return to_bytes(texts, valid).cast(pa.string())
    except pa.ArrowInvalid:
        replaced = [text.encode("utf-8", "replace") for text in texts]
        return to_bytes(Texts.from_strings(replaced), valid).cast(pa.string())


def to_optional(values: Sequence[bytes | None]) -> pa.Array:
    """Return bytes as an Arrow array in which None is null."""
    valid = np.array([value is not None for value in values], np.bool_)
    if not valid.any():
        return to_bytes(Texts.empty(len(valid)), valid)
    return to_bytes(Texts.from_strings(value or b"" for value in values), valid)


def to_lists(offsets: NDArray[Any], values: pa.Array, valid: Any = None) -> pa.Array:
    """Return an Arrow array of lists; rows that are not valid are null."""
    buffers = [_bitmap(valid), pa.py_buffer(_int32(offsets))]
    kind = pa.list_(values.type)
    return pa.Array.from_buffers(kind, len(offsets) - 1, buffers, children=[values])


def to_numbers(values: NDArray[np.float64]) -> pa.Array:
    """Return numbers as an Arrow array in which NaN is null."""
    return to_array(values, ~np.isnan(values))


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


def from_lists(
    array: pa.Array, rows: NDArray[np.int64] | None = None
) -> tuple[NDArray[np.int64], pa.Array]:
    """Return the offsets and values of the lists in `rows`, by default all; null is empty."""
    bounds = np.zeros(1, np.int64)
    if len(array):
        count, buffer = len(array) + 1, array.buffers()[1]
        bounds = np.frombuffer(buffer, np.int32, count, 4 * array.offset).astype(np.int64)
    starts, lengths = bounds[:-1], np.diff(bounds) * is_valid(array)
    if rows is not None:
        starts, lengths = starts[rows], lengths[rows]
    offsets = offsets_of(lengths)
    expected = starts - offsets[:-1]  # constant if the lists are adjacent
    expected = expected[lengths > 0]
    if len(expected) == 0 or (expected == expected[0]).all():
        first = int(expected[0]) if len(expected) else 0
        return offsets, array.values.slice(first, int(offsets[-1]))
    return offsets, array.values.take(to_array(spread(starts, offsets)))


def field_of(array: pa.Array, name: str) -> pa.Array:
    """Return a field of an Arrow array of structs, which is null where the struct is."""
    return array.flatten()[array.type.get_field_index(name)]


def without_null(array: pa.Array) -> pa.Array:
    """Return an Arrow array without its null rows; not copied if there are none."""
    return array.drop_null() if array.null_count else array


def from_numbers(array: pa.Array, missing: float) -> NDArray[Any]:
    """Return the numbers of an Arrow array, with a number for null."""
    values = values_of(array)
    return (
        np.where(is_valid(array), values, values.dtype.type(missing))
        if array.null_count
        else values
    )


def values_of(array: pa.Array) -> NDArray[Any]:
    """Return the values of an Arrow array, arbitrary ones for null; numbers are not copied."""
    count, offset, data = len(array), array.offset, array.buffers()[1]
    if data is None:
        data = b""
    if pa.types.is_boolean(array.type):
        return _bits(data, offset, count)
    name = str(array.type)
    dtype = np.dtype("float64" if name == "double" else name)
    return (
        np.frombuffer(data, dtype, count, offset * dtype.itemsize) if count else np.empty(0, dtype)
    )


def is_valid(array: pa.Array) -> NDArray[np.bool_]:
    """Return which rows are not null."""
    bits = array.buffers()[0]
    if bits is None:
        return np.full(len(array), not pa.types.is_null(array.type))
    return _bits(bits, array.offset, len(array))


def _bits(buffer: Any, offset: int, count: int) -> NDArray[np.bool_]:
    bits = np.unpackbits(np.frombuffer(buffer, np.uint8), bitorder="little")
    return bits[offset : offset + count].astype(np.bool_)


def _bitmap(valid: NDArray[np.bool_] | None) -> Any:
    return None if valid is None else pa.py_buffer(np.packbits(valid, bitorder="little"))


def _int32(offsets: NDArray[Any]) -> NDArray[np.int32]:
    if len(offsets) and int(offsets[-1]) > MOST:
        raise ValueError(f"expected at most 2 GB for the annotations of a part, got {offsets[-1]}")
    return np.ascontiguousarray(offsets, np.int32)


def packed(data: bytes) -> bytes:
    """Compress data for the metadata of a schema, which is text."""
    return base64.b64encode(pa.Codec("brotli", 11).compress(data, asbytes=True))


def unpacked(text: bytes) -> bytes:
    """Restore data from the metadata of a schema."""
    compressed = pa.BufferReader(base64.b64decode(text))
    with pa.CompressedInputStream(compressed, "brotli") as stream:
        data: bytes = stream.read()
    return data
