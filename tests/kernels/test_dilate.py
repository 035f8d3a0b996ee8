"""dilate: masks grown by a shape."""

from __future__ import annotations

import math

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

from segcore.backends import reference


def disc(radius: int) -> np.ndarray:
    return np.array([math.isqrt(radius**2 - k**2) for k in range(radius + 1)], np.int64)


def grown(masks: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """Shift the masks to every place of the shape."""
    _, height, width = masks.shape
    result = np.zeros_like(masks)
    for dx in range(1 - len(reach), len(reach)):
        for dy in range(-reach[abs(dx)], reach[abs(dx)] + 1):
            to = np.s_[:, max(dy, 0) : height + min(dy, 0), max(dx, 0) : width + min(dx, 0)]
            of = np.s_[:, max(-dy, 0) : height + min(-dy, 0), max(-dx, 0) : width + min(-dx, 0)]
            result[to] |= masks[of]
    return result


def with_frame(masks: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """Grow the masks, and add what the shape reaches from beyond the edges."""
    rows, columns = reach[0], len(reach) - 1
    padded = np.pad(masks, ((0, 0), (rows, rows), (columns, columns)), constant_values=True)
    height, width = masks.shape[1:]
    return grown(padded, reach)[:, rows : rows + height, columns : columns + width]


def assert_grows(kernels, masks, reach):
    size = masks.shape[1:]
    shape = np.minimum(np.asarray(reach, np.int64), size[0])[: size[1] + 1]
    batch = batch_of(masks)
    assert_batch(agree(kernels, "dilate", batch, shape), grown(masks, shape))
    assert_batch(agree(kernels, "dilate", batch, shape, True), with_frame(masks, shape))


SHAPES = [[2, 1, 0], [0], [1], [1, 1], [1, 0], [2, 2, 2], [5, 0, 0, 0], [0, 0, 0], [4, 4, 4, 1, 1]]
SIZES = [(2, 3), (3, 3), (2, 4), (4, 2), (1, 8), (8, 1), (1, 1), (0, 3), (3, 0)]


@pytest.mark.parametrize(("reach", "size"), crossed(SHAPES, SIZES))
def test_every_tiny_mask(kernels, size, reach):
    assert_grows(kernels, every_mask(*size), reach)


@pytest.mark.parametrize("size", [(17, 33), slow((33, 17)), (64, 3), slow((3, 64))])
@pytest.mark.parametrize(
    "reach", [[1, 1], slow([7] * 8), disc(2), slow(disc(5)), disc(13), [16] * 40]
)
def test_patterns(kernels, size, reach):
    assert_grows(kernels, patterns(*size), reach)


def test_no_masks(kernels):
    assert_grows(kernels, np.zeros((0, 5, 7), bool), [2, 1])


def reaches(most: int) -> st.SearchStrategy[np.ndarray]:
    """Give shapes of any outline."""
    values = st.lists(st.integers(0, most), min_size=1, max_size=most)
    return values.map(lambda each: np.array(sorted(each, reverse=True), np.int64))


@given(masks=dense(max_count=5), reach=reaches(12))
def test_any_masks(kernels, masks, reach):
    assert_grows(kernels, masks, reach)


@pytest.mark.slow_on("numba")
@given(masks=dense(max_count=5), reach=reaches(5), factor=st.sampled_from([2**26, 2**40]))
def test_large_masks(kernels, masks, reach, factor):
    """What grows by whole high pixels is as before."""
    height, width = masks.shape[1:]
    reach = np.minimum(reach, height)[: max(width, 1)]
    batch = stretched(batch_of(masks), factor)
    result = agree(kernels, "dilate", batch, reach * factor)
    expected = batch_of(grown(masks, reach))
    assert_identical(result, stretched(expected, factor))


def test_a_wide_image(kernels):
    """The work does not depend on the number of columns."""
    size = 4, 2**40
    batch = batch_of_flips([[5, 7, 4 * 2**39 + 1, 4 * 2**39 + 2]], size)
    result = kernels.dilate(batch, np.array([1, 1, 1]))
    middle = 4 * 2**39
    columns = [0, 4, 8, 12]
    places = [each for x in columns for each in (x, x + 4)]
    places += [each for x in range(-8, 12, 4) for each in (middle + x, middle + x + 3)]
    assert_identical(result, batch_of_flips([[places[0], places[7], *places[8:]]], size))


def test_a_wide_image_with_a_frame(kernels):
    """Few runs come of few runs, however many columns they span."""
    batch = batch_of_flips([[], [0], [30, 33]], (3, 2**40))
    for reach in ([2, 2, 1], [2]):
        result = kernels.dilate(batch, np.array(reach), True)
        assert_identical(result, batch_of_flips([[0], [0], [0]], (3, 2**40)))


def test_a_far_reach(kernels):
    """Shifts are united in pairs: one by one, this would take a quarter of 2**26 steps."""
    radius = 2**12
    side = 2 * radius + 1
    middle = radius * side + radius
    batch = batch_of_flips([[middle, middle + 1]], (side, side))
    diamond = np.arange(radius, -1, -1)
    dilated = kernels.dilate(batch, diamond)
    columns = np.arange(side)
    rows = radius - abs(columns - radius)
    expected = np.stack([radius - rows, radius + rows + 1], 1) + columns[:, None] * side
    # The middle column fills the image's height: it follows no other run, and precedes none.
    assert dilated.run_ends.tolist() == expected.ravel().tolist()


@pytest.mark.parametrize("reach", [[], [-1], [1, 2], [6], [1] * 9, [2, 1, -1]])
def test_native_refuses_what_is_no_shape(kernels, reach):
    """The binder protects the kernel's memory; other backends have it checked by the API."""
    if not kernels.name.startswith("native"):
        pytest.skip("checked by the API")
    batch = batch_of(np.zeros((1, 5, 7), bool))
    with pytest.raises(ValueError, match="reach: expected"):
        kernels.dilate(batch, np.array(reach, np.int64))


def test_reference_is_the_definition():
    masks = np.zeros((1, 7, 7), bool)
    masks[0, 3, 3] = True
    batch = reference.dilate(batch_of(masks), np.array([2, 1, 0]))
    expected = abs(np.arange(-3, 4))[:, None] + abs(np.arange(-3, 4)) <= 2
    assert_batch(batch, expected[None])
