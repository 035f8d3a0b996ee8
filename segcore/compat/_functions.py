"""What the functions of pycocotools.mask do, on any backend.

Each takes the kernels first. What they mean is told in ``segcore/compat/pycocotools.py``.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._input.arrays import Size, as_array, as_size, check_bytes, described
from segcore.backends.protocol import Batch, Kernels
from segcore.compat._rles import (
    Group,
    RleDict,
    Rles,
    batch_of,
    grouped,
    image_size,
    integer,
    joined,
    offsets_of,
    parts,
    read,
    read_runs,
    renamed,
    write,
    write_runs,
)
from segcore.formats._coco_python import not_a_box

_MAX_RUN = 2**59


class LengthError(ValueError, AssertionError):
    """``iscrowd`` and ``gt`` differ in length: pycocotools asserts that they do not."""


class NoObjectsError(ValueError, IndexError):
    """There are no objects to tell of what kind they are: pycocotools looks at the first."""


class TooLargeError(ValueError, MemoryError):
    """There is no memory for the result that a small object asks for."""


@contextlib.contextmanager
def _memory_errors(name: str) -> Iterator[None]:
    """Turn a lack of memory for what a few bytes may ask for into an error in the input."""
    try:
        yield
    except MemoryError as error:
        raise TooLargeError(
            f"{name}: there is no memory for the result ({error}); convert fewer at a time"
        ) from None


# -- dense arrays ---------------------------------------------------------------------------------


def encode(kernels: Kernels, bimask: Any) -> RleDict | list[RleDict]:
    """Encode (H, W) or (H, W, N)."""
    array = as_array(bimask, "bimask")
    if array.dtype not in (np.uint8, np.bool_):
        raise ValueError(f"bimask: expected uint8 or bool, got {array.dtype}")
    if array.ndim not in (2, 3):
        raise ValueError(f"bimask: expected (H, W) or (H, W, N), got {array.shape}")
    stack = array if array.ndim == 3 else array[:, :, None]
    size = as_size(stack.shape[:2])
    rles = write(kernels, _encoded(kernels, stack, size), size)
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
    """Decode to (H, W), or (H, W, N) for a list."""
    if not is_list(rle_objects):
        return decode(kernels, [rle_objects])[:, :, 0]
    rles = read(rle_objects)
    if not rles.sizes:
        raise ValueError("expected one RLE or more, for without one there is no size")
    size = rles.sizes[0]
    batch = batch_of(kernels, rles, size)
    shape = (*size, len(rles.sizes))
    check_bytes(shape, np.dtype(np.uint8))
    with _memory_errors("decode"):
        dense = np.zeros(shape, np.uint8, order="F")
    kernels.decode(*batch, dense.transpose(2, 0, 1), True)
    return dense


def is_list(rle_objects: Any) -> bool:
    """Tell a list of RLEs from one alone."""
    return isinstance(rle_objects, (list, tuple, np.ndarray))


# -- measures -------------------------------------------------------------------------------------


def area(kernels: Kernels, rle_objects: Any) -> Any:
    """Count pixels: (N,), or a scalar for one RLE alone."""
    if not is_list(rle_objects):
        return area(kernels, [rle_objects])[0]
    rles = read(rle_objects)
    areas = np.zeros(len(rles.sizes), np.uint64)
    for group in grouped(kernels, rles):
        areas[group.places] = kernels.area(*group.batch, *group.size)
    return areas if areas.max(initial=0) >= 2**32 else areas.astype(np.uint32)


def to_bbox(kernels: Kernels, rle_objects: Any) -> NDArray[np.float64]:
    """Bound masks, x y width height: (N, 4), or (4,) for one RLE alone."""
    if not is_list(rle_objects):
        alone: NDArray[np.float64] = to_bbox(kernels, [rle_objects])[0]
        return alone
    rles = read(rle_objects)
    boxes = np.zeros((len(rles.sizes), 4))
    for group in grouped(kernels, rles):
        boxes[group.places] = kernels.boxes(*group.batch, *group.size)
    boxes[:, 2:] -= boxes[:, :2]
    return boxes


# -- merging --------------------------------------------------------------------------------------


def merge(kernels: Kernels, rle_objects: Any, intersect: Any) -> RleDict:
    """Unite masks, or intersect them."""
    rles = read(rle_objects)
    is_intersection = integer(intersect, "intersect") != 0
    if len(set(rles.sizes)) != 1:
        return {"size": [0, 0], "counts": b""}
    if len(rles.sizes) == 1:
        return _rewritten(kernels, rles)
    size = rles.sizes[0]
    batch = batch_of(kernels, rles, size)
    if _all_runs_have_pixels(rles, batch):
        return write(kernels, kernels.reduce(*batch, *size, is_intersection), size)[0]
    # Some runs are zero, and vanished. pycocotools keeps some of them, so step where it does.
    runs, *others = read_runs(rles)
    for other in others:
        runs = _merged_runs(runs, other, is_intersection, size[0] * size[1])
    return write_runs([runs], [size])[0]


def _rewritten(kernels: Kernels, rles: Rles) -> RleDict:
    """Give the one RLE with the runs that it has, whatever they sum to."""
    with contextlib.suppress(ValueError):
        batch = batch_of(kernels, rles, rles.sizes[0])
        if _all_runs_have_pixels(rles, batch):
            return write(kernels, batch, rles.sizes[0])[0]
    return write_runs(read_runs(rles), rles.sizes)[0]


def _all_runs_have_pixels(rles: Rles, batch: Batch) -> bool:
    """Tell whether no run is of no pixels, but for a mask's first: such runs vanish in a batch.

    Each run has one character without the bit for "another one follows".
    """
    characters, _ = joined(rles.strings)
    run_count = int(np.count_nonzero((characters - ord("0")) < 32))
    return run_count == len(batch[0]) + len(rles.strings)


def _merged_runs(
    a: NDArray[np.int64], b: NDArray[np.int64], is_intersection: bool, pixels: int
) -> NDArray[np.int64]:
    """Merge two lists of run lengths in the steps of pycocotools.

    Where both flip at one place, their first flips there are one step, their second ones the
    next, and so on: so a zero run of one mask alone is two steps, and comes out as a zero run.
    """
    place_a, rank_a = _flips(a, pixels)
    place_b, rank_b = _flips(b, pixels)
    place = np.concatenate([place_a, place_b])
    rank = np.concatenate([rank_a, rank_b])
    order = np.lexsort((rank, place))
    place, rank = place[order], rank[order]
    is_a = order < len(place_a)
    in_a = np.cumsum(is_a) % 2 == 1
    in_b = np.cumsum(~is_a) % 2 == 1
    is_last = np.ones(len(place), np.bool_)
    is_last[:-1] = (np.diff(place) != 0) | (np.diff(rank) != 0)
    inside = (in_a & in_b if is_intersection else in_a | in_b)[is_last]
    flips = place[is_last][np.diff(inside, prepend=False)]
    runs: NDArray[np.int64] = np.diff(flips, prepend=0, append=pixels)
    return runs


def _flips(runs: NDArray[np.int64], pixels: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give where a mask flips, and how many flips come before at the same place."""
    places = np.cumsum(runs[:-1])
    places = places[places < pixels]
    return places, np.arange(len(places)) - np.searchsorted(places, places)


