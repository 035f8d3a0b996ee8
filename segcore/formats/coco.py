"""Convert COCO objects (RLE dicts, polygons, annotation dicts) to batches of masks and back."""

from __future__ import annotations

import os
from array import array
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from segcore._batch import Batch, Offsets, joined, offsets_of
from segcore._gather import taken
from segcore._input.arrays import Size, as_size, described
from segcore._input.dense import for_encode
from segcore._input.recognize import counts_hint, hint, runs_hint
from segcore._input.warn import warn, warn_once
from segcore.backends import kernels
from segcore.backends.errors import coordinate as coordinate_error
from segcore.backends.protocol import EVEN_ODD, NON_ZERO, OR, UNITED, WITHOUT
from segcore.errors import MaskError, located
from segcore.formats import _coco_python
from segcore.formats._coco_python import COUNTS, DENSE, PARTS, POLYGON, STRING, Flat, object_name
from segcore.formats.geojson import as_geometry

try:
    from segcore.formats import _coco as walker
except ImportError:  # not compiled
    from segcore.formats import _coco_python as walker  # type: ignore[no-redef]

COMPILED = walker.__name__ == "segcore.formats._coco"
"""Whether lists of objects are read by compiled code."""

not_a_box, string_of = _coco_python.not_a_box, _coco_python.string_of
"""Shared with the drop-in for pycocotools."""

FILLINGS = {"coco": UNITED, "even-odd": EVEN_ODD, "non-zero": NON_ZERO, "holes": None}
"""The rules of :meth:`segcore.Masks.from_polygons`, and how the kernel combines the rings."""


class Part(NamedTuple):
    """The objects of one kind: their indices in the list, and their masks."""

    indices: NDArray[np.intp]
    batch: Batch


def read_objects(objects: Iterable[Any], size: object) -> tuple[Size, list[Part]]:
    """Read a list of RLE dicts, polygons and annotation dicts, or a single dict.

    Returns
    -------
    size : tuple of int
        Common image size (height, width).
    parts : list of Part
        One part per kind of object that occurs.

    Raises
    ------
    ValueError, TypeError
        If an object is invalid. The message contains its index.
    """
    items = _as_list(objects, "objects")
    flat = walker.read_objects(items)
    size = _common_size(items, flat, size)
    if flat.boxes:
        _warn_of_boxes(items, flat.boxes)
    return size, _parts(flat, size, lambda index: object_name(index, items[index]))


def read_polygons(polygons: Iterable[Any], size: object, rule: str = "coco") -> Batch:
    """Rasterize a list of polygons or geometries, one per mask, or a single geometry."""
    height, width = as_size(size)
    if rule not in FILLINGS:
        *others, last = (f'"{name}"' for name in FILLINGS)
        raise ValueError(f"rule: expected {', '.join(others)} or {last}, got {described(rule)}")
    if type(polygons) is not list and as_geometry(polygons) is not None:
        polygons = [polygons]
    items = _as_list(polygons, "polygons")
    if rule == "holes":
        _refuse_geometries(items)
    flat = walker.read_polygons(items)
    offsets = offsets_of(np.frombuffer(flat.lengths, np.int64))
    return _rings(flat, offsets, height, width, rule)


def _refuse_geometries(polygons: list[Any]) -> None:
    """Raise ValueError for a geometry, which already marks its holes."""
    for index, polygon in enumerate(polygons):
        if as_geometry(polygon) is not None:
            raise MaskError(
                index,
                'rule="holes" is for lists of rings; geometries have holes with every rule',
            )


def read_rows(table: Any, items: list[Any], plain: Callable[[Any], Any]) -> None:
    """Append dicts to a table of columns.

    Parameters
    ----------
    table : ObjectTable of ``segcore.data``
        Table to append to.
    items : list
        Objects of a COCO document.
    plain : callable
        Returns a value as :mod:`json` would read it, or raises ValueError or TypeError.
    """
    walker.read_rows(table, items, plain)


def write_objects(batch: Batch, compressed: bool) -> list[dict[str, Any]]:
    """Convert masks to RLE dicts of plain Python objects, ready for JSON."""
    if compressed:
        return walker.write_strings(*kernels.string_encode(batch), *batch.size)
    return walker.write_counts(*kernels.counts_encode(batch), *batch.size)


def _as_list(objects: Iterable[Any], name: str) -> list[Any]:
    if type(objects) is list:
        return objects.copy()
    if isinstance(objects, Mapping):
        return [objects]
    try:
        if not _is_single_value(objects):
            return list(objects)
    except TypeError:
        pass
    raise TypeError(f"{name}: expected a list of {name}, got {described(objects)}{hint(objects)}")


def _is_single_value(objects: Any) -> bool:
    """Return whether this is text, a table, a batch or a path, whose items are not COCO objects."""
    return isinstance(objects, (str, bytes, bytearray, memoryview, os.PathLike)) or (
        hasattr(objects, "columns") or hasattr(objects, "run_ends")
    )


