"""Validation of arrays (without a copy), image sizes, numbers, boxes and label maps."""

from __future__ import annotations

import math
import operator
import reprlib
import sys
from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

from segcore._input import bfloat16
from segcore._input.recognize import box_hint
from segcore._text import counted
from segcore.backends.sizes import MAX_PIXELS

Size: TypeAlias = tuple[int, int]

# DLPack device types readable by the CPU: CPU, pinned memory of CUDA and ROCm, CUDA managed memory.
_CPU_DEVICES = frozenset({1, 3, 11, 13})


def as_array(value: object, name: str) -> NDArray[Any]:
    """Convert an array_like to a NumPy array, without a copy if possible.

    Parameters
    ----------
    value : array_like
        NumPy array, object that supports DLPack or the buffer protocol (such as a CPU tensor), or
        nested lists of numbers.
    name : str
        Name of the argument, for error messages.

    Returns
    -------
    numpy.ndarray
        Aligned array of any shape and dtype. bfloat16, which NumPy does not support, is converted
        to float32. The array may share memory with `value` and must not be written to.

    Raises
    ------
    TypeError
        If `value` is on a GPU, is a masked array with masked elements, or cannot be converted.
    ValueError
        If `value` is a list of rows of different lengths.
    """
    array, is_bfloat16 = as_array_or_bits(value, name)
    return bfloat16.to_float32(array) if is_bfloat16 else array


def as_array_or_bits(value: object, name: str) -> tuple[NDArray[Any], bool]:
    """Return the array of :func:`as_array` and False, or the bits of bfloat16 and True.

    The bits are uint16 and are not copied.
    """
    if type(value) is np.ndarray and value.dtype.kind != "V":
        array, is_bfloat16 = value, False
    else:
        array, is_bfloat16 = _read(value, name)
    return (array if array.flags.aligned else array.copy()), is_bfloat16


def _read(value: object, name: str) -> tuple[NDArray[Any], bool]:
    """Convert any array_like other than a plain NumPy array."""
    _refuse_devices(value, name)
    _refuse_masked(value, name)
    value = _materialized(value, name)
    try:
        bits = bfloat16.bits_of(value)
        if bits is not None:
            return bits, True
    except (BufferError, RuntimeError, TypeError, ValueError) as error:
        raise TypeError(f"{name}: cannot read {type(value).__name__} as array: {error}") from error
    if hasattr(value, "__dlpack__") and not isinstance(value, (np.ndarray, type)):
        try:
            array = np.from_dlpack(value)
        except (BufferError, RuntimeError, TypeError, ValueError):
            pass  # np.asarray may still succeed
        else:
            _check_memory(array, value, name)
            return array, False
    try:
        return np.asarray(value), False
    except ValueError as error:
        raise ValueError(f"{name}: expected an array: {error}") from error
    except (BufferError, RuntimeError, TypeError) as error:
        raise TypeError(f"{name}: cannot read {type(value).__name__} as array: {error}") from error


def as_output(value: object, name: str) -> NDArray[Any]:
    """Return a writable NumPy array that shares the memory of `value`.

    Raises
    ------
    TypeError
        If `value` is not an array, is on a GPU, is a masked array, or is a tensor with a pending
        negation or conjugation, whose memory does not contain its elements.
    ValueError
        If `value` is read-only.
    """
    _refuse_devices(value, name)
    if _is_masked_array(value):
        raise TypeError(f"{name}: expected an array to write into, got a masked array")
    if lazy := _lazy_operations(value, name):
        raise TypeError(
            f"{name}: expected a tensor to write into, but this {type(value).__name__} is lazily "
            f"{lazy[0].participle}; pass the result of its {lazy[0].resolve}() or clone()"
        )
    if not isinstance(value, np.ndarray):
        if not hasattr(value, "__dlpack__") or isinstance(value, type):
            raise TypeError(f"{name}: expected an array to write into, got {described(value)}")
        try:
            array = np.from_dlpack(value)
        except (BufferError, RuntimeError, TypeError, ValueError) as error:
            raise TypeError(f"{name}: cannot write into {type(value).__name__}: {error}") from error
        _check_memory(array, value, name)
        value = array
    if not value.flags.writeable:
        raise ValueError(f"{name}: expected an array to write into, but this one is read-only")
    return value


