"""What comes in from users: arrays without a copy, image sizes, lists of integers."""

from __future__ import annotations

import math
import operator
import reprlib
import sys
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segcore._input import bfloat16
from segcore._input.recognize import box_hint
from segcore.backends.sizes import MAX_PIXELS

Size: TypeAlias = tuple[int, int]

# DLPack's kinds of memory that the CPU reads: its own, CUDA's and ROCm's pinned, CUDA's managed.
_CPU_DEVICES = frozenset({1, 3, 11, 13})


def as_array(value: object, name: str) -> NDArray[Any]:
    """Give what holds an array as a NumPy array, without a copy where its layout allows.

    Parameters
    ----------
    value : array_like
        A NumPy array, an object with DLPack or the buffer protocol (a CPU tensor), or numbers in
        nested lists.
    name : str
        What error messages call it.

    Returns
    -------
    numpy.ndarray
        Aligned, of any shape and dtype; bfloat16, which NumPy does not have, becomes float32. It
        may share its memory with ``value``, so never write to it.

    Raises
    ------
    TypeError
        If ``value`` is on a GPU, is a masked array with masked elements, or cannot be read as an
        array.
    ValueError
        If ``value`` is a list of unequal rows.
    """
    if type(value) is np.ndarray and value.dtype.kind != "V":
        return value if value.flags.aligned else value.copy()
    array = _read(value, name)
    return array if array.flags.aligned else array.copy()


def _read(value: object, name: str) -> NDArray[Any]:
    """Convert any array_like other than a plain NumPy array."""
    _refuse_devices(value, name)
    _refuse_masked(value, name)
    value = _materialized(value, name)
    bits = as_bfloat16(value, name)
    if bits is not None:
        return bfloat16.to_float32(bits)
    if hasattr(value, "__dlpack__") and not isinstance(value, (np.ndarray, type)):
        try:
            array = np.from_dlpack(value)
        except (BufferError, RuntimeError, TypeError, ValueError):
            pass  # np.asarray may still know how
        else:
            _check_memory(array, value, name)
            return array
    try:
        return np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name}: expected an array: {error}") from error
    except (BufferError, RuntimeError, TypeError) as error:
        raise TypeError(f"{name}: cannot read {type(value).__name__} as array: {error}") from error


def as_bfloat16(value: object, name: str) -> NDArray[np.uint16] | None:
    """Give the bits of an array of bfloat16, without a copy, or None for any other value.

    Raises
    ------
    TypeError
        If ``value`` lies on a GPU, or is of bfloat16 and cannot be read.
    """
    if not hasattr(value, "dtype"):
        return None
    if type(value) is not np.ndarray:
        _refuse_devices(value, name)
        value = _materialized(value, name)
    try:
        return bfloat16.bits_of(value)
    except (BufferError, RuntimeError, TypeError, ValueError) as error:
        raise TypeError(f"{name}: cannot read {type(value).__name__} as array: {error}") from error


def as_output(value: object, name: str) -> NDArray[Any]:
    """Give an array that is to be written into, as a NumPy array of the same memory.

    Raises
    ------
    TypeError
        If it is not an array, is on a GPU, or if its elements are not what its memory holds: a
        masked array, or a tensor that is negated or conjugated when it is read.
    ValueError
        If it is read-only.
    """
    _refuse_devices(value, name)
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{name}: expected an array to write into, got a masked array")
    if lazy := _lazy_operations(value, name):
        raise TypeError(
            f"{name}: expected a tensor to write into, but this {type(value).__name__} is "
            f"{lazy[0].participle} when it is read; pass one of its own memory, such as its "
            f"clone or what {lazy[0].resolve}() returns"
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
    """Raise TypeError for a tensor without memory, in whose place NumPy allocates some."""
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
            "another device; call .cpu() first. For masks of whole pictures, bring over bits "
            "instead of bytes: threshold and pack them there, and use Masks.from_bits"
        )


