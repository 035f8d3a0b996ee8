"""resize: masks of another size, by the nearest pixel."""

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


def taken(inputs: int, outputs: int, centers: bool) -> np.ndarray:
    """Give the input row of each output row."""
    rows = np.arange(outputs)
    return (2 * rows + 1) * inputs // (2 * outputs) if centers else rows * inputs // outputs


def resized(masks: np.ndarray, size: tuple[int, int], centers: bool) -> np.ndarray:
    if 0 in size:
        return np.zeros((len(masks), *size), bool)
    rows = taken(masks.shape[1], size[0], centers)
    return masks[:, rows][:, :, taken(masks.shape[2], size[1], centers)]


def assert_resizes(kernels, masks, size):
    for centers in (False, True):
        got = agree(kernels, "resize", batch_of(masks), *size, centers)
        assert_batch(got, resized(masks, size, centers))


SIZES = [(3, 3), (2, 4), (4, 2), (1, 8), (8, 1), (1, 1)]
RESULTS = [(3, 3), (2, 2), (5, 7), (1, 1), (9, 2), (2, 9), (0, 3), (3, 0), (4, 3)]


@pytest.mark.parametrize(("size", "result"), crossed(SIZES, RESULTS))
def test_every_tiny_mask(kernels, size, result):
    assert_resizes(kernels, every_mask(*size), result)


@pytest.mark.parametrize("size", [(17, 33), (64, 3), slow((33, 17)), slow((3, 64))])
@pytest.mark.parametrize("result", [(16, 16), (65, 129), (5, 97), (97, 5), slow((33, 34))])
def test_patterns(kernels, size, result):
    assert_resizes(kernels, patterns(*size), result)


@given(masks=dense(max_count=4), height=st.integers(0, 40), width=st.integers(0, 40))
def test_any_masks(kernels, masks, height, width):
    if masks.shape[1] * masks.shape[2] == 0:
        width = 0
    assert_resizes(kernels, masks, (height, width))


def test_no_pixels(kernels):
    for size in [(0, 3), (3, 0), (0, 0)]:
        assert_resizes(kernels, np.zeros((2, *size), bool), (0, 7))


@pytest.mark.parametrize("factor", [2**20, 2**28])
def test_large_masks(kernels, factor):
    """Run ends get wider, or narrower."""
    masks = patterns(5, 7)
    batch, large = batch_of(masks), stretched(batch_of(masks), factor)
    for centers in (False, True):
        assert_identical(agree(kernels, "resize", batch, 5 * factor, 7, centers), large)
        assert_identical(agree(kernels, "resize", large, 5, 7, centers), batch)
        twice = stretched(batch_of(resized(masks, (10, 7), False)), factor // 2)
        assert_identical(agree(kernels, "resize", large, 5 * factor, 7, centers), twice)


def test_whole_columns(kernels):
    """Few runs come of few runs, however many columns they span."""
    side = 2**28
    batch = batch_of_flips([[0], [side, 2**20 * side]], (side, side))
    got = agree(kernels, "resize", batch, 2**10, 2**27, False)
    # Column 1 alone is taken by none.
    expected = [[0], [2**10, 2**19 * 2**10]]
    assert_identical(got, batch_of_flips(expected, (2**10, 2**27)))


@pytest.mark.parametrize(
    ("size", "result"), [((3, 0), (1, 1)), ((2**40, 1), (2**21, 1)), ((1, 2**50), (1, 2**12))]
)
def test_native_refuses_other_sizes(kernels, size, result):
    if not kernels.name.startswith("native"):
        pytest.skip("checked by the API")
    for name, option in (("resize", False), ("cover", 1)):
        with pytest.raises(ValueError, match="size: expected sides"):
            getattr(kernels, name)(batch_of_flips([[]], size), *result, option)
