"""warp: masks under affine and perspective maps."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import dense, seeds
from support.util import (
    agree,
    assert_batch,
    assert_identical,
    batch_of,
    batch_of_flips,
    every_mask,
    patterns,
    slow,
)

SAME = np.array([1.0, 0, 0.5, 0, 1, 0.5, 0, 0, 1])


def warped(masks: np.ndarray, matrix: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Look up each pixel, one by one."""
    n, rows, columns = masks.shape
    result = np.zeros((n, *size), bool)
    m = [float(value) for value in matrix]
    for y in range(size[0]):
        for x in range(size[1]):
            w = m[7] * y + (m[6] * x + m[8])
            if w == 0:
                continue
            u, v = (m[1] * y + (m[0] * x + m[2])) / w, (m[4] * y + (m[3] * x + m[5])) / w
            if 0 <= u < columns and 0 <= v < rows:
                result[:, y, x] = masks[:, math.floor(v), math.floor(u)]
    return result


def assert_warps(kernels, masks, matrix, size):
    matrix = np.asarray(matrix, np.float64).ravel()
    matrices = np.tile(matrix, (len(masks), 1))
    got = agree(kernels, "warp", batch_of(masks), matrices, *size)
    assert_batch(got, warped(masks, matrix, size))


def rotation(degrees: float, scale: float = 1.0, x: float = 0.0, y: float = 0.0) -> np.ndarray:
    c, s = math.cos(math.radians(degrees)) / scale, math.sin(math.radians(degrees)) / scale
    return np.array([c, s, x + 0.5, -s, c, y + 0.5, 0, 0, 1])


AFFINE = {
    "same": SAME,
    "moved": [1, 0, -0.5, 0, 1, 1.5, 0, 0, 1],
    "moved by half a pixel": [1, 0, 0, 0, 1, 0, 0, 0, 1],
    "turned": rotation(30, 1, -1, 1),
    "turned the other way, larger": rotation(-110, 1.7, 2, 1),
    "smaller": rotation(10, 0.4),
    "mirrored": [-1, 0, 2.5, 0, 1, 0.5, 0, 0, 1],
    "upside down": [1, 0, 0.5, 0, -1, 2.5, 0, 0, 1],
    "transposed": [0, 1, 0.5, 1, 0, 0.5, 0, 0, 1],
    "a quarter": rotation(90, 1, 0, 2),
    "sheared": [1, 0.7, 0, 0, 1, 0.5, 0, 0, 1],
    "sheared down": [1, 0, 0.5, -2, 1, 3, 0, 0, 1],
    "hardly turned": [1, 1e-16, 0.5, 1e-17, 1, 0.5, 0, 0, 1],
    "on borders": [0.5, 0.5, 0, -0.5, 0.5, 1, 0, 0, 1],
    "nearly singular": [1, 1, 0, 1, 1 + 1e-13, 0, 0, 0, 1],
    "singular": [1, 1, 0, 1, 1, 0, 0, 0, 1],
    "nothing": [0, 0, 0, 0, 0, 0, 0, 0, 1],
    "far": [1, 0, 1e300, 0, 1, -1e300, 0, 0, 1],
    "huge": [1e-9, 0, 1, 0, 1e-9, 1, 0, 0, 1],
}
PERSPECTIVE = {
    "tilted": [1, 0.1, 0.5, 0, 1, 0.5, 0.05, 0.02, 1],
    "a horizon in the image": [1, 0, 0.5, 0, 1, 0.5, 0.4, -0.3, -0.7],
    "behind": [-1, 0, -0.5, 0, -1, -0.5, 0, 0, -1],
    "a column of zeros": [1, 0, 0.5, 0, 1, 0.5, 1, 0, -2],
    "all zeros": [0] * 9,
    "overflows": [1e308, 1e308, 1e308, 0, 1, 0, 0, 1e-308, 0],
}
MAPS = AFFINE | PERSPECTIVE


@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize("size", [(3, 3), slow((2, 4)), slow((4, 2)), (1, 5), (5, 1), (0, 2)])
def test_every_tiny_mask(kernels, size, name):
    assert_warps(kernels, every_mask(*size), MAPS[name], (4, 5))


@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize("size", [(17, 33), slow((33, 17)), slow((64, 3)), slow((3, 64))])
def test_patterns(kernels, size, name):
    assert_warps(kernels, patterns(*size), MAPS[name], (35, 20))


def any_map(seed: int) -> np.ndarray:
    """Draw a map: rounded or not, with a horizon or without."""
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=9)
    matrix[2::3] += rng.uniform(-5, 5, 3)
    if rng.random() < 0.6:
        matrix[6:] = 0, 0, 1
    else:
        matrix[6:8] *= 10.0 ** rng.integers(-4, 0)
    if rng.random() < 0.4:
        matrix = np.round(matrix * 4) / 4
    return matrix


@given(masks=dense(max_count=3), seed=seeds, height=st.integers(0, 30), width=st.integers(0, 30))
def test_any_masks(kernels, masks, seed, height, width):
    assert_warps(kernels, masks, any_map(seed), (height, width))


@given(masks=dense(max_count=6), seed=seeds)
def test_one_map_per_mask(kernels, masks, seed):
    matrices = np.array([any_map(seed + i) for i in range(len(masks))]).reshape(-1, 9)
    got = agree(kernels, "warp", batch_of(masks), matrices, 9, 11)
    maps = zip(masks, matrices, strict=True)
    expected = [warped(mask[None], matrix, (9, 11))[0] for mask, matrix in maps]
    assert_batch(got, np.array(expected, bool).reshape(-1, 9, 11))


def test_large_boxes(kernels):
    """A box of a canvas beyond 2**32 pixels, turned by a quarter."""
    if not kernels.name.startswith("native"):
        pytest.skip("these look at every pixel")
    side = 2**18
    left, top, right, bottom = 1000, 200_000, 1300, 200_500
    columns = np.arange(left, right)[:, None] * side + [top, bottom]
    batch = batch_of_flips([columns.ravel()], (side, side))
    # Column x of the result is row x of the input, row y its column.
    matrices = np.array([[0, 1, 0.5, 1, 0, 0.5, 0, 0, 1.0]])
    got = kernels.warp(batch, matrices, side, side)
    columns = np.arange(top, bottom)[:, None] * side + [left, right]
    assert_identical(got, batch_of_flips([columns.ravel()], (side, side)))
    matrices[0, [2, 5]] += 1000, 200_000
    small = kernels.warp(batch, matrices, 300, 500)
    assert_identical(small, batch_of_flips([[0]], (300, 500)))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_native_refuses_other_matrices(kernels, value):
    if not kernels.name.startswith("native"):
        pytest.skip("checked by the API")
    batch = batch_of(np.zeros((1, 5, 7), bool))
    for matrices in (np.full((1, 9), value), SAME[None, :6], SAME, np.tile(SAME, (2, 1))):
        with pytest.raises(ValueError, match="nine finite numbers per mask"):
            kernels.warp(batch, np.ascontiguousarray(matrices), 5, 7)
    with pytest.raises(ValueError, match="nine finite numbers per mask"):
        kernels.warp(batch, SAME[None], 2**31, 1)
