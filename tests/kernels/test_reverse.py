"""reverse: masks upside down, and left to right."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import dense
from support.util import (
    BOUNDARY_SIZES,
    agree,
    assert_batch,
    assert_identical,
    batch_of,
    batch_of_flips,
    every_mask,
    patterns,
    slow,
    stretched,
)

WAYS = [(True, False), (False, True), (True, True), (False, False)]


def turned(masks: np.ndarray, rows: bool, columns: bool) -> np.ndarray:
    return masks[:, :: -1 if rows else 1, :: -1 if columns else 1]


def assert_reverses(kernels, masks):
    batch = batch_of(masks)
    for rows, columns in WAYS:
        assert_batch(agree(kernels, "reverse", batch, rows, columns), turned(masks, rows, columns))


@pytest.mark.parametrize(
    "size", [(3, 3), (2, 4), (4, 2), (1, 8), (8, 1), (1, 1), (0, 3), (3, 0), slow((3, 4))]
)
def test_every_tiny_mask(kernels, size):
    assert_reverses(kernels, every_mask(*size))


@pytest.mark.parametrize("side", BOUNDARY_SIZES)
def test_patterns(kernels, side):
    assert_reverses(kernels, patterns(side, 5))
    assert_reverses(kernels, patterns(5, side))


@given(masks=dense(max_count=5))
def test_any_masks(kernels, masks):
    assert_reverses(kernels, masks)


@given(masks=dense(max_count=5), factor=st.sampled_from([2**26, 2**40]))
def test_large_masks(kernels, masks, factor):
    for rows, columns in WAYS:
        got = agree(kernels, "reverse", stretched(batch_of(masks), factor), rows, columns)
        expected = batch_of(turned(masks, rows, columns))
        assert_identical(got, stretched(expected, factor))


def test_whole_columns(kernels):
    """Few runs come of few runs, however many columns they span."""
    side, runs = 2**29, [2**30 - 3, 2**34 + 5]
    batch = batch_of_flips([[0], np.empty(0, int), runs], (side, side))
    pixels = side * side
    for rows, columns, flips in [
        (True, False, None),
        (False, True, None),
        (True, True, [pixels - runs[1], pixels - runs[0]]),
    ]:
        got = agree(kernels, "reverse", batch, rows, columns)
        assert len(got.run_ends) == 1 + (2 if flips else 6)
        if flips:
            assert_identical(got, batch_of_flips([[0], np.empty(0, int), flips], (side, side)))
