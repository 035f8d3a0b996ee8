"""The functions of pycocotools.mask on any backend.

The first argument is the kernels of a backend. The others are documented in
``segcore/compat/pycocotools.py``.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._batch import Batch, offsets_of
from segcore._input.arrays import Size, allocate, as_array, as_size, described
from segcore.backends.protocol import AND, OR, Kernels
from segcore.backends.runs import merged_lengths
from segcore.compat._rles import (
    Group,
    RleDict,
    Rles,
    batch_of,
    grouped,
    image_size,
    integer,
    joined,
    parts,
    read,
    read_runs,
    renamed,
    write,
    write_runs,
)
from segcore.errors import MaskError, MaskTypeError, located
from segcore.formats._coco_python import not_a_box

_MAX_RUN = 2**59


class LengthError(ValueError, AssertionError):
    """``iscrowd`` and ``gt`` differ in length. pycocotools raises an AssertionError."""


class NoObjectsError(ValueError, IndexError):
    """The list of objects is empty. pycocotools raises an IndexError."""


class TooLargeError(ValueError, MemoryError):
    """The result of a small input does not fit into memory."""


@contextlib.contextmanager
def _memory_errors(name: str) -> Iterator[None]:
    """Convert a MemoryError, which a few bytes of input can cause, to an error about the input."""
    try:
        yield
    except MemoryError as error:
        raise TooLargeError(
            f"{name}: not enough memory for the result ({error}); convert fewer objects at a time"
        ) from None


# -- dense arrays ---------------------------------------------------------------------------------


def encode(kernels: Kernels, bimask: Any) -> RleDict | list[RleDict]:
    """Encode an array of shape (H, W) or (H, W, N)."""
    array = as_array(bimask, "bimask")
    if array.dtype not in (np.uint8, np.bool_):
        raise ValueError(f"bimask: expected uint8 or bool, got {array.dtype}")
    if array.ndim not in (2, 3):
        raise ValueError(f"bimask: expected the shape (H, W) or (H, W, N), got {array.shape}")
    stack = array if array.ndim == 3 else array[:, :, None]
    size = as_size(stack.shape[:2])
    rles = write(kernels, _encoded(kernels, stack, size))
    return rles if array.ndim == 3 else rles[0]


def _encoded(kernels: Kernels, stack: NDArray[Any], size: Size) -> Batch:
    pixels = stack.view(np.uint8)
    if not pixels.flags.f_contiguous:
        if stack.dtype == np.bool_ or pixels.max() <= 1:
            return kernels.encode(pixels.transpose(2, 0, 1), None)
        pixels = np.asfortranarray(pixels)
    columns = pixels.T.reshape(pixels.shape[2], size[0] * size[1])
    return kernels.encode_changes(columns, *size)


def decode(kernels: Kernels, rle_objects: Any) -> NDArray[np.uint8]:
    """Decode an RLE to an array of shape (H, W), or a list of RLEs to (H, W, N)."""
    if not is_list(rle_objects):
        return decode(kernels, [rle_objects])[:, :, 0]
    rles = read(rle_objects)
    if not rles.sizes:
        raise ValueError("expected at least one RLE, which determines the image size, got none")
    size = rles.sizes[0]
    batch = batch_of(kernels, rles, size)
    shape = (*size, len(rles.sizes))
    with _memory_errors("decode"):
        dense = allocate(shape, np.uint8, order="F")
    kernels.decode(batch, dense.transpose(2, 0, 1), True)
    return dense


def is_list(rle_objects: Any) -> bool:
    """Return whether this is a list of RLEs rather than a single one."""
    return isinstance(rle_objects, (list, tuple, np.ndarray))


# -- measures -------------------------------------------------------------------------------------


def area(kernels: Kernels, rle_objects: Any) -> Any:
    """Compute areas: shape (N,), or a scalar for a single RLE."""
    if not is_list(rle_objects):
        return area(kernels, [rle_objects])[0]
    rles = read(rle_objects)
    areas = np.zeros(len(rles.sizes), np.uint64)
    for group in grouped(kernels, rles):
        areas[group.indices] = kernels.area(group.batch)
    return areas if areas.max(initial=0) >= 2**32 else areas.astype(np.uint32)


def to_bbox(kernels: Kernels, rle_objects: Any) -> NDArray[np.float64]:
    """Compute bounding boxes x y width height: shape (N, 4), or (4,) for a single RLE."""
    if not is_list(rle_objects):
        box: NDArray[np.float64] = to_bbox(kernels, [rle_objects])[0]
        return box
    rles = read(rle_objects)
    boxes = np.zeros((len(rles.sizes), 4))
    for group in grouped(kernels, rles):
        boxes[group.indices] = kernels.boxes(group.batch)
    boxes[:, 2:] -= boxes[:, :2]
    return boxes


# -- merging --------------------------------------------------------------------------------------


def merge(kernels: Kernels, rle_objects: Any, intersect: Any) -> RleDict:
    """Compute the union or the intersection of masks."""
    rles = read(rle_objects)
    is_intersection = integer(intersect, "intersect") != 0
    if len(set(rles.sizes)) != 1:
        return {"size": [0, 0], "counts": b""}
    if len(rles.sizes) == 1:
        return _rewritten(kernels, rles)
    size = rles.sizes[0]
    batch = batch_of(kernels, rles, size)
    if _all_runs_have_pixels(rles, batch):
        table = AND if is_intersection else OR
        return write(kernels, kernels.reduce(batch, table))[0]
    # Empty runs are lost in the batch. pycocotools keeps some of them, so follow its steps.
    runs, *others = read_runs(rles)
    for other in others:
        runs = merged_lengths(runs, other, is_intersection, size[0] * size[1])
    return write_runs([runs], [size])[0]


def _rewritten(kernels: Kernels, rles: Rles) -> RleDict:
    """Return a single RLE with its original runs, whose sum is not checked."""
    with contextlib.suppress(ValueError):
        batch = batch_of(kernels, rles, rles.sizes[0])
        if _all_runs_have_pixels(rles, batch):
            return write(kernels, batch)[0]
    return write_runs(read_runs(rles), rles.sizes)[0]


def _all_runs_have_pixels(rles: Rles, batch: Batch) -> bool:
    """Return whether all runs, except the first of each mask, are nonempty.

    Empty runs are not represented in a batch. Each run has exactly one character without the
    continuation bit.
    """
    characters, _ = joined(rles.strings)
    run_count = int(np.count_nonzero((characters - ord("0")) < 32))
    return run_count == len(batch.run_ends) + len(rles.strings)


# -- intersection over union ----------------------------------------------------------------------


def iou(kernels: Kernels, dt: Any, gt: Any, iscrowd: Any) -> NDArray[np.float64] | list[Any]:
    """Compute the pairwise IoU of RLEs or of boxes."""
    crowd = _crowd(iscrowd)
    detections, truths = _operand(dt, "dt"), _operand(gt, "gt")
    m, n = _count(detections), _count(truths)
    if len(crowd) != n:
        raise LengthError(f"iscrowd: expected {n} values, the length of gt, got {len(crowd)}")
    if m == 0 or n == 0:
        return []
    if isinstance(detections, Rles) and isinstance(truths, Rles):
        return _rle_iou(kernels, detections, truths, crowd)
    if isinstance(detections, Rles) or isinstance(truths, Rles):
        raise TypeError("dt, gt: expected RLE dicts for both or boxes for both, got one of each")
    return _box_iou(detections, truths, crowd)


def _crowd(iscrowd: Any) -> NDArray[np.bool_]:
    flags = as_numbers(iscrowd, "iscrowd", np.uint8)
    if flags.ndim != 1:
        raise ValueError(f"iscrowd: expected one dimension, got the shape {flags.shape}")
    return flags.astype(np.bool_)


def _operand(objects: Any, name: str) -> Rles | NDArray[np.float64]:
    """Read a list of RLE dicts or of boxes."""
    if not is_list(objects):
        raise TypeError(f"{name}: expected a list of RLE dicts or boxes, got {described(objects)}")
    if len(objects) == 0:
        return np.empty((0, 4))
    if isinstance(objects, np.ndarray) or all(
        isinstance(item, (list, tuple, np.ndarray)) for item in objects
    ):
        return as_boxes(objects, name)
    return read(objects, f"{name}: object")


def _count(operand: Rles | NDArray[np.float64]) -> int:
    return len(operand.sizes if isinstance(operand, Rles) else operand)


def _rle_iou(kernels: Kernels, dt: Rles, gt: Rles, crowd: NDArray[np.bool_]) -> NDArray[np.float64]:
    dt_groups, gt_groups = grouped(kernels, dt), grouped(kernels, gt)
    if len(dt_groups) == len(gt_groups) == 1 and dt_groups[0].batch.size == gt_groups[0].batch.size:
        return _ratios(kernels, dt_groups[0], gt_groups[0], crowd)
    ratios = np.zeros((len(dt.sizes), len(gt.sizes)), order="F")
    for d in dt_groups:
        for g in gt_groups:
            ratios[np.ix_(d.indices, g.indices)] = (
                _ratios(kernels, d, g, crowd[g.indices])
                if d.batch.size == g.batch.size
                else -_boxes_touch(kernels, d, g).astype(np.float64)
            )
    return ratios


def _ratios(kernels: Kernels, dt: Group, gt: Group, crowd: NDArray[np.bool_]) -> NDArray[Any]:
    """Compute the IoU of masks of the same size: shape (m, n), in Fortran order."""
    crowds = crowd.view(np.uint8)  # 1 stands for the area of the detection
    ratios = kernels.overlap_ratios(dt.batch, gt.batch, 0.0, crowds)
    return np.asfortranarray(ratios)


def _boxes_touch(kernels: Kernels, dt: Group, gt: Group) -> NDArray[np.bool_]:
    """Return which pairs of bounding boxes overlap: shape (m, n)."""
    a = kernels.boxes(dt.batch)[:, None]
    b = kernels.boxes(gt.batch)
    low = np.maximum(a[..., :2], b[:, :2])
    high = np.minimum(a[..., 2:], b[:, 2:])
    touch: NDArray[np.bool_] = np.logical_and(*np.moveaxis(low < high, -1, 0))
    return touch


def _box_iou(
    dt: NDArray[np.float64], gt: NDArray[np.float64], crowd: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Compute the IoU of boxes: shape (m, n), in Fortran order.

    This is the definition; ``src/bind/bind_shortcuts.cpp`` has a compiled twin for lists of boxes.
    """
    with np.errstate(all="ignore"):
        width, height = (_common_length(dt, gt, axis) for axis in (0, 1))
        common = width * height
        dt_area = dt[:, 2] * dt[:, 3]
        union = dt_area + (gt[:, 2] * gt[:, 3])[:, None]
        union -= common
        union[crowd] = dt_area
        np.divide(common, union, out=common)
    common[(width <= 0) | (height <= 0)] = 0
    ratios: NDArray[np.float64] = common.T
    return ratios


