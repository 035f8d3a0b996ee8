"""Read bfloat16, which NumPy does not support, from DLPack tensors and ml_dtypes arrays."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
from numpy.typing import NDArray

INFINITY, MINUS_ZERO = 0x7F80, 0x8000
"""Bits of infinity and -0. As unsigned integers, bits sort as: 0 to infinity, NaN, -0 to -infinity,
NaN."""


def bits_of(value: object) -> NDArray[np.uint16] | None:
    """Return the bits of a bfloat16 array or CPU tensor without a copy, or None for other dtypes.

    Raises
    ------
    BufferError, RuntimeError, TypeError, ValueError
        If the memory of a bfloat16 array cannot be read.
    """
    dtype = getattr(value, "dtype", None)
    if isinstance(dtype, np.dtype):  # of ml_dtypes, which JAX uses, too
        is_bfloat16 = dtype.kind == "V" and dtype.name == "bfloat16"
        return np.asarray(value).view(np.uint16) if is_bfloat16 else None
    if hasattr(value, "__dlpack__") and str(dtype).endswith("bfloat16"):
        return _read_dlpack(value)
    return None


def to_float32(bits: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Convert bfloat16 bits to float32, exactly."""
    wide = bits.astype(np.uint32)
    wide <<= 16
    return wide.view(np.float32)


def rounded(number: float) -> int:
    """Round a number to float32 and then to bfloat16, ties to even, and return the bits."""
    with np.errstate(over="ignore"):
        bits = int(np.float32(number).view(np.uint32))
    return (bits + 0x7FFF + (bits >> 16 & 1)) >> 16


# -- DLPack ---------------------------------------------------------------------------------------

_BFLOAT = 4


class _Tensor(ctypes.Structure):
    """DLTensor of dlpack.h."""

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
    """Array interface of a tensor. It keeps the capsule, and so the tensor, alive."""

    def __init__(self, capsule: object, tensor: _Tensor) -> None:
        # The shape of a 0-d tensor and the strides of a contiguous tensor may be NULL.
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
        raise TypeError("its memory does not contain bfloat16")
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
