"""Matching of predicted and true objects, and the precision-recall curves of the result."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segcore._batch import Offsets
from segcore.backends.numba.compiled import Integers, compiled, uint64

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]
Bits = NDArray[np.uint64]


def match(
    ratios: Floats,
    groups_a: Offsets,
    groups_b: Offsets,
    ignored: Bytes,
    crowd: Bytes,
    claims: Bytes,
    thresholds: Floats,
) -> Integers:
    """Match the predictions of each group to its true objects, in order."""
    matches = np.full((len(ignored), len(thresholds), len(claims)), -1, np.int64)
    # Within a group, the objects that are not ignored come first.
    group = np.repeat(np.arange(len(groups_b) - 1), np.diff(groups_b))
    order = np.argsort(2 * group + ignored, axis=1, kind="stable")
    taken = np.zeros((len(ignored), len(thresholds), len(crowd)), np.uint8)
    groups = np.array(groups_a), np.array(groups_b)
    each = np.array(crowd), np.array(claims)
    _match(np.array(ratios), *groups, np.array(ignored), *each, np.array(thresholds), order, taken,
           matches)  # fmt: skip
    return matches


@compiled
def _match(
    ratios: Floats,
    groups_a: Offsets,
    groups_b: Offsets,
    ignored: Bytes,
    crowd: Bytes,
    claims: Bytes,
    thresholds: Floats,
    order: Integers,
    taken: Bytes,
    matches: Integers,
) -> None:
    group, before = 0, 0
    for prediction in range(claims.size):
        while groups_a[group + 1] <= prediction:
            group += 1
        start, stop = groups_b[group], groups_b[group + 1]
        for row in range(len(ignored)):
            for t in range(thresholds.size):
                least, found = min(thresholds[t], 1 - 1e-10), -1
                for true in order[row, start:stop]:
                    ratio = ratios[before + true - start]
                    if taken[row, t, true] and not crowd[true]:
                        continue
                    if found >= 0 and ignored[row, true] and not ignored[row, found]:
                        break
                    if ratio >= least:
                        least, found = ratio, true
                if found >= 0:
                    matches[row, t, prediction] = found
                    taken[row, t, found] = claims[prediction]
        before += stop - start


def precision_recall(
    matched: Bits,
    ignored: Bits,
    scores: Floats,
    ranks: Integers,
    classes: Integers,
    num_true: Integers,
    limits: Integers,
    num_thresholds: int,
    recalls: Floats,
) -> tuple[Floats, Floats, Floats]:
    """Compute precision and score at each recall, and the final recall, of each curve."""
    shape = (len(classes) - 1, len(num_true), len(limits), num_thresholds)
    precision_at, score_at = (np.full((*shape, len(recalls)), -1.0) for _ in range(2))
    final = np.full(shape, -1.0)
    _precision_recall(np.array(matched, np.uint64), np.array(ignored, np.uint64), np.array(scores),
                      np.array(ranks), np.array(classes), np.array(num_true), np.array(limits),
                      np.array(recalls), precision_at, score_at, final)  # fmt: skip
    return precision_at, score_at, final


@compiled
def _precision_recall(
    matched: Bits,
    ignored: Bits,
    scores: Floats,
    ranks: Integers,
    classes: Integers,
    num_true: Integers,
    limits: Integers,
    recalls: Floats,
    precision_at: Floats,
    score_at: Floats,
    final: Floats,
) -> None:
    precision, recall = np.empty(scores.size), np.empty(scores.size)
    scores_taken = np.empty(scores.size)
    for k, a, m, t in np.ndindex(final.shape):
        if num_true[a, k] == 0:
            continue
        right, wrong, count = 0.0, 0.0, 0
        for i in range(classes[k], classes[k + 1]):
            if ranks[i] >= limits[m]:
                continue
            if not ignored[a, i] >> uint64(t) & uint64(1):
                if matched[a, i] >> uint64(t) & uint64(1):
                    right += 1.0
                else:
                    wrong += 1.0
            precision[count] = right / (wrong + right + 2.220446049250313e-16)
            recall[count] = right / num_true[a, k]
            scores_taken[count] = scores[i]
            count += 1
        for i in range(count - 1, 0, -1):
            precision[i - 1] = max(precision[i - 1], precision[i])
        final[k, a, m, t] = recall[count - 1] if count else 0.0
        for r in range(recalls.size):
            i = np.searchsorted(recall[:count], recalls[r])
            precision_at[k, a, m, t, r] = precision[i] if i < count else 0.0
            score_at[k, a, m, t, r] = scores_taken[i] if i < count else 0.0
