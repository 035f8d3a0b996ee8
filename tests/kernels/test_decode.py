"""decode: run ends to dense arrays."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import dense
from support.util import (
    BOOL,
    BOUNDARY_SIZES,
    FLOATS,
    INTEGERS,
    MEMORY_ORDERS,
    Placed,
    Pycocotools,
    assert_batch,
    assert_identical,
    batch_of,
    copied,
    crossed,
    every_mask,
    layouts,
    parameter_id,
    patterns,
    rles_of,
    slow,
)

NATIVE = (BOOL, *INTEGERS, *FLOATS, np.dtype(np.complex64))
SWAPPED = tuple(dtype.newbyteorder() for dtype in NATIVE if dtype.itemsize > 1)


def draw(kernels, batch, shape, dtype=BOOL, layout="axes 012"):
    """Decode on garbage and on zeros; check all memory, and give the array."""
    before = copied(batch)
    results = []
    for zeroed in (False, True):
        placed = Placed(layout, shape, dtype)
        if zeroed:
            placed.view[...] = 0
        result = kernels.decode(batch, placed.view, zeroed)
        assert result is None
        results.append(placed)
    assert_identical(batch, before)
    return results


def assert_draws(kernels, masks, dtype=BOOL, layout="axes 012"):
    for placed in draw(kernels, batch_of(masks), masks.shape, dtype, layout):
        placed.assert_holds(masks.astype(dtype))


@pytest.mark.parametrize("size", [(1, 1), (1, 4), (4, 1), (2, 2), (2, 3), (3, 2), (3, 3), (2, 5)])
def test_every_mask_of_a_tiny_size(kernels, size):
    assert_draws(kernels, every_mask(*size))


@pytest.mark.parametrize("height", BOUNDARY_SIZES)
def test_boundary_sizes(kernels, height):
    rng = np.random.default_rng(height)
    for width in BOUNDARY_SIZES:
        masks = rng.random((3, height, width)) < [[[0.05]], [[0.5]], [[0.95]]]
        batch = batch_of(masks)
        for order in MEMORY_ORDERS:
            placed = Placed(order, masks.shape, np.dtype(np.uint8))
            kernels.decode(batch, placed.view, False)
            placed.assert_holds(masks)
            placed.view[...] = 0
            kernels.decode(batch, placed.view, True)
            placed.assert_holds(masks)


@pytest.mark.slow_on("numba")
@pytest.mark.parametrize(
    ("dtype", "count"),
    crossed([BOOL, np.dtype(np.int16), np.dtype(np.float64)], [17, *BOUNDARY_SIZES]),
    ids=parameter_id,
)
def test_counts_of_masks(kernels, count, dtype):
    rng = np.random.default_rng(count)
    for size in [(1, 1), (5, 7), (3, 66), (66, 3)]:
        density = rng.choice([0, 0.1, 0.5, 1], (count, 1, 1))
        masks = rng.random((count, *size)) < density
        batch = batch_of(masks)
        for order in MEMORY_ORDERS:
            placed = Placed(order, masks.shape, dtype)
            kernels.decode(batch, placed.view, False)
            placed.assert_holds(masks.astype(dtype))


@pytest.mark.parametrize(
    ("dtype", "layout"),
    crossed(
        map(np.dtype, ["u1", "i2", "f4", "i8"]),
        ["axes 012", "axes 021", "padded", "rows reversed", "stepped"],
    ),
    ids=parameter_id,
)
@pytest.mark.slow_on("numba", "reference")
@pytest.mark.parametrize("width", [1000, slow(2711)])
def test_more_than_the_caches_hold(kernels, dtype, layout, width):
    itemsize = np.dtype(dtype).itemsize
    height = 9_000_000 // (width * itemsize) // 2
    assert_draws(kernels, board_and_disc(height, width), np.dtype(dtype), layout)


@functools.cache
def board_and_disc(height, width):
    y, x = np.ogrid[:height, :width]
    return np.array([(y // 7 + x // 50) % 2 == 0, np.hypot(y - 99, x - 500) < 300])


@pytest.mark.parametrize("size", [(64, 64), (67, 131), (3, 9001), (9001, 3), slow((480, 640))])
@pytest.mark.parametrize("layout", MEMORY_ORDERS)
def test_patterns(kernels, size, layout):
    assert_draws(kernels, patterns(*size), np.dtype(np.uint8), layout)


@pytest.mark.parametrize(
    ("dtype", "layout"), crossed([*NATIVE, *SWAPPED], layouts(3)), ids=parameter_id
)
def test_layouts_and_dtypes(kernels, dtype, layout):
    rng = np.random.default_rng(0)
    for shape in [(3, 5, 9), (2, 67, 70), (1, 1, 130), (1, 130, 1)]:
        assert_draws(kernels, rng.random(shape) < 0.4, dtype, layout)


@pytest.mark.parametrize("shape", [(0, 5, 7), (3, 0, 7), (3, 5, 0), (0, 0, 0), (2, 0, 0)])
@pytest.mark.parametrize("layout", layouts(3))
def test_nothing_to_draw(kernels, shape, layout):
    assert_draws(kernels, np.ones(shape, bool), np.dtype(np.int32), layout)


def test_inputs_may_be_read_only(kernels):
    masks = patterns(9, 70)
    batch = batch_of(masks)
    for array in (batch.run_ends, batch.offsets):
        array.flags.writeable = False
    out = np.zeros(masks.shape, bool)
    kernels.decode(batch, out, True)
    np.testing.assert_array_equal(out, masks)


@given(
    masks=dense(), dtype=st.sampled_from([*NATIVE, *SWAPPED]), layout=st.sampled_from(layouts(3))
)
def test_any_masks(kernels, masks, dtype, layout):
    assert_draws(kernels, masks, dtype, layout)


@given(masks=dense())
def test_encode_reverses_it(kernels, masks):
    out = np.empty(masks.shape, np.uint8)
    kernels.decode(batch_of(masks), out, False)
    assert_batch(kernels.encode(out, None), masks)


def test_is_pycocotools_decode(kernels):
    pycocotools = Pycocotools()
    masks = patterns(67, 131)
    batch = batch_of(masks)
    expected = pycocotools.decode(rles_of(batch))
    out = np.empty(masks.shape, np.uint8)
    kernels.decode(batch, out, False)
    np.testing.assert_array_equal(out.transpose(1, 2, 0), expected)