# -- intersection over union ----------------------------------------------------------------------


def iou(kernels: Kernels, dt: Any, gt: Any, iscrowd: Any) -> NDArray[np.float64] | list[Any]:
    """Divide intersection by union, of all pairs of RLEs or of boxes."""
    crowd = _crowd(iscrowd)
    detections, truths = _operand(dt, "dt"), _operand(gt, "gt")
    m, n = _count(detections), _count(truths)
    if len(crowd) != n:
        raise LengthError(f"iscrowd: expected {n}, the length of gt, got {len(crowd)}")
    if m == 0 or n == 0:
        return []
    if isinstance(detections, Rles) and isinstance(truths, Rles):
        return _rle_iou(kernels, detections, truths, crowd)
    if isinstance(detections, Rles) or isinstance(truths, Rles):
        raise TypeError("dt and gt: expected RLE dicts in both, or boxes in both")
    return _box_iou(detections, truths, crowd)


def _crowd(iscrowd: Any) -> NDArray[np.bool_]:
    flags = as_numbers(iscrowd, "iscrowd", np.uint8)
    if flags.ndim != 1:
        raise ValueError(f"iscrowd: expected one dimension, got the shape {flags.shape}")
    return flags.astype(np.bool_)


def _operand(objects: Any, name: str) -> Rles | NDArray[np.float64]:
    """Tell RLE dicts from boxes, and read them."""
    if not is_list(objects):
        raise TypeError(f"{name}: expected a list of RLE dicts or boxes, got {described(objects)}")
    if len(objects) == 0:
        return np.empty((0, 4))
    if isinstance(objects, np.ndarray) or all(
        isinstance(each, (list, tuple, np.ndarray)) for each in objects
    ):
        return as_boxes(objects, name)
    return read(objects, f"{name}: object")


