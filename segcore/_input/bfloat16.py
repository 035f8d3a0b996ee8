"""bfloat16, which NumPy has not: its bits, from DLPack or from arrays of ml_dtypes."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
from numpy.typing import NDArray

INFINITY, MINUS_ZERO = 0x7F80, 0x8000
"""Their bits. Above infinity are NaNs; from minus zero on what is negative, then its NaNs."""


def bits_of(value: object) -> NDArray[np.uint16] | None:
    """Give the bits of an array or CPU tensor of bfloat16, without a copy; of others, None.

    Raises
    ------
    BufferError, RuntimeError, TypeError, ValueError
        If it is one, but does not let its memory be read.
    """
    dtype = getattr(value, "dtype", None)
    if isinstance(dtype, np.dtype):  # that of ml_dtypes, which JAX has too
        is_one = dtype.kind == "V" and dtype.name == "bfloat16"
        return np.asarray(value).view(np.uint16) if is_one else None
    if hasattr(value, "__dlpack__") and str(dtype).endswith("bfloat16"):
        return _read_dlpack(value)
    return None


def to_float32(bits: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Give the numbers, exactly."""
    wide = bits.astype(np.uint32)
    wide <<= 16
    return wide.view(np.float32)


def rounded(number: float) -> int:
    """Give the bits of the bfloat16 nearest to the float32 of a number, ties to even."""
    with np.errstate(over="ignore"):
        bits = int(np.float32(number).view(np.uint32))
    return (bits + 0x7FFF + (bits >> 16 & 1)) >> 16


# -- DLPack ---------------------------------------------------------------------------------------

_BFLOAT = 4


class _Tensor(ctypes.Structure):
    """DLTensor, of dlpack.h."""

    _fields_ = (
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    )


class _Memory:
    """What NumPy makes an array of. It keeps the capsule, and so the tensor, alive."""

    def __init__(self, capsule: object, tensor: _Tensor) -> None:
        # Either may be NULL: what has no dimensions needs no shape, what is contiguous no strides.
        shape = tuple(tensor.shape[: tensor.ndim]) if tensor.shape else ()
        strides = (
            tuple(2 * step for step in tensor.strides[: tensor.ndim]) if tensor.strides else None
        )
        self.capsule = capsule
        self.shape = shape
        self.__array_interface__: dict[str, object] = {
            "version": 3,
            "typestr": np.dtype(np.uint16).str,
            "data": ((tensor.data or 0) + tensor.byte_offset, True),
            "shape": shape,
            "strides": strides,
        }


def _read_dlpack(value: Any) -> NDArray[np.uint16]:
    capsule = value.__dlpack__()
    tensor = _tensor_in(capsule)
    if (tensor.code, tensor.bits, tensor.lanes) != (_BFLOAT, 16, 1):
        raise TypeError("its memory does not hold bfloat16")
    memory = _Memory(capsule, tensor)
    if 0 in memory.shape:
        return np.empty(memory.shape, np.uint16)
    if not tensor.data:
        raise TypeError("it has a shape, but no memory")
    return np.asarray(memory)


def _tensor_in(capsule: object) -> _Tensor:
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype = ctypes.c_void_p
    pointer.argtypes = (ctypes.py_object, ctypes.c_char_p)
    return _Tensor.from_address(pointer(capsule, b"dltensor"))
