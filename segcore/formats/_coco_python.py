"""Convert COCO objects to flat buffers and back, in Python. The compiled twin is ``_coco.pyx``.

``coco.py`` uses the compiled twin if available. It handles the common forms of objects, and
delegates all other forms, and all errors, to the functions of this module.
"""

from __future__ import annotations

import reprlib
from array import array
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._input.arrays import as_array, as_integer, described
from segcore._input.recognize import array_hint, hint
from segcore.errors import located
from segcore.formats.geojson import as_geometry, rings_of

STRING, COUNTS, POLYGON, PARTS, DENSE = 0, 1, 2, 3, 4
"""Kinds of objects: RLE with a compressed string, RLE with a list of run lengths, polygon, list of
RLEs that are the parts of one mask, dense mask."""


_PLAIN = frozenset({dict, list, tuple, str, bytes})

_OBJECT = "an RLE dict, rings of coordinates, a mask (H, W), or an annotation dict"
_POLYGON = "rings of coordinates"


class Flat:
    """COCO objects as flat buffers.

    Attributes
    ----------
    kinds : bytearray
        Kind of each object.
    sizes : array of int64
        Height and width of each object; -1, -1 for polygons.
    lengths : array of int64
        Number of characters, run lengths, rings or RLEs of each object.
    characters : bytearray
        Concatenated compressed strings.
    runs : array of int64
        Concatenated lists of run lengths.
    ring_lengths : array of int64
        Number of points of each ring.
    coordinates : array of float64
        Concatenated rings, x0 y0 x1 y1 ...
    parts : list of Flat
        Lists of RLEs.
    dense : list of numpy.ndarray
        Dense masks, each of shape (H, W).
    boxes : list of int
        Indices of the objects whose rings of four numbers were read as boxes.
    """

    __slots__ = (
        "boxes",
        "characters",
        "coordinates",
        "dense",
        "kinds",
        "lengths",
        "parts",
        "ring_lengths",
        "runs",
        "sizes",
    )

    def __init__(self) -> None:
        self.kinds = bytearray()
        self.sizes = array("q")
        self.lengths = array("q")
        self.characters = bytearray()
        self.runs = array("q")
        self.ring_lengths = array("q")
        self.coordinates = array("d")
        self.parts: list[Flat] = []
        self.dense: list[NDArray[Any]] = []
        self.boxes: list[int] = []


# -- reading --------------------------------------------------------------------------------------


def read_objects(objects: list[Any]) -> Flat:
    """Convert RLE dicts, polygons and annotation dicts to flat buffers."""
    flat = Flat()
    for index, item in enumerate(objects):
        read_object(flat, index, item)
    return flat


def read_polygons(polygons: list[Any]) -> Flat:
    """Convert polygons to flat buffers."""
    flat = Flat()
    for index, polygon in enumerate(polygons):
        read_polygon(flat, index, polygon)
    return flat


def read_rows(table: Any, items: list[Any], plain: Callable[[Any], Any]) -> None:
    """Append objects to an ``ObjectTable`` of ``segcore.data``; `plain` converts their values."""
    for item in items:
        table.append(plain(item))


def read_object(flat: Flat, index: int, item: Any) -> None:
    """Append one object. Error messages contain its index."""
    try:
        segmentation = _unboxed(item)
        if _is_mapping(segmentation):
            segmentation = _unboxed(segmentation.get("segmentation", segmentation))
        if _is_mapping(segmentation):
            _append_rle(flat, segmentation)
        elif _is_list(segmentation) and segmentation and _is_mapping(segmentation[0]):
            _append_parts(flat, segmentation)
        elif _is_dense(segmentation):
            _append_dense(flat, as_array(segmentation, "segmentation"))
        else:
            _append_polygon(flat, segmentation, _OBJECT, boxes=True)
    except (TypeError, ValueError, OverflowError) as error:
        raise located(error, index, label=object_name(index, item)) from None


def read_polygon(flat: Flat, index: int, polygon: Any) -> None:
    """Append one polygon or geometry. Error messages contain its index."""
    try:
        geometry = as_geometry(polygon)
        _append_polygon(flat, polygon if geometry is None else rings_of(geometry), _POLYGON)
    except (TypeError, ValueError, OverflowError) as error:
        raise located(error, index, "mask") from None


