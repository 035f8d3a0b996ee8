"""Suppression of duplicate detections: greedy NMS, Soft-NMS, Matrix NMS, and merging.

All functions process one class at a time and compute the overlap matrix in blocks, so memory does
not grow with N x N. Masks of different classes never suppress each other. Large batches are divided
further, into groups that share no pixel with one another, so the time for scattered masks is
near-linear.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segcore._input.arrays import (
    as_fraction,
    as_integers,
    as_number,
    as_scores,
    described,
    fits_float64,
    ranked,
)
from segcore.backends import kernels
from segcore.backends.runs import connected
from segcore.masks import Masks, check_masks, unwrap
from segcore.ops.overlap import iou

Metric: TypeAlias = Literal["iou", "smaller"]
Decay: TypeAlias = Literal["linear", "gaussian"]

_DIVISORS = {"iou": 0, "smaller": 2}
"""Denominator code of the overlap kernel for each metric."""

_BLOCK = 256
"""Number of masks that greedy NMS compares with each other, and then with all later masks."""

_MANY = 2**11
"""From this many masks on, groups are worth looking for."""

_PAIRS = 2**20
"""Number of IoUs that Soft-NMS and Matrix NMS store at a time (8 MB), unless a row is longer."""


def nms(
    masks: Masks,
    scores: ArrayLike,
    iou_threshold: float,
    class_ids: ArrayLike | None = None,
    metric: Metric = "iou",
) -> NDArray[np.int64]:
    """Perform greedy non-maximum suppression on masks.

    Masks are visited in order of descending score; ties keep the input order. A mask is suppressed
    if its overlap with a mask that was kept before is greater than `iou_threshold`.

    Parameters
    ----------
    masks : Masks
        N masks.
    scores : array_like
        Score of each mask, shape (N,).
    iou_threshold : float
        Overlap, measured by `metric`, above which a mask is suppressed, in [0, 1].
    class_ids : array_like, optional
        Class id of each mask: integers, shape (N,). Masks of different classes do not suppress each
        other. By default, all masks have the same class.
    metric : {"iou", "smaller"}, default "iou"
        Measure of overlap: intersection over union, or intersection over the area of the smaller
        mask, which also suppresses parts of larger masks. The overlap with an empty mask is 0.

    Returns
    -------
    numpy.ndarray
        Indices of the masks that are kept, by descending score: int64, shape (K,).

    Raises
    ------
    ValueError
        If `scores` or `class_ids` does not have shape (N,), a score is NaN, `iou_threshold` is not
        in [0, 1], or `metric` is unknown.
    TypeError
        If `masks` is not a `Masks`, the scores are not numeric, or the class ids are not integers.

    See Also
    --------
    merge_duplicates : Merge the suppressed masks into those that are kept.

    Notes
    -----
    The algorithm is that of torchvision's ``nms`` and ``batched_nms``, with masks instead of boxes.

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
    """Merge masks that overlap (non-maximum merging).

    Masks are kept and suppressed as by :func:`nms`. Each suppressed mask is merged into the kept
    mask that suppresses it. If several do, it is merged into the one with the highest score.

    Parameters
    ----------
    masks : Masks
        N masks.
    scores : array_like
        Score of each mask, shape (N,).
    iou_threshold : float
        Overlap, measured by `metric`, above which a mask is suppressed, in [0, 1]. Overlaps are
        computed between the input masks, before any merging.
    class_ids : array_like, optional
        Class id of each mask: integers, shape (N,). Masks of different classes are not merged. By
        default, all masks have the same class.
    metric : {"iou", "smaller"}, default "iou"
        Measure of overlap: intersection over union, or intersection over the area of the smaller
        mask.

    Returns
    -------
    kept : numpy.ndarray
        Indices of the masks that are kept, by descending score: int64, shape (K,).
    merged : Masks
        K masks: the union of each kept mask with the masks that it suppresses.
    groups : numpy.ndarray
        Index into `merged` of the mask that contains each input mask: int64, shape (N,).

    Raises
    ------
    ValueError
        If `scores` or `class_ids` does not have shape (N,), a score is NaN, `iou_threshold` is not
        in [0, 1], or `metric` is unknown.
    TypeError
        If `masks` is not a `Masks`, the scores are not numeric, or the class ids are not integers.

    See Also
    --------
    nms : Only suppress the masks.

    Examples
    --------
    >>> import segcore as sc
    >>> masks = sc.Masks.from_boxes([[0, 0, 4, 4], [0, 0, 4, 3], [2, 0, 6, 4]], (4, 6))
    >>> kept, merged, groups = sc.merge_duplicates(masks, [0.8, 0.9, 0.7], 0.5)
    >>> kept, merged.area, groups
    (array([1, 2]), array([16, 16]), array([0, 0, 1]))
    """
    kept, keepers = _suppress(masks, scores, iou_threshold, class_ids, metric)
    group_of = np.empty(len(masks), np.int64)
    group_of[kept] = np.arange(len(kept))
    groups = group_of[keepers]
    _, merged = masks.union_by(groups)
    return kept, merged, groups


