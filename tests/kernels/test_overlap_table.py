"""overlap_table: the pairs of labels that two maps have at the same pixel."""

from __future__ import annotations

from collections import Counter

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
    assert_identical,
    crossed,
    layouts,
    parameter_id,
    patterns,
    slow,
    slow_on,
)

import segcore as sc

INPUTS = (*INTEGERS, *(dtype.newbyteorder() for dtype in INTEGERS if dtype.itemsize > 1))


def assert_counts(kernels, a, b):
    got = agree(kernels, "overlap_table", a, b)
    pairs = Counter(zip(a.ravel().tolist(), b.ravel().tolist(), strict=True))
    found = sorted(pairs)
    expected = (
        np.array([pair[0] for pair in found], a.dtype.newbyteorder("=")),
        np.array([pair[1] for pair in found], b.dtype.newbyteorder("=")),
        np.array([pairs[pair] for pair in found], np.int64),
    )
    assert_identical(got, expected)
    assert all(array.dtype.isnative for array in got)


@pytest.mark.parametrize("size", [(1, 1), (1, 3), (3, 1), slow((2, 2))])
def test_every_pair_of_maps_of_three_labels(kernels, size):
    pixels = size[0] * size[1]
    for number in range(9**pixels):
        digits = number // 3 ** np.arange(2 * pixels) % 3
        a, b = digits.reshape(2, *size).astype(np.uint8)
        assert_counts(kernels, a, b)


@pytest.mark.parametrize("dtypes", [(np.uint8, np.uint8), (np.int32, np.uint8), (np.int64, "i2")])
def test_boundary_sizes(kernels, dtypes):
    rng = np.random.default_rng(0)
    for height in BOUNDARY_SIZES:
        for width in (1, 2, 33, 64, 65):
            a = rng.integers(0, 5, (height, width)).astype(dtypes[0])
            b = rng.integers(0, 9, (height, width)).astype(dtypes[1])
            assert_counts(kernels, a, b)
            assert_counts(kernels, (a > 3).astype(dtypes[0]), np.zeros_like(b))


@pytest.mark.parametrize("size", [(67, 131), slow((3, 9001)), slow((9001, 3)), slow((128, 4096))])
@pytest.mark.parametrize("dtype", [np.uint8, slow_on("numba", np.uint16), np.int64])
def test_patterns(kernels, size, dtype):
    masks = patterns(*size)
    for mask, other in zip(masks, masks[::-1], strict=True):
        assert_counts(kernels, mask.astype(dtype), other.astype(np.uint8))
    several = (masks[:8] * np.arange(1, 9)[:, None, None]).max(axis=0)
    assert_counts(kernels, several.astype(dtype), (masks[8] * 3 + masks[10]).astype(dtype))


@pytest.mark.slow_on("numba")
@pytest.mark.parametrize(("dtype", "layout"), crossed(INPUTS, layouts(2)), ids=parameter_id)
def test_layouts_and_dtypes(kernels, dtype, layout):
    rng = np.random.default_rng(0)
    info = np.iinfo(dtype)
    choices = np.array([info.min, info.min + 1, 0, 1, 100, info.max - 1, info.max], dtype)
    for shape in [(5, 9), (67, 70), (1, 130), (130, 1), (2, 4100)]:
        placed = Placed(layout, shape, dtype)
        placed.view[...] = rng.choice(choices, shape)
        other = rng.integers(0, 3, shape).astype(np.int16).repeat(3, axis=1)[:, : shape[1]]
        assert_counts(kernels, placed.view, other)
        assert_counts(kernels, np.asfortranarray(other), placed.view)
        assert_counts(kernels, placed.view, placed.view[::-1])


@pytest.mark.parametrize("shape", [(0, 0), (0, 5), (5, 0)])
def test_maps_without_pixels(kernels, shape):
    assert_counts(kernels, np.zeros(shape, np.int32), np.zeros(shape, ">u2"))


@pytest.mark.parametrize("axes", [(0,), (1,), (0, 1)])
def test_broadcast(kernels, axes):
    rng = np.random.default_rng(0)
    shape = (66, 70)
    small = rng.integers(-3, 3, [1 if axis in axes else shape[axis] for axis in range(2)])
    a, b = np.broadcast_to(small, shape), rng.integers(0, 4, shape)
    assert_counts(kernels, a, b)
    assert_counts(kernels, b.astype(np.uint8), a)
    assert_counts(kernels, a, a)


