"""Masks in Arrow memory: the extension type ``segcore.masks`` over lists of run ends."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import numpy as np
import pyarrow as pa

from segcore._batch import Batch
from segcore._input.arrays import as_size, described
from segcore._input.run_ends import as_batch
from segcore.backends.sizes import run_end_dtype
from segcore.errors import MaskError


class MasksType(pa.ExtensionType):  # type: ignore[misc]
    """The type of an Arrow array of masks of one image size.

    The storage is ``large_list<uint32>``, or ``large_list<uint64>`` for images of 2**32 pixels or
    more: the run ends of each mask. The size is in the metadata of the type, as
    ``{"size": [H, W]}``.

    Parameters
    ----------
    size : sequence of int
        Image size (H, W).
    """

    def __init__(self, size: Any) -> None:
        self.size = as_size(size)
        values = pa.from_numpy_dtype(np.dtype(run_end_dtype(*self.size)))
        super().__init__(pa.large_list(values), "segcore.masks")

    def __arrow_ext_serialize__(self) -> bytes:
        """Return the metadata."""
        return json.dumps({"size": list(self.size)}).encode()

    @classmethod
    def __arrow_ext_deserialize__(cls, storage_type: Any, serialized: bytes) -> MasksType:
        """Make the type from its metadata."""
        try:
            made = cls(json.loads(serialized)["size"])
        except (ValueError, TypeError, KeyError) as error:
            raise pa.ArrowInvalid(f"segcore.masks: malformed metadata: {error}") from None
        if made.storage_type != storage_type:
            raise pa.ArrowInvalid(
                f"segcore.masks: expected {made.storage_type} for size {made.size}, got "
                f"{storage_type}"
            )
        return made


def export(batch: Batch) -> pa.Array:
    """Return masks as an Arrow array, which shares their memory."""
    run_ends, offsets = batch.run_ends, batch.offsets
    kind = MasksType(batch.size)
    values = pa.Array.from_buffers(
        kind.storage_type.value_type, len(run_ends), [None, pa.py_buffer(run_ends)]
    )
    buffers = [None, pa.py_buffer(offsets)]
    lists = pa.Array.from_buffers(kind.storage_type, len(offsets) - 1, buffers, children=[values])
    return pa.ExtensionArray.from_storage(kind, lists)


def read(data: Any, size: Any = None) -> Batch:
    """Return the masks of an Arrow array; see :meth:`segcore.Masks.from_arrow`."""
    array = _as_array(data)
    if isinstance(array.type, pa.BaseExtensionType):
        stated = getattr(array.type, "size", None)
        if stated is not None and size is not None and as_size(size) != stated:
            raise ValueError(f"size: expected the size of the array, {stated}, got {size}")
        size = stated if size is None else size
        array = array.storage
    if size is None:
        raise ValueError("size: the array has no image size; pass size=(H, W)")
    size = as_size(size)
    kind = array.type
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind)) or not pa.types.is_integer(
        kind.value_type
    ):
        raise TypeError(f"data: expected lists of integers, got {kind}")
    if array.null_count:
        raise MaskError(array.is_valid().index(False).as_py(), "expected run ends, got null")
    values = array.values
    if values.null_count:
        raise ValueError("data: expected run ends, got null")
    wide = np.int64 if pa.types.is_large_list(kind) else np.int32
    offsets: Any = np.zeros(1, np.int64)
    if len(array):
        data_offsets = array.buffers()[1]
        offsets = np.frombuffer(
            data_offsets, wide, len(array) + 1, array.offset * np.dtype(wide).itemsize
        )
    first, last = int(offsets[0]), int(offsets[-1])
    if not 0 <= first <= last <= len(values):
        raise ValueError("offsets: expected offsets within the run ends")
    run_ends = _numbers(values)[first:last]
    # Arrow memory does not change, unless it belongs to somebody who can write to it.
    buffers = [buffer for buffer in array.buffers() if buffer is not None]
    copy = any(buffer.is_mutable for buffer in buffers)
    offsets = offsets - first if first or wide == np.int32 else offsets
    return as_batch(run_ends, offsets, size, copy)


def _as_array(data: Any) -> Any:
    if isinstance(data, pa.ChunkedArray):
        return data.chunk(0) if data.num_chunks == 1 else data.combine_chunks()
    if isinstance(data, pa.Array):
        return data
    if hasattr(data, "__arrow_c_array__"):
        return pa.array(data)
    if hasattr(data, "__arrow_c_stream__"):
        return _as_array(pa.chunked_array(data))
    raise TypeError(f"data: expected an Arrow array, got {described(data)}")


def _numbers(values: Any) -> Any:
    dtype = np.dtype(str(values.type))
    buffer = values.buffers()[1]
    if not len(values) or buffer is None:
        return np.empty(0, dtype)
    return np.frombuffer(buffer, dtype, len(values), values.offset * dtype.itemsize)


with suppress(pa.ArrowKeyError):  # registered already
    pa.register_extension_type(MasksType((1, 1)))
