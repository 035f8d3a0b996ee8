"""Matching of predicted and true objects, and the precision-recall curves of the result."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

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
    matched: NDArray[Any],
    ignored: NDArray[Any],
    scores: NDArray[np.float64],
    ranks: NDArray[np.int64],
    classes: NDArray[np.int64],
    num_true: NDArray[np.int64],
    limits: NDArray[np.int64],
    num_thresholds: int,
    recalls: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Compute precision and score at each recall, and the final recall, of each curve."""
    shape = (len(classes) - 1, len(num_true), len(limits), num_thresholds)
    precision_at, score_at = (np.full((*shape, len(recalls)), -1.0) for _ in range(2))
    final = np.full(shape, -1.0)
    for k, a, m in np.ndindex(shape[:3]):
        if num_true[a, k]:
            start, stop = classes[k : k + 2].tolist()
            rows = start + np.flatnonzero(ranks[start:stop] < limits[m])
            for t in range(num_thresholds):
                is_match, is_ignored = (
                    (bits[a, rows] >> bits.dtype.type(t) & bits.dtype.type(1)) == 1
                    for bits in (matched, ignored)
                )
                precision_at[k, a, m, t], score_at[k, a, m, t], final[k, a, m, t] = _curve(
                    is_match, is_ignored, scores[rows], int(num_true[a, k]), recalls
                )
    return precision_at, score_at, final


def _curve(
    is_match: NDArray[np.bool_],
    is_ignored: NDArray[np.bool_],
    scores: NDArray[np.float64],
    num_true: int,
    recalls: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Compute precision and score at each recall, and the final recall, at one threshold."""
    precision_at, score_at = np.zeros(len(recalls)), np.zeros(len(recalls))
    right = np.cumsum(is_match & ~is_ignored).astype(np.float64)
    wrong = np.cumsum(~is_match & ~is_ignored).astype(np.float64)
    precision = right / (wrong + right + np.spacing(1))
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    recall = right / num_true
    rows = np.searchsorted(recall, recalls, side="left")
    beyond = np.flatnonzero(rows == len(recall))
    rows = rows[: beyond[0]] if len(beyond) else rows
    precision_at[: len(rows)] = precision[rows]
    score_at[: len(rows)] = scores[rows]
    return precision_at, score_at, float(recall[-1]) if len(recall) else 0.0
