"""cover: masks of another size, by the covered share of each pixel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import dense
from support.util import (
    agree,
    assert_batch,
    assert_identical,
    batch_of,
    batch_of_flips,
    crossed,
    every_mask,
    patterns,
    slow,
    stretched,
)


def areas(masks: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Cut each pixel into parts of one unit of area, and add up those of each output pixel."""
    n, rows, columns = masks.shape
    height, width = size
    units = masks.repeat(height, axis=1).repeat(width, axis=2)
    return units.reshape(n, height, rows, width, columns).sum(axis=(2, 4))


def assert_covers(kernels, masks, size, limits=None):
    covered, pixels = areas(masks, size), masks.shape[1] * masks.shape[2]
    for limit in limits or {1, (pixels + 1) // 2, max(pixels - 1, 1), pixels}:
        got = agree(kernels, "cover", batch_of(masks), *size, limit)
        assert_batch(got, covered >= limit)


SIZES = [(3, 3), (2, 4), (4, 2), (1, 8), (8, 1), (1, 1)]
RESULTS = [(2, 2), (3, 3), (5, 7), (1, 1), (9, 2), (2, 9), (4, 3)]


@pytest.mark.parametrize(("size", "result"), crossed(SIZES, RESULTS))
def test_every_tiny_mask(kernels, size, result):
    assert_covers(kernels, every_mask(*size), result)


@pytest.mark.parametrize("size", [(17, 33), (64, 3), slow((33, 17)), slow((3, 64))])
@pytest.mark.parametrize("result", [(16, 16), (65, 40), (5, 97), slow((97, 5)), slow((33, 34))])
def test_patterns(kernels, size, result):
    assert_covers(kernels, patterns(*size), result)


@given(
    masks=dense(max_count=3),
    size=st.tuples(st.integers(1, 12), st.integers(1, 12)),
    share=st.floats(0, 1),
)
def test_any_masks(kernels, masks, size, share):
    pixels = masks.shape[1] * masks.shape[2]
    if pixels:
        assert_covers(kernels, masks, size, [max(int(share * pixels), 1)])


def test_no_pixels(kernels):
    batch = batch_of(np.zeros((2, 0, 3), bool))
    assert_batch(agree(kernels, "cover", batch, 0, 7, 1), np.zeros((2, 0, 7), bool))
    batch = batch_of(np.ones((2, 2, 3), bool))
    assert_batch(agree(kernels, "cover", batch, 0, 7, 1), np.zeros((2, 0, 7), bool))


@pytest.mark.parametrize("factor", [2**20, 2**28])
def test_large_masks(kernels, factor):
    masks = patterns(6, 7)
    large = stretched(batch_of(masks), factor)
    for limit in (1, 21, 42):
        got = agree(kernels, "cover", large, 4, 3, limit * factor)
        assert_batch(got, areas(masks, (4, 3)) >= limit)


def test_whole_columns(kernels):
    """Few runs come of few runs, however many columns they span."""
    if not kernels.name.startswith("native"):
        pytest.skip("these look at every column")
    side = 2**28
    batch = batch_of_flips([[0], [side, 2**20 * side]], (side, side))
    got = kernels.cover(batch, 2**10, 2**27, 1)
    assert_identical(got, batch_of_flips([[0], [0, 2**19 * 2**10]], (2**10, 2**27)))
    got = kernels.cover(batch, 2**10, 2**27, 2**55 + 1)
    assert_identical(got, batch_of_flips([[0], [2**10, 2**19 * 2**10]], (2**10, 2**27)))