def _check_memory(array: NDArray[Any], value: object, name: str) -> None:
    """Raise TypeError for a tensor without memory, for which NumPy allocates a new array."""
    if array.flags.owndata and array.size:
        raise TypeError(f"{name}: this {type(value).__name__} has a shape, but no memory")


def _refuse_devices(value: object, name: str) -> None:
    try:
        is_on_cpu = _is_on_cpu(value)
    except TypeError as error:
        raise TypeError(f"{name}: cannot read {type(value).__name__} as array: {error}") from error
    if not is_on_cpu:
        raise TypeError(
            f"{name}: expected an array in CPU memory, but this {type(value).__name__} is on "
            "another device; call .cpu() first. To transfer full-size masks faster, threshold "
            "and pack them to bits on the device, and use Masks.from_bits"
        )


class _Lazy(NamedTuple):
    """An operation that PyTorch applies lazily when reading a tensor, and DLPack does not."""

    query: str
    resolve: str
    participle: str


_LAZY = (
    _Lazy("is_conj", "resolve_conj", "conjugated"),
    _Lazy("is_neg", "resolve_neg", "negated"),
)


def _lazy_operations(value: object, name: str) -> list[_Lazy]:
    """Return the pending operations of a tensor."""
    if isinstance(value, (np.ndarray, type)):
        return []
    try:
        return [lazy for lazy in _LAZY if hasattr(value, lazy.resolve) and _ask(value, lazy.query)]
    except (AttributeError, NotImplementedError, RuntimeError, TypeError) as error:
        raise TypeError(f"{name}: cannot read {type(value).__name__} as array: {error}") from error


def _ask(value: object, query: str) -> bool:
    return bool(getattr(value, query)())


def _materialized(value: object, name: str) -> object:
    """Apply pending operations of a tensor, so that its memory contains its elements."""
    for lazy in _lazy_operations(value, name):
        value = getattr(value, lazy.resolve)()
    return value


def _refuse_masked(value: object, name: str) -> None:
    """Raise TypeError if masked arrays, or lists of them, have masked elements."""
    if isinstance(value, (list, tuple)):
        if value and isinstance(value[0], np.ndarray):
            for item in value:
                _refuse_masked(item, name)
    elif _is_masked_array(value) and np.ma.is_masked(value):
        raise TypeError(
            f"{name}: expected an array without masked elements; fill them first with "
            ".filled(value)"
        )


def _is_masked_array(value: object) -> bool:
    # Until numpy.ma is loaded, which takes a while, there are no masked arrays.
    return "numpy.ma" in sys.modules and isinstance(value, np.ma.MaskedArray)


def _is_on_cpu(value: object) -> bool:
    device = getattr(value, "__dlpack_device__", None)
    if device is None or isinstance(value, type):
        return not hasattr(value, "__cuda_array_interface__")
    try:
        return int(device()[0]) in _CPU_DEVICES
    except (BufferError, RuntimeError, ValueError):  # a device that DLPack does not support
        return False


def as_integers(value: object, name: str, count: int | None = None) -> NDArray[Any]:
    """Convert integers to a 1-D array, keeping their dtype.

    Parameters
    ----------
    value : array_like of int
        Integers. An empty list, which has no dtype, is accepted.
    name : str
        Name of the argument, for error messages.
    count : int, optional
        Expected number of integers, one per mask.

    Raises
    ------
    TypeError
        If the dtype is not an integer dtype. Bools are not accepted.
    ValueError
        If the array is not 1-D, or does not have `count` elements.
    """
    array = _as_exact(value, name)
    if array.dtype.kind == "f":
        if array.size == 0:
            array = array.astype(np.int64)
        elif integers := _listed_integers(value):
            raise ValueError(
                f"{name}: expected integers of one dtype, but {max(integers)} does not fit "
                f"into int64, and {min(integers)} does not fit into uint64"
            )
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name}: expected integers, got {array.dtype}")
    check_length(array, name, count)
    return array