class _Lazy(NamedTuple):
    """An operation that PyTorch leaves to whoever reads the memory, and that DLPack omits."""

    query: str
    resolve: str
    participle: str


_LAZY = (
    _Lazy("is_conj", "resolve_conj", "conjugated"),
    _Lazy("is_neg", "resolve_neg", "negated"),
)


def _lazy_operations(value: object, name: str) -> list[_Lazy]:
    """List the operations that a tensor still has pending."""
    if isinstance(value, (np.ndarray, type)):
        return []
    try:
        return [lazy for lazy in _LAZY if hasattr(value, lazy.resolve) and _ask(value, lazy.query)]
    except (AttributeError, NotImplementedError, RuntimeError, TypeError) as error:
        raise TypeError(f"{name}: cannot read {type(value).__name__} as array: {error}") from error


def _ask(value: object, query: str) -> bool:
    return bool(getattr(value, query)())


def _materialized(value: object, name: str) -> object:
    """Return a tensor whose memory holds its elements: negated and conjugated ones are copied."""
    for lazy in _lazy_operations(value, name):
        value = getattr(value, lazy.resolve)()
    return value


def _refuse_masked(value: object, name: str) -> None:
    """Raise TypeError for masked arrays with masked elements, and for lists of such arrays."""
    if isinstance(value, (list, tuple)):
        if value and isinstance(value[0], np.ndarray):
            for item in value:
                _refuse_masked(item, name)
    elif isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise TypeError(
            f"{name}: expected an array without masked elements; fill them first with "
            ".filled(value)"
        )


def _is_on_cpu(value: object) -> bool:
    device = getattr(value, "__dlpack_device__", None)
    if device is None or isinstance(value, type):
        return not hasattr(value, "__cuda_array_interface__")
    try:
        return int(device()[0]) in _CPU_DEVICES
    except (BufferError, RuntimeError, ValueError):  # one that DLPack has no number for
        return False


def as_integers(value: object, name: str, count: int | None = None) -> NDArray[Any]:
    """Give a list or array of integers as a 1-D array, of the dtype it has.

    Parameters
    ----------
    value : array_like
        Integers. A list without elements has no dtype: it is taken as one of integers.
    name : str
        What error messages call it.
    count : int, optional
        How many there must be: one a mask.

    Raises
    ------
    TypeError
        If they are no integers; bools are none.
    ValueError
        If the array is not 1-D, or has another length.
    """
    array = as_array(value, name)
    if array.dtype.kind == "f":
        if array.size == 0:
            array = array.astype(np.int64)
        elif integers := _listed_integers(value):
            if min(integers) < 0 and max(integers) >= 2**63:
                raise ValueError(
                    f"{name}: int64 does not hold {max(integers)}, nor uint64 {min(integers)}"
                )
            array = _exact(integers)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name}: expected integers, got {array.dtype}")
    check_length(array, name, count)
    return array


def _listed_integers(value: object) -> list[int]:
    """Return the items of a list of integers, of which NumPy may make floats; else an empty list.

    It does where some are signed and some need uint64, or are NumPy's own of both kinds.
    """
    if not isinstance(value, (list, tuple)):
        return []
    if not all(isinstance(i, (int, np.integer)) and not isinstance(i, bool) for i in value):
        return []
    return [int(item) for item in value]


def _exact(integers: list[int]) -> NDArray[Any]:
    return np.array(integers, np.int64 if max(integers) < 2**63 else np.uint64)