def object_name(index: int, item: Any) -> str:
    """Return the name of an object for error messages: its index and its annotation id."""
    if isinstance(item, Mapping) and "segmentation" in item and "id" in item:
        return f"object {index} (annotation id {reprlib.repr(item['id'])})"
    return f"object {index}"


def _append_rle(flat: Flat, rle: Mapping[Any, Any]) -> None:
    try:
        counts = rle["counts"]
        height, width = _size(rle["size"])
    except KeyError:
        raise ValueError(
            'expected an RLE dict with "size" and "counts", or an annotation dict with a '
            f'"segmentation", got the keys {reprlib.repr(list(rle))}{hint(rle)}'
        ) from None
    counts = _unboxed(counts)
    string = string_of(counts)
    if string is None:
        kind, length = COUNTS, _append_runs(flat.runs, counts)
    else:
        kind, length = STRING, len(string)
        flat.characters += string
    flat.kinds.append(kind)
    flat.sizes.append(height)
    flat.sizes.append(width)
    flat.lengths.append(length)


def string_of(counts: Any) -> bytes | bytearray | None:
    """Return compressed counts as bytes, or None if these are not compressed."""
    if isinstance(counts, str):
        if not counts.isascii():
            raise ValueError("its counts string contains a non-ASCII character")
        return counts.encode()
    if isinstance(counts, memoryview) and counts.itemsize == 1:
        return counts.tobytes()
    return counts if isinstance(counts, (bytes, bytearray)) else None


def _append_parts(flat: Flat, rles: Sequence[Any]) -> None:
    """Append a list of RLEs of the same size, which are the parts of one mask."""
    parts = Flat()
    for number, rle in enumerate(rles):
        if not _is_mapping(rle):
            raise TypeError(f"RLE {number}: expected an RLE dict, got {described(rle)}")
        _append_rle(parts, rle)
        if parts.sizes[-2:] != parts.sizes[:2]:
            raise ValueError(
                f"RLE {number}: size {parts.sizes[-2:].tolist()} differs from that of RLE 0, "
                f"{parts.sizes[:2].tolist()}"
            )
    flat.parts.append(parts)
    flat.kinds.append(PARTS)
    flat.sizes.extend(parts.sizes[:2])
    flat.lengths.append(len(parts.kinds))


def _size(size: Any) -> tuple[int, int]:
    if type(size) is not list:
        size = _unboxed(size)
        if not _is_sequence(size):
            raise TypeError(f"size: expected [height, width], got {described(size)}")
    if len(size) != 2:
        raise ValueError(f"size: expected [height, width], got {described(size)}")
    height, width = size
    if type(height) is int and type(width) is int:
        return height, width
    return as_integer(height, "size"), as_integer(width, "size")


def _append_runs(runs: array[int], counts: Any) -> int:
    """Append run lengths, and return their number."""
    before = len(runs)
    if _is_array(counts) or isinstance(counts, memoryview):
        runs.frombytes(_runs(as_array(counts, "counts")).tobytes())
    elif not _is_list(counts):
        raise TypeError(f"counts: expected str, bytes or integers, got {described(counts)}")
    else:
        try:
            runs.fromlist(list(counts))
        except TypeError as error:
            raise TypeError(f"counts: expected integers, but {error}") from None
    return len(runs) - before


def _runs(counts: NDArray[Any]) -> NDArray[np.int64]:
    if counts.ndim != 1 or (counts.dtype.kind not in "iu" and counts.size):
        raise TypeError(
            f"counts: expected integers in one dimension, got {counts.dtype} of the shape "
            f"{counts.shape}"
        )
    if counts.size and counts.dtype.kind == "u" and int(counts.max()) >= 2**63:
        raise ValueError(f"counts: expected run lengths below 2**63, got {counts.max()}")
    return counts.astype(np.int64)


def _is_dense(segmentation: Any) -> bool:
    """Return whether this is a dense mask (H, W): bools, or integers that are not a (K, 2) ring."""
    if not _is_array(segmentation) or segmentation.ndim != 2:
        return False
    kind = as_array(segmentation, "segmentation").dtype.kind
    return kind == "b" or (kind in "iu" and segmentation.shape[1] not in (0, 2))


