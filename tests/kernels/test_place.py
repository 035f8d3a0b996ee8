"""place: masks on a canvas of another size."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import dense, sizes
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


def placed(masks: np.ndarray, x: np.ndarray, y: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Copy each image to its place on a canvas with wide margins, and cut them off."""
    n, height, width = masks.shape
    result = np.zeros((n, *size), bool)
    for i in range(n):
        canvas = np.zeros((size[0] + 2 * height, size[1] + 2 * width), bool)
        top, left = y[i] + height, x[i] + width
        canvas[top : top + height, left : left + width] = masks[i]
        result[i] = canvas[height : height + size[0], width : width + size[1]]
    return result


def assert_places(kernels, masks, x, y, size):
    n, height, width = masks.shape
    x = np.broadcast_to(np.clip(x, -width, size[1]), n).astype(np.int64)
    y = np.broadcast_to(np.clip(y, -height, size[0]), n).astype(np.int64)
    got = agree(kernels, "place", batch_of(masks), x, y, *size)
    assert_batch(got, placed(masks, x, y, size))


MOVES = [(0, 0), (1, 0), (0, 1), (-1, -1), (2, -1), (-9, 9), (9, 0), (0, -9)]
CANVASES = [(3, 3), (2, 4), (5, 1), (1, 5), (7, 6), (0, 3), (3, 0)]


@pytest.mark.parametrize(("move", "canvas"), crossed(MOVES, CANVASES))
@pytest.mark.parametrize("size", [(3, 3), slow((2, 4)), slow((4, 2)), (1, 6), (6, 1), (0, 2)])
def test_every_tiny_mask(kernels, size, move, canvas):
    assert_places(kernels, every_mask(*size), *move, canvas)


@pytest.mark.parametrize("size", [(17, 33), (33, 17), (64, 3), (3, 64)])
def test_patterns(kernels, size):
    masks = patterns(*size)
    height, width = size
    for move in [(0, 0), (3, -2), (-5, 0), (0, 16), (-1, -1)]:
        assert_places(kernels, masks, *move, size)
        assert_places(kernels, masks, *move, (height + 7, width + 31))
        assert_places(kernels, masks, *move, (height // 2, width // 3))


@given(masks=dense(max_count=5), size=sizes, data=st.data())
def test_any_masks(kernels, masks, size, data):
    moves = [
        (data.draw(st.integers(-w - 1, v + 1)), data.draw(st.integers(-h - 1, u + 1)))
        for _ in masks
        for (h, w), (u, v) in [(masks.shape[1:], size)]
    ]
    x, y = np.array(moves, np.int64).reshape(-1, 2).T
    assert_places(kernels, masks, x, y, size)


@pytest.mark.parametrize("factor", [2**26, 2**40])
def test_large_masks(kernels, factor):
    """What moves by whole high pixels is as before; run ends get wider, or narrower."""
    masks = patterns(5, 7)
    n = len(masks)
    x, y = np.full(n, 2), np.full(n, -1)
    got = agree(kernels, "place", stretched(batch_of(masks), factor), x, y * factor, 6 * factor, 8)
    assert_identical(got, stretched(batch_of(placed(masks, x, y, (6, 8))), factor))


def test_canvases_of_both_widths_of_run_ends(kernels):
    """From uint32 to uint64 and back, at the far corner."""
    masks = patterns(5, 7)
    batch, n = batch_of(masks), len(masks)
    side = 2**17
    x, y = np.full(n, side - 7), np.full(n, side - 5)
    far = agree(kernels, "place", batch, x, y, side, side)
    assert far.run_ends.dtype == np.uint64
    assert_identical(agree(kernels, "place", far, -x, -y, 5, 7), batch)


def test_whole_columns(kernels):
    """Few runs come of few runs, however many columns they span."""
    side = 2**29
    batch = batch_of_flips([[0], [3 * side, 9 * side], []], (side, side - 6))
    x, y = np.array([5, -3, 0]), np.zeros(3, np.int64)
    got = agree(kernels, "place", batch, x, y, side, side - 1)
    assert_identical(got, batch_of_flips([[5 * side], [0, 6 * side], []], (side, side - 1)))


@pytest.mark.parametrize(
    ("x", "y"),
    [([8], [0]), ([-8], [0]), ([0], [10]), ([0], [-6]), ([0, 0], [0]), ([0], []), ([[0]], [0])],
)
def test_native_refuses_other_offsets(kernels, x, y):
    if not kernels.name.startswith("native"):
        pytest.skip("checked by the API")
    batch = batch_of(np.zeros((1, 5, 7), bool))
    with pytest.raises(ValueError, match="one offset per mask"):
        kernels.place(batch, np.array(x, np.int64), np.array(y, np.int64), 9, 7)