def _as_exact(value: object, name: str) -> NDArray[Any]:
    """Convert an array_like, and lists of integers to int64 or uint64 if either holds all of them.

    NumPy converts lists that mix integers below and above 2**63 to float64.
    """
    array = as_array(value, name)
    integers = _listed_integers(value) if array.dtype.kind == "f" else []
    if integers and (min(integers) >= 0 or max(integers) < 2**63):
        array = np.array(integers, np.int64 if max(integers) < 2**63 else np.uint64)
    return array


def _listed_integers(value: object) -> list[int]:
    """Return the items of a list or tuple of integers as Python ints; otherwise, an empty list."""
    if not isinstance(value, (list, tuple)):
        return []
    if not all(isinstance(i, (int, np.integer)) and not isinstance(i, bool) for i in value):
        return []
    return [int(item) for item in value]


def as_label_map(value: object, name: str, size: Size | None = None) -> NDArray[Any]:
    """Convert a label map to an array of shape (H, W), keeping its dtype.

    If `size` is given, the label map must have this size, that of the masks.

    Raises
    ------
    TypeError
        If the dtype is not an integer dtype. Bools are not accepted.
    ValueError
        If the array is not 2-D, does not have the size `size`, or has 2**59 pixels or more.
    """
    array = as_array(value, name)
    if array.dtype.kind == "b":
        raise TypeError(f"{name}: expected integers, got bool; pass masks to Masks.from_dense")
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name}: expected integers, got {array.dtype}")
    if array.ndim != 2:
        is_rgb = array.ndim == 3 and array.shape[2] == 3
        raise ValueError(
            f"{name}: expected (H, W), got the shape {array.shape}"
            + ("; if ids are encoded as colors, see segcore.maps.ids.from_rgb" * is_rgb)
        )
    if size is not None and array.shape != size:
        raise ValueError(f"{name}: expected the shape {size} of the masks, got {array.shape}")
    as_size(array.shape, name)
    return array


def as_label_dtype(
    dtype: DTypeLike | None, labels: Sequence[tuple[str, int]], argument: str = "dtype"
) -> np.dtype[Any]:
    """Return the given integer dtype, or the smallest unsigned dtype that holds all labels.

    Parameters
    ----------
    dtype : dtype, optional
        Integer dtype.
    labels : sequence of (str, int)
        Name, for error messages, and value of the labels.
    argument : str, default "dtype"
        Name of the argument that determines the dtype, for error messages.

    Raises
    ------
    TypeError
        If `dtype` is not an integer dtype.
    ValueError
        If a label does not fit into the dtype.
    """
    if dtype is None:
        result = np.min_scalar_type(min(max([0, *(value for _, value in labels)]), 2**64 - 1))
    else:
        result = np.dtype(dtype)
    if result.kind not in "iu":
        raise TypeError(f"{argument}: expected an integer dtype, got {result}")
    limits = np.iinfo(result)
    for name, value in labels:
        if not limits.min <= value <= limits.max:
            kind = "signed" if value < 0 else "larger"
            wanted = f"a {kind} dtype" if argument == "dtype" else f"{argument} of a {kind} dtype"
            raise ValueError(f"{name} {value} does not fit into {result}; pass {wanted}")
    return result


def fits_float64(dtype: np.dtype[Any]) -> bool:
    """Return whether float64 represents all values of a dtype exactly (int64: it does not)."""
    return dtype.itemsize <= (8 if dtype.kind == "f" else 4)


def ranked(scores: NDArray[Any]) -> NDArray[Any]:
    """Convert scores to sort keys of the same order that can be negated exactly.

    Parameters
    ----------
    scores : numpy.ndarray
        Integers or floats of any width without NaN, shape (N,).

    Returns
    -------
    numpy.ndarray
        The scores as float64, shape (N,), if float64 represents all values of their dtype.
        Otherwise, the rank of each score among the distinct scores in ascending order: int64, shape
        (N,).
    """
    if fits_float64(scores.dtype):
        return scores.astype(np.float64)
    return np.unique(scores, return_inverse=True)[1].reshape(-1)


def is_in(ids: NDArray[Any], wanted: Iterable[int]) -> NDArray[np.bool_]:
    """Return which ids are wanted. ``numpy.isin`` would round int64 mixed with uint64."""
    wanted_ids = {int(value) for value in wanted}
    return np.fromiter((value in wanted_ids for value in ids.tolist()), np.bool_, len(ids))