def _warn_of_boxes(items: list[Any], indices: list[int]) -> None:
    """Warn about rings of four numbers, which may be degenerate polygons of two points."""
    others = f" and {len(indices) - 1} more" if len(indices) > 1 else ""
    warn(
        f"{object_name(indices[0], items[indices[0]])}{others}: rings of four numbers are read as "
        "boxes x, y, width, height, as by pycocotools; if they are lines of two points, leave "
        "them out"
    )


def _common_size(items: list[Any], flat: Flat, size: object) -> Size:
    """Return the image size (default: that of the first sized object), and check that all agree."""
    if size is not None:
        common = as_size(size)
    else:
        first = next((i for i, kind in enumerate(flat.kinds) if kind != POLYGON), None)
        if first is None:
            raise ValueError(
                "no object is an RLE or a dense mask, which determine the image size; pass "
                "size=(height, width)"
            )
        try:
            common = as_size(flat.sizes[2 * first : 2 * first + 2])
        except ValueError as error:
            raise located(error, first, label=object_name(first, items[first])) from None
    if flat.sizes != array("q", common) * len(items):
        _check_sizes(items, flat, common)
    return common


def _check_sizes(items: list[Any], flat: Flat, common: Size) -> None:
    """Raise ValueError for the first RLE or dense mask of another size."""
    sizes = np.frombuffer(flat.sizes, np.int64).reshape(-1, 2)
    sized = np.frombuffer(flat.kinds, np.uint8) != POLYGON
    others = np.flatnonzero(sized & (sizes != common).any(axis=1))
    if len(others):
        first = int(others[0])
        size = sizes[first].tolist()
        is_swapped = size == [common[1], common[0]]
        raise MaskError(
            first,
            f"size {size} differs from the batch's {common}"
            + ("; sizes are [height, width], and one of these seems to be swapped" * is_swapped),
            "object",
            object_name(first, items[first]),
        )


def _parts(flat: Flat, size: Size, name: Callable[[int], str]) -> list[Part]:
    """Decode the objects of each kind. `name` maps an index to a name for error messages."""
    kinds = np.frombuffer(flat.kinds, np.uint8)
    lengths = np.frombuffer(flat.lengths, np.int64)
    parts = []
    for kind, decode in (
        (STRING, _strings),
        (COUNTS, _runs),
        (POLYGON, _rings),
        (PARTS, _unions),
        (DENSE, _encoded),
    ):
        if kind not in flat.kinds:
            continue
        indices = np.flatnonzero(kinds == kind)
        offsets = offsets_of(lengths[indices])
        try:
            batch = decode(flat, offsets, *size)
        except MaskError as error:
            raise _renamed(error, indices, name, flat, offsets) from None
        parts.append(Part(indices, batch))
    return parts


def _strings(flat: Flat, offsets: Offsets, height: int, width: int) -> Batch:
    return kernels.string_decode(np.frombuffer(flat.characters, np.uint8), offsets, height, width)


def _runs(flat: Flat, offsets: Offsets, height: int, width: int) -> Batch:
    return kernels.counts_decode(np.frombuffer(flat.runs, np.int64), offsets, height, width)


def _unions(flat: Flat, _: Offsets, height: int, width: int) -> Batch:
    """Compute the union of each list of RLEs, as pycocotools' annToRLE does."""
    parts: list[Part] = []
    for mask, rles in enumerate(flat.parts):
        try:
            parts += _parts(rles, (height, width), lambda index: f"RLE {index}")
        except MaskError as error:
            raise MaskError(mask, str(error)) from None
    groups = offsets_of([len(rles.kinds) for rles in flat.parts])
    return kernels.reduce(joined([part.batch for part in parts]), OR, groups)


def _encoded(flat: Flat, _: Offsets, height: int, width: int) -> Batch:
    """Encode dense masks one by one, to avoid copying them into one array."""
    batches = []
    for mask in flat.dense:
        array, _threshold = for_encode(mask[None], None)
        batches.append(kernels.encode(array, None))
    return joined(batches)


def _rings(flat: Flat, offsets: Offsets, height: int, width: int, rule: str = "coco") -> Batch:
    coordinates = np.frombuffer(flat.coordinates, np.float64)
    ring_offsets = offsets_of(np.frombuffer(flat.ring_lengths, np.int64))
    return rasterize(coordinates, ring_offsets, offsets, height, width, rule)