def soft_nms(
    masks: Masks,
    scores: ArrayLike,
    iou_threshold: float = 0.5,
    sigma: float = 0.5,
    decay: Decay = "linear",
    score_threshold: float = 0.001,
    class_ids: ArrayLike | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Perform Soft-NMS: decay the scores of masks that overlap masks with higher scores.

    Repeatedly, the mask with the highest score is selected (the first one in a tie), and the score
    of each remaining mask is multiplied by a weight that depends on its IoU with the selected mask.
    This ends when all remaining scores are below `score_threshold`.

    Parameters
    ----------
    masks : Masks
        N masks.
    scores : array_like
        Score of each mask, finite, shape (N,).
    iou_threshold : float, default 0.5
        IoU threshold of the linear decay, in [0, 1]: the weight is ``1 - iou`` if the IoU is at
        least `iou_threshold`, and 1 otherwise. Not used by the Gaussian decay.
    sigma : float, default 0.5
        Width of the Gaussian decay, greater than 0: the weight is ``exp(-iou**2 / sigma)``. Not
        used by the linear decay.
    decay : {"linear", "gaussian"}, default "linear"
        Decay function, which determines the weight.
    score_threshold : float, default 0.001
        Minimum decayed score of the masks that are kept.
    class_ids : array_like, optional
        Class id of each mask: integers, shape (N,). Masks of different classes do not decay each
        other's scores. By default, all masks have the same class.

    Returns
    -------
    kept : numpy.ndarray
        Indices of the masks that are kept, by descending decayed score: int64, shape (K,).
    scores : numpy.ndarray
        Decayed scores of the masks that are kept: float64, shape (K,).

    Raises
    ------
    ValueError
        If `scores` or `class_ids` does not have shape (N,), a score is not finite, `decay` is
        unknown, `iou_threshold` is not in [0, 1], or `sigma` is not greater than 0.
    TypeError
        If `masks` is not a `Masks`, the scores are not numeric, or the class ids are not integers.

    References
    ----------
    N. Bodla et al., "Soft-NMS: Improving Object Detection With One Line of Code", ICCV 2017,
    equations 2 and 3.

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
    scale = _positive(sigma, "sigma")
    _check_choice(decay, Decay, "decay")
    min_score = as_number(score_threshold, "score_threshold")

    def linear(a: Masks, b: Masks) -> NDArray[np.float64]:
        return 1 - iou(a, b, min_iou=threshold)

    def gaussian(a: Masks, b: Masks) -> NDArray[np.float64]:
        return np.exp(np.square(iou(a, b)) / -scale)

    weight = linear if decay == "linear" else gaussian
    # Positions in this order break ties: among scores that are equal as float64, the greater first.
    order = np.arange(len(masks)) if ranks is None else np.argsort(-ranks, kind="stable")
    position = np.empty_like(order)
    position[order] = np.arange(len(masks))
    groups = [np.sort(position[group]) for group in groups]
    alone = np.array([group[0] for group in groups if len(group) == 1], np.int64)
    alone = alone[numbers[order[alone]] >= min_score]
    selected = [sorted(zip((-numbers[order[alone]]).tolist(), alone.tolist(), strict=True))]
    # Groups are independent of each other, so their selections can be merged by score.
    selected += [
        list(_select(masks[order[group]], group, numbers[order[group]], weight, min_score))
        for group in groups
        if len(group) > 1
    ]
    merged = list(heapq.merge(*selected))
    return (
        order[np.array([index for _, index in merged], np.int64)],
        -np.array([negative_score for negative_score, _ in merged], np.float64),
    )


def matrix_nms(
    masks: Masks,
    scores: ArrayLike,
    class_ids: ArrayLike | None = None,
    decay: Decay = "gaussian",
    sigma: float = 2.0,
) -> NDArray[np.float64]:
    """Perform Matrix NMS: decay the scores of all masks at once.

    Only masks of the same class affect each other. Let c(i) be the greatest IoU of mask i with a
    mask of higher score, or 0 if there is none. The score of mask j is multiplied by the minimum of
    ``f(iou(i, j)) / f(c(i))`` over all masks i of higher score, or by 1 if there are none. Masks
    that are likely to be suppressed themselves thus suppress less. In a tie, the first mask counts
    as the one with the higher score.

    Parameters
    ----------
    masks : Masks
        N masks.
    scores : array_like
        Score of each mask, finite, shape (N,).
    class_ids : array_like, optional
        Class id of each mask: integers, shape (N,). Masks of different classes do not decay each
        other's scores. By default, all masks have the same class.
    decay : {"gaussian", "linear"}, default "gaussian"
        Decay function ``f(iou)``: ``exp(-sigma * iou**2)`` or ``1 - iou``.
    sigma : float, default 2.0
        Parameter of the Gaussian decay, greater than 0.

    Returns
    -------
    numpy.ndarray
        Decayed score of each mask, in input order: float64, shape (N,).

    Raises
    ------
    ValueError
        If `scores` or `class_ids` does not have shape (N,), a score is not finite, `decay` is
        unknown, or `sigma` is not greater than 0.
    TypeError
        If `masks` is not a `Masks`, the scores are not numeric, or the class ids are not integers.

    Notes
    -----
    As in the authors' code, the exponent is multiplied by `sigma`; the paper divides by it. If mask
    i equals a mask with a higher score, the linear decay would divide by ``f(1) = 0``; mask i is
    then ignored, since the mask that it equals has the same effect.

    References
    ----------
    X. Wang et al., "SOLOv2: Dynamic and Fast Instance Segmentation", NeurIPS 2020, equation 5.

    Examples
    --------
    >>> import segcore as sc
    >>> masks = sc.Masks.from_boxes([[0, 0, 4, 4], [0, 0, 4, 3], [2, 0, 6, 4]], (4, 6))
    >>> sc.matrix_nms(masks, [0.8, 0.9, 0.55], decay="linear")
    array([0.2, 0.9, 0.4])
    """
    check_masks(masks)
    numbers, ranks = _finite(scores, len(masks))
    best_first = -numbers if ranks is None else -ranks
    groups = _members(_groups(masks, _ids(class_ids, len(masks))))
    _check_choice(decay, Decay, "decay")
    scale = _positive(sigma, "sigma")
    for group in groups:
        if len(group) > 1:
            order = group[np.argsort(best_first[group], kind="stable")]
            numbers[order] *= _min_ratios(masks[order], decay, scale)
    return numbers


# -- groups ---------------------------------------------------------------------------------------


def _groups(masks: Masks, ids: NDArray[Any]) -> NDArray[Any]:
    """Return a group for each mask: masks of different groups do not influence each other.

    These are the classes `ids`, or in large batches, the connected masks of each class.
    """
    return ids if len(masks) < _MANY else connected(unwrap(masks), ids)


def _members(groups: NDArray[Any]) -> list[NDArray[np.int64]]:
    """Return the indices of the masks of each group, ascending."""
    if len(groups) == 0:
        return []
    order = np.argsort(groups, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(groups[order])) + 1)