def _count(operand: Rles | NDArray[np.float64]) -> int:
    return len(operand.sizes if isinstance(operand, Rles) else operand)


def _rle_iou(kernels: Kernels, dt: Rles, gt: Rles, crowd: NDArray[np.bool_]) -> NDArray[np.float64]:
    dt_groups, gt_groups = grouped(kernels, dt), grouped(kernels, gt)
    if len(dt_groups) == len(gt_groups) == 1 and dt_groups[0].size == gt_groups[0].size:
        return _ratios(kernels, dt_groups[0], gt_groups[0], crowd)
    ratios = np.zeros((len(dt.sizes), len(gt.sizes)), order="F")
    for d in dt_groups:
        for g in gt_groups:
            ratios[np.ix_(d.places, g.places)] = (
                _ratios(kernels, d, g, crowd[g.places])
                if d.size == g.size
                else -_boxes_touch(kernels, d, g).astype(np.float64)
            )
    return ratios


def _ratios(kernels: Kernels, dt: Group, gt: Group, crowd: NDArray[np.bool_]) -> NDArray[Any]:
    """Give the ratios of masks of one size: (m, n), in Fortran order."""
    common = kernels.overlap(*gt.batch, *dt.batch, *dt.size)
    dt_area = kernels.area(*dt.batch, *dt.size)
    union = kernels.area(*gt.batch, *gt.size)[:, None] + dt_area
    union -= common
    union[crowd] = dt_area
    np.maximum(union, 1, out=union)  # where it is empty, so is the intersection
    ratios: NDArray[np.float64] = common / union
    return ratios.T


def _boxes_touch(kernels: Kernels, dt: Group, gt: Group) -> NDArray[np.bool_]:
    """Tell which bounding boxes overlap: (m, n)."""
    a = kernels.boxes(*dt.batch, *dt.size)[:, None]
    b = kernels.boxes(*gt.batch, *gt.size)
    low = np.maximum(a[..., :2], b[:, :2])
    high = np.minimum(a[..., 2:], b[:, 2:])
    touch: NDArray[np.bool_] = np.logical_and(*np.moveaxis(low < high, -1, 0))
    return touch