@pytest.mark.parametrize("shape", [(256, 260), slow((1, 70000))])
@pytest.mark.parametrize("dtype", [np.int32, slow(np.uint64)])
def test_all_pairs_distinct(kernels, shape, dtype):
    rng = np.random.default_rng(0)
    a = rng.permutation(shape[0] * shape[1]).reshape(shape).astype(dtype)
    assert_counts(kernels, a, np.zeros_like(a))
    assert_counts(kernels, a, rng.permutation(a.ravel()).reshape(shape))


def test_many_pairs_of_few_labels(kernels):
    # As labels come, the pairs outgrow each table in turn.
    rng = np.random.default_rng(0)
    for a_count, b_count in [(3, 4000), (4000, 3), (150, 150), (600, 900)]:
        grow = np.arange(1, 401)[:, None]
        a = (rng.integers(0, a_count, (400, 300)) * grow // 400).astype(np.int32)
        b = (rng.integers(0, b_count, (400, 300)) * grow // 400).astype(np.int32)
        assert_counts(kernels, a, b)
    assert_counts(kernels, a.astype(np.uint8), b.astype(np.uint8))


def test_bytes_of_which_some_are_noise(kernels):
    rng = np.random.default_rng(0)
    a = np.arange(256).repeat(1024).reshape(512, 512).astype(np.uint8)
    b = a.copy()
    b[100:200] = rng.integers(0, 256, (100, 512))
    b[300:310] = rng.integers(0, 2, (10, 512))
    assert_counts(kernels, a, b)
    assert_counts(kernels, b.view(np.int8), a[::-1])


@pytest.mark.parametrize("shift", [12, 40, *map(slow, (4, 20, 32, 44))])
def test_labels_that_a_poor_hash_does_not_tell_apart(kernels, shift):
    # Where these meet in the same places of the table, it takes minutes.
    labels = (np.arange(2**18, dtype=np.int64) << shift).reshape(512, 512)
    assert_all_distinct(kernels, labels)


def test_labels_made_against_a_known_hash(kernels):
    factor = 0x9E3779B97F4A7C15  # the usual one
    inverse = np.uint64(pow(factor, -1, 2**64))
    with np.errstate(over="ignore"):
        labels = np.arange(2**18, dtype=np.uint64) * inverse
    assert_all_distinct(kernels, np.sort(labels).reshape(512, 512))


def assert_all_distinct(kernels, labels):
    values_a, values_b, counts = kernels.overlap_table(labels, labels[::-1])
    assert_identical(values_a, labels.ravel())
    assert_identical(values_b, np.ascontiguousarray(labels[::-1]).ravel())
    assert_identical(counts, np.ones(labels.size, np.int64))
    ids, _ = kernels.label_runs(labels, None)
    assert_identical(ids, labels.ravel())


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.uint64])
def test_far_apart_labels(kernels, dtype):
    rng = np.random.default_rng(0)
    info = np.iinfo(dtype)
    palette = rng.integers(info.min, info.max, 300, dtype, endpoint=True)
    palette[:3] = info.min, info.max, 0
    blocks = rng.choice(palette, (13, 17)).repeat(5, axis=0).repeat(6, axis=1)
    assert_counts(kernels, blocks, np.roll(blocks, (2, 3), (0, 1)))
    assert_counts(kernels, blocks, rng.choice(palette, blocks.shape))


@pytest.mark.slow_on("numba", "reference")
def test_threads_do_not_change_the_answer(kernels):
    rng = np.random.default_rng(0)
    a = rng.integers(0, 40, (75, 80)).repeat(16, axis=0).repeat(16, axis=1)
    b = np.roll(a * 1_000_003, (3, 5), (0, 1))
    pairs = [(a, b), (a.astype(np.uint8), rng.integers(0, 9, a.shape, np.uint8)), (a.T, b.T)]
    threads = sc.get_num_threads()
    try:
        for one, other in pairs:
            sc.set_num_threads(1)
            expected = agree(kernels, "overlap_table", one, other)
            for count in (2, 3, 7):
                sc.set_num_threads(count)
                assert_identical(kernels.overlap_table(one, other), expected)
    finally:
        sc.set_num_threads(threads)


@given(
    data=st.data(),
    shape=hnp.array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=9),
)
def test_any_maps(kernels, data, shape):
    a, b = (data.draw(hnp.arrays(data.draw(st.sampled_from(INPUTS)), shape)) for _ in range(2))
    assert_counts(kernels, a, b)
