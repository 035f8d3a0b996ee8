"""Suppression of duplicate detections: greedy, soft and matrix NMS, and merging in its place.

All of them work class by class, in blocks of rows of the matrix of overlaps, so that they take no
memory of N x N. Masks of different classes never meet. Many masks are divided further, into groups
that share no pixel with one another, so that the time for scattered masks is near-linear.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segcore.arrays import (
    as_fraction,
    as_integers,
    as_number,
    as_scores,
    described,
    fits_float64,
    ranked,
)
from segcore.backends import kernels
from segcore.masks import Masks, check_masks
from segcore.overlap import iou
from segcore.run_ends import closed_runs

Metric: TypeAlias = Literal["iou", "smaller"]
Decay: TypeAlias = Literal["linear", "gaussian"]

_DIVISORS = {"iou": 0, "smaller": 2}
"""What the overlap kernel divides common areas by, for each metric."""

_BLOCK = 256
"""Masks that greedy NMS compares with each other, and then with all those that follow."""

_MANY = 2**11
"""From this many masks on, groups are worth looking for."""

_PAIRS = 2**20
"""Pairs whose IoU soft and matrix NMS hold at a time (8 MB), or else one row or column."""


def nms(
    masks: Masks,
    scores: ArrayLike,
    iou_threshold: float,
    class_ids: ArrayLike | None = None,
    metric: Metric = "iou",
) -> NDArray[np.int64]:
    """Keep the best of masks that overlap: greedy non-maximum suppression.

    The masks are gone through from the best score to the worst, of equal scores the earlier one
    first. A mask is kept unless its overlap with one that was kept is greater than the threshold.

    Parameters
    ----------
    masks : Masks
        N masks.
    scores : array_like
        Numbers (N,).
    iou_threshold : float
        From 0 to 1. An overlap that equals it is no reason to drop a mask.
    class_ids : array_like, optional
        Integers (N,): masks of different classes do not suppress each other.
    metric : {"iou", "smaller"}
        What an overlap is: the intersection over the union, or over the area of the smaller mask
        (IoS), which also drops parts of larger masks. An empty mask overlaps with nothing.

    Returns
    -------
    numpy.ndarray
        int64: the indices of the masks that are kept, best first.

    Raises
    ------
    ValueError
        If there is not one score, or class, a mask, a score is NaN, the threshold is not from 0 to
        1, or the metric is unknown.
    TypeError
        If ``masks`` is no Masks, or the others are no numbers, or no integers.

    Notes
    -----
    The rule is that of ``torchvision.ops.nms`` and ``batched_nms``, on masks in place of boxes.

    Examples
    --------
    >>> import segcore as sc
    >>> masks = sc.Masks.from_boxes([[0, 0, 4, 4], [0, 0, 4, 3], [2, 0, 6, 4]], (4, 6))
    >>> sc.nms(masks, [0.8, 0.9, 0.7], 0.5)
    array([1, 2])
    >>> sc.nms(masks, [0.8, 0.9, 0.7], 0.5, class_ids=[1, 2, 1])
    array([1, 0, 2])
    """
    kept, _ = _suppress(masks, scores, iou_threshold, class_ids, metric)
    return kept


def merge_duplicates(
    masks: Masks,
    scores: ArrayLike,
    iou_threshold: float,
    class_ids: ArrayLike | None = None,
    metric: Metric = "iou",
) -> tuple[NDArray[np.int64], Masks, NDArray[np.int64]]:
    """Unite masks that overlap: non-maximum merging.

    :func:`nms` decides which masks are kept. Each mask that it drops is added to the first one,
    from the best on, that it is dropped for.

    Parameters
    ----------
    masks, scores, iou_threshold, class_ids, metric
        As in :func:`nms`. Overlaps are those of the masks that came in, before any is united.

    Returns
    -------
    kept : numpy.ndarray
        int64 (K,): the indices that :func:`nms` returns, best first.
    merged : Masks
        K masks: each kept one, united with those that were dropped for it.
    groups : numpy.ndarray
        int64 (N,): mask ``i`` became a part of ``merged[groups[i]]``.

    Raises
    ------
    ValueError, TypeError
        As :func:`nms`.

    Examples
    --------
    >>> import segcore as sc
    >>> masks = sc.Masks.from_boxes([[0, 0, 4, 4], [0, 0, 4, 3], [2, 0, 6, 4]], (4, 6))
    >>> kept, merged, groups = sc.merge_duplicates(masks, [0.8, 0.9, 0.7], 0.5)
    >>> kept, merged.area, groups
    (array([1, 2]), array([16, 16]), array([0, 0, 1]))
    """
    kept, keepers = _suppress(masks, scores, iou_threshold, class_ids, metric)
    places = np.empty(len(masks), np.int64)
    places[kept] = np.arange(len(kept))
    groups = places[keepers]

    sizes = np.bincount(groups, minlength=len(kept))
    members = np.split(np.argsort(groups, kind="stable"), np.cumsum(sizes)[:-1])
    several = np.flatnonzero(sizes > 1)
    unions = [masks[members[group]].union() for group in several]
    source = np.arange(len(kept))
    source[several] = len(kept) + np.arange(len(several))
    return kept, Masks.concatenate([masks[kept], *unions])[source], groups


def soft_nms(
    masks: Masks,
    scores: ArrayLike,
    iou_threshold: float = 0.5,
    sigma: float = 0.5,
    method: Decay = "linear",
    score_threshold: float = 0.001,
    class_ids: ArrayLike | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Lower the scores of masks that overlap with better ones: Soft-NMS.

    Each time the mask of the best score is taken from the rest (of equal scores the earlier one),
    and the scores of those that remain are multiplied by a weight that depends on their IoU with
    it, until no score reaches ``score_threshold``.

    Parameters
    ----------
    masks : Masks
        N masks.
    scores : array_like
        Numbers (N,), finite.
    iou_threshold : float, default 0.5
        From 0 to 1, for the linear method: where the IoU is at least this, the weight is
        ``1 - iou``, else 1.
    sigma : float, default 0.5
        Greater than 0, for the Gaussian method: the weight is ``exp(-iou**2 / sigma)``.
    method : {"linear", "gaussian"}
        The weight.
    score_threshold : float, default 0.001
        A mask whose score is less is never taken.
    class_ids : array_like, optional
        Integers (N,): masks of different classes do not lower each other's scores.

    Returns
    -------
    kept : numpy.ndarray
        int64 (K,): the indices of the masks that were taken, in that order.
    scores : numpy.ndarray
        float64 (K,): the scores that they had then.

    Raises
    ------
    ValueError
        If there is not one score, or class, a mask, a score is not finite, or a parameter is
        unknown or out of its range.
    TypeError
        If ``masks`` is no Masks, or the others are no numbers, or no integers.

    Notes
    -----
    Bodla, Singh, Chellappa, Davis: "Soft-NMS: Improving Object Detection With One Line of Code",
    ICCV 2017, equations 2 and 3.

    Examples
    --------
    >>> import segcore as sc
    >>> masks = sc.Masks.from_boxes([[0, 0, 4, 4], [0, 0, 4, 3], [2, 0, 6, 4]], (4, 6))
    >>> sc.soft_nms(masks, [0.8, 0.9, 0.7])
    (array([1, 2, 0]), array([0.9, 0.7, 0.2]))
    """
    check_masks(masks)
    numbers, ranks = _finite(scores, len(masks))
    groups = _members(_groups(masks, _ids(class_ids, len(masks))))
    threshold = as_fraction(iou_threshold, "iou_threshold")
    width = _positive(sigma, "sigma")
    _check_choice(method, Decay, "method")
    least = as_number(score_threshold, "score_threshold")

    def linear(a: Masks, b: Masks) -> NDArray[np.float64]:
        return 1 - iou(a, b, above=threshold)

    def gaussian(a: Masks, b: Masks) -> NDArray[np.float64]:
        return np.exp(np.square(iou(a, b)) / -width)

    weigh = linear if method == "linear" else gaussian
    # Scores that float64 cannot tell apart are equal: the best of them comes first.
    order = np.arange(len(masks)) if ranks is None else np.argsort(-ranks, kind="stable")
    place = np.empty_like(order)
    place[order] = np.arange(len(masks))
    groups = [np.sort(place[group]) for group in groups]
    alone = np.array([group[0] for group in groups if len(group) == 1], np.int64)
    alone = alone[numbers[order[alone]] >= least]
    taken = [sorted(zip((-numbers[order[alone]]).tolist(), alone.tolist(), strict=True))]
    # Groups do not meet, so the best of the rest is the best of what is next in each group.
    taken += [
        list(_take_softly(masks[order[group]], group, numbers[order[group]], weigh, least))
        for group in groups
        if len(group) > 1
    ]
    both = list(heapq.merge(*taken))
    return (
        order[np.array([index for _, index in both], np.int64)],
        -np.array([negative for negative, _ in both], np.float64),
    )