def as_label_map(value: object, name: str) -> NDArray[Any]:
    """Give a label map (H, W), of the integer dtype it has.

    Raises
    ------
    TypeError
        If it holds no integers; bools are none.
    ValueError
        If it has another number of dimensions, or 2**59 pixels or more.
    """
    array = as_array(value, name)
    if array.dtype.kind == "b":
        raise TypeError(f"{name}: expected integers, got bool; masks go into Masks.from_dense")
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name}: expected integers, got {array.dtype}")
    if array.ndim != 2:
        is_rgb = array.ndim == 3 and array.shape[2] == 3
        raise ValueError(
            f"{name}: expected (H, W), got the shape {array.shape}"
            + ("; if colours say the ids, see segcore.maps.ids.from_rgb" * is_rgb)
        )
    as_size(array.shape, name)
    return array


def fits_float64(dtype: np.dtype[Any]) -> bool:
    """Tell whether float64 holds all numbers of a dtype; NumPy casts int64 to it as if it did."""
    return dtype.itemsize <= (8 if dtype.kind == "f" else 4)


def ranked(scores: NDArray[Any]) -> NDArray[Any]:
    """Return numbers in the same order, ties included, that can be negated and sorted exactly.

    Parameters
    ----------
    scores : numpy.ndarray
        Integers or floats of any width, (N,), without NaN.

    Returns
    -------
    numpy.ndarray
        float64 (N,), the scores themselves, where float64 holds all values of their dtype; else
        int64 (N,), the rank of each score among the distinct ones, the smallest first.
    """
    if fits_float64(scores.dtype):
        return scores.astype(np.float64)
    return np.unique(scores, return_inverse=True)[1].reshape(-1)


def is_in(ids: NDArray[Any], wanted: Iterable[int]) -> NDArray[np.bool_]:
    """Tell which integers are among others, exactly; ``numpy.isin`` rounds mixed signedness."""
    among = {int(value) for value in wanted}
    return np.fromiter((value in among for value in ids.tolist()), np.bool_, len(ids))


def as_scores(value: object, name: str, count: int) -> NDArray[Any]:
    """Give one number a mask as a 1-D array, of the dtype it has.

    Raises
    ------
    TypeError
        If they are no numbers; bools are none.
    ValueError
        If the array is not 1-D, has another length, or holds NaN.
    """
    array = as_array(value, name)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name}: expected numbers, got {array.dtype}")
    integers = _listed_integers(value) if array.dtype.kind == "f" else []
    if integers and not (min(integers) < 0 and max(integers) >= 2**63):
        array = _exact(integers)
    check_length(array, name, count)
    nan = np.flatnonzero(np.isnan(array))
    if len(nan):
        raise ValueError(f"{name}: the score of mask {nan[0]} is NaN")
    return array


def as_number(value: object, name: str) -> float:
    """Give a number of any type as a float; bools, infinities and NaN are none."""
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
    """Give a number from 0 to 1, of any type, as a float."""
    number = as_number(value, name)
    if not 0 <= number <= 1:
        raise ValueError(f"{name}: expected a number from 0 to 1, got {number}")
    return number


def check_length(array: NDArray[Any], name: str, count: int | None) -> None:
    """Raise ValueError unless the array is 1-D, and of ``count`` elements unless that is None."""
    if array.ndim != 1:
        raise ValueError(f"{name}: expected one dimension, got the shape {array.shape}")
    if count is not None and len(array) != count:
        raise ValueError(f"{name}: expected {count}, one a mask, got {len(array)}")


def as_integer(value: object, name: str) -> int:
    """Give an integer of any type as a Python int; bools and floats are none."""
    try:
        if not isinstance(value, (bool, np.bool_)):
            return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        pass
    raise TypeError(f"{name}: expected an integer, got {described(value)}")