def as_scores(value: object, name: str, count: int) -> NDArray[Any]:
    """Convert scores, one per mask, to a 1-D array, keeping their dtype.

    Raises
    ------
    TypeError
        If the dtype is not numeric. Bools are not accepted.
    ValueError
        If the array is not 1-D, does not have `count` elements, or contains NaN.
    """
    array = _as_exact(value, name)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name}: expected numbers, got {array.dtype}")
    check_length(array, name, count)
    nan = np.flatnonzero(np.isnan(array))
    if len(nan):
        raise ValueError(f"{name}: the score of mask {nan[0]} is NaN")
    return array


def as_number(value: object, name: str) -> float:
    """Convert a finite number of any type to a float. Bools are not accepted."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(
        value, (int, float, np.integer, np.floating)
    ):
        raise TypeError(f"{name}: expected a number, got {described(value)}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"{name}: expected a finite number, got {described(value)}")
    return number


def as_fraction(value: object, name: str) -> float:
    """Convert a number of any type in [0, 1] to a float."""
    number = as_number(value, name)
    if not 0 <= number <= 1:
        raise ValueError(f"{name}: expected a number from 0 to 1, got {number}")
    return number


def as_range(value: object, name: str) -> tuple[float, float]:
    """Convert the limits (low, high) of a range to floats; either may be infinite."""
    array = as_array(value, name) if not isinstance(value, str) else np.array(value)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name}: expected two numbers, (low, high), got {described(value)}")
    if array.shape != (2,):
        raise ValueError(f"{name}: expected two limits, (low, high), got {described(value)}")
    low, high = map(float, array)
    if not low <= high:
        raise ValueError(f"{name}: expected limits with low <= high, got {described(value)}")
    return low, high


def check_length(array: NDArray[Any], name: str, count: int | None) -> None:
    """Raise ValueError unless the array is 1-D and has `count` elements (None: any number)."""
    if array.ndim != 1:
        raise ValueError(f"{name}: expected one dimension, got the shape {array.shape}")
    if count is not None and len(array) != count:
        values = counted(count, "value")
        raise ValueError(f"{name}: expected {values}, one per mask, got {len(array):,}")


def as_integer(value: object, name: str) -> int:
    """Convert an integer of any type to a Python int. Bools and floats are not accepted."""
    try:
        if not isinstance(value, (bool, np.bool_)):
            return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        pass
    raise TypeError(f"{name}: expected an integer, got {described(value)}")


def as_threshold(value: object, name: str = "threshold") -> float:
    """Convert a number of any type to a float, exactly. Bools are not accepted."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(
        value, (int, float, np.integer, np.floating)
    ):
        raise TypeError(f"{name}: expected a number, got {described(value)}")
    try:
        number = float(value)
    except OverflowError:
        raise ValueError(f"{name}: expected a number in the range of float64") from None
    if math.isnan(number):
        raise ValueError(f"{name}: expected a number, got {value}")
    if number != value:
        raise ValueError(f"{name}: expected a number that float64 represents, got {value}")
    return number


def check_connectivity(value: object) -> None:
    """Raise ValueError unless the connectivity is 4 or 8."""
    if value not in (4, 8):
        raise ValueError(f"connectivity: expected 4 or 8, got {described(value)}")