def matrix_nms(
    masks: Masks,
    scores: ArrayLike,
    class_ids: ArrayLike | None = None,
    kernel: Decay = "gaussian",
    sigma: float = 2.0,
) -> NDArray[np.float64]:
    """Lower the scores of masks that overlap with better ones, all at once: Matrix NMS.

    The score of mask ``j`` is multiplied by the least of ``f(iou(i, j)) / f(c(i))`` over all
    better masks ``i`` of its class, where ``c(i)`` is the greatest IoU of mask ``i`` with any that
    is better still: what is itself likely to be suppressed suppresses less. Of equal scores the
    earlier mask is the better one.

    Parameters
    ----------
    masks : Masks
        N masks.
    scores : array_like
        Numbers (N,), finite.
    class_ids : array_like, optional
        Integers (N,): masks of different classes do not lower each other's scores.
    kernel : {"gaussian", "linear"}
        ``f(iou)``: ``exp(-sigma * iou**2)``, or ``1 - iou``.
    sigma : float, default 2.0
        Greater than 0, for the Gaussian kernel.

    Returns
    -------
    numpy.ndarray
        float64 (N,): the lowered scores, in the order of the masks.

    Raises
    ------
    ValueError
        If there is not one score, or class, a mask, a score is not finite, the kernel is unknown,
        or sigma is not greater than 0.
    TypeError
        If ``masks`` is no Masks, or the others are no numbers, or no integers.

    Notes
    -----
    Wang, Zhang, Kong, Li, Shen: "SOLOv2: Dynamic and Fast Instance Segmentation", NeurIPS 2020,
    equation 5, with sigma as in the authors' code, where it multiplies. Where a mask ``i`` equals
    a better one, the linear kernel divides by ``f(1) = 0``: such a mask suppresses nothing there,
    as the one that it equals does.

    Examples
    --------
    >>> import segcore as sc
    >>> masks = sc.Masks.from_boxes([[0, 0, 4, 4], [0, 0, 4, 3], [2, 0, 6, 4]], (4, 6))
    >>> sc.matrix_nms(masks, [0.8, 0.9, 0.55], kernel="linear")
    array([0.2, 0.9, 0.4])
    """
    check_masks(masks)
    numbers, ranks = _finite(scores, len(masks))
    best_first = -numbers if ranks is None else -ranks
    groups = _members(_groups(masks, _ids(class_ids, len(masks))))
    _check_choice(kernel, Decay, "kernel")
    width = _positive(sigma, "sigma")
    for group in groups:
        if len(group) > 1:
            order = group[np.argsort(best_first[group], kind="stable")]
            numbers[order] *= _least_ratios(masks[order], kernel, width)
    return numbers