def _box_iou(
    dt: NDArray[np.float64], gt: NDArray[np.float64], crowd: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Give the ratios of boxes: (m, n), in Fortran order."""
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
    """Give the length of the intersections along an axis: (n, m), negative where there is none."""
    dt_start, gt_start = dt[:, axis], gt[:, axis, None]
    dt_end, gt_end = dt[:, 2 + axis] + dt_start, gt[:, 2 + axis, None] + gt_start
    # As C's fmin and fmax, these take the number where the other one is NaN.
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
        raise NoObjectsError("expected one object or more, for the first tells of what kind")
    first = pyobj[0]
    if isinstance(first, dict):
        return from_runs(pyobj, h, w)
    if not isinstance(first, (list, tuple)) and not (isinstance(first, np.ndarray) and first.ndim):
        raise TypeError(f"object 0: expected a box, polygon or RLE dict, got {described(first)}")
    if len(first) < 4:
        raise ValueError(
            "object 0: expected the four numbers of a box, or six or more of a polygon, "
            f"got {described(first)}"
        )
    if len(first) != 4 or not _is_box(first):
        return from_polygons(kernels, pyobj, h, w)
    try:
        return from_boxes(kernels, pyobj, h, w)
    except (TypeError, ValueError):
        for number, ring in enumerate(pyobj):
            if not _is_box(ring):
                raise ValueError(f"ring {number}: {not_a_box(ring)}") from None
        raise


def _is_box(ring: Any) -> bool:
    """Return whether this is a sequence of four things that are no sequences."""
    if isinstance(ring, np.ndarray):
        return bool(ring.shape == (4,))
    if not isinstance(ring, (list, tuple)) or len(ring) != 4:
        return False
    return not any(isinstance(number, (list, tuple, np.ndarray)) for number in ring)


def from_boxes(kernels: Kernels, bb: Any, h: Any, w: Any) -> list[RleDict]:
    """Fill boxes x y width height."""
    size = image_size(h, w)
    corners = as_boxes(bb, "boxes")
    with np.errstate(invalid="ignore"):  # infinities that cancel make NaN, which is refused
        corners[:, 2:] += corners[:, :2]
    with _memory_errors("boxes"):
        try:
            batch = kernels.rasterize_boxes(corners, *size)
        except ValueError as error:
            raise renamed(error, "box") from None
        return write(kernels, batch, size)


def from_polygons(kernels: Kernels, poly: Any, h: Any, w: Any) -> list[RleDict]:
    """Fill polygons of one ring each."""
    size = image_size(h, w)
    rings = []
    for index, each in enumerate(poly):
        ring = as_numbers(each, f"polygon {index}", np.float64)
        if ring.ndim != 1:
            raise ValueError(
                f"polygon {index}: expected a flat list x0 y0 x1 y1 ..., got the shape {ring.shape}"
            )
        rings.append(ring[: len(ring) // 2 * 2])
    offsets = offsets_of([len(ring) // 2 for ring in rings])
    coordinates = np.concatenate([np.empty(0), *rings])
    with _memory_errors("polygons"):
        try:
            batch = kernels.rasterize_polygons(coordinates, offsets, np.arange(len(offsets)), *size)
        except ValueError as error:
            raise renamed(error, "polygon") from None
        return write(kernels, batch, size)


def from_runs(rle_objects: Collection[Any], h: Any, w: Any) -> list[RleDict]:
    """Compress lists of run lengths, which nobody sums up; the objects have their own sizes."""
    image_size(h, w)
    runs, sizes = [], []
    for index, rle in enumerate(rle_objects):
        try:
            counts, size = parts(rle)
            runs.append(_runs(counts))
        except (TypeError, ValueError) as error:
            raise type(error)(f"object {index}: {error}") from None
        sizes.append(size)
    return write_runs(runs, sizes)


def _runs(counts: Any) -> NDArray[np.int64]:
    runs = as_numbers(counts, "counts", np.int64)
    if runs.ndim != 1:
        raise ValueError(f"counts: expected a list of run lengths, got {described(counts)}")
    outside = np.flatnonzero((runs < 0) | (runs >= _MAX_RUN))
    if len(outside):
        raise ValueError(f"run {outside[0]} has the impossible length {counts[outside[0]]}")
    return runs


# -- numbers --------------------------------------------------------------------------------------


def as_boxes(objects: Any, name: str) -> NDArray[np.float64]:
    """Give boxes as a fresh C-contiguous (N, 4) array, whatever their strides."""
    boxes = as_numbers(objects, name, np.float64)
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(f"{name}: expected boxes (N, 4), got the shape {boxes.shape}")
    return boxes


def as_numbers(objects: Any, name: str, dtype: type) -> NDArray[Any]:
    """Give numbers as a fresh C-contiguous array, converted as ``numpy.array`` does."""
    try:
        if np.asarray(objects).dtype.kind in "cmM":  # of which NumPy would make numbers
            raise TypeError("they are complex, or times")
        with np.errstate(over="ignore", invalid="raise"):
            return np.array(objects, dtype, order="C")
    except (FloatingPointError, OverflowError, ValueError) as error:
        raise ValueError(f"{name}: expected numbers: {error}") from None
    except TypeError as error:
        raise TypeError(f"{name}: expected numbers: {error}") from None
