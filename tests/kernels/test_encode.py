"""encode: dense arrays to run ends."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from support.strategies import dense
from support.util import (
    BOOL,
    BOUNDARY_SIZES,
    FLOATS,
    INTEGERS,
    MEMORY_ORDERS,
    Placed,
    Pycocotools,
    agree,
    assert_batch,
    assert_identical,
    batch_of,
    crossed,
    every_mask,
    layouts,
    parameter_id,
    patterns,
    rles_of,
    slow,
)

FLOAT_VALUES = [
    *(0.0, -0.0, 0.1, 0.5, 1.0, -1.0, 1.5, 3.0, 65504.0, -65504.0, 6e-8, -6e-8, 0.09998, 0.49976),
    *(math.nan, math.inf, -math.inf),
]
FLOAT_THRESHOLDS = [
    *(0.0, -0.0, 0.5, 0.1, -1.5, 65504.0, 65519.0, 65520.0, 1e300, -1e300, 5e-324, 6e-8),
    *(math.nan, math.inf, -math.inf, 0.5 + 2**-30, 0.5 - 2**-30),
]
INTEGER_THRESHOLDS = [
    *(0.0, -0.0, 0.5, -0.5, 1.0, 127.0, 127.5, -128.0, -128.5, 255.0, 256.0, -1e300, 1e300),
    *(2.0**31, 2.0**53, 2.0**53 + 2, 2.0**63, -(2.0**63), -(2.0**64), 2.0**64, 2.0**64 - 2048),
    *(math.nan, math.inf, -math.inf, 5e-324, -5e-324),
]


@pytest.mark.parametrize("size", [(1, 1), (1, 4), (4, 1), (2, 2), (2, 3), (3, 2), (3, 3), (2, 5)])
def test_every_mask_of_a_tiny_size(kernels, size):
    masks = every_mask(*size)
    assert_batch(agree(kernels, "encode", masks, None), masks)


@pytest.mark.parametrize("height", BOUNDARY_SIZES)
def test_boundary_sizes(kernels, height):
    rng = np.random.default_rng(height)
    for width in BOUNDARY_SIZES:
        masks = rng.random((3, height, width)) < [[[0.05]], [[0.5]], [[0.95]]]
        expected = batch_of(masks)
        for order in MEMORY_ORDERS:
            placed = Placed(order, masks.shape, BOOL)
            placed.view[...] = masks
            assert_identical(kernels.encode(placed.view, None), expected)


@pytest.mark.parametrize("size", [(64, 64), (67, 131), (3, 9001), (9001, 3), slow((480, 640))])
@pytest.mark.parametrize("order", MEMORY_ORDERS)
def test_patterns(kernels, size, order):
    masks = patterns(*size)
    placed = Placed(order, masks.shape, BOOL)
    placed.view[...] = masks
    assert_batch(kernels.encode(placed.view, None), masks)


@pytest.mark.parametrize("height", [1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65])
@pytest.mark.parametrize("value", [1, slow(128)])
def test_boundary_sizes_of_many_flips(kernels, height, value):
    for width in (1, 31, 32, 33, 63, 64, 65, 127, 128, 129, 193):
        rng = np.random.default_rng(height * width)
        # Some ways of finding flips pay for many pixels only.
        count = 2 + 2**14 // (height * width)
        masks = rng.random((count, height, width)) < 0.5
        expected = batch_of(masks)
        assert_identical(kernels.encode(masks * np.uint8(value), None), expected)
        assert_identical(kernels.encode(masks * np.float32(value), 0.5), expected)


@pytest.mark.parametrize("one_in", [1, 2, 4, 5, 6, 7, 8, 16])
@pytest.mark.parametrize("order", MEMORY_ORDERS)
def test_rows_that_flip_more_or_less_often(kernels, one_in, order):
    stripes = np.arange(600) // one_in % 2 == 1
    masks = np.empty((3, 600, 250), bool)
    masks[...] = stripes[:, None]
    masks[1, :, 100:] ^= True
    masks[2] = False
    placed = Placed(order, masks.shape, BOOL)
    placed.view[...] = masks
    assert_batch(agree(kernels, "encode", placed.view, None), masks)


@pytest.mark.parametrize("order", MEMORY_ORDERS)
@pytest.mark.parametrize("dtype", [BOOL, np.dtype(np.int16)], ids=str)
def test_a_flip_at_every_pixel(kernels, order, dtype):
    """None is left out where a kernel goes on from one part of the memory to the next."""
    height, width = 419, 701
    placed = Placed(order, (1, height, width), dtype)
    y, x = np.mgrid[:height, :width]
    placed.view[...] = (height * x + y) % 2 == 0
    batch = kernels.encode(placed.view, None)
    assert_identical(batch.run_ends, np.arange(height * width, dtype=np.uint32))
    assert batch.offsets.tolist() == [0, height * width]


@pytest.mark.parametrize("quiet", [(1,), (0, 1), *map(slow, ((), (0,), (2,), (1, 2)))])
@pytest.mark.parametrize("dtype", [BOOL, np.dtype(np.int16)], ids=str)
def test_masks_of_many_flips_among_others(kernels, quiet, dtype):
    # Too large to make the truth values of all at a time.
    masks = np.random.default_rng(5).random((3, 1025, 1030)) < 0.5
    masks[list(quiet)] = False
    expected = batch_of(masks)
    assert_identical(kernels.encode(masks.astype(dtype), None), expected)


@pytest.mark.parametrize(("density", "order"), crossed([0.001, 0, 0.5], MEMORY_ORDERS))
@pytest.mark.parametrize("dtype", [BOOL, slow(np.dtype(np.int16))], ids=str)
def test_run_ends_keep_little_memory(kernels, density, order, dtype):
    masks = np.random.default_rng(6).random((5, 1025, 1030)) < density
    placed = Placed(order, masks.shape, dtype)
    placed.view[...] = masks
    run_ends = kernels.encode(placed.view, None).run_ends
    if isinstance(run_ends.base, np.ndarray):
        assert 3 * run_ends.base.nbytes <= 4 * run_ends.nbytes + 64


@pytest.mark.parametrize(
    ("dtype", "count"),
    crossed([BOOL, np.dtype(np.int16), np.dtype(np.float32)], [17, *BOUNDARY_SIZES]),
    ids=parameter_id,
)
def test_counts_of_masks(kernels, count, dtype):
    rng = np.random.default_rng(count)
    for size in [(1, 1), (5, 7), (3, 66), (66, 3)]:
        density = rng.choice([0, 0.1, 0.5, 1], (count, 1, 1))
        masks = rng.random((count, *size)) < density
        expected = batch_of(masks)
        for order in MEMORY_ORDERS:
            placed = Placed(order, masks.shape, dtype)
            placed.view[...] = masks
            threshold = 0.5 if dtype.kind == "f" else None
            assert_identical(kernels.encode(placed.view, threshold), expected)


@pytest.mark.parametrize("shape", [(0, 5, 7), (3, 0, 7), (3, 5, 0), (0, 0, 0), (2, 0, 0)])
@pytest.mark.parametrize("threshold", [None, 0.5])
def test_nothing_to_encode(kernels, shape, threshold):
    masks = np.ones(shape, np.uint8)
    assert_batch(agree(kernels, "encode", masks, threshold), masks > 0)


@pytest.mark.parametrize(
    ("dtype", "layout"), crossed([BOOL, *INTEGERS], layouts(3)), ids=parameter_id
)
def test_layouts_of_integers(kernels, dtype, layout):
    rng = np.random.default_rng(0)
    for shape in [(3, 5, 9), (2, 67, 70), (1, 1, 130), (1, 130, 1)]:
        masks = rng.random(shape) < 0.4
        placed = Placed(layout, shape, dtype)
        # Any nonzero byte of an element makes it foreground.
        shifts = rng.integers(0, 8 * dtype.itemsize, shape) if dtype != BOOL else 0
        ones = np.left_shift(np.uint64(1), np.asarray(shifts, np.uint64))
        placed.view[...] = np.where(masks, ones, 0).astype(dtype)
        assert_batch(agree(kernels, "encode", placed.view, None), masks)


@pytest.mark.parametrize(
    ("dtype", "layout"),
    crossed([*FLOATS, np.dtype(np.uint8), np.dtype(np.int64)], layouts(3)),
    ids=parameter_id,
)
def test_layouts_with_threshold(kernels, dtype, layout):
    rng = np.random.default_rng(1)
    for shape in [(3, 5, 9), (2, 67, 70), (1, 1, 130), (1, 130, 1)]:
        values = rng.integers(0, 8, shape).astype(dtype)
        placed = Placed(layout, shape, dtype)
        placed.view[...] = values
        assert_batch(agree(kernels, "encode", placed.view, 3.0), values > 3)


@pytest.mark.parametrize("axes", [(0,), (1,), (2,), (0, 1), (1, 2), (0, 1, 2)])
@pytest.mark.parametrize("threshold", [None, 0.5])
def test_broadcast(kernels, axes, threshold):
    rng = np.random.default_rng(2)
    shape = (3, 66, 70)
    small = rng.random([1 if axis in axes else shape[axis] for axis in range(3)]) < 0.5
    masks = np.broadcast_to(small.astype(np.int32), shape)
    assert_batch(agree(kernels, "encode", masks, threshold), masks > 0)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("threshold", FLOAT_THRESHOLDS)
def test_float_thresholds(kernels, dtype, threshold):
    with np.errstate(over="ignore"):
        limit = np.array(threshold).astype(dtype)
        edge = [np.nextafter(limit, dtype.type(way)) for way in (-math.inf, math.inf)]
        values = np.array([*FLOAT_VALUES, threshold, *edge]).astype(dtype)
    masks = np.resize(values, (2, 7, 70))
    expected = [[[float(v) > float(limit) for v in row] for row in mask] for mask in masks]
    assert_batch(agree(kernels, "encode", masks, threshold), np.array(expected))


@pytest.mark.parametrize("exponent", range(-27, 17))
def test_float16_thresholds_of_every_magnitude(kernels, exponent):
    """The nearest float16, ties to even, is the limit."""
    half = 2.0**-11  # half of the distance from one number to the next
    magnitudes = np.ldexp([1, 1 + half, 1 + 3 * half, 1.5 + half / 99, 2 - half], exponent)
    for threshold in (*magnitudes, *-magnitudes):
        with np.errstate(over="ignore"):
            limit = np.float16(threshold)
            values = [np.nextafter(limit, np.float16(way)) for way in (-math.inf, math.inf)]
        masks = np.resize(np.array([*values, limit]), (1, 3, 70))
        assert_batch(agree(kernels, "encode", masks, float(threshold)), masks > limit)


@pytest.mark.parametrize("dtype", [BOOL, *INTEGERS], ids=str)
def test_integer_thresholds_are_exact(kernels, dtype):
    if dtype == BOOL:
        values = [False, True]
    else:
        info = np.iinfo(dtype)
        values = [info.min, info.min + 1, 0, 1, 2, 126, 127, info.max - 1, info.max]
        near = (128, 255, 256, -1, -128, 2**31, 2**53, 2**53 + 1, 2**53 + 2, 2**53 + 3, 2**63)
        values += [v for v in near if info.min <= v <= info.max]
    masks = np.resize(np.array(values, dtype), (2, 7, 70))
    for threshold in INTEGER_THRESHOLDS:
        expected = [[[int(v) > threshold for v in row] for row in mask] for mask in masks]
        assert_batch(agree(kernels, "encode", masks, threshold), np.array(expected))


@given(masks=dense())
def test_any_masks(kernels, masks):
    assert_batch(agree(kernels, "encode", masks, None), masks)


@given(
    masks=hnp.arrays(st.sampled_from(FLOATS), hnp.array_shapes(min_dims=3, max_dims=3, max_side=5)),
    threshold=st.floats(),
)
def test_any_floats(kernels, masks, threshold):
    with np.errstate(over="ignore"):
        limit = masks.dtype.type(threshold)
    assert_batch(agree(kernels, "encode", masks, threshold), masks > limit)


def test_is_pycocotools_encode(kernels):
    pycocotools = Pycocotools()
    masks = patterns(67, 131)
    batch = kernels.encode(masks, None)
    expected = pycocotools.encode(np.asfortranarray(masks.transpose(1, 2, 0).astype(np.uint8)))
    assert rles_of(batch) == expected
