"""labels: a label map to masks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from support.util import (
    BOUNDARY_SIZES,
    INTEGERS,
    Placed,
    agree,
    assert_batch,
    assert_identical,
    crossed,
    layouts,
    parameter_id,
    patterns,
    slow,
    slow_on,
)

INPUTS = (*INTEGERS, *(dtype.newbyteorder() for dtype in INTEGERS if dtype.itemsize > 1))


def assert_splits(kernels, labels, background=None):
    ids, batch = agree(kernels, "label_runs", labels, background)
    present = sorted({int(label) for label in labels.ravel()} - {background})
    expected = np.array(present, labels.dtype.newbyteorder("="))
    assert_identical(ids, expected)
    assert ids.dtype.isnative
    assert_batch(batch, labels == expected[:, None, None])


@pytest.mark.parametrize("size", [(1, 1), (1, 4), (4, 1), (2, 2), slow((2, 3)), slow((3, 2))])
@pytest.mark.parametrize("background", [None, 0])
def test_every_map_of_three_labels(kernels, size, background):
    pixels = size[0] * size[1]
    for number in range(3**pixels):
        digits = number // 3 ** np.arange(pixels) % 3
        assert_splits(kernels, digits.reshape(size).astype(np.uint8), background)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32])
def test_boundary_sizes(kernels, dtype):
    rng = np.random.default_rng(0)
    for height in BOUNDARY_SIZES:
        for width in (1, 2, 33, 64, 65):
            labels = rng.integers(0, 5, (height, width)).astype(dtype)
            assert_splits(kernels, labels, 0)
            assert_splits(kernels, (labels > 3).astype(dtype))


@pytest.mark.parametrize(
    "size", [(64, 64), (67, 131), slow((3, 9001)), slow((9001, 3)), slow((480, 640))]
)
@pytest.mark.parametrize("dtype", [np.uint8, slow_on("numba", np.uint16), np.int64])
def test_patterns(kernels, size, dtype):
    masks = patterns(*size)
    for mask in masks:
        assert_splits(kernels, mask.astype(dtype), 0)
    several = (masks[:8] * np.arange(1, 9)[:, None, None]).max(axis=0)
    assert_splits(kernels, several.astype(dtype))
    assert_splits(kernels, (masks[8] * 3 + masks[10]).astype(dtype), 0)


@pytest.mark.slow_on("numba")
@pytest.mark.parametrize(("dtype", "layout"), crossed(INPUTS, layouts(2)), ids=parameter_id)
def test_layouts_and_dtypes(kernels, dtype, layout):
    rng = np.random.default_rng(0)
    info = np.iinfo(dtype)
    choices = np.array([info.min, info.min + 1, 0, 1, 100, info.max - 1, info.max], dtype)
    for shape in [(5, 9), (67, 70), (1, 130), (130, 1)]:
        placed = Placed(layout, shape, dtype)
        placed.view[...] = rng.choice(choices, shape)
        for background in (None, 0, int(info.min), int(info.max)):
            assert_splits(kernels, placed.view, background)


@pytest.mark.parametrize("shape", [(0, 0), (0, 5), (5, 0)])
@pytest.mark.parametrize("background", [None, 0])
def test_maps_without_pixels(kernels, shape, background):
    assert_splits(kernels, np.zeros(shape, np.int32), background)


@pytest.mark.slow_on("numba")
@pytest.mark.parametrize("dtype", INTEGERS, ids=str)
def test_a_background_that_the_dtype_cannot_hold_is_nowhere(kernels, dtype):
    info = np.iinfo(dtype)
    labels = np.array([[info.min, 0, 1], [info.max, info.max, 0]], dtype)
    for background in (info.min - 1, info.max + 1, -(2**63), 2**64 - 1):
        if not info.min <= background <= info.max:
            assert_splits(kernels, labels, background)


@pytest.mark.parametrize("background", [None, 7])
def test_one_label(kernels, background):
    assert_splits(kernels, np.full((9, 70), 7, np.int16), background)


@pytest.mark.parametrize("axes", [(0,), (1,), (0, 1)])
def test_broadcast(kernels, axes):
    rng = np.random.default_rng(0)
    shape = (66, 70)
    small = rng.integers(-3, 3, [1 if axis in axes else shape[axis] for axis in range(2)])
    assert_splits(kernels, np.broadcast_to(small, shape), 0)


@pytest.mark.parametrize(
    ("size", "dtype"),
    [
        ((16, 16), np.uint8),
        ((16, 16), np.int8),
        ((40, 41), np.uint16),
        ((256, 256), np.uint16),
        ((256, 260), np.int32),
        ((256, 260), np.int64),
    ],
)
def test_all_labels_distinct(kernels, size, dtype):
    pixels = size[0] * size[1]
    info = np.iinfo(dtype)
    labels = np.random.default_rng(0).permutation(pixels) + max(info.min, -pixels // 2)
    ids, batch = agree(kernels, "label_runs", labels.reshape(size).astype(dtype), None)
    assert_identical(ids, np.sort(labels).astype(dtype))
    # Each mask is one pixel: the place of its label in column-major order.
    place = np.argsort(labels.reshape(size).ravel(order="F"))
    np.testing.assert_array_equal(batch.run_ends[batch.offsets[:-1]], place)
    np.testing.assert_array_equal(np.diff(batch.offsets), np.where(place == pixels - 1, 1, 2))


@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.uint64])
@pytest.mark.parametrize("lowest", [0, 3500, 31_000])
def test_a_label_comes_again_after_many_others(kernels, lowest, dtype):
    labels = np.arange(lowest, lowest + 1200, dtype=dtype).reshape(24, 50)
    assert_splits(kernels, np.concatenate([labels, labels]), 0)


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.uint64])
def test_far_apart_labels(kernels, dtype):
    rng = np.random.default_rng(0)
    info = np.iinfo(dtype)
    palette = rng.integers(info.min, info.max, 300, dtype, endpoint=True)
    palette[:3] = info.min, info.max, 0
    blocks = rng.choice(palette, (13, 17)).repeat(5, axis=0).repeat(6, axis=1)
    assert_splits(kernels, blocks, 0)
    assert_splits(kernels, rng.choice(palette, (40, 70)), int(palette[7]))


@given(
    labels=hnp.arrays(
        st.sampled_from(INPUTS),
        hnp.array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=9),
    ),
    background=st.none() | st.integers(-2, 2),
)
def test_any_labels(kernels, labels, background):
    assert_splits(kernels, labels, background)
