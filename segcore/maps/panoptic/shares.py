"""Shares of areas, in the arithmetic of the rules."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore.maps.panoptic.inputs import Flags, Integers
from segcore.maps.panoptic.rules import PanopticRules


def most_taken(rules: PanopticRules, areas: Integers) -> Integers:
    """Give how many of a mask's pixels others may have: (N,).

    The share grows with the number: the last one at which it is not too large is found by
    bisection, between bounds that lie beyond all that rounding can do.
    """
    if rules.max_taken is None:
        return np.full(len(areas), np.iinfo(np.int64).max)
    limit = _threshold(rules, rules.max_taken)
    guess = np.clip(float(limit), -1, 2) * areas
    slack = 2 + abs(guess) * 2.0**-20
    low: Integers = (guess - slack).astype(np.int64).clip(-1, areas)
    high: Integers = (guess + slack).astype(np.int64).clip(-1, areas)
    for _ in range(int((high - low).max(initial=0)).bit_length()):
        middle = (low + high + 1) // 2
        fits = _share(rules, middle, areas) <= limit
        low, high = np.where(fits, middle, low), np.where(fits, high, middle - 1)
    return low


def wins_enough(rules: PanopticRules, won: Integers, confident: Integers) -> Flags:
    """Tell which queries win their share of the pixels of which they are confident."""
    if rules.min_won is None:
        return np.ones(len(won), np.bool_)
    share = _share(rules, won, confident)
    limit = _threshold(rules, rules.min_won)
    enough: Flags = share > limit if rules.min_won_above else share >= limit
    return enough


def _share(rules: PanopticRules, part: Integers, whole: Integers) -> NDArray[Any]:
    dtype = np.dtype(rules.share_dtype.split()[0])
    shares: NDArray[Any] = part.astype(dtype) / (
        np.maximum(whole, 1).astype(dtype) + dtype.type(rules.share_epsilon)
    )
    return shares


def _threshold(rules: PanopticRules, value: float) -> Any:
    """Give a threshold in the precision in which shares are compared with it."""
    return np.float32(value) if rules.share_dtype == "float32" else np.float64(value)
