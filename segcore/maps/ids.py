"""Maps of ids as other tools write them: colours, and codes of class and instance.

Where an id says class and instance, these are two maps here; the instance -1 is none.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segcore._input.arrays import as_array, as_integer

Maps: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int64]]

CITYSCAPES_DIVISOR = 1000
CITYSCAPES_FIRST_THING = 24


def from_rgb(rgb: ArrayLike) -> NDArray[np.int32]:
    """Read the colours of a COCO panoptic PNG: R + 256 G + 65536 B.

    Parameters
    ----------
    rgb : array_like
        uint8 (..., 3), usually (H, W, 3).

    Returns
    -------
    numpy.ndarray
        int32 (...): ids from 0 to 2**24 - 1.

    Raises
    ------
    ValueError
        If the last dimension is not 3.
    TypeError
        If they are not uint8.

    Examples
    --------
    >>> import segcore as sc
    >>> import numpy as np
    >>> sc.maps.ids.from_rgb(np.array([[[7, 0, 0], [0, 1, 0]]], np.uint8))
    array([[  7, 256]], dtype=int32)
    """
    colors = as_array(rgb, "rgb")
    if colors.dtype != np.uint8:
        raise TypeError(f"rgb: expected uint8, got {colors.dtype}")
    if colors.ndim == 0 or colors.shape[-1] != 3:
        raise ValueError(f"rgb: expected (H, W, 3), red, green and blue, got {colors.shape}")
    octets = np.ascontiguousarray(colors).reshape(-1)
    ids = np.zeros(colors.shape[:-1], np.int32)
    words = ids.reshape(-1).view(np.uint32)
    if len(words):
        # Four bytes from where each pixel begins, of which three are its own. The last has no more.
        fours = np.ndarray(len(words) - 1, "<u4", octets, strides=(3,))
        np.bitwise_and(fours, 0xFFFFFF, out=words[:-1])
        words[-1] = int.from_bytes(octets[-3:].tobytes(), "little")
    return ids


def to_rgb(ids: ArrayLike) -> NDArray[np.uint8]:
    """Write ids as the colours of a COCO panoptic PNG.

    Parameters
    ----------
    ids : array_like
        Integers from 0 to 2**24 - 1, usually (H, W).

    Returns
    -------
    numpy.ndarray
        uint8 (..., 3): red, green and blue.

    Raises
    ------
    ValueError
        If an id is out of range.
    TypeError
        If they are no integers.

    Examples
    --------
    >>> import segcore as sc
    >>> sc.maps.ids.to_rgb([[7, 256]]).tolist()
    [[[7, 0, 0], [0, 1, 0]]]
    """
    array = _as_integers(ids, "ids")
    _check_range(array, "ids", 2**24)
    words = array.astype("<u4", order="C", copy=False)
    octets = words[..., None].view(np.uint8)
    rgb = np.empty((*array.shape, 3), np.uint8)
    for channel in range(3):  # much faster than all at once
        rgb[..., channel] = octets[..., channel]
    return rgb


def decode(ids: ArrayLike, divisor: int) -> Maps:
    """Take codes ``class * divisor + instance`` apart.

    Those of Panoptic-DeepLab (where 0 is the instance of stuff), of VIPSeg and of KITTI-STEP.
    mmdetection's are the other way round, ``class + instance * 1000``: give ``divisor`` 1000, and
    swap what comes out.

    Parameters
    ----------
    ids : array_like
        Integers from 0, usually (H, W).
    divisor : int
        At least 1.

    Returns
    -------
    classes, instances : numpy.ndarray
        int64, of the shape of ``ids``; instances are from 0 to divisor - 1.

    Raises
    ------
    ValueError
        If an id is negative, or the divisor less than 1.
    TypeError
        If they are no integers.

    Examples
    --------
    >>> import segcore as sc
    >>> sc.maps.ids.decode([7000, 7001, 11000], divisor=1000)
    (array([ 7,  7, 11]), array([0, 1, 0]))
    """
    divisor = _as_divisor(divisor)
    classes, instances = np.divmod(_as_codes(ids, "ids", 2**63), divisor)
    return classes, instances


def encode(classes: ArrayLike, instances: ArrayLike, divisor: int) -> NDArray[np.int64]:
    """Make codes ``class * divisor + instance``.

    Parameters
    ----------
    classes, instances : array_like
        Integers from 0, of one shape; instances are less than ``divisor``.
    divisor : int
        At least 1.

    Returns
    -------
    numpy.ndarray
        int64, of their shape.

    Raises
    ------
    ValueError
        If a number is out of range, or the shapes differ.
    TypeError
        If they are no integers.

    Examples
    --------
    >>> import segcore as sc
    >>> sc.maps.ids.encode([7, 7, 11], [0, 1, 0], divisor=1000)
    array([ 7000,  7001, 11000])
    """
    divisor = _as_divisor(divisor)
    numbers = _as_codes(instances, "instances", divisor)
    codes = _as_codes(classes, "classes", (2**63 - 1) // divisor + 1, numbers.shape)
    codes = codes * divisor + numbers
    if codes.min(initial=0) < 0:
        raise ValueError("classes, instances: a code does not fit into int64")
    return codes


def from_cityscapes(ids: ArrayLike) -> Maps:
    """Read Cityscapes' instanceIds: ``class * 1000 + instance``, or the class alone.

    Parameters
    ----------
    ids : array_like
        Integers from 0, usually uint16 (H, W).

    Returns
    -------
    classes, instances : numpy.ndarray
        int64, of the shape of ``ids``. Instances count from 0 in each class; -1 is none: stuff, and
        groups in which nobody could tell one from another.

    Raises
    ------
    ValueError
        If an id is negative.
    TypeError
        If they are no integers.

    Examples
    --------
    >>> import segcore as sc
    >>> sc.maps.ids.from_cityscapes([11, 26, 26000, 26001])
    (array([11, 26, 26, 26]), array([-1, -1,  0,  1]))
    """
    codes = _as_codes(ids, "ids", 2**63)
    classes, instances = np.divmod(codes, CITYSCAPES_DIVISOR)
    alone = codes < CITYSCAPES_DIVISOR
    return np.where(alone, codes, classes), np.where(alone, -1, instances)


def to_cityscapes(classes: ArrayLike, instances: ArrayLike) -> NDArray[np.uint16]:
    """Write Cityscapes' instanceIds (``json2instanceImg.py`` of cityscapesScripts).

    Parameters
    ----------
    classes : array_like
        Integers from 0 to 65, usually (H, W): ids of classes, not those of training.
    instances : array_like
        Integers of the same shape: from 0 to 999, or -1 for none. Those of classes below 24, which
        have no instances, do not count.

    Returns
    -------
    numpy.ndarray
        uint16: class * 1000 + instance, or the class alone where there is no instance.

    Raises
    ------
    ValueError
        If a number is out of range, or the shapes differ.
    TypeError
        If they are no integers.

    Examples
    --------
    >>> import segcore as sc
    >>> sc.maps.ids.to_cityscapes([11, 26, 26, 26], [0, -1, 0, 1])
    array([   11,    26, 26000, 26001], dtype=uint16)
    """
    kinds = _as_codes(classes, "classes", 66)
    numbers = _as_codes(instances, "instances", CITYSCAPES_DIVISOR, kinds.shape, start=-1)
    has_instance = (kinds >= CITYSCAPES_FIRST_THING) & (numbers >= 0)
    codes = np.where(has_instance, kinds * CITYSCAPES_DIVISOR + numbers, kinds)
    if codes.max(initial=0) > np.iinfo(np.uint16).max:
        raise ValueError(f"classes, instances: the id {codes.max()} does not fit into uint16")
    return codes.astype(np.uint16)


def from_two_channels(pixels: ArrayLike) -> Maps:
    """Read panopticapi's 2-channel PNG: the class in red, the instance in green.

    Parameters
    ----------
    pixels : array_like
        uint8 (..., 2) or (..., 3), usually (H, W, 3); what is blue does not count.

    Returns
    -------
    classes, instances : numpy.ndarray
        int64 (...), from 0 to 255. There is one segment for each pair of the two.

    Raises
    ------
    ValueError
        If the last dimension is another.
    TypeError
        If they are not uint8.

    Examples
    --------
    >>> import numpy as np, segcore as sc
    >>> sc.maps.ids.from_two_channels(np.array([[[184, 0, 0], [1, 2, 0]]], np.uint8))
    (array([[184,   1]]), array([[0, 2]]))
    """
    channels = as_array(pixels, "pixels")
    if channels.dtype != np.uint8:
        raise TypeError(f"pixels: expected uint8, got {channels.dtype}")
    if channels.ndim == 0 or channels.shape[-1] not in (2, 3):
        raise ValueError(f"pixels: expected (H, W, 2) or (H, W, 3), got {channels.shape}")
    return channels[..., 0].astype(np.int64), channels[..., 1].astype(np.int64)


def to_two_channels(classes: ArrayLike, instances: ArrayLike) -> NDArray[np.uint8]:
    """Write panopticapi's 2-channel PNG.

    Parameters
    ----------
    classes, instances : array_like
        Integers from 0 to 255, of one shape, usually (H, W).

    Returns
    -------
    numpy.ndarray
        uint8 (..., 3): the class, the instance and 0.

    Raises
    ------
    ValueError
        If a number is out of range, or the shapes differ.
    TypeError
        If they are no integers.

    Examples
    --------
    >>> import segcore as sc
    >>> sc.maps.ids.to_two_channels([[184, 1]], [[0, 2]]).tolist()
    [[[184, 0, 0], [1, 2, 0]]]
    """
    kinds = _as_codes(classes, "classes", 256)
    numbers = _as_codes(instances, "instances", 256, kinds.shape)
    pixels = np.zeros((*kinds.shape, 3), np.uint8)
    pixels[..., 0] = kinds
    pixels[..., 1] = numbers
    return pixels


def _as_divisor(divisor: int) -> int:
    number = as_integer(divisor, "divisor")
    if not 1 <= number < 2**31:
        raise ValueError(f"divisor: expected 1 to 2**31 - 1, got {number}")
    return number


def _as_codes(
    values: ArrayLike,
    name: str,
    stop: int,
    shape: tuple[int, ...] | None = None,
    start: int = 0,
) -> NDArray[np.int64]:
    """Check integers from ``start`` to less than ``stop``, and give them as int64."""
    array = _as_integers(values, name)
    if shape is not None and array.shape != shape:
        raise ValueError(f"{name}: expected the shape {shape}, got {array.shape}")
    _check_range(array, name, stop, start)
    return array.astype(np.int64)


def _as_integers(values: ArrayLike, name: str) -> NDArray[Any]:
    array = as_array(values, name)
    if array.size == 0 and array.dtype.kind == "f":  # an empty list
        array = array.astype(np.int64)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name}: expected integers, got {array.dtype}")
    return array


def _check_range(values: NDArray[Any], name: str, stop: int, start: int = 0) -> None:
    """Raise ValueError unless all values lie from ``start`` to less than ``stop``."""
    if not values.size or (int(values.min()) >= start and int(values.max()) < stop):
        return
    extreme = values.argmin() if int(values.min()) < start else values.argmax()
    place = np.unravel_index(extreme, values.shape)
    where = ", ".join(str(int(i)) for i in place)
    raise ValueError(f"{name}: expected {start} to {stop - 1}, got {values[place]} at ({where})")