def as_boxes(boxes: object, count: int | None = None) -> NDArray[np.float64]:
    """Convert boxes x0 y0 x1 y1 to float64, shape (N, 4).

    Parameters
    ----------
    boxes : array_like
        Shape (N, 4), numeric.
    count : int, optional
        Expected number of boxes, one per mask.

    Raises
    ------
    TypeError
        If the dtype is not numeric.
    ValueError
        If the shape is not (N, 4) or not (`count`, 4), or x1 < x0 or y1 < y0 in a box.
    """
    array = as_array(boxes, "boxes")
    if array.shape == (0,):
        array = np.empty((0, 4))
    if array.dtype.kind not in "iuf":
        raise TypeError(f"boxes: expected numbers, got {array.dtype}")
    if array.ndim != 2 or array.shape[1] != 4:
        raise ValueError(
            f"boxes: expected the shape (N, 4), got {array.shape}{box_hint(array.shape)}"
        )
    if count is not None and len(array) != count:
        raise ValueError(
            f"boxes: expected the shape ({count}, 4), one box per mask, got {array.shape}"
        )
    with np.errstate(over="ignore"):  # longdoubles out of range become infinite
        corners = np.ascontiguousarray(array, np.float64)
    inverted = np.flatnonzero((corners[:, 2] < corners[:, 0]) | (corners[:, 3] < corners[:, 1]))
    if len(inverted):
        first = inverted[0]
        if np.isnan(corners[first]).any():
            raise ValueError(f"box {first}: expected numbers, got {corners[first].tolist()}")
        raise ValueError(
            f"box {first}: expected x0 y0 x1 y1 with x0 <= x1 and y0 <= y1, got "
            f"{corners[first].tolist()}; if these are x y width height, add x to the width "
            "and y to the height"
        )
    return corners


def as_size(size: object, name: str = "size") -> Size:
    """Validate an image size.

    Parameters
    ----------
    size : sequence of int
        (height, width): integers of any type. Bools and floats are not accepted.
    name : str
        Name of the argument, for error messages.

    Returns
    -------
    tuple of int
        (height, width), with fewer than 2**59 pixels.

    Raises
    ------
    TypeError
        If `size` is not a sequence of integers.
    ValueError
        If `size` does not have two elements, one is negative, or there are 2**59 pixels or more.

    Examples
    --------
    >>> as_size([480, 640])
    (480, 640)
    """
    try:
        sides = list(size)  # type: ignore[call-overload]
    except TypeError:
        raise TypeError(f"{name}: expected (height, width), got {described(size)}") from None
    if len(sides) != 2:
        raise ValueError(f"{name}: expected (height, width), got {described(size)}")
    height, width = as_integer(sides[0], name), as_integer(sides[1], name)
    if height < 0 or width < 0:
        raise ValueError(f"{name}: expected a nonnegative height and width, got {(height, width)}")
    # Sides are bounded, too, because an image without pixels may have any, passed on as int64.
    if height * width >= MAX_PIXELS or max(height, width) >= MAX_PIXELS:
        raise ValueError(f"{name}: expected fewer than 2**59 pixels, got ({height}, {width})")
    return height, width


def allocate(
    shape: Sequence[int], dtype: DTypeLike, zeroed: bool = True, order: Literal["C", "F"] = "C"
) -> NDArray[Any]:
    """Return a new array. Raise ValueError if it exceeds the address space."""
    try:
        return (np.zeros if zeroed else np.empty)(shape, dtype, order)
    except ValueError:  # whose message is less clear
        raise ValueError(
            f"an array of shape {tuple(shape)} and dtype {np.dtype(dtype)} has more bytes than can "
            "be addressed; convert fewer masks at a time"
        ) from None


def described(value: object) -> str:
    """Return the type and the shortened repr of a value, for error messages."""
    return f"{type(value).__name__} {reprlib.repr(value)}"


def as_flags(value: object, name: str, count: int) -> NDArray[np.bool_]:
    """Convert flags, one per mask, to a 1-D boolean array.

    Parameters
    ----------
    value : array_like
        Bools, or the integers 0 and 1, as in COCO.
    name : str
        Name of the argument, for error messages.
    count : int
        Expected number of flags, one per mask.

    Raises
    ------
    TypeError
        If the dtype is neither boolean nor an integer dtype.
    ValueError
        If the array is not 1-D, does not have `count` elements, or contains other integers.
    """
    flags = as_array(value, name)
    if flags.size == 0:
        flags = flags.astype(np.bool_)
    check_length(flags, name, count)
    if flags.dtype.kind not in "biu":
        raise TypeError(f"{name}: expected bools, got {flags.dtype}")
    if flags.dtype.kind != "b" and np.any((flags != 0) & (flags != 1)):
        other = flags[(flags != 0) & (flags != 1)][0]
        raise ValueError(f"{name}: expected bools, or zeros and ones, got {other}")
    return flags.astype(np.bool_)
