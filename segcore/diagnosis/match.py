"""Matching of predictions to true objects."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from segcore.masks import Masks, unions
from segcore.ops.pairs import Indices, intersect_each, overlapping_pairs

SAME_OBJECT_IOU = 0.5
"""Minimum IoU of a confused object with its prediction, and of a duplicate with its object.

Both rules are those of TIDE (Bolya et al., 2020).
"""

KINDS = ("matched", "split", "confused", "merged", "missed", "spurious", "duplicate")
"""Kinds of findings, those of true objects first: see :class:`Finding`."""

EXTRA = ("spurious", "duplicate")
"""Kinds of findings about a prediction instead of a true object."""


@dataclass(frozen=True)
class Match:
    """A true object and its predictions, or an unmatched prediction."""

    kind: str
    truth: int | None
    predicted: tuple[int, ...]


@dataclass(frozen=True)
class Pairs:
    """Overlapping pairs of a true object and a prediction: one element per pair and array."""

    truth: Indices
    predicted: Indices
    common: NDArray[np.int64]
    iou: NDArray[np.float64]
    same_class: NDArray[np.bool_]

    def where(self, chosen: NDArray[np.bool_]) -> Pairs:
        """Return the chosen pairs."""
        return Pairs(
            self.truth[chosen],
            self.predicted[chosen],
            self.common[chosen],
            self.iou[chosen],
            self.same_class[chosen],
        )


@dataclass
class _Found:
    """The matches so far: the predictions and the kind of each object."""

    predictions: dict[int, list[int]] = field(default_factory=dict)
    kinds: dict[int, str] = field(default_factory=dict)

    def add(self, kind: str, found: dict[int, list[int]]) -> None:
        self.predictions |= found
        self.kinds |= dict.fromkeys(found, kind)

    def owners(self) -> dict[int, int]:
        """Return the object of each matched prediction."""
        return {j: i for i, members in self.predictions.items() for j in members}


def match(
    truth: Masks,
    predicted: Masks,
    classes: tuple[NDArray[np.integer], NDArray[np.integer]],
    crowd: NDArray[np.bool_],
    ranking: NDArray[np.int64],
    usable: NDArray[np.bool_],
    threshold: float,
    judged: NDArray[np.bool_],
) -> list[Match]:
    """Match true objects and predictions by the rules of :func:`segcore.diagnose`.

    Parameters
    ----------
    truth, predicted : Masks
        N true and M predicted masks.
    classes : tuple of numpy.ndarray
        Class ids: integers, shapes (N,) and (M,).
    crowd : numpy.ndarray
        Whether a true mask is a crowd region: bool, shape (N,).
    ranking : numpy.ndarray
        Ranks of the predictions' scores, greater is better: int64, shape (M,).
    usable : numpy.ndarray
        Whether a prediction is matched at all: bool, shape (M,).
    threshold : float
        Minimum IoU of a prediction with its object of the same class.
    judged : numpy.ndarray
        Whether a prediction that matches no object is a finding: bool, shape (M,).

    Returns
    -------
    list of Match
        One per true object except crowds, in order; then one per prediction without an object.
    """
    every = _pairs(truth, predicted, classes)
    every = every.where(usable[every.predicted])
    pairs = every.where(~crowd[every.truth])
    own = pairs.where(pairs.same_class)

    found = _Found()
    found.add("matched", {i: [j] for i, j in _greedy(own, ranking, threshold)})
    free = usable.copy()
    free[list(found.owners())] = False
    found.add("split", _splits(truth, predicted, own, ranking, found, free, threshold))
    free[list(found.owners())] = False

    objects = ~crowd
    objects[list(found.predictions)] = False
    other = pairs.where(~pairs.same_class & free[pairs.predicted] & objects[pairs.truth])
    confused = {i: [j] for i, j in _greedy(other, ranking, max(SAME_OBJECT_IOU, threshold))}
    twice = own.where(~objects[own.truth] & (own.iou >= SAME_OBJECT_IOU))
    found.add("confused", confused)
    owners = found.owners()
    free[list(owners)] = False
    objects[list(confused)] = False

    in_crowd = every.where(crowd[every.truth] & every.same_class & free[every.predicted])
    inside = 2 * in_crowd.common > predicted.area[in_crowd.predicted]
    usable = usable.copy()
    usable[in_crowd.predicted[inside]] = False
    free &= usable

    covering = own.where(objects[own.truth] & usable[own.predicted])
    found.add("merged", _merged(truth, predicted, covering, ranking, found, owners))
    result = [
        Match(found.kinds.get(i, "missed"), i, tuple(found.predictions.get(i, ())))
        for i in np.flatnonzero(~crowd).tolist()
    ]
    originals = _best(twice.predicted, twice.truth, (twice.iou,))
    for j in np.flatnonzero(free & judged).tolist():
        original = originals.get(j)
        result.append(Match("spurious" if original is None else "duplicate", original, (j,)))
    return result


def _pairs(
    truth: Masks,
    predicted: Masks,
    classes: tuple[NDArray[np.integer], NDArray[np.integer]],
) -> Pairs:
    i, j, common = overlapping_pairs(truth, predicted)
    iou = common / (truth.area[i] + predicted.area[j] - common)
    same = classes[0][i] == classes[1][j]
    return Pairs(i, j, common, iou, same)


def _greedy(pairs: Pairs, ranking: NDArray[np.int64], threshold: float) -> list[tuple[int, int]]:
    """Choose pairs by decreasing IoU, each object and each prediction once.

    Ties are broken by the best score, then by the lowest indices.
    """
    pairs = pairs.where(pairs.iou >= threshold)
    order = np.lexsort((pairs.predicted, pairs.truth, -ranking[pairs.predicted], -pairs.iou))
    chosen: dict[int, int] = {}
    taken: set[int] = set()
    for i, j in zip(pairs.truth[order].tolist(), pairs.predicted[order].tolist(), strict=True):
        if i not in chosen and j not in taken:
            chosen[i] = j
            taken.add(j)
    return list(chosen.items())


def _best(
    keys: Indices, values: Indices, measures: tuple[NDArray[np.number], ...]
) -> dict[int, int]:
    """Choose a value per key, by the greatest measures in turn, then by the least value."""
    order = np.lexsort((values, *(-measure for measure in reversed(measures)), keys))
    firsts = order[np.flatnonzero(np.diff(keys[order], prepend=-1))]
    return dict(zip(keys[firsts].tolist(), values[firsts].tolist(), strict=True))


def _splits(
    truth: Masks,
    predicted: Masks,
    own: Pairs,
    ranking: NDArray[np.int64],
    found: _Found,
    free: NDArray[np.bool_],
    threshold: float,
) -> dict[int, list[int]]:
    """Find the objects that several predictions cover in parts.

    Free predictions are tried by decreasing area. One is a further part of an object if more than
    half of it lies in the object, outside of the predictions that the object has already.
    """
    area = predicted.area
    own = own.where(free[own.predicted])
    home = _best(own.predicted, own.truth, (own.common,))
    common = dict(
        zip(
            zip(own.truth.tolist(), own.predicted.tolist(), strict=True),
            own.common.tolist(),
            strict=True,
        )
    )
    covered = {j: common[i, j] for j, i in home.items() if 2 * common[i, j] > area[j]}
    if not covered:
        return {}
    candidates = sorted(covered, key=lambda j: (-area[j], -ranking[j], j))
    meets = _neighbors(predicted, candidates, [j for i in found.predictions.values() for j in i])
    members: dict[int, list[int]] = {}
    for j in candidates:
        i = home[j]
        before = members.get(i) or found.predictions.get(i, [])
        new = covered[j]
        if overlapping := meets[j].intersection(before):
            alone = predicted[j] - predicted[sorted(overlapping)].union()
            new = int(intersect_each(alone, truth, np.array([i])).area[0])
        if 2 * new > area[j]:
            members.setdefault(i, list(before)).append(j)
    several = {i: group for i, group in members.items() if len(group) > 1}
    rows = np.array(list(several), np.int64)
    parts = unions(predicted, [tuple(group) for group in several.values()])
    objects = truth[rows]
    shared = (objects & parts).area
    enough = shared / (objects.area + parts.area - shared) >= threshold
    return {i: several[i] for i in rows[enough].tolist()}


def _neighbors(masks: Masks, of: list[int], others: list[int]) -> dict[int, set[int]]:
    """Return, per index in `of`, the indices in `of` and `others` of overlapping masks."""
    rows, columns = np.array(of, np.int64), np.array([*of, *others], np.int64)
    i, j, _ = overlapping_pairs(masks[rows], masks[columns])
    result: dict[int, set[int]] = defaultdict(set)
    for row, column in zip(rows[i].tolist(), columns[j].tolist(), strict=True):
        result[row].add(column)
    return result


def _merged(
    truth: Masks,
    predicted: Masks,
    pairs: Pairs,
    ranking: NDArray[np.int64],
    found: _Found,
    owners: dict[int, int],
) -> dict[int, list[int]]:
    """Find the objects without predictions that are merged with another object.

    More than half of such an object is covered by a prediction of its class. The prediction belongs
    to another object (whose pixels do not count), or covers more than half of several such objects.
    """
    pairs = pairs.where(2 * pairs.common > truth.area[pairs.truth])
    owner = np.array([owners.get(j, -1) for j in pairs.predicted.tolist()], np.int64)
    owned = owner >= 0
    common = pairs.common.copy()
    shared = intersect_each(truth[pairs.truth[owned]], predicted, pairs.predicted[owned])
    common[owned] -= intersect_each(shared, truth, owner[owned]).area
    several = np.bincount(pairs.predicted, minlength=len(predicted))[pairs.predicted] > 1
    good = np.where(owned, 2 * common > truth.area[pairs.truth], several)
    chosen = pairs.where(good)
    best = _best(chosen.truth, chosen.predicted, (chosen.common, ranking[chosen.predicted]))
    return {i: [j] for i, j in best.items()}
