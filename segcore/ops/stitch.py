"""Join instances that the tiles of a canvas cut into parts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segcore._batch import Batch, joined, offsets_of, spread
from segcore._gather import taken
from segcore._input.arrays import (
    Size,
    as_array,
    as_fraction,
    as_integers,
    as_label_map,
    as_scores,
    as_size,
    described,
)
from segcore._input.integer_boxes import as_integer_boxes
from segcore.backends import kernels
from segcore.backends.protocol import OR
from segcore.masks import Masks, unwrap, wrap
from segcore.ops.tiles import placed, read_tiles

Rule: TypeAlias = Literal["iou", "ios", "contact", "sahi", "cellpose"]
Merge: TypeAlias = Literal["union", "greedy", "best"]
Integers: TypeAlias = NDArray[np.int64]
Pairs: TypeAlias = tuple[Integers, Integers]

_PAIRS = 2**20
"""Number of pairs of parts whose ratios are in memory at a time (8 MB)."""


class _Rule(NamedTuple):
    """How the parts of two tiles are compared."""

    threshold: float
    """Default of the parameter."""
    divisor: int | None
    """Denominator code of the overlap kernels; None compares boxes."""
    is_one_to_one: bool = False


_RULES = {
    "iou": _Rule(0.5, 0),
    "ios": _Rule(0.5, 2),
    "contact": _Rule(0.5, 0),
    "sahi": _Rule(0.5, None),
    "cellpose": _Rule(0.25, 0, is_one_to_one=True),
}


class _Parts(NamedTuple):
    """The parts in all tiles, sorted by tile."""

    batch: Batch
    """P parts on the canvas."""
    boxes: Integers
    """Their bounding boxes x0 y0 x1 y1: shape (P, 4)."""
    class_ids: NDArray[Any]
    offsets: Integers
    """First part of each tile, and P: shape (T + 1,)."""

    def within(self, tile: int, region: Sequence[int]) -> Integers:
        """Return the indices of the parts in a tile whose bounding boxes overlap a region."""
        first, stop = self.offsets[tile : tile + 2].tolist()
        x0, y0, x1, y1 = self.boxes[first:stop].T
        left, top, right, bottom = region
        found = np.flatnonzero((x0 < right) & (x1 > left) & (y0 < bottom) & (y1 > top))
        found += first
        return found


def stitch(
    parts: Iterable[Any],
    boxes: ArrayLike,
    size: Iterable[int],
    scores: Iterable[ArrayLike] | None = None,
    class_ids: Iterable[ArrayLike] | None = None,
    rule: Rule = "iou",
    threshold: float | None = None,
    merge: Merge = "union",
) -> tuple[Integers, Masks, Integers]:
    """Join instances that were found in the tiles of a canvas.

    An instance at the border of a tile is found in several tiles, in each of them in part. Parts
    that match are joined.

    Parameters
    ----------
    parts : iterable
        Instances of each of T tiles, in the coordinates of the tile: `Masks` of its size (h, w), an
        array of shape (n, h, w) as in :meth:`Masks.from_dense`, or a label map, an array of
        integers of shape (h, w) in which 0 is the background. The iterable is read once, so it may
        be a generator, and only the run ends of each tile are kept.
    boxes : array_like of int
        Boxes x0 y0 x1 y1 of the tiles on the canvas: shape (T, 4), such as from :func:`tiles`. They
        may extend beyond the canvas.
    size : sequence of int
        Size (H, W) of the canvas.
    scores : iterable of array_like, optional
        Scores of the parts in each tile: T arrays of shape (n,). The scores of a tile are read
        after its part, so a generator may append them to the list passed here.
    class_ids : iterable of array_like, optional
        Class ids of the parts in each tile: T arrays of integers of shape (n,). Parts of different
        classes do not match. By default, all parts have the same class.
    rule : {"iou", "ios", "contact", "sahi", "cellpose"}
        Which parts match:

        - ``"iou"``: those of two tiles whose intersection over union, within the area that both
          tiles cover, is at least `threshold`. Where two tiles touch without overlapping, and no
          third tile covers both sides of the seam, the parts are compared along the seam: the
          pixels at which both parts reach it, over those at which at least one does;
        - ``"ios"``: the same with intersection over the smaller area;
        - ``"contact"``: as ``"iou"``, but no tiles may overlap, so that only seams count;
        - ``"sahi"``: those, also of one tile, whose bounding boxes have an intersection over the
          smaller area of at least `threshold`, as in SAHI's ``IOS``;
        - ``"cellpose"``: as ``"iou"``, but a part matches at most one part of another tile, as in
          Cellpose's ``stitch3D``.
    threshold : float, optional
        Threshold of the rule, in [0, 1]. With 0, a common pixel is enough. The default is 0.25 for
        ``"cellpose"`` and 0.5 for the others.
    merge : {"union", "greedy", "best"}, default "union"
        What becomes of parts that match:

        - ``"union"``: all parts that are connected by a chain of matches are united;
        - ``"greedy"``: parts are visited by descending score. Each part that is not taken is united
          with all those that match it and are not taken, as in SAHI's ``GREEDYNMM``;
        - ``"best"``: the same, but only the part with the highest score is kept, as in SAHI's
          ``NMS``.

    Returns
    -------
    kept : numpy.ndarray
        Index of the best part of each instance, among the parts of all tiles in the order in which
        they came: int64, shape (N,). ``np.concatenate(scores)[kept]`` are the scores of the
        instances.
    masks : Masks
        N instances of size (H, W), by descending score; those with the same score, or all if there
        are no scores, by the bounding boxes of their best parts. Pixels beyond the canvas are cut
        off, so that an instance may be empty.
    groups : numpy.ndarray
        Index of the instance that each part belongs to: int64, shape (P,), for P parts.

    Raises
    ------
    ValueError
        If `boxes` or `size` is invalid, the number of tiles differs, masks do not have the size of
        their tile, there is not one score or class id per part, a score is NaN, or `threshold` is
        not in [0, 1]. If `rule` or `merge` is unknown, `merge` needs scores and there are none, or
        tiles overlap with ``rule="contact"``.
    TypeError
        If an argument or a part has the wrong type.

    See Also
    --------
    tiles : Boxes of tiles that cover an image.
    merge_duplicates : Merge masks that overlap, on one image.
    Masks.from_tiles : Unite the parts of masks that are known to belong together.

    Notes
    -----
    Time and memory grow with the number of run ends. The result does not depend on the order of the
    tiles, as long as their boxes differ: parts with the same score are visited by bounding box x0
    y0 x1 y1 and then by tile, by y0 and x0.

    ``rule="sahi", merge="greedy"`` matches the same parts as SAHI's ``GREEDYNMM`` with the metric
    ``IOS``. While SAHI unites them, it compares them again, and drops those that no longer match.
    Here, no part is dropped.

    Examples
    --------
    A bar is cut by the seam between two tiles that share two columns:

    >>> import segcore as sc
    >>> boxes = sc.tiles((3, 10), tile=6, overlap=2)
    >>> left = sc.Masks.from_boxes([[3, 1, 6, 2]], (3, 6))
    >>> right = sc.Masks.from_boxes([[0, 1, 4, 2], [5, 0, 6, 1]], (3, 6))
    >>> kept, masks, groups = sc.stitch([left, right], boxes, (3, 10), scores=[[0.9], [0.8, 0.7]])
    >>> masks.boxes
    array([[ 3,  1,  8,  2],
           [ 9,  0, 10,  1]])
    >>> kept, groups
    (array([0, 2]), array([0, 0, 1]))
    """
    canvas = as_size(size)
    corners = as_integer_boxes(boxes, "boxes")
    _check_choice(rule, Rule, "rule")
    _check_choice(merge, Merge, "merge")
    if merge != "union" and scores is None:
        raise ValueError(f'scores: needed with merge="{merge}", which visits the best parts first')
    limit = _RULES[rule].threshold if threshold is None else as_fraction(threshold, "threshold")
    # In an order that does not depend on that in which the tiles come.
    order = np.lexsort(corners.T[[2, 3, 0, 1]])
    seams = list(_seams(corners[order], rule, canvas))

    batches, ranks, ids = _read(parts, corners, canvas, scores, class_ids)
    starts = offsets_of([len(batch.offsets) - 1 for batch in batches])
    offsets = offsets_of(np.diff(starts)[order])
    index = spread(starts[order], offsets)  # of each part, in the order in which it came
    batch = joined([batches[t] for t in order.tolist()] or [unwrap(Masks([], [0], canvas))])
    del batches
    found = _Parts(batch, kernels.boxes(batch), ids[index], offsets)

    pairs = [_matches(found, seam, _RULES[rule], limit) for seam in seams]
    i, j = (np.concatenate([np.zeros(0, np.int64), *(pair[k] for pair in pairs)]) for k in (0, 1))
    best_first = np.lexsort((*found.boxes.T[::-1], -ranks[index]))
    # From here on, parts are numbered by rank.
    rank = np.empty_like(best_first)
    rank[best_first] = np.arange(len(rank))
    keepers = (_connected if merge == "union" else _taken)(rank[i], rank[j], len(rank))
    kept, groups = np.unique(keepers, return_inverse=True)
    members = kept if merge == "best" else np.argsort(groups, kind="stable")
    sizes = np.ones_like(kept) if merge == "best" else np.bincount(groups, minlength=len(kept))
    masks = kernels.reduce(taken(batch, best_first[members]), OR, offsets_of(sizes))
    group_of = np.empty_like(groups)
    group_of[index[best_first]] = groups
    return index[best_first[kept]], wrap(masks), group_of


# -- input ----------------------------------------------------------------------------------------


def _read(
    parts: Iterable[Any],
    corners: Integers,
    canvas: Size,
    scores: Iterable[ArrayLike] | None,
    class_ids: Iterable[ArrayLike] | None,
) -> tuple[list[Batch], Integers, Integers]:
    """Return the masks of each tile on the canvas, and codes of the scores and ids of all parts."""
    batches: list[Batch] = []
    columns = {
        "scores": (as_scores, None if scores is None else iter(scores)),
        "class_ids": (as_integers, None if class_ids is None else iter(class_ids)),
    }
    values: dict[str, list[NDArray[Any]]] = {name: [] for name in columns}
    for tile, batch in enumerate(read_tiles(parts, corners, _as_batch)):
        batches.append(placed(batch, corners[tile], canvas))
        count = len(batch.offsets) - 1
        for name, (convert, arrays) in columns.items():
            if arrays is None:
                values[name].append(np.zeros(count, np.int64))
                continue
            try:
                array = next(arrays)
            except StopIteration:
                raise ValueError(f"{name}: expected one array per tile, got {tile}") from None
            values[name].append(convert(array, f"{name}[{tile}]", count))
    for name, (_, arrays) in columns.items():
        if arrays is not None and next(arrays, arrays) is not arrays:
            raise ValueError(f"{name}: expected {len(corners)} arrays, one per tile, got more")
    return batches, _codes(values["scores"]), _codes(values["class_ids"])


def _as_batch(part: Any, size: Size) -> Batch:
    """Convert the instances of a tile, which has the given size, to a batch."""
    if isinstance(part, Masks):
        if part.size != size:
            raise ValueError(f"expected masks of size {size}, got {part.size}")
        return unwrap(part)
    array = as_array(part, "part")
    if array.ndim == 2 and array.dtype.kind in "iu":
        return unwrap(Masks.from_label_map(as_label_map(array, "labels", size))[1])
    if array.dtype.kind == "f":
        raise TypeError(
            f"expected masks or labels, got {array.dtype}; compare scores of pixels first, such as "
            "part > 0.5"
        )
    return unwrap(Masks.from_dense(part, size=size))


def _codes(arrays: list[NDArray[Any]]) -> Integers:
    """Replace the numbers in all arrays by their ranks among the distinct numbers."""
    if len({array.dtype for array in arrays}) > 1:  # whose common dtype may round
        arrays = [np.array(array.tolist(), object) for array in arrays]
    if not arrays:
        return np.zeros(0, np.int64)
    return np.unique(np.concatenate(arrays), return_inverse=True)[1].reshape(-1)


def _check_choice(value: object, choices: Any, name: str) -> None:
    if value not in get_args(choices):
        *others, last = (f'"{choice}"' for choice in get_args(choices))
        raise ValueError(f"{name}: expected {', '.join(others)} or {last}, got {described(value)}")


# -- matches --------------------------------------------------------------------------------------


class _Seam(NamedTuple):
    """Two tiles, and the region x0 y0 x1 y1 of each in which their parts are compared."""

    tiles: tuple[int, int]
    regions: tuple[Sequence[int], Sequence[int]]


def _seams(corners: Integers, rule: str, canvas: Size) -> Iterator[_Seam]:
    """Yield the pairs of neighboring tiles whose parts are compared, the first one first."""
    corners = np.minimum(np.maximum(corners, 0), (canvas[1], canvas[0], canvas[1], canvas[0]))
    filled = np.all(corners[:, 2:] > corners[:, :2], axis=1)
    for second in np.flatnonzero(filled).tolist():
        box = corners[second]
        starts = np.maximum(corners[:, :2], box[:2])
        lengths = np.minimum(corners[:, 2:], box[2:]) - starts
        near = np.flatnonzero(filled & (lengths >= 0).all(axis=1) & (lengths > 0).any(axis=1))
        neighbors = corners[near]
        for first in near[near < second].tolist():
            (x, y), (w, h) = starts[first].tolist(), lengths[first].tolist()
            if w and h:
                if rule == "contact":
                    raise ValueError(
                        'rule: "contact" is for tiles that do not overlap, but those with the '
                        f'boxes {corners[first].tolist()} and {box.tolist()} do; use "iou" or "ios"'
                    )
                yield _Seam((first, second), ((x, y, x + w, y + h),) * 2)
                continue
            # The pixels before and after the seam, left and right of it or above and below.
            before = (x - (w == 0), y - (h == 0), x + w, y + h)
            after = (x, y, x + max(w, 1), y + max(h, 1))
            is_covered = np.all(neighbors[:, :2] <= before[:2], axis=1)
            is_covered &= np.all(neighbors[:, 2:] >= after[2:], axis=1)
            if rule != "sahi" and not is_covered.any():
                is_before = corners[first, 2] == x if w == 0 else corners[first, 3] == y
                yield _Seam((first, second), (before, after) if is_before else (after, before))
        if rule == "sahi":
            yield _Seam((second, second), (box.tolist(),) * 2)


def _matches(parts: _Parts, seam: _Seam, rule: _Rule, limit: float) -> Pairs:
    """Return the parts i of one tile and j of the other that match."""
    (s, t), (region_s, region_t) = seam
    i, j = parts.within(s, region_s), parts.within(t, region_t)
    if not len(i) or not len(j):
        return i[:0], j[:0]
    ratios = _box_ratios if rule.divisor is None else _mask_ratios
    found = []
    step = max(_PAIRS // len(j), 1)
    for start in range(0, len(i), step):
        rows = i[start : start + step]
        table = ratios(parts, rows, j, seam, rule, limit)
        table[parts.class_ids[rows][:, None] != parts.class_ids[j]] = 0
        row, column = np.nonzero(table)
        found.append((start + row, column, table[row, column]))
    row, column, ratio = (np.concatenate(blocks) for blocks in zip(*found, strict=True))
    if s == t:
        earlier = row < column
        row, column, ratio = row[earlier], column[earlier], ratio[earlier]
    if rule.is_one_to_one:
        best = np.zeros(len(i))
        np.maximum.at(best, row, ratio)
        row, column, ratio = (values[ratio == best[row]] for values in (row, column, ratio))
        order = np.lexsort((row, -ratio, column))
        chosen = order[np.unique(column[order], return_index=True)[1]]
        row, column = row[chosen], column[chosen]
    return i[row], j[column]


def _mask_ratios(
    parts: _Parts, i: Integers, j: Integers, seam: _Seam, rule: _Rule, limit: float
) -> NDArray[np.float64]:
    """Divide the intersections in the regions of two tiles: shape (len(i), len(j))."""
    a, b = (
        _cropped(taken(parts.batch, indices), region)
        for indices, region in zip((i, j), seam.regions, strict=True)
    )
    return kernels.overlap_ratios(a, b, limit, np.full(len(j), rule.divisor, np.uint8))


def _cropped(batch: Batch, region: Sequence[int]) -> Batch:
    x0, y0, x1, y1 = region
    count = len(batch.offsets) - 1
    return kernels.place(batch, np.full(count, -x0), np.full(count, -y0), y1 - y0, x1 - x0)


def _box_ratios(
    parts: _Parts, i: Integers, j: Integers, seam: _Seam, rule: _Rule, limit: float
) -> NDArray[np.float64]:
    """Divide the intersections of bounding boxes by the smaller areas: shape (len(i), len(j))."""
    a, b = parts.boxes[i][:, None], parts.boxes[j]
    common = np.minimum(a[..., 2:], b[:, 2:]) - np.maximum(a[..., :2], b[:, :2])
    smaller = np.minimum((a[..., 2:] - a[..., :2]).prod(-1), (b[:, 2:] - b[:, :2]).prod(-1))
    ratios: NDArray[np.float64] = common.clip(0).prod(-1) / smaller
    ratios[ratios < limit] = 0
    return ratios


# -- merging --------------------------------------------------------------------------------------


def _connected(i: Integers, j: Integers, count: int) -> Integers:
    """Return the lowest number of the parts that a chain of pairs connects each part with."""
    least = np.arange(count)
    while True:
        lower = np.minimum(least[i], least[j])
        found = least.copy()
        for k in (i, j):
            np.minimum.at(found, least[k], lower)  # whatever pointed there goes along
        found = found[found]
        if np.array_equal(found, least):
            return least
        least = found


def _taken(i: Integers, j: Integers, count: int) -> Integers:
    """Return the part that takes each part: in ascending order, each that is free takes others."""
    first, second = np.minimum(i, j), np.maximum(i, j)
    order = np.lexsort((second, first))
    keepers = list(range(count))
    for keeper, other in zip(first[order].tolist(), second[order].tolist(), strict=True):
        if keepers[keeper] == keeper and keepers[other] == other:
            keepers[other] = keeper
    return np.array(keepers, np.int64)
