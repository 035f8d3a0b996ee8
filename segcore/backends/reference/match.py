"""Matching of predicted and true objects, and the precision-recall curves of the result."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from segcore._batch import Offsets


def match(
    ratios: NDArray[np.float64],
    groups_a: Offsets,
    groups_b: Offsets,
    ignored: NDArray[np.uint8],
    crowd: NDArray[np.uint8],
    claims: NDArray[np.uint8],
    thresholds: NDArray[np.float64],
) -> NDArray[np.int64]:
    """Match the predictions of each group to its true objects, in order."""
    matches = np.full((len(ignored), len(thresholds), len(claims)), -1, np.int64)
    groups = list(zip(pairwise(groups_a.tolist()), pairwise(groups_b.tolist()), strict=True))
    for row, is_ignored in enumerate(ignored):
        for t, threshold in enumerate(thresholds):
            taken = np.zeros(len(crowd), np.uint8)
            before = 0
            for (first, last), (start, stop) in groups:
                order = start + np.argsort(is_ignored[start:stop], kind="stable")
                for prediction in range(first, last):
                    ratio = dict(zip(range(start, stop), ratios[before:].tolist(), strict=False))
                    before += stop - start
                    least, found = min(threshold, 1 - 1e-10), -1
                    for true in order.tolist():
                        if taken[true] and not crowd[true]:
                            continue
                        if found >= 0 and is_ignored[true] and not is_ignored[found]:
                            break
                        if ratio[true] >= least:
                            least, found = ratio[true], true
                    if found >= 0:
                        matches[row, t, prediction] = found
                        taken[found] = claims[prediction]
    return matches


def precision_recall(
    matched: NDArray[np.uint64],
    ignored: NDArray[np.uint64],
    scores: NDArray[np.float64],
    num_true: int,
    num_thresholds: int,
    recalls: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Compute precision and score at each recall, and the final recall, for each threshold."""
    shape = (num_thresholds, len(recalls))
    precision_at, score_at = np.zeros(shape), np.zeros(shape)
    final = np.zeros(num_thresholds)
    for t in range(num_thresholds):
        is_match = (matched >> np.uint64(t) & np.uint64(1)) == 1
        counts = (ignored >> np.uint64(t) & np.uint64(1)) == 0
        right = np.cumsum(is_match & counts).astype(np.float64)
        wrong = np.cumsum(~is_match & counts).astype(np.float64)
        precision = right / (wrong + right + np.spacing(1))
        precision = np.maximum.accumulate(precision[::-1])[::-1]
        recall = right / num_true
        if len(recall):
            final[t] = recall[-1]
        rows = np.searchsorted(recall, recalls, side="left")
        beyond = np.flatnonzero(rows == len(recall))
        rows = rows[: beyond[0]] if len(beyond) else rows
        precision_at[t, : len(rows)] = precision[rows]
        score_at[t, : len(rows)] = scores[rows]
    return precision_at, score_at, final