def _append_dense(flat: Flat, mask: NDArray[Any]) -> None:
    """Append a dense mask."""
    if mask.dtype.kind != "b" and mask.size:
        value = mask.max()
        if mask.min() < 0 or ((mask != 0) & (mask != value)).any():
            raise ValueError(
                "expected a mask with a single nonzero value, or a ring of shape (K, 2), got an "
                f"array of shape {mask.shape} with several values"
                f"{array_hint(mask.shape, mask.dtype)}"
            )
    flat.dense.append(mask)
    flat.kinds.append(DENSE)
    flat.sizes.extend(mask.shape)
    flat.lengths.append(1)


def _append_polygon(flat: Flat, polygon: Any, expected: str, boxes: bool = False) -> None:
    """Append rings. If `boxes`, rings of four numbers are boxes x, y, width, height."""
    rings = _rings(polygon, expected)
    are_boxes = boxes and bool(rings) and _is_box(_unboxed(rings[0]))
    start = len(flat.ring_lengths)
    for number, ring in enumerate(rings):
        before = len(flat.coordinates)
        try:
            if are_boxes:
                _append_box(flat.coordinates, ring)
            else:
                _append_ring(flat.coordinates, ring)
        except TypeError as error:
            raise TypeError(f"ring {number}: {error}") from None
        except ValueError as error:
            raise ValueError(f"ring {number}: {error}") from None
        added = len(flat.coordinates) - before
        if added % 2:
            raise ValueError(
                f"ring {number}: expected an even number of coordinates, x and y of each point, "
                f"got {added}"
            )
        flat.ring_lengths.append(added // 2)
    _check_points(flat.ring_lengths[start:])
    if are_boxes:
        flat.boxes.append(len(flat.kinds))
    flat.kinds.append(POLYGON)
    flat.sizes.append(-1)
    flat.sizes.append(-1)
    flat.lengths.append(len(rings))


def _check_points(ring_lengths: Sequence[int]) -> None:
    """Raise ValueError if a mask has points, but no ring of at least three points."""
    points = max(ring_lengths, default=0)
    if 0 < points < 3:
        raise _too_few(list(ring_lengths).index(points), 2 * points)


def _too_few(ring: int, numbers: int) -> ValueError:
    return ValueError(
        f"ring {ring}: expected a ring of at least three points, got {numbers} numbers; "
        "convert boxes with Masks.from_boxes, and pass [] for an empty mask"
    )


def _rings(polygon: Any, expected: str) -> Sequence[Any]:
    """Return the rings of a mask, which may be given as a single ring."""
    polygon = _unboxed(polygon)
    if _is_array(polygon):
        numbers = as_array(polygon, "polygon")
        if numbers.size == 0:
            return []
        if numbers.ndim == 1:
            _check_count(numbers)
        return list(numbers) if numbers.ndim == 3 and numbers.shape[1] != 1 else [numbers]
    if not _is_list(polygon):
        raise TypeError(f"expected {expected}, got {described(polygon)}{hint(polygon)}")
    if not polygon:
        return []
    rings: Sequence[Any] = polygon
    first = rings[0]
    if _is_sequence(first):
        are_points = len(first) == 2 and not _is_sequence(first[0])
        return [rings] if are_points else rings
    if _is_mapping(first):
        return rings  # the caller raises an error for the first ring
    _check_count(rings)
    return [rings]


def _check_count(ring: Sequence[Any] | NDArray[Any]) -> None:
    """Raise ValueError for fewer than six numbers, which are not a ring."""
    if len(ring) < 6:
        raise _too_few(0, len(ring))


def _is_box(ring: Any) -> bool:
    return _is_sequence(ring) and len(ring) == 4 and not _is_sequence(ring[0])


def _append_box(coordinates: array[float], box: Any) -> None:
    """Append the four corners of a box x, y, width, height."""
    box = _unboxed(box)
    if not _is_box(box):
        raise ValueError(not_a_box(box))
    x, y, width, height = _numbers(box)
    corners = (x, y, x, y + height, x + width, y + height, x + width, y)
    coordinates.extend(corners)


def not_a_box(ring: Any) -> str:
    """Return the error message for a ring that is not a box although the first one is."""
    is_flat = _is_sequence(ring) and len(ring) != 4
    got = f"{len(ring)} numbers" if is_flat else described(ring)
    return (
        "expected 4 numbers like ring 0 (rings of four numbers are read as boxes x, y, width, "
        f"height, as by pycocotools), got {got}"
    )


def _append_ring(coordinates: array[float], ring: Any) -> None:
    ring = _unboxed(ring)
    if not _is_array(ring) and not _is_list(ring):
        raise TypeError(f"expected a ring of coordinates, got {described(ring)}{hint(ring)}")
    if not _is_array(ring) and ring and _is_sequence(ring[0]):
        for number, point in enumerate(ring):
            if not _is_sequence(point) or len(point) != 2:
                raise ValueError(f"point {number}: expected [x, y], got {described(point)}")
            _append_numbers(coordinates, point)
    else:
        coordinates.extend(_numbers(ring))


def _numbers(ring: Any) -> array[float]:
    """Return the coordinates of a flat ring or an array of points."""
    numbers = array("d")
    if _is_array(ring):
        numbers.frombytes(_coordinates(as_array(ring, "ring")).tobytes())
    else:
        _append_numbers(numbers, ring)
    return numbers


def _append_numbers(coordinates: array[float], numbers: Sequence[Any]) -> None:
    kinds = set(map(type, numbers))
    if any(issubclass(kind, (complex, np.complexfloating)) for kind in kinds):
        raise TypeError("expected real numbers as coordinates, got complex")
    if kinds and all(issubclass(kind, (bool, np.bool_)) for kind in kinds):
        raise TypeError(
            "expected numbers as coordinates, got bools; pass a dense mask as an array: "
            "numpy.asarray(mask)"
        )
    try:
        coordinates.fromlist(list(numbers))
    except TypeError as error:
        raise TypeError(f"expected numbers as coordinates, but {error}") from None


def _coordinates(ring: NDArray[Any]) -> NDArray[np.float64]:
    if ring.size and ring.dtype.kind not in "iuf":
        raise TypeError(
            f"expected a ring of numbers, got {ring.dtype} of shape {ring.shape}; "
            "convert dense masks with Masks.from_dense"
        )
    if ring.ndim != 1 and ring.shape[1:] not in ((2,), (1, 2)):  # the latter is from OpenCV
        raise ValueError(
            f"expected a ring of shape (K, 2) or (2 K,), got {ring.shape}"
            f"{array_hint(ring.shape, ring.dtype)}"
        )
    with np.errstate(over="ignore"):  # longdoubles out of range become infinite
        return ring.astype(np.float64)


def _is_array(value: Any) -> bool:
    """Return whether this is an array of any library, except a 0-d array."""
    if isinstance(value, (list, tuple, float, int)):
        return False
    return getattr(value, "ndim", 0) > 0 and (
        hasattr(value, "__array__") or hasattr(value, "__dlpack__")
    )


def _is_mapping(value: Any) -> bool:
    return type(value) is dict or isinstance(value, Mapping)


def _is_list(value: Any) -> bool:
    """Return whether this is a sequence other than text or bytes."""
    return isinstance(value, (list, tuple)) or (
        isinstance(value, Sequence) and not isinstance(value, (str, bytes, bytearray, memoryview))
    )


def _is_sequence(value: Any) -> bool:
    return _is_list(value) or _is_array(value)


def _unboxed(value: Any) -> Any:
    """Convert arrays of objects to lists, and 0-d arrays to scalars; both are found in tables."""
    if type(value) in _PLAIN:
        return value
    if isinstance(value, np.ndarray) or _is_array(value):
        values = as_array(value, "segmentation")
        if values.dtype.kind == "O" or values.ndim == 0:
            return values.tolist()
    return value


# -- writing --------------------------------------------------------------------------------------


def write_strings(
    characters: NDArray[np.uint8], offsets: NDArray[np.int64], height: int, width: int
) -> list[dict[str, Any]]:
    """Convert concatenated compressed strings to RLE dicts."""
    text = characters.tobytes().decode("ascii")
    return [
        {"size": [height, width], "counts": text[start:end]}
        for start, end in pairwise(offsets.tolist())
    ]


def write_counts(
    counts: NDArray[np.int64], offsets: NDArray[np.int64], height: int, width: int
) -> list[dict[str, Any]]:
    """Convert concatenated run lengths to RLE dicts."""
    runs = counts.tolist()
    return [
        {"size": [height, width], "counts": runs[start:end]}
        for start, end in pairwise(offsets.tolist())
    ]