# -- greedy NMS -----------------------------------------------------------------------------------


def _suppress(
    masks: Masks,
    scores: ArrayLike,
    iou_threshold: float,
    class_ids: ArrayLike | None,
    metric: Metric,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the indices of the kept masks, by descending score, and the keeper of each mask.

    The keeper of a suppressed mask is the mask with the highest score that suppresses it; a kept
    mask is its own keeper.
    """
    check_masks(masks)
    ranks = ranked(as_scores(scores, "scores", len(masks)))
    ids = _ids(class_ids, len(masks))
    threshold = as_fraction(iou_threshold, "iou_threshold")
    _check_choice(metric, Metric, "metric")

    groups = _groups(masks, ids)
    order = np.lexsort((-ranks, groups))
    in_order, groups = masks[order], groups[order]
    keepers = np.empty(len(masks), np.int64)
    for part in _parts(groups):
        chosen = _keepers(in_order[part], groups[part], threshold, _DIVISORS[metric])
        keepers[order[part]] = order[part][chosen]
    by_score = np.argsort(-ranks, kind="stable")
    return by_score[keepers[by_score] == by_score], keepers


def _parts(groups: NDArray[Any]) -> Iterator[slice]:
    """Divide sorted masks at the ends of groups, into parts of ``_BLOCK`` masks or more."""
    if len(groups) <= _BLOCK:  # the rest takes longer than comparing a few masks
        yield slice(0, len(groups))
        return
    ends = np.flatnonzero(np.diff(groups)) + 1
    start = 0
    while start < len(groups):
        following = np.searchsorted(ends, start + _BLOCK)
        stop = int(ends[following]) if following < len(ends) else len(groups)
        yield slice(start, stop)
        start = stop


def _keepers(masks: Masks, ids: NDArray[Any], threshold: float, divisor: int) -> NDArray[np.int64]:
    """Return the keeper of each mask, for masks sorted by group and then by descending score."""
    above = float(np.nextafter(threshold, 2))  # `>= above` is `> threshold`

    def overlapping(a: Masks, b: Masks) -> NDArray[np.bool_]:
        divisors = np.full(len(b), divisor, np.uint8)
        common = kernels.overlap(unwrap(a), unwrap(b), above, divisors)
        return common.astype(np.bool_)

    keepers = np.full(len(masks), -1, np.int64)
    rest, rest_indices = masks, np.arange(len(masks))
    while len(rest_indices):
        block, block_indices = rest[:_BLOCK], rest_indices[:_BLOCK]
        rest, rest_indices = rest[_BLOCK:], rest_indices[_BLOCK:]
        block_ids = ids[block_indices]
        suppresses = overlapping(block, block)
        suppresses &= block_ids[:, None] == block_ids
        kept = _suppress_block(np.triu(suppresses, 1), block_indices, keepers)

        # Only the last group of the block can continue after it.
        kept = kept[block_ids[kept] == block_ids[-1]]
        following = rest_indices[: np.searchsorted(ids[rest_indices], block_ids[-1], side="right")]
        if len(kept) and len(following):
            suppresses = overlapping(block[kept], rest[: len(following)])
            dropped = np.flatnonzero(suppresses.any(axis=0) & (keepers[following] < 0))
            keepers[following[dropped]] = block_indices[kept[suppresses[:, dropped].argmax(axis=0)]]
        undecided = keepers[rest_indices] < 0
        # Unless most masks are suppressed, copying the rest costs more than comparing all.
        if 2 * np.count_nonzero(undecided) < len(undecided):
            rest, rest_indices = rest[undecided], rest_indices[undecided]
    return keepers


def _suppress_block(
    suppresses: NDArray[np.bool_], indices: NDArray[np.int64], keepers: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Write the keepers of the masks at `indices` that have none yet; return which are kept.

    If ``suppresses[i, j]`` and mask i of the block is kept, it suppresses mask j, a later one.
    """
    block_keepers = keepers[indices]
    undecided = block_keepers < 0
    for i in np.flatnonzero(suppresses.any(axis=1)):
        if undecided[i]:
            dropped = suppresses[i] & undecided
            block_keepers[dropped] = indices[i]
            undecided &= ~dropped
    block_keepers[undecided] = indices[undecided]
    keepers[indices] = block_keepers
    return np.flatnonzero(undecided)


# -- Soft-NMS -------------------------------------------------------------------------------------


def _select(
    masks: Masks,
    indices: NDArray[np.int64],
    scores: NDArray[np.float64],
    weight: Callable[[Masks, Masks], NDArray[np.float64]],
    min_score: float,
) -> Iterator[tuple[float, int]]:
    """Yield the selected masks of one group as pairs (negative decayed score, index).

    `indices` are ascending, so that ties are resolved in input order.
    """
    scores = scores.copy()
    remaining = np.ones(len(masks), np.bool_)
    weights: dict[int, NDArray[np.float64]] = {}
    for _ in range(len(masks)):
        current = np.where(remaining, scores, -np.inf)
        best = int(current.argmax())
        if current[best] < min_score:
            return
        if best not in weights:
            # Compute the rows of the highest scores ahead: most of them are selected next.
            ahead = np.argsort(-current, kind="stable")[: max(_PAIRS // len(masks), 1)]
            ahead = ahead[current[ahead] >= min_score]
            weights = dict(zip(ahead.tolist(), weight(masks[ahead], masks), strict=True))
        yield -float(scores[best]), int(indices[best])
        remaining[best] = False
        scores *= weights.pop(best)


# -- Matrix NMS -----------------------------------------------------------------------------------


def _min_ratios(masks: Masks, decay: Decay, sigma: float) -> NDArray[np.float64]:
    """Return the score factors for masks of one group, sorted by descending score."""
    count = len(masks)
    ratios = np.ones(count)
    greatest = np.zeros(count)  # IoU of each mask with any mask of higher score
    step = max(_PAIRS // count, 1)
    for start in range(0, count, step):
        columns = slice(start, min(start + step, count))
        ious = iou(masks[: columns.stop], masks[columns])
        ious[start:] = np.triu(ious[start:], 1)
        greatest[columns] = ious.max(axis=0)
        compensation = greatest[: columns.stop, None]
        # The zeros on and below the diagonal give ratios of at least 1, and the first row gives at
        # most 1, so they do not change the minimum.
        if decay == "gaussian":
            np.square(ious, out=ious)
            ious -= np.square(compensation)
            ratios[columns] = np.exp(-sigma * ious.max(axis=0))
        else:
            quotients = np.full_like(ious, np.inf)
            np.divide(1 - ious, 1 - compensation, out=quotients, where=compensation < 1)
            ratios[columns] = quotients.min(axis=0)
    return ratios


# -- validation -----------------------------------------------------------------------------------


def _finite(scores: ArrayLike, count: int) -> tuple[NDArray[np.float64], NDArray[Any] | None]:
    """Return the scores as float64, and their ranks if float64 does not hold them exactly."""
    exact = as_scores(scores, "scores", count)
    with np.errstate(over="ignore"):  # a longdouble beyond float64 becomes infinite
        numbers = exact.astype(np.float64)
    infinite = np.flatnonzero(np.isinf(numbers))
    if len(infinite):
        raise ValueError(
            f"scores: expected finite numbers, but the score of mask {infinite[0]} is infinite"
        )
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
