"""Which masks of two batches overlap, at a cost that grows with the masks that do, not N x M."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from segcore.masks import Masks, check_same_size, wrap
from segcore.ops.overlap import intersection

Indices: TypeAlias = NDArray[np.int64]
RunEnds: TypeAlias = NDArray[np.unsignedinteger]

_BLOCK = 256
"""Masks of `a` that are compared with their candidates at a time."""

_MOST_PAIRS = 2**22
"""Pairs whose areas are held at a time: 32 MB."""


def overlapping_pairs(a: Masks, b: Masks) -> tuple[Indices, Indices, NDArray[np.int64]]:
    """Find the pairs of masks that have pixels in common, and count these.

    Parameters
    ----------
    a, b : Masks
        n and m masks of the same image size.

    Returns
    -------
    i, j : numpy.ndarray
        int64 (K,): the indices of the pairs, in ascending order of i, then of j.
    area : numpy.ndarray
        int64 (K,): the pixels that ``a[i]`` and ``b[j]`` have in common, at least 1.

    Raises
    ------
    ValueError
        If the image sizes differ.
    TypeError
        If `a` or `b` is not a `Masks`.

    Notes
    -----
    :func:`segcore.intersection` returns the same areas as a dense (n, m) matrix. Here, masks of `a`
    are taken in blocks of neighbours, and only masks of `b` whose boxes meet a block's box are
    compared with it.

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
    boxes, others = a.boxes, b.boxes
    order = _by_place(boxes)
    step = max(1, min(_BLOCK, _MOST_PAIRS // len(b)))
    found = []
    for start in range(0, len(order), step):
        block = order[start : start + step]
        x0, y0 = boxes[block, :2].min(0)
        x1, y1 = boxes[block, 2:].max(0)
        near = (others[:, 0] < x1) & (others[:, 2] > x0) & (others[:, 1] < y1) & (others[:, 3] > y0)
        candidates = np.flatnonzero(near)
        area = intersection(a[block], b[candidates])
        row, column = np.nonzero(area)
        found.append((block[row], candidates[column], area[row, column]))
    if not found:
        return none, none, none
    i, j, area = (np.concatenate(each) for each in zip(*found, strict=True))
    ascending = np.lexsort((j, i))
    return i[ascending], j[ascending], area[ascending]


def _by_place(boxes: NDArray[np.int64]) -> Indices:
    """Order the masks that have pixels so that neighbours follow each other, small masks first."""
    filled = np.flatnonzero(boxes[:, 2] > boxes[:, 0])
    x0, y0, x1, y1 = boxes[filled].T
    scale = np.frexp(np.maximum(x1 - x0, y1 - y0).astype(np.float64))[1]
    # Square tiles that hold a block of masks each, were they spread evenly: one row of tiles after
    # the other. A large mask would widen the box of its block, so those of a scale go together.
    extent = max(int(x1.max(initial=0)), int(y1.max(initial=0)), 1)
    tile = max(1, int(extent / max(1.0, (len(filled) / _BLOCK) ** 0.5)))
    ordered: Indices = filled[np.lexsort((x0, y0, x0 // tile, y0 // tile, scale))]
    return ordered


def intersect_each(masks: Masks, others: Masks, index: Indices) -> Masks:
    """Intersect mask k with ``others[index[k]]``, for every k.

    The result is that of ``masks & others[index]``, but only the runs of the others that can meet
    the mask are copied: a large mask may be intersected with thousands of small ones.

    Parameters
    ----------
    masks, others : Masks
        N masks, and any number, of the same image size.
    index : numpy.ndarray
        int64 (N,), indices into `others`.

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
    height, width = masks.size
    run_ends, offsets = masks.run_ends, masks.offsets
    filled = offsets[1:] > offsets[:-1]
    first, last = (np.zeros(len(masks), run_ends.dtype) for _ in range(2))
    first[filled] = run_ends[offsets[:-1][filled]]
    last[filled] = run_ends[offsets[1:][filled] - 1]
    to_end = (offsets[1:] - offsets[:-1]) % 2 == 1  # the last run reaches the image's last pixel
    begin, end = others.offsets[index], others.offsets[index + 1]
    # Runs begin at even flips: from the run that holds the first pixel, or is the first behind it.
    start = _bisect(others.run_ends, begin, end, first, behind=True)
    start = begin + (start - begin) // 2 * 2
    stop = np.where(to_end, end, _bisect(others.run_ends, begin, end, last, behind=False))
    lengths = np.where(filled, np.maximum(stop - start, 0), 0)
    cut = np.zeros(len(masks) + 1, np.int64)
    np.cumsum(lengths, out=cut[1:])
    source = np.repeat(start - cut[:-1], lengths) + np.arange(cut[-1])
    return masks & wrap((others.run_ends[source], cut), (height, width))


def _bisect(
    values: NDArray[np.unsignedinteger],
    begin: Indices,
    end: Indices,
    keys: NDArray[np.unsignedinteger],
    behind: bool,
) -> Indices:
    """Find in each ``values[begin:end]`` the first that is not less than a key, or is greater."""
    low, high = begin.copy(), end.copy()
    while len(active := np.flatnonzero(low < high)):
        middle = (low[active] + high[active]) // 2
        value, key = values[middle], keys[active]
        before = value <= key if behind else value < key
        low[active[before]] = middle[before] + 1
        high[active[~before]] = middle[~before]
    return low