def as_threshold(value: object, name: str = "threshold") -> float:
    """Give a number of any type as a Python float, which must hold it exactly; bools are none."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(
        value, (int, float, np.integer, np.floating)
    ):
        raise TypeError(f"{name}: expected a number, got {described(value)}")
    try:
        number = float(value)
    except OverflowError:
        raise ValueError(f"{name}: expected a number in the range of floats") from None
    if number != value:  # NaN, or digits that a double does not hold
        raise ValueError(f"{name}: expected a number that a float holds, got {value}")
    return number


def check_connectivity(value: object) -> None:
    """Raise ValueError unless neighbours are those of 4 or of 8 sides and corners."""
    if value not in (4, 8):
        raise ValueError(f"connectivity: expected 4 or 8, got {described(value)}")


def as_boxes(boxes: object, count: int | None = None) -> NDArray[np.float64]:
    """Give boxes x0 y0 x1 y1 as float64 (N, 4).

    Parameters
    ----------
    boxes : array_like
        Numbers (N, 4).
    count : int, optional
        How many there must be: one a mask.

    Raises
    ------
    TypeError
        If they are no numbers.
    ValueError
        For another shape, and a box whose x1 or y1 is less than its x0 or y0.
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
        raise ValueError(f"boxes: expected {count}, one a mask, got {len(array)}")
    with np.errstate(over="ignore"):  # what a longdouble has too much becomes infinite
        corners = np.ascontiguousarray(array, np.float64)
    turned = np.flatnonzero((corners[:, 2] < corners[:, 0]) | (corners[:, 3] < corners[:, 1]))
    if len(turned):
        raise ValueError(
            f"box {turned[0]}: expected x0 y0 x1 y1 with x0 <= x1 and y0 <= y1, got "
            f"{corners[turned[0]].tolist()}; if these are x y width height, add x to the width "
            "and y to the height"
        )
    return corners


def as_size(size: object, name: str = "size") -> Size:
    """Check an image size.

    Parameters
    ----------
    size : sequence of int
        (height, width): integers of any type, but no bools and no floats.
    name : str
        What error messages call it.

    Returns
    -------
    tuple of int
        (height, width), of fewer than 2**59 pixels.

    Raises
    ------
    TypeError
        If it is no pair of integers.
    ValueError
        If it has not two elements, if one is negative, or if it has 2**59 pixels or more.

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
    height, width = (as_integer(side, name) for side in sides)
    if height < 0 or width < 0:
        raise ValueError(f"{name}: expected no negative height or width, got ({height}, {width})")
    # Sides are bound, too: those of an image without pixels are passed on as int64.
    if height * width >= MAX_PIXELS or max(height, width) >= MAX_PIXELS:
        raise ValueError(f"{name}: expected fewer than 2**59 pixels, got ({height}, {width})")
    return height, width


def check_bytes(shape: Sequence[int], dtype: np.dtype[Any]) -> None:
    """Raise ValueError for an array that no address space holds; NumPy says it less clearly."""
    if math.prod(max(side, 1) for side in shape) * max(dtype.itemsize, 1) > sys.maxsize:
        raise ValueError(
            f"an array of shape {tuple(shape)} and dtype {dtype} has more bytes than can be "
            "addressed; convert fewer masks at a time"
        )


def described(value: object) -> str:
    """Show a value in an error message, shortened: its type and what it holds."""
    return f"{type(value).__name__} {reprlib.repr(value)}"


def as_flags(value: object, name: str, count: int) -> NDArray[np.bool_]:
    """Give bools, or COCO's zeros and ones, as a 1-D array of bools.

    Parameters
    ----------
    value : array_like
        Bools, or integers that are 0 or 1.
    name : str
        What error messages call it.
    count : int
        How many there must be: one a mask.

    Raises
    ------
    TypeError
        If they are of another kind.
    ValueError
        If the array is not 1-D, has another length, or holds other numbers.
    """
    flags = as_array(value, name)
    if flags.size == 0:
        flags = flags.astype(np.bool_)
    check_length(flags, name, count)
    if flags.dtype.kind not in "biu":
        raise TypeError(f"{name}: expected bools, got {flags.dtype}")
    if flags.dtype.kind != "b" and np.any((flags != 0) & (flags != 1)):
        raise ValueError(f"{name}: expected bools, or zeros and ones, but there are other numbers")
    return flags.astype(np.bool_)