def _common_length(dt: NDArray[np.float64], gt: NDArray[np.float64], axis: int) -> NDArray[Any]:
    """Compute the length of the overlaps along an axis: shape (n, m), negative if there is none."""
    dt_start, gt_start = dt[:, axis], gt[:, axis, None]
    dt_end, gt_end = dt[:, 2 + axis] + dt_start, gt[:, 2 + axis, None] + gt_start
    # As in C, fmin and fmax ignore NaN.
    length: NDArray[np.float64] = np.fmin(dt_end, gt_end)
    length -= np.fmax(dt_start, gt_start)
    return length


# -- shapes and run lengths -----------------------------------------------------------------------


def from_objects(kernels: Kernels, pyobj: Any, h: Any, w: Any) -> RleDict | list[RleDict]:
    """Convert boxes, polygons or uncompressed RLEs."""
    if isinstance(pyobj, np.ndarray):
        return from_boxes(kernels, pyobj, h, w)
    if isinstance(pyobj, dict):
        return from_runs([pyobj], h, w)[0]
    if not isinstance(pyobj, (list, tuple)):
        raise TypeError(
            "expected boxes, polygons or RLE dicts with lists of run lengths, "
            f"got {described(pyobj)}"
        )
    if len(pyobj) == 0:
        raise NoObjectsError("expected at least one object, which determines the kind, got none")
    first = pyobj[0]
    if isinstance(first, dict):
        return from_runs(pyobj, h, w)
    if not isinstance(first, (list, tuple)) and not (isinstance(first, np.ndarray) and first.ndim):
        raise MaskTypeError(
            0, f"expected a box, polygon or RLE dict, got {described(first)}", "object"
        )
    if len(first) < 4:
        raise MaskError(
            0,
            "expected the four numbers of a box, or at least six numbers of a polygon, got "
            f"{described(first)}",
            "object",
        )
    if len(first) != 4 or not _is_box(first):
        return from_polygons(kernels, pyobj, h, w)
    try:
        return from_boxes(kernels, pyobj, h, w)
    except (TypeError, ValueError):
        for number, ring in enumerate(pyobj):
            if not _is_box(ring):
                raise MaskError(number, not_a_box(ring), "ring") from None
        raise