# -- groups ---------------------------------------------------------------------------------------


def _groups(masks: Masks, ids: NDArray[Any]) -> NDArray[Any]:
    """Return a group for each mask: masks of different groups do not influence each other.

    They are the classes ``ids``, and of many masks those of a class that a chain of masks connects
    in which each shares a pixel with the next.
    """
    if len(masks) < _MANY:
        return ids
    # In coordinates in which the runs of one class are followed by those of the next.
    bounds, offsets = closed_runs(masks.run_ends, masks.offsets, masks.size)
    positions, places = np.unique(bounds, return_inverse=True)
    owners = np.repeat(np.arange(len(masks)), np.diff(offsets) // 2)
    shifts = np.unique(ids, return_inverse=True)[1][owners] * len(positions)
    starts, stops = places[0::2] + shifts, places[1::2] + shifts
    # Runs form a stretch if each overlaps with one before it.
    order = np.argsort(starts, kind="stable")
    reach = np.maximum.accumulate(stops[order])
    first = np.flatnonzero(np.concatenate([starts[:1] >= 0, starts[order][1:] >= reach[:-1]]))
    stretch = np.empty(len(order), np.int64)
    stretch[order] = np.repeat(np.arange(len(first)), np.diff(first, append=len(order)))
    return _connected(owners, stretch, order, first, len(masks))


def _connected(
    owners: NDArray[np.int64],
    stretch: NDArray[np.int64],
    order: NDArray[np.int64],
    first: NDArray[np.int64],
    count: int,
) -> NDArray[np.int64]:
    """Return for each of ``count`` masks the least mask that shared stretches connect it with.

    Run k is of the mask ``owners[k]`` and the stretch ``stretch[k]``. Owners ascend, and
    ``order[first[i]:first[i + 1]]`` are the runs of stretch i.
    """
    least = np.arange(count)
    begins = np.flatnonzero(np.diff(owners, prepend=-1))
    while len(owners):
        of_stretch = np.minimum.reduceat(least[owners[order]], first)
        found = least.copy()
        found[owners[begins]] = np.minimum.reduceat(of_stretch[stretch], begins)
        np.minimum.at(found, least, found)  # whatever pointed there goes along
        found = found[found]
        if np.array_equal(found, least):
            break
        least = found
    return least


def _members(groups: NDArray[Any]) -> list[NDArray[np.int64]]:
    """Return the indices of the masks of each group, ascending."""
    if len(groups) == 0:
        return []
    order = np.argsort(groups, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(groups[order])) + 1)


