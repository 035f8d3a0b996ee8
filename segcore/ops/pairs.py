"""Overlapping pairs of two batches of masks, without the full N x M matrix."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from segcore.backends.runs import runs_near
from segcore.masks import Masks, check_same_size, unwrap, wrap
from segcore.ops.overlap import intersection_area

Indices: TypeAlias = NDArray[np.int64]

_BLOCK = 256
"""Number of masks of `a` per block; the masks of a block share their candidates in `b`."""

_MAX_PAIRS = 2**22
"""Maximum number of pairs whose areas are in memory at a time (32 MiB)."""


def overlapping_pairs(a: Masks, b: Masks) -> tuple[Indices, Indices, NDArray[np.int64]]:
    """Return the pairs of masks that overlap, and their intersection areas.

    Parameters
    ----------
    a, b : Masks
        n and m masks of the same image size.

    Returns
    -------
    i, j : numpy.ndarray
        Indices of the pairs: int64, shape (K,), sorted by i and then j.
    area : numpy.ndarray
        Intersection area of ``a[i]`` and ``b[j]`` in pixels: int64, shape (K,), at least 1.

    Raises
    ------
    ValueError
        If the image sizes differ.
    TypeError
        If `a` or `b` is not a `Masks`.

    Notes
    -----
    :func:`segcore.intersection_area` returns the same areas as a dense (n, m) matrix. Here, nearby
    masks of `a` are grouped into blocks, and a block is only compared with the masks of `b` whose
    bounding boxes overlap that of the block.

    Examples
    --------
    >>> import segcore as sc
    >>> from segcore.ops.pairs import overlapping_pairs
    >>> a = sc.Masks.from_boxes([[0, 0, 2, 2], [6, 6, 8, 8]], (8, 8))
    >>> b = sc.Masks.from_boxes([[7, 0, 8, 8], [1, 0, 4, 2]], (8, 8))
    >>> overlapping_pairs(a, b)
    (array([0, 1]), array([1, 0]), array([2, 2]))
    """
    check_same_size(a, b)
    none = np.zeros(0, np.int64)
    if not len(a) or not len(b):
        return none, none, none
    if len(a) <= _BLOCK and len(a) * len(b) <= _MAX_PAIRS:
        matrix = intersection_area(a, b)
        i, j = np.nonzero(matrix)
        return i, j, matrix[i, j]
    boxes, others = a.boxes, b.boxes
    order = _spatial_order(boxes)
    step = max(1, min(_BLOCK, _MAX_PAIRS // len(b)))
    found = []
    for start in range(0, len(order), step):
        block = order[start : start + step]
        x0, y0 = boxes[block, :2].min(0)
        x1, y1 = boxes[block, 2:].max(0)
        near = (others[:, 0] < x1) & (others[:, 2] > x0) & (others[:, 1] < y1) & (others[:, 3] > y0)
        candidates = np.flatnonzero(near)
        area = intersection_area(a[block], b[candidates])
        row, column = np.nonzero(area)
        found.append((block[row], candidates[column], area[row, column]))
    if not found:
        return none, none, none
    i, j, area = (np.concatenate(blocks) for blocks in zip(*found, strict=True))
    ascending = np.lexsort((j, i))
    return i[ascending], j[ascending], area[ascending]


def _spatial_order(boxes: NDArray[np.int64]) -> Indices:
    """Return the indices of nonempty masks, by scale (small first) and then by position."""
    filled = np.flatnonzero(boxes[:, 2] > boxes[:, 0])
    x0, y0, x1, y1 = boxes[filled].T
    scale = np.frexp(np.maximum(x1 - x0, y1 - y0).astype(np.float64))[1]
    # Tiles are sized to contain one block of evenly spread masks, and are visited row by row. Masks
    # of similar scale are grouped, because a large mask would enlarge the box of its block.
    extent = max(int(x1.max(initial=0)), int(y1.max(initial=0)), 1)
    tile = max(1, int(extent / max(1.0, (len(filled) / _BLOCK) ** 0.5)))
    ordered: Indices = filled[np.lexsort((x0, y0, x0 // tile, y0 // tile, scale))]
    return ordered


def intersect_each(masks: Masks, others: Masks, index: Indices) -> Masks:
    """Compute ``masks & others[index]`` without copying all runs of the other masks.

    Only the runs that can overlap the mask are copied, so a large mask can be intersected with
    thousands of small ones.

    Parameters
    ----------
    masks, others : Masks
        N and M masks of the same image size.
    index : numpy.ndarray
        Indices into `others`: int64, shape (N,).

    Returns
    -------
    Masks
        N masks.

    Examples
    --------
    >>> import numpy as np
    >>> import segcore as sc
    >>> from segcore.ops.pairs import intersect_each
    >>> wall = sc.Masks.from_boxes([[0, 0, 100, 40]], (50, 100))
    >>> tiles = sc.Masks.from_boxes([[x, 35, x + 4, 45] for x in range(0, 100, 10)], (50, 100))
    >>> intersect_each(tiles, wall, np.zeros(10, np.int64)).area
    array([20, 20, 20, 20, 20, 20, 20, 20, 20, 20])
    """
    return masks & wrap(runs_near(unwrap(others), index, unwrap(masks)))
