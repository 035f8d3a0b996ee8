"""paint: masks to a label map."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import dense, seeds
from support.util import (
    BOUNDARY_SIZES,
    INTEGERS,
    Placed,
    batch_of,
    crossed,
    every_mask,
    layouts,
    parameter_id,
    patterns,
    slow,
)

from segcore._batch import Batch

OUTPUTS = (*INTEGERS, *(dtype.newbyteorder() for dtype in INTEGERS if dtype.itemsize > 1))


def painted(masks, order, values, under):
    out = under.copy()
    for i in order:
        out[masks[i]] = values[i]
    return out


def assert_paints(kernels, masks, order, values, dtype=None, layout="axes 01"):
    """Paint over a map full of different labels; check all memory and the inputs."""
    shape = masks.shape[1:]
    dtype = values.dtype if dtype is None else dtype
    under = np.arange(shape[0] * shape[1]).reshape(shape).astype(dtype)
    placed = Placed(layout, shape, dtype)
    placed.view[...] = under
    batch, order = batch_of(masks), np.asarray(order, np.int64)
    inputs = [batch.run_ends, batch.offsets, order, values]
    before = [array.copy() for array in inputs]
    for array in inputs:
        array.flags.writeable = False
    assert kernels.paint(batch, order, values, placed.view) is None
    placed.assert_holds(painted(masks, order, values, under))
    for array, copy in zip(inputs, before, strict=True):
        np.testing.assert_array_equal(array, copy)


def spread(count: int, dtype: np.dtype) -> np.ndarray:
    """Give values over the whole range of an integer dtype."""
    info = np.iinfo(dtype)
    step = max((int(info.max) - int(info.min)) // max(count - 1, 1), 1)
    return np.array([min(info.min + i * step, info.max) for i in range(count)], dtype)


@pytest.mark.parametrize("size", [(1, 1), (1, 4), (4, 1), (2, 3), (3, 3), (0, 3), (3, 0)])
def test_every_mask_of_a_tiny_size(kernels, size):
    masks = every_mask(*size)
    rng = np.random.default_rng(0)
    for _ in range(10):
        order = rng.permutation(len(masks))[: rng.integers(1, 6)]
        assert_paints(kernels, masks, order, np.arange(1, len(masks) + 1, dtype=np.uint16))


def test_boundary_sizes(kernels):
    for height in BOUNDARY_SIZES:
        for width in (1, 2, 33, 64, 65):
            masks = patterns(height, width)
            order = np.random.default_rng(height).permutation(len(masks))
            assert_paints(kernels, masks, order, np.arange(1, len(masks) + 1, dtype=np.int32))


@pytest.mark.parametrize(
    "size", [(64, 64), (67, 131), *map(slow, ((3, 9001), (9001, 3), (480, 640)))]
)
@pytest.mark.parametrize("dtype", [np.uint8, np.int32])
def test_patterns(kernels, size, dtype):
    masks = patterns(*size)
    n = len(masks)
    for order in (range(n), range(n - 1, -1, -1), range(8, n), [8, 9], [10, 2], [0], [1], []):
        assert_paints(kernels, masks, order, np.arange(1, n + 1, dtype=dtype))


@pytest.mark.slow_on("numba")
@pytest.mark.parametrize(("dtype", "layout"), crossed(OUTPUTS, layouts(2)), ids=parameter_id)
def test_layouts_and_dtypes(kernels, dtype, layout):
    rng = np.random.default_rng(0)
    values = spread(4, dtype.newbyteorder("="))
    for shape in [(4, 5, 9), (4, 67, 70), (4, 1, 130), (4, 130, 1), (4, 0, 3), (4, 3, 0)]:
        masks = rng.random(shape) < 0.3
        assert_paints(kernels, masks, [2, 0, 1, 3], values, dtype, layout)


@pytest.mark.parametrize("order", [[], [0], [2, 2], [1, 0, 1], [0, 1, 2, 0, 1, 2], [2, 1, 0, 2]])
def test_an_index_may_come_twice_or_never(kernels, order):
    masks = patterns(9, 70)[[2, 8, 11]]
    assert_paints(kernels, masks, order, np.array([7, 8, 9], np.uint8))


def test_no_masks(kernels):
    assert_paints(kernels, np.zeros((0, 4, 5), bool), [], np.zeros(0, np.int32))


def test_equal_values(kernels):
    masks = patterns(67, 70)
    assert_paints(kernels, masks, range(len(masks) - 1, 1, -1), np.full(len(masks), 3, np.uint8))


@pytest.mark.parametrize(
    ("size", "dtype"), [((20, 15), np.uint16), ((260, 260), np.uint32), ((260, 260), np.int64)]
)
def test_more_masks_than_a_smaller_integer_holds(kernels, size, dtype):
    """300 and 67,600 masks: one pixel each, then each one pixel more."""
    height, width = size
    pixels = height * width
    run_ends = np.stack([np.arange(pixels), np.arange(1, pixels + 1)], axis=1).ravel()
    run_ends = run_ends[run_ends < pixels].astype(np.uint32)
    offsets = np.append(2 * np.arange(pixels), len(run_ends))
    values = spread(pixels, dtype) if dtype == np.uint32 else np.arange(pixels).astype(dtype)
    order = np.random.default_rng(0).permutation(pixels)[: pixels - 3]
    if kernels.name == "reference":
        order = order[:500]  # it draws every mask whole
    expected = np.full(pixels, 1, dtype)
    expected[order] = values[order]
    out = np.full(size, 1, dtype)
    kernels.paint(Batch(run_ends, offsets, height, width), order, values, out)
    np.testing.assert_array_equal(out, expected.reshape(width, height).T)


def test_many_overlapping_masks(kernels):
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:60, :80]
    center_y, center_x, radius = rng.uniform(0, [[[60]], [[80]], [[25]]], (3, 700, 1)).T[0].T
    distance = np.hypot(y - center_y[:, None, None], x - center_x[:, None, None])
    masks = distance < radius[:, None, None]
    for order in (np.arange(700), rng.permutation(700), rng.integers(0, 700, 1500)):
        assert_paints(kernels, masks, order, np.arange(700, dtype=np.uint16))
        assert_paints(kernels, masks, order, (np.arange(700) % 250).astype(np.uint8))


@given(masks=dense(max_count=8), seed=seeds, dtype=st.sampled_from(OUTPUTS), data=st.data())
def test_any_masks(kernels, masks, seed, dtype, data):
    rng = np.random.default_rng(seed)
    count = len(masks)
    order = rng.integers(0, count, rng.integers(0, 2 * count)) if count else []
    info = np.iinfo(dtype)
    native = dtype.newbyteorder("=")
    values = rng.integers(info.min, info.max, count, native, endpoint=True)
    layout = data.draw(st.sampled_from(layouts(2)))
    assert_paints(kernels, masks, order, values, dtype, layout)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int16, np.uint32])
@pytest.mark.parametrize("count", [254, 255, 256, 257])
def test_around_as_many_values_as_a_byte_has(kernels, count, dtype):
    """One mask of one column a value: on an output wide enough for strips."""
    masks = np.zeros((count, 3, count), bool)
    masks[np.arange(count), :, np.arange(count)] = True
    values = np.arange(count).astype(dtype)  # of 257, a byte has one twice
    assert_paints(kernels, masks, range(count), values)