def rasterize(
    coordinates: NDArray[np.float64],
    ring_offsets: Offsets,
    offsets: Offsets,
    height: int,
    width: int,
    rule: str = "coco",
    name: Callable[[int], tuple[str, str]] | None = None,
) -> Batch:
    """Rasterize polygons. Errors name the ring; warn of coordinates that seem to be normalized.

    `name` returns the file and the name of a mask, given its index, for warnings. There is one
    warning per file and image size.
    """
    filling = FILLINGS[rule]
    try:
        batch = kernels.rasterize_polygons(
            coordinates, ring_offsets, offsets, height, width, filling or UNITED
        )
    except MaskError as error:
        raise _ring_named(error, ring_offsets, offsets) from None
    if filling is None:
        batch = _without_holes(coordinates, ring_offsets, offsets, (height, width))
    warn_of_normalized(coordinates, batch, None if name is None else _first(name, offsets))
    if len(batch.run_ends) <= 2 * (len(offsets) - 1) and len(ring_offsets) > len(offsets):
        _warn_of_lists(coordinates, ring_offsets)
    return batch


def _without_holes(
    coordinates: NDArray[np.float64], ring_offsets: Offsets, offsets: Offsets, size: Size
) -> Batch:
    """Rasterize the first ring of each mask without the others."""
    each_ring = np.arange(len(ring_offsets))
    rings = kernels.rasterize_polygons(coordinates, ring_offsets, each_ring, *size)
    is_first = np.zeros(len(ring_offsets) - 1, np.bool_)
    is_first[offsets[:-1][np.diff(offsets) > 0]] = True
    count = offsets_of(is_first)[offsets]  # of the first rings before each mask
    outlines = kernels.reduce(taken(rings, np.flatnonzero(is_first)), OR, count)
    holes = kernels.reduce(taken(rings, np.flatnonzero(~is_first)), OR, offsets - count)
    return kernels.combine(outlines, holes, WITHOUT)


def _warn_of_lists(coordinates: NDArray[np.float64], ring_offsets: Offsets) -> None:
    """Warn about many rings of zeros and ones, which are probably the rows of dense masks."""
    points = np.diff(ring_offsets)
    if points[0] and (points == points[0]).all() and np.isin(coordinates, (0, 1)).all():
        warn(
            f"all coordinates of {len(points)} rings are 0 or 1; if the rings are rows of dense "
            "masks, convert each mask to an array: numpy.asarray(mask, bool)"
        )


def _first(
    name: Callable[[int], tuple[str, str]], offsets: Offsets
) -> Callable[[], tuple[str, str]]:
    """Return a function that names the first mask with rings, and counts the others."""

    def first() -> tuple[str, str]:
        with_rings = np.flatnonzero(np.diff(offsets))
        file, mask = name(int(with_rings[0]))
        others = f" and {len(with_rings) - 1} more" if len(with_rings) > 1 else ""
        return file, mask + others

    return first


def warn_of_normalized(
    coordinates: NDArray[np.float64],
    batch: Batch,
    name: Callable[[], tuple[str, str]] | None = None,
) -> None:
    """Warn if coordinates seem to be normalized: all in [0, 1], and not all integers.

    Such masks contain at most the first pixel, and so have at most two run ends. Coordinates of
    other batches are not checked. `name` returns the file and the name of the masks; there is one
    warning per file and image size.
    """
    run_ends, offsets, height, width = batch
    if len(run_ends) > 2 * (len(offsets) - 1) or max(height, width) < 2 or not len(coordinates):
        return
    inside = coordinates.min() >= 0 and coordinates.max() <= 1
    if inside and (coordinates != np.rint(coordinates)).any():
        message = (
            f"all coordinates are between 0 and 1, but the image has {height} x {width} pixels; if "
            f"they are normalized, multiply x by the width, {width}, and y by the height, {height}"
        )
        if name is None:
            warn(message)
            return
        file, masks = name()
        where = f"{file}: {masks}" if file else masks
        warn_once(f"{where}: {message}", (file, height, width))


def _ring_named(error: MaskError, ring_offsets: Offsets, mask_offsets: Offsets) -> MaskError:
    """Return the same error about a coordinate, with the index of its ring in the mask."""
    if error.position is None:
        return error
    first = int(mask_offsets[error.index])
    position = error.position + 2 * int(ring_offsets[first])
    ring = int(np.searchsorted(2 * ring_offsets, position, side="right")) - 1
    return coordinate_error(error.index, position - 2 * int(ring_offsets[ring]), ring - first)


def _renamed(
    error: MaskError,
    indices: NDArray[np.intp],
    name: Callable[[int], str],
    flat: Flat,
    offsets: Offsets,
) -> MaskError:
    """Return the same error about a kernel's mask, named as the object in the list."""
    index = int(indices[error.index])
    items = slice(*offsets[error.index : error.index + 2].tolist())
    advice = ""
    if flat.kinds[index] == STRING:
        advice = counts_hint(bytes(flat.characters[items]))
    elif flat.kinds[index] == COUNTS:
        advice = runs_hint(np.frombuffer(flat.runs, np.int64)[items])
    return MaskError(index, error.detail + advice, "object", name(index), error.position)
