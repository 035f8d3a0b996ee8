"""Convert id maps of other tools: ids encoded as colors, or as a class and an instance.

Ids that encode a class and an instance are decoded into two maps. Instance -1 means that there is
no instance.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segcore._input.arrays import as_array, as_integer

ClassesAndInstances: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int64]]

CITYSCAPES_DIVISOR = 1000
CITYSCAPES_FIRST_THING = 24


def from_rgb(rgb: ArrayLike) -> NDArray[np.int32]:
    """Decode the segment ids of a COCO panoptic PNG, ``R + 256 * G + 65536 * B``.

    Parameters
    ----------
    rgb : array_like
        Pixels of the PNG: uint8, shape (..., 3), usually (H, W, 3).

    Returns
    -------
    numpy.ndarray
        Segment ids from 0 to 2**24 - 1: int32, shape (...).

    Raises
    ------
    ValueError
        If the last dimension is not 3.
    TypeError
        If the dtype is not uint8.

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
        raise ValueError(f"rgb: expected the shape (H, W, 3), got {colors.shape}")
    octets = np.ascontiguousarray(colors).reshape(-1)
    ids = np.zeros(colors.shape[:-1], np.int32)
    words = ids.reshape(-1).view(np.uint32)
    if len(words):
        # Read four bytes at each pixel and discard the fourth. The last pixel has only three.
        overlapping = np.ndarray(len(words) - 1, "<u4", octets, strides=(3,))
        np.bitwise_and(overlapping, 0xFFFFFF, out=words[:-1])
        words[-1] = int.from_bytes(octets[-3:].tobytes(), "little")
    return ids


def to_rgb(ids: ArrayLike) -> NDArray[np.uint8]:
    """Encode segment ids as the colors of a COCO panoptic PNG.

    Parameters
    ----------
    ids : array_like
        Segment ids from 0 to 2**24 - 1: integers of any shape, usually (H, W).

    Returns
    -------
    numpy.ndarray
        RGB colors: uint8, shape (..., 3).

    Raises
    ------
    ValueError
        If an id is out of range.
    TypeError
        If the dtype is not an integer dtype.

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
    for channel in range(3):  # much faster than one assignment of all channels
        rgb[..., channel] = octets[..., channel]
    return rgb


def decode(ids: ArrayLike, divisor: int) -> ClassesAndInstances:
    """Decode ids of the form ``class * divisor + instance``.

    Panoptic-DeepLab (where stuff has instance 0), VIPSeg and KITTI-STEP use such ids. mmdetection
    uses ``class + instance * 1000``: pass ``divisor=1000`` and swap the two results.

    Parameters
    ----------
    ids : array_like
        Non-negative integers of any shape, usually (H, W).
    divisor : int
        Number of instance ids per class, from 1 to 2**31 - 1.

    Returns
    -------
    classes, instances : numpy.ndarray
        Class and instance of each element: int64, the shape of `ids`. Instances are from 0 to
        `divisor` - 1.

    Raises
    ------
    ValueError
        If an id is negative, or `divisor` is out of range.
    TypeError
        If an argument is not of an integer type.

    Examples
    --------
    >>> import segcore as sc
    >>> sc.maps.ids.decode([7000, 7001, 11000], divisor=1000)
    (array([ 7,  7, 11]), array([0, 1, 0]))
    """
    divisor = _as_divisor(divisor)
    classes, instances = np.divmod(_as_ids(ids, "ids", 2**63), divisor)
    return classes, instances


def encode(classes: ArrayLike, instances: ArrayLike, divisor: int) -> NDArray[np.int64]:
    """Encode classes and instances as ids ``class * divisor + instance``.

    Parameters
    ----------
    classes, instances : array_like
        Non-negative integers of the same shape. Instances must be less than `divisor`.
    divisor : int
        Number of instance ids per class, from 1 to 2**31 - 1.

    Returns
    -------
    numpy.ndarray
        Ids: int64, the shape of `classes`.

    Raises
    ------
    ValueError
        If a value is out of range, or the shapes differ.
    TypeError
        If an argument is not of an integer type.

    Examples
    --------
    >>> import segcore as sc
    >>> sc.maps.ids.encode([7, 7, 11], [0, 1, 0], divisor=1000)
    array([ 7000,  7001, 11000])
    """
    divisor = _as_divisor(divisor)
    instance_ids = _as_ids(instances, "instances", divisor)
    class_ids = _as_ids(classes, "classes", (2**63 - 1) // divisor + 1, instance_ids.shape)
    ids = class_ids * divisor + instance_ids
    if ids.min(initial=0) < 0:
        raise ValueError("classes, instances: an id does not fit into int64")
    return ids


def from_cityscapes(ids: ArrayLike) -> ClassesAndInstances:
    """Decode Cityscapes' instanceIds, ``class * 1000 + instance`` or the class alone.

    Parameters
    ----------
    ids : array_like
        Non-negative integers of any shape, usually uint16 (H, W).

    Returns
    -------
    classes, instances : numpy.ndarray
        Class and instance of each element: int64, the shape of `ids`. Instances are numbered from 0
        within each class. Instance -1 marks stuff, and groups of objects that are not annotated
        individually.

    Raises
    ------
    ValueError
        If an id is negative.
    TypeError
        If the dtype is not an integer dtype.

    Examples
    --------
    >>> import segcore as sc
    >>> sc.maps.ids.from_cityscapes([11, 26, 26000, 26001])
    (array([11, 26, 26, 26]), array([-1, -1,  0,  1]))
    """
    numbers = _as_ids(ids, "ids", 2**63)
    classes, instances = np.divmod(numbers, CITYSCAPES_DIVISOR)
    is_class = numbers < CITYSCAPES_DIVISOR
    return np.where(is_class, numbers, classes), np.where(is_class, -1, instances)


def to_cityscapes(classes: ArrayLike, instances: ArrayLike) -> NDArray[np.uint16]:
    """Encode classes and instances as Cityscapes' instanceIds.

    The encoding is that of ``json2instanceImg.py`` in cityscapesScripts.

    Parameters
    ----------
    classes : array_like
        Cityscapes label ids (not train ids) from 0 to 65: integers of any shape, usually (H, W).
    instances : array_like
        Instance numbers from 0 to 999, or -1 for no instance: integers, the shape of `classes`.
        Ignored for classes below 24, which have no instances.

    Returns
    -------
    numpy.ndarray
        ``class * 1000 + instance``, or the class where there is no instance: uint16, the shape of
        `classes`.

    Raises
    ------
    ValueError
        If a value is out of range, an id does not fit into uint16, or the shapes differ.
    TypeError
        If a dtype is not an integer dtype.

    Examples
    --------
    >>> import segcore as sc
    >>> sc.maps.ids.to_cityscapes([11, 26, 26, 26], [0, -1, 0, 1])
    array([   11,    26, 26000, 26001], dtype=uint16)
    """
    class_ids = _as_ids(classes, "classes", 66)
    instance_ids = _as_ids(instances, "instances", CITYSCAPES_DIVISOR, class_ids.shape, start=-1)
    has_instance = (class_ids >= CITYSCAPES_FIRST_THING) & (instance_ids >= 0)
    ids = np.where(has_instance, class_ids * CITYSCAPES_DIVISOR + instance_ids, class_ids)
    if ids.max(initial=0) > np.iinfo(np.uint16).max:
        raise ValueError(f"classes, instances: the id {ids.max()} does not fit into uint16")
    return ids.astype(np.uint16)


def from_two_channels(pixels: ArrayLike) -> ClassesAndInstances:
    """Decode panopticapi's 2-channel PNG, with the class in red and the instance in green.

    Parameters
    ----------
    pixels : array_like
        Pixels of the PNG: uint8, shape (..., 2) or (..., 3), usually (H, W, 3). The blue channel
        is ignored.

    Returns
    -------
    classes, instances : numpy.ndarray
        Class and instance of each pixel, from 0 to 255: int64, shape (...). Every distinct pair is
        one segment.

    Raises
    ------
    ValueError
        If the last dimension is neither 2 nor 3.
    TypeError
        If the dtype is not uint8.

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
        raise ValueError(f"pixels: expected the shape (H, W, 2) or (H, W, 3), got {channels.shape}")
    return channels[..., 0].astype(np.int64), channels[..., 1].astype(np.int64)


