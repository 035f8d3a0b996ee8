"""Rasterize contours in OpenCV's convention, where vertices are centers of pixels."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._batch import Batch, offsets_of, spread
from segcore._input.arrays import Size, as_array, described
from segcore._input.integer_boxes import as_int64
from segcore.backends import kernels
from segcore.backends.protocol import EVEN_ODD, OR
from segcore.backends.sizes import run_end_dtype
from segcore.errors import MaskError, located

Integers = NDArray[np.int64]

_MAX_COORDINATE = 2**29


def read_contours(contours: Iterable[Any], size: Size, hierarchy: object) -> Batch:
    """Fill contours and the pixels on them, one mask per contour that is not a hole."""
    points = [_points(contour, index) for index, contour in enumerate(contours)]
    owners = np.arange(len(points)) if hierarchy is None else _owners(hierarchy, len(points))
    order = np.argsort(owners, kind="stable")
    offsets = offsets_of([len(points[i]) for i in order.tolist()])
    vertices = np.concatenate([np.zeros((0, 2), np.int64), *(points[i] for i in order.tolist())])
    rings = np.append(np.flatnonzero(np.diff(owners[order], prepend=-1)), len(order))
    coordinates = (vertices + 0.5).ravel()
    # Between pixels whose centers lie on the contours, COCO's rule fills the same ones.
    inside = kernels.rasterize_polygons(coordinates, offsets, rings, *size, EVEN_ODD)
    return kernels.combine(inside, _outlines(vertices, offsets, rings, size), OR)


def _points(contour: Any, index: int) -> Integers:
    """Return the vertices of a contour: shape (K, 2)."""
    array = as_array(contour, f"contour {index}")
    if array.size == 0 or array.ndim not in (2, 3) or array.shape[1:] not in ((2,), (1, 2)):
        raise MaskError(
            index, f"expected the shape (K, 1, 2) or (K, 2), got {array.shape}", "contour"
        )
    try:
        points = as_int64(contour, array.reshape(-1, 2), "coordinate").reshape(-1, 2)
    except TypeError as error:
        raise located(error, index, "contour") from None
    if np.abs(points).max() >= _MAX_COORDINATE:
        raise MaskError(index, "expected coordinates between -2**29 and 2**29", "contour")
    return points


def _owners(hierarchy: object, count: int) -> Integers:
    """Return the contour around each hole; that of another contour is itself."""
    array = as_array(hierarchy, "hierarchy")
    if array.shape not in ((1, count, 4), (count, 4)) or array.dtype.kind not in "iu":
        raise ValueError(
            f"hierarchy: expected integers of the shape (1, {count}, 4), as returned by "
            f"cv2.findContours, got {described(hierarchy)}"
        )
    parents: list[int] = array.reshape(-1, 4)[:, 3].tolist()
    is_hole: list[bool | None] = [None] * count
    for index in range(count):
        chain: list[int] = []
        at = index
        while at >= 0 and is_hole[at] is None:
            chain.append(at)
            at = parents[at]
            if at >= count or len(chain) > count:
                raise ValueError(f"hierarchy: contour {index} has no outermost parent")
        inside = at >= 0 and not is_hole[at]  # an outline contains holes, and a hole outlines
        for item in reversed(chain):
            is_hole[item] = inside
            inside = not inside
    return np.where(np.array(is_hole, np.bool_), parents, np.arange(count)).astype(np.int64)


def _outlines(vertices: Integers, offsets: Integers, rings: Integers, size: Size) -> Batch:
    """Return the pixels on the contours of each mask.

    The contours of mask i are ``rings[i]`` to ``rings[i + 1] - 1``, and contour r has the vertices
    ``offsets[r]`` to ``offsets[r + 1] - 1``.
    """
    height, width = size
    following = np.arange(1, len(vertices) + 1)
    following[offsets[1:] - 1] = offsets[:-1]
    step = vertices[following] - vertices
    length = np.maximum(np.abs(step).max(axis=1, initial=0), 1)
    # Pixel t of an edge is at the rounded share t / length; only those in the image are visited.
    is_flat = np.abs(step[:, 0]) >= np.abs(step[:, 1])
    along = np.where(is_flat, vertices[:, 0], vertices[:, 1])
    limit = np.where(is_flat, width, height)
    forward = np.where(is_flat, step[:, 0], step[:, 1]) >= 0
    first = np.where(forward, -along, along - limit + 1).clip(0, length)
    stop = np.where(forward, limit - along, along + 1).clip(first, length)
    edge_offsets = offsets_of(stop - first)
    edge = np.repeat(np.arange(len(vertices)), stop - first)
    t, total = spread(first, edge_offsets)[:, None], length[edge, None]
    x, y = (vertices[edge] + (2 * step[edge] * t + total) // (2 * total)).T
    ring_of_edge = np.searchsorted(offsets, edge, side="right") - 1
    mask = np.searchsorted(rings, ring_of_edge, side="right") - 1
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    return _batch_of_pixels(mask[inside], (x * height + y)[inside], len(rings) - 1, size)


def _batch_of_pixels(mask: Integers, position: Integers, count: int, size: Size) -> Batch:
    """Return the masks of pixels, given by the index of their mask and their position."""
    order = np.lexsort((position, mask))
    mask, position = mask[order], position[order]
    starts = np.ones(len(mask), np.bool_)
    starts[1:] = (mask[1:] != mask[:-1]) | (position[1:] > position[:-1] + 1)
    begins = np.flatnonzero(starts)
    ends = position[np.append(begins[1:], len(mask)) - 1] + 1 if len(mask) else position
    run_ends = np.stack([position[begins], ends], axis=1).ravel()
    owners = np.repeat(mask[begins], 2)
    kept = run_ends < size[0] * size[1]
    offsets = offsets_of(np.bincount(owners[kept], minlength=count))
    return Batch(run_ends[kept].astype(run_end_dtype(*size)), offsets, *size)
