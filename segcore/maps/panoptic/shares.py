"""Ratios of areas and their thresholds, in the floating-point precision of the rules."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore.maps.panoptic.inputs import BoolArray, IntArray
from segcore.maps.panoptic.rules import PanopticRules


def max_overlaps(rules: PanopticRules, areas: IntArray) -> IntArray:
    """Return the maximum number of covered pixels with which each mask is kept: shape (N,).

    The share is monotonic in the number of pixels, so the largest allowed number is found by
    bisection, between bounds that allow for any rounding error.
    """
    if rules.max_taken is None:
        return np.full(len(areas), np.iinfo(np.int64).max)
    limit = _threshold(rules, rules.max_taken)
    guess = np.clip(float(limit), -1, 2) * areas
    slack = 2 + abs(guess) * 2.0**-20
    low: IntArray = (guess - slack).astype(np.int64).clip(-1, areas)
    high: IntArray = (guess + slack).astype(np.int64).clip(-1, areas)
    for _ in range(int((high - low).max(initial=0)).bit_length()):
        middle = (low + high + 1) // 2
        fits = _share(rules, middle, areas) <= limit
        low, high = np.where(fits, middle, low), np.where(fits, high, middle - 1)
    return low


def wins_enough(rules: PanopticRules, won: IntArray, confident: IntArray) -> BoolArray:
    """Return which queries win the required share of their confident pixels: bool, shape (N,)."""
    if rules.min_won is None:
        return np.ones(len(won), np.bool_)
    share = _share(rules, won, confident)
    limit = _threshold(rules, rules.min_won)
    enough: BoolArray = share > limit if rules.min_won_strict else share >= limit
    return enough


def _share(rules: PanopticRules, part: IntArray, whole: IntArray) -> NDArray[Any]:
    dtype = np.dtype(rules.share_dtype.split()[0])
    shares: NDArray[Any] = part.astype(dtype) / (
        np.maximum(whole, 1).astype(dtype) + dtype.type(rules.share_epsilon)
    )
    return shares


def _threshold(rules: PanopticRules, value: float) -> Any:
    """Return a threshold in the precision in which it is compared with shares."""
    return np.float32(value) if rules.share_dtype == "float32" else np.float64(value)