# -- greedy ---------------------------------------------------------------------------------------


def _suppress(
    masks: Masks,
    scores: ArrayLike,
    iou_threshold: float,
    class_ids: ArrayLike | None,
    metric: Metric,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give the indices of the masks to keep, best first, and the keeper of each mask: (N,).

    A kept mask is its own keeper, another one's is the first kept mask that it is dropped for.
    """
    check_masks(masks)
    ranks = ranked(as_scores(scores, "scores", len(masks)))
    ids = _ids(class_ids, len(masks))
    threshold = as_fraction(iou_threshold, "iou_threshold")
    _check_choice(metric, Metric, "metric")

    groups = _groups(masks, ids)
    order = np.lexsort((-ranks, groups))  # group by group, best first
    in_order, groups = masks[order], groups[order]
    keepers = np.empty(len(masks), np.int64)
    for part in _parts(groups):
        chosen = _keepers(in_order[part], groups[part], threshold, _DIVISORS[metric])
        keepers[order[part]] = order[part][chosen]
    best_first = np.argsort(-ranks, kind="stable")
    return best_first[keepers[best_first] == best_first], keepers


def _parts(groups: NDArray[Any]) -> Iterator[slice]:
    """Divide sorted masks at the ends of groups, into parts of ``_BLOCK`` masks or more."""
    ends = np.flatnonzero(np.diff(groups)) + 1
    start = 0
    while start < len(groups):
        following = np.searchsorted(ends, start + _BLOCK)
        stop = int(ends[following]) if following < len(ends) else len(groups)
        yield slice(start, stop)
        start = stop


def _keepers(masks: Masks, ids: NDArray[Any], threshold: float, divisor: int) -> NDArray[np.int64]:
    """Find the keeper of each mask; the masks lie group by group, best first."""
    above = float(np.nextafter(threshold, 2))  # not less than this is greater than the threshold

    def overlapping(a: Masks, b: Masks) -> NDArray[np.bool_]:
        divisors = np.full(len(b), divisor, np.uint8)
        ends = a.run_ends, a.offsets, b.run_ends, b.offsets
        common = kernels.overlap(*ends, *a.size, above, divisors)
        return common.astype(np.bool_)

    keepers = np.full(len(masks), -1, np.int64)
    rest, places = masks, np.arange(len(masks))
    while len(places):
        block, here = rest[:_BLOCK], places[:_BLOCK]
        rest, places = rest[_BLOCK:], places[_BLOCK:]
        own = ids[here]
        meet = overlapping(block, block)
        meet &= own[:, None] == own
        kept = _keep(np.triu(meet, 1), here, keepers)

        # Other groups than the last one of the block end in it.
        kept = kept[own[kept] == own[-1]]
        following = places[: np.searchsorted(ids[places], own[-1], side="right")]
        if len(kept) and len(following):
            meet = overlapping(block[kept], rest[: len(following)])
            dropped = np.flatnonzero(meet.any(axis=0) & (keepers[following] < 0))
            keepers[following[dropped]] = here[kept[meet[:, dropped].argmax(axis=0)]]
        left = keepers[places] < 0
        if 2 * np.count_nonzero(left) < len(left):  # else it costs more to copy than to compare
            rest, places = rest[left], places[left]
    return keepers


def _keep(
    meet: NDArray[np.bool_], here: NDArray[np.int64], keepers: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Decide about the masks ``here`` that are still without a keeper; return which are kept.

    ``meet[i, j]``: mask ``i`` drops mask ``j``, which follows it, if it is kept.
    """
    found = keepers[here]
    undecided = found < 0
    for i in np.flatnonzero(meet.any(axis=1)):
        if undecided[i]:
            dropped = meet[i] & undecided
            found[dropped] = here[i]
            undecided &= ~dropped
    found[undecided] = here[undecided]
    keepers[here] = found
    return np.flatnonzero(undecided)


# -- soft -----------------------------------------------------------------------------------------


def _take_softly(
    masks: Masks,
    indices: NDArray[np.int64],
    scores: NDArray[np.float64],
    weigh: Callable[[Masks, Masks], NDArray[np.float64]],
    least: float,
) -> Iterator[tuple[float, int]]:
    """Take the masks of one group in order: pairs of the negative score and the index.

    ``indices`` ascend, so that of equal scores the mask of the lower index is taken first.
    """
    scores = scores.copy()
    left = np.ones(len(masks), np.bool_)
    rows: dict[int, NDArray[np.float64]] = {}
    for _ in range(len(masks)):
        now = np.where(left, scores, -np.inf)
        best = int(now.argmax())
        if now[best] < least:
            return
        if best not in rows:
            # The best of now are, for the most part, the next to be taken.
            ahead = np.argsort(-now, kind="stable")[: max(_PAIRS // len(masks), 1)]
            ahead = ahead[now[ahead] >= least]
            rows = dict(zip(ahead.tolist(), weigh(masks[ahead], masks), strict=True))
        yield -float(scores[best]), int(indices[best])
        left[best] = False
        scores *= rows.pop(best)


# -- matrix ---------------------------------------------------------------------------------------


def _least_ratios(masks: Masks, kernel: Decay, sigma: float) -> NDArray[np.float64]:
    """Give what to multiply the scores of one group by; its masks lie best first."""
    count = len(masks)
    ratios = np.ones(count)
    greatest = np.zeros(count)  # the IoU of each mask with better ones
    step = max(_PAIRS // count, 1)
    for start in range(0, count, step):
        columns = slice(start, min(start + step, count))
        ious = iou(masks[: columns.stop], masks[columns])
        ious[start:] = np.triu(ious[start:], 1)
        greatest[columns] = ious.max(axis=0)
        suppressors = greatest[: columns.stop, None]
        # The zeros below the diagonal give ratios of 1 or more, and the first row gives 1 or less.
        if kernel == "gaussian":
            np.square(ious, out=ious)
            ious -= np.square(suppressors)
            ratios[columns] = np.exp(-sigma * ious.max(axis=0))
        else:
            every = np.full_like(ious, np.inf)
            np.divide(1 - ious, 1 - suppressors, out=every, where=suppressors < 1)
            ratios[columns] = every.min(axis=0)
    return ratios


# -- checks ---------------------------------------------------------------------------------------


def _finite(scores: ArrayLike, count: int) -> tuple[NDArray[np.float64], NDArray[Any] | None]:
    """Return the scores as float64, and their ranks where float64 does not hold them exactly."""
    exact = as_scores(scores, "scores", count)
    with np.errstate(over="ignore"):  # a longdouble beyond float64 becomes infinite
        numbers = exact.astype(np.float64)
    infinite = np.flatnonzero(np.isinf(numbers))
    if len(infinite):
        raise ValueError(f"scores: the score of mask {infinite[0]} is infinite")
    return numbers, None if fits_float64(exact.dtype) else ranked(exact)


def _ids(class_ids: ArrayLike | None, count: int) -> NDArray[Any]:
    if class_ids is None:
        return np.zeros(count, np.int64)
    return as_integers(class_ids, "class_ids", count)


def _check_choice(value: object, choices: Any, name: str) -> None:
    if value not in get_args(choices):
        expected = " or ".join(f'"{choice}"' for choice in get_args(choices))
        raise ValueError(f"{name}: expected {expected}, got {described(value)}")


def _positive(value: float, name: str) -> float:
    number = as_number(value, name)
    if number <= 0:
        raise ValueError(f"{name}: expected a number greater than 0, got {number}")
    return number
