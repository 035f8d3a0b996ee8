"""decode: run ends to dense arrays."""

from __future__ import annotations

import numpy as np
import pytest
from _util import (
    BOOL,
    BOUNDARY_SIZES,
    FLOATS,
    INTEGERS,
    Placed,
    Pycocotools,
    batch_of,
    every_mask,
    layouts,
    patterns,
    rles_of,
)
from hypothesis import given
from hypothesis import strategies as st
from strategies import dense

from segcore.backends.sizes import run_end_dtype

NATIVE = (BOOL, *INTEGERS, *FLOATS)
SWAPPED = tuple(dtype.newbyteorder() for dtype in NATIVE if dtype.itemsize > 1)


def draw(kernels, batch, shape, dtype=BOOL, layout="axes 012"):
    """Decode on garbage and on zeros; check all memory, and give the array."""
    before = [array.copy() for array in batch]
    results = []
    for zeroed in (False, True):
        placed = Placed(layout, shape, dtype)
        if zeroed:
            placed.view[...] = 0
        result = kernels.decode(*batch, placed.view, zeroed)
        assert result is None
        results.append(placed)
    for array, copy in zip(batch, before, strict=True):
        np.testing.assert_array_equal(array, copy)
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
        out = np.full(masks.shape, 7, np.uint8)
        kernels.decode(*batch, out, False)
        np.testing.assert_array_equal(out, masks)
        out = np.zeros((height, width, 3), bool, order="F").transpose(2, 0, 1)
        kernels.decode(*batch, out, True)
        np.testing.assert_array_equal(out, masks)


@pytest.mark.parametrize("size", [(64, 64), (67, 131), (3, 3000), (3000, 3), (480, 640)])
@pytest.mark.parametrize("layout", ["axes 012", "axes 021", "axes 210"])
def test_patterns(kernels, size, layout):
    assert_draws(kernels, patterns(*size), np.dtype(np.uint8), layout)


@pytest.mark.parametrize("dtype", [*NATIVE, *SWAPPED], ids=lambda dtype: dtype.str)
@pytest.mark.parametrize("layout", layouts(3))
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
    for array in batch:
        array.flags.writeable = False
    out = np.zeros(masks.shape, bool)
    kernels.decode(*batch, out, True)
    np.testing.assert_array_equal(out, masks)


@given(
    masks=dense(), dtype=st.sampled_from([*NATIVE, *SWAPPED]), layout=st.sampled_from(layouts(3))
)
def test_any_masks(kernels, masks, dtype, layout):
    assert_draws(kernels, masks, dtype, layout)


@given(masks=dense())
def test_encode_reverses_it(kernels, masks):
    out = np.empty(masks.shape, np.uint8)
    kernels.decode(*batch_of(masks), out, False)
    run_ends, offsets = kernels.encode(out, None)
    np.testing.assert_array_equal(run_ends, batch_of(masks)[0])
    np.testing.assert_array_equal(offsets, batch_of(masks)[1])
    assert run_ends.dtype == run_end_dtype(*masks.shape[1:])


def test_is_pycocotools_decode(kernels):
    pycocotools = Pycocotools()
    masks = patterns(67, 131)
    batch = batch_of(masks)
    expected = pycocotools.decode(rles_of(batch, 67, 131))
    out = np.empty(masks.shape, np.uint8)
    kernels.decode(*batch, out, False)
    np.testing.assert_array_equal(out.transpose(1, 2, 0), expected)