def _is_box(ring: Any) -> bool:
    """Return whether this is a sequence of four scalars."""
    if isinstance(ring, np.ndarray):
        return bool(ring.shape == (4,))
    if not isinstance(ring, (list, tuple)) or len(ring) != 4:
        return False
    return not any(isinstance(number, (list, tuple, np.ndarray)) for number in ring)


def from_boxes(kernels: Kernels, bb: Any, h: Any, w: Any) -> list[RleDict]:
    """Rasterize boxes x y width height."""
    size = image_size(h, w)
    corners = as_boxes(bb, "boxes")
    with np.errstate(invalid="ignore"):  # infinity - infinity is NaN, which the kernel refuses
        corners[:, 2:] += corners[:, :2]
    with _memory_errors("boxes"):
        try:
            batch = kernels.rasterize_boxes(corners, *size)
        except MaskError as error:
            raise renamed(error, "box") from None
        return write(kernels, batch)


def from_polygons(kernels: Kernels, poly: Any, h: Any, w: Any) -> list[RleDict]:
    """Rasterize polygons of one ring each."""
    size = image_size(h, w)
    rings = []
    for index, polygon in enumerate(poly):
        ring = as_numbers(polygon, f"polygon {index}", np.float64)
        if ring.ndim != 1:
            raise MaskError(
                index,
                f"expected a flat list x0 y0 x1 y1 ..., got the shape {ring.shape}",
                "polygon",
            )
        rings.append(ring[: len(ring) // 2 * 2])
    offsets = offsets_of([len(ring) // 2 for ring in rings])
    coordinates = np.concatenate([np.empty(0), *rings])
    with _memory_errors("polygons"):
        try:
            batch = kernels.rasterize_polygons(coordinates, offsets, np.arange(len(offsets)), *size)
        except MaskError as error:
            raise renamed(error, "polygon") from None
        return write(kernels, batch)


def from_runs(rle_objects: Collection[Any], h: Any, w: Any) -> list[RleDict]:
    """Compress lists of run lengths, whose sums are not checked. Each object has its own size."""
    image_size(h, w)
    runs, sizes = [], []
    for index, rle in enumerate(rle_objects):
        try:
            counts, size = parts(rle)
            runs.append(_runs(counts))
        except (TypeError, ValueError) as error:
            raise located(error, index) from None
        sizes.append(size)
    return write_runs(runs, sizes)


def _runs(counts: Any) -> NDArray[np.int64]:
    runs = as_numbers(counts, "counts", np.int64)
    if runs.ndim != 1:
        raise ValueError(f"counts: expected a list of run lengths, got {described(counts)}")
    outside = np.flatnonzero((runs < 0) | (runs >= _MAX_RUN))
    if len(outside):
        raise ValueError(
            f"run {outside[0]}: expected a length from 0 to 2**59 - 1, got {counts[outside[0]]}"
        )
    return runs


# -- numbers --------------------------------------------------------------------------------------


def as_boxes(objects: Any, name: str) -> NDArray[np.float64]:
    """Copy boxes to a C-contiguous array of shape (N, 4)."""
    boxes = as_numbers(objects, name, np.float64)
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(f"{name}: expected boxes of the shape (N, 4), got {boxes.shape}")
    return boxes


def as_numbers(objects: Any, name: str, dtype: type) -> NDArray[Any]:
    """Copy numbers to a C-contiguous array, with the conversions of ``numpy.array``."""
    try:
        if np.asarray(objects).dtype.kind in "cmM":  # which NumPy would convert to numbers
            raise TypeError("got complex numbers or times")
        with np.errstate(over="ignore", invalid="raise"):
            return np.array(objects, dtype, order="C")
    except (FloatingPointError, OverflowError, ValueError) as error:
        raise ValueError(f"{name}: expected numbers: {error}") from None
    except TypeError as error:
        raise TypeError(f"{name}: expected numbers: {error}") from None
