"""COCO's objects (RLE dicts, polygons, annotation dicts) to batches of masks, and back."""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from segcore._coco_python import COUNTS, PARTS, POLYGON, STRING, Flat, object_name
from segcore.arrays import Size, as_size, described
from segcore.backends import kernels
from segcore.backends.protocol import Batch, Offsets, RunEnds
from segcore.run_ends import joined

try:
    from segcore import _coco as walker
except ImportError:  # it was not compiled
    from segcore import _coco_python as walker  # type: ignore[no-redef]

COMPILED = walker.__name__ == "segcore._coco"
"""Whether the lists of objects are walked by compiled code."""


class Part(NamedTuple):
    """The objects of one kind: their places in the caller's list, and their masks."""

    places: NDArray[np.intp]
    batch: Batch


def read_objects(objects: Iterable[Any], size: object) -> tuple[Size, list[Part]]:
    """Read RLE dicts, polygons and annotation dicts, in one list or alone.

    Returns
    -------
    size : tuple of int
        (height, width) of all of them.
    parts : list of Part
        One for each kind that occurs.

    Raises
    ------
    ValueError, TypeError
        The message names the object.
    """
    items = _as_list(objects, "objects")
    flat = walker.read_objects(items)
    size = _common_size(items, flat, size)
    return size, _parts(flat, size, lambda place: object_name(place, items[place]))


def read_polygons(polygons: Iterable[Any], size: object) -> tuple[Size, Batch]:
    """Read masks that are one ring or several."""
    height, width = as_size(size)
    flat = walker.read_polygons(_as_list(polygons, "polygons"))
    offsets = _offsets(np.frombuffer(flat.lengths, np.int64))
    return (height, width), _rings(flat, offsets, height, width)


def write_objects(
    run_ends: RunEnds, offsets: Offsets, size: Size, compressed: bool
) -> list[dict[str, Any]]:
    """Make RLE dicts of plain Python objects, ready for JSON."""
    if compressed:
        return walker.write_strings(*kernels.string_encode(run_ends, offsets, *size), *size)
    return walker.write_counts(*kernels.counts_encode(run_ends, offsets, *size), *size)


def _as_list(objects: Iterable[Any], name: str) -> list[Any]:
    if isinstance(objects, Mapping):
        return [objects]
    try:
        return list(objects)
    except TypeError:
        raise TypeError(f"{name}: expected a list of them, got {described(objects)}") from None


def _common_size(items: list[Any], flat: Flat, size: object) -> Size:
    """Check that all RLEs have the one size, which the first gives where the caller does not."""
    if size is not None:
        common = as_size(size)
    else:
        first = next((i for i, kind in enumerate(flat.kinds) if kind != POLYGON), None)
        if first is None:
            raise ValueError("there is no RLE that tells the size; pass size=(height, width)")
        try:
            common = as_size(flat.sizes[2 * first : 2 * first + 2])
        except ValueError as error:
            raise ValueError(f"{object_name(first, items[first])}: {error}") from None
    if flat.sizes != array("q", common) * len(items):
        _check_sizes(items, flat, common)
    return common


def _check_sizes(items: list[Any], flat: Flat, common: Size) -> None:
    """Raise for the first RLE of another size."""
    sizes = np.frombuffer(flat.sizes, np.int64).reshape(-1, 2)
    rles = np.frombuffer(flat.kinds, np.uint8) != POLYGON
    others = np.flatnonzero(rles & (sizes != common).any(axis=1))
    if len(others):
        place = int(others[0])
        raise ValueError(
            f"{object_name(place, items[place])}: size {sizes[place].tolist()} differs "
            f"from the batch's {common}"
        )


def _parts(flat: Flat, size: Size, name: Callable[[int], str]) -> list[Part]:
    """Decode kind by kind; ``name`` gives what error messages call an object."""
    kinds = np.frombuffer(flat.kinds, np.uint8)
    lengths = np.frombuffer(flat.lengths, np.int64)
    parts = []
    for kind, decode in (
        (STRING, _strings),
        (COUNTS, _runs),
        (POLYGON, _rings),
        (PARTS, _unions),
    ):
        if kind not in flat.kinds:
            continue
        places = np.flatnonzero(kinds == kind)
        try:
            batch = decode(flat, _offsets(lengths[places]), *size)
        except ValueError as error:
            raise _renamed(error, places, name) from None
        parts.append(Part(places, batch))
    return parts


def _strings(flat: Flat, offsets: Offsets, height: int, width: int) -> Batch:
    return kernels.string_decode(np.frombuffer(flat.characters, np.uint8), offsets, height, width)


def _runs(flat: Flat, offsets: Offsets, height: int, width: int) -> Batch:
    return kernels.counts_decode(np.frombuffer(flat.runs, np.int64), offsets, height, width)


def _unions(flat: Flat, _: Offsets, height: int, width: int) -> Batch:
    """Unite each list of RLEs, as pycocotools' annToRLE does."""
    unions = []
    for mask, rles in enumerate(flat.parts):
        batch = joined([part.batch for part in _parts(rles, (height, width), _rle_name(mask))])
        unions.append(kernels.reduce(*batch, height, width, False))
    return joined(unions)


def _rle_name(mask: int) -> Callable[[int], str]:
    return lambda place: f"mask {mask}: RLE {place} of its list"


def _rings(flat: Flat, offsets: Offsets, height: int, width: int) -> Batch:
    return kernels.rasterize_polygons(
        np.frombuffer(flat.coordinates, np.float64),
        _offsets(np.frombuffer(flat.ring_lengths, np.int64)),
        offsets,
        height,
        width,
    )


def _offsets(lengths: NDArray[np.int64]) -> Offsets:
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def _renamed(error: ValueError, places: NDArray[np.intp], name: Callable[[int], str]) -> ValueError:
    """Make a kernel's error about a mask of a part one about the object in the caller's list."""
    message = str(error)
    found = re.match(r"mask (\d+): ", message)
    if found is None:
        return error
    if re.search(r": byte 1 of its counts string is (34|39),", message):
        message += "; if it is the text of bytes, b'...', write counts.decode() for str(counts)"
    return ValueError(f"{name(int(places[int(found[1])]))}: {message[found.end() :]}")
