"""Which predictions belong to which true object."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segcore.masks import Masks
from segcore.ops.overlap import intersection, iou

CONFUSED = 0.5
"""A prediction of another class is this one's, mistaken, from this IoU on: TIDE's threshold."""


@dataclass(frozen=True)
class Match:
    """A true object, and the predictions of it: one of both may be missing.

    ``kind`` is ``"matched"``, ``"split"``, ``"confused"``, ``"missed"`` or ``"spurious"``.
    """

    kind: str
    truth: int | None
    predicted: tuple[int, ...]


def match(
    truth: Masks,
    predicted: Masks,
    same_class: NDArray[np.bool_],
    crowd: NDArray[np.bool_],
    threshold: float,
) -> list[Match]:
    """Match each true object, but for crowds, and each prediction, but for those that are in one.

    Parameters
    ----------
    truth, predicted : Masks
        N and M masks.
    same_class : numpy.ndarray
        bool (N, M).
    crowd : numpy.ndarray
        bool (N,).
    threshold : float
        The IoU from which on a prediction is of an object.

    Returns
    -------
    list of Match
        The true objects in their order, then the spurious predictions in theirs.
    """
    ious = iou(truth, predicted)
    ious[crowd] = 0
    found = {i: [j] for i, j in _greedy(np.where(same_class, ious, 0), threshold)}
    left = _without(range(len(predicted)), found)
    split = _pieces(truth, predicted, same_class & ~crowd[:, None], found, left, threshold)
    found |= split
    left = _without(left, split)

    other = np.where(same_class, 0, ious)
    other[list(found)] = 0
    other[:, [j for each in found.values() for j in each]] = 0
    confused = {i: [j] for i, j in _greedy(other, max(CONFUSED, threshold))}
    left = _without(left, confused)
    if crowd.any():
        inside = (intersection(truth[crowd], predicted) * same_class[crowd]).max(0)
        left = [j for j in left if 2 * inside[j] <= predicted[j].area[0]]

    result = []
    for i in np.flatnonzero(~crowd).tolist():
        kind = "confused" if i in confused else "split" if i in split else "matched"
        of_it = confused.get(i) or found.get(i)
        result.append(Match(kind if of_it else "missed", i, tuple(of_it or ())))
    return result + [Match("spurious", None, (j,)) for j in left]


def _without(left: range | list[int], found: dict[int, list[int]]) -> list[int]:
    taken = {j for each in found.values() for j in each}
    return [j for j in left if j not in taken]


def _greedy(ious: NDArray[np.float64], threshold: float) -> list[tuple[int, int]]:
    """Take pairs from the greatest IoU down, the first of equals, each row and column once."""
    rows, columns = np.nonzero((ious >= threshold) & (ious > 0))
    order = np.argsort(-ious[rows, columns], kind="stable")
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for i, j in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
        if i not in pairs and j not in taken:
            pairs[i] = j
            taken.add(j)
    return list(pairs.items())


def _pieces(
    truth: Masks,
    predicted: Masks,
    allowed: NDArray[np.bool_],
    found: dict[int, list[int]],
    left: list[int],
    threshold: float,
) -> dict[int, list[int]]:
    """Give the objects that were found in several pieces.

    A further piece of an object is a prediction of which more than half is in the object, where
    nothing else was found of it. Those are taken from the largest down.
    """
    inside = intersection(truth, predicted) * allowed
    area = predicted.area
    pieces: dict[int, list[int]] = {}
    united: dict[int, Masks] = {}
    for j in sorted(left, key=lambda j: -area[j]):
        i = int(inside[:, j].argmax()) if len(truth) else 0
        if not len(truth) or 2 * inside[i, j] <= area[j]:
            continue
        before = united.get(i)
        if before is None:
            before = predicted[found.get(i, [])].union()
        if 2 * ((predicted[j] & truth[i]) - before).area[0] > area[j]:
            pieces.setdefault(i, [*found.get(i, [])]).append(j)
            united[i] = before | predicted[j]
    return {
        i: each
        for i, each in pieces.items()
        if len(each) > 1 and iou(truth[i], united[i])[0, 0] >= threshold
    }