def to_two_channels(classes: ArrayLike, instances: ArrayLike) -> NDArray[np.uint8]:
    """Encode classes and instances as the pixels of panopticapi's 2-channel PNG.

    Parameters
    ----------
    classes, instances : array_like
        Integers from 0 to 255 of the same shape, usually (H, W).

    Returns
    -------
    numpy.ndarray
        RGB pixels (class, instance, 0): uint8, shape (..., 3).

    Raises
    ------
    ValueError
        If a value is out of range, or the shapes differ.
    TypeError
        If a dtype is not an integer dtype.

    Examples
    --------
    >>> import segcore as sc
    >>> sc.maps.ids.to_two_channels([[184, 1]], [[0, 2]]).tolist()
    [[[184, 0, 0], [1, 2, 0]]]
    """
    class_ids = _as_ids(classes, "classes", 256)
    instance_ids = _as_ids(instances, "instances", 256, class_ids.shape)
    pixels = np.zeros((*class_ids.shape, 3), np.uint8)
    pixels[..., 0] = class_ids
    pixels[..., 1] = instance_ids
    return pixels


def _as_divisor(divisor: int) -> int:
    number = as_integer(divisor, "divisor")
    if not 1 <= number < 2**31:
        raise ValueError(f"divisor: expected 1 to 2**31 - 1, got {number}")
    return number


def _as_ids(
    values: ArrayLike,
    name: str,
    stop: int,
    shape: tuple[int, ...] | None = None,
    start: int = 0,
) -> NDArray[np.int64]:
    """Return integers as int64; raise ValueError unless they are in [start, stop)."""
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
    """Raise ValueError unless all values are in [start, stop)."""
    if not values.size or (int(values.min()) >= start and int(values.max()) < stop):
        return
    extreme = values.argmin() if int(values.min()) < start else values.argmax()
    index = tuple(int(i) for i in np.unravel_index(extreme, values.shape))
    position = ", ".join(str(i) for i in index)
    raise ValueError(
        f"{name}: expected {start} to {stop - 1}, got {values[index]} at index ({position})"
    )
