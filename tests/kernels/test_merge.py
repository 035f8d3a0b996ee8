"""merge: set operations."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import dense, large_flips, large_sizes, two_dense
from support.util import (
    Pycocotools,
    agree,
    assert_batch,
    assert_identical,
    assert_valid,
    batch_of,
    batch_of_flips,
    crossed,
    every_mask,
    patterns,
    rles_of,
    slow,
    stretched,
)

from segcore.backends.protocol import AND, OR, WITHOUT, XOR

TABLES = [OR, *(table for table in range(16) if table != OR)]
REDUCTIONS = {AND: np.logical_and, OR: np.logical_or, XOR: np.logical_xor}


def truth(a: np.ndarray, b: np.ndarray, table: int) -> np.ndarray:
    return (table >> (2 * a.astype(int) + b)) % 2 == 1


def assert_combines(kernels, a, b, tables=TABLES):
    for table in tables:
        result = agree(kernels, "combine", batch_of(a), batch_of(b), table)
        assert_batch(result, truth(a, b, table))


@pytest.mark.parametrize(
    ("size", "table"), crossed([(2, 2), (2, 3), (3, 2), (1, 1), (0, 3), (3, 0)], TABLES)
)
def test_every_pair_of_tiny_masks(kernels, table, size):
    masks = every_mask(*size)
    a, b = masks.repeat(len(masks), axis=0), np.tile(masks, (len(masks), 1, 1))
    assert_combines(kernels, a, b, [table])


@pytest.mark.parametrize("size", [(64, 64), (67, 131), slow((3, 9001)), slow((9001, 3))])
def test_patterns(kernels, size):
    masks = patterns(*size)
    for shift in range(len(masks)):
        assert_combines(kernels, masks, np.roll(masks, shift, axis=0), [AND, OR, XOR, WITHOUT])


@pytest.mark.parametrize("size", [(2, 3), (1, 1), (0, 3), (3, 0), (67, 31)])
def test_masks_with_themselves(kernels, size):
    """Not with masks that are equal: these are the same arrays, which ~ passes."""
    masks = every_mask(*size) if size[0] * size[1] < 9 else patterns(*size)
    batch = batch_of(masks)
    for table in TABLES:
        result = agree(kernels, "combine", batch, batch, table)
        assert_batch(result, truth(masks, masks, table))


def test_one_mask_serves_for_all(kernels):
    masks = patterns(9, 70)
    for one in (masks[2:3], masks[:1], masks[1:2], masks[-1:]):
        assert_combines(kernels, one, masks)
        assert_combines(kernels, masks, one)
        assert_combines(kernels, one, one)
        assert_combines(kernels, one, masks[:0])
        assert_combines(kernels, masks[:0], one)
    assert_combines(kernels, masks[:0], masks[:0])


@given(both=two_dense(), table=st.sampled_from(TABLES))
def test_any_masks(kernels, both, table):
    n = min(map(len, both))
    a, b = (masks[:n] for masks in both)
    assert_combines(kernels, a, b, [table])


@pytest.mark.slow_on("numba")
@given(both=two_dense(), table=st.sampled_from(TABLES), factor=st.sampled_from([2**26, 2**40]))
def test_large_masks(kernels, both, table, factor):
    n = min(map(len, both))
    a, b = (masks[:n] for masks in both)
    large_a = stretched(batch_of(a), factor)
    large_b = stretched(batch_of(b), factor)
    expected = stretched(batch_of(truth(a, b, table)), factor)
    result = agree(kernels, "combine", large_a, large_b, table)
    assert_identical(result, expected)


@pytest.mark.slow_on("numba")
@given(data=st.data(), size=large_sizes)
def test_large_sizes(kernels, data, size):
    masks = data.draw(st.lists(large_flips(size[0] * size[1]), min_size=4, max_size=4))
    batch, other = batch_of_flips(masks, size), batch_of_flips(masks[:1], size)
    for table in TABLES:
        result = agree(kernels, "combine", batch, other, table)
        assert_valid(result, 4, *size)
    for table in (AND, OR, XOR):
        result = agree(kernels, "reduce", batch, table, np.array([0, 1, 1, 4]))
        assert_valid(result, 3, *size)


# -- reduce ---------------------------------------------------------------------------------------


def assert_reduces(kernels, masks):
    for table, ufunc in REDUCTIONS.items():
        expected = ufunc.reduce(masks, axis=0, keepdims=True)
        assert_batch(agree(kernels, "reduce", batch_of(masks), table), expected)


@pytest.mark.parametrize("size", [(2, 3), (1, 1), (0, 3), (3, 0)])
def test_reduce_every_triple_of_tiny_masks(kernels, size):
    masks = every_mask(*size)[::5]
    for triple in itertools.product(masks, repeat=3):
        np_triple = np.array(triple)
        for table, ufunc in REDUCTIONS.items():
            result = kernels.reduce(batch_of(np_triple), table)
            assert_batch(result, ufunc.reduce(np_triple, axis=0, keepdims=True))


@pytest.mark.parametrize("size", [(64, 64), (67, 131), (3, 9001)])
def test_reduce_patterns(kernels, size):
    masks = patterns(*size)
    for n in range(len(masks) + 1):
        assert_reduces(kernels, masks[:n])
        assert_reduces(kernels, masks[n:])


@pytest.mark.parametrize("count", [0, 1, 2, 3, 63, 64, 65, 127, 128, 129, 255, 256, 257, 1000])
def test_reduce_many(kernels, count):
    rng = np.random.default_rng(count)
    rare = rng.random((count, 7, 11)) < 1 / (count + 1)
    assert_reduces(kernels, rare)
    assert_reduces(kernels, ~rare)
    assert_reduces(kernels, np.ones((count, 7, 11), bool))


@given(masks=dense(max_count=9))
def test_reduce_any_masks(kernels, masks):
    assert_reduces(kernels, masks)


@pytest.mark.slow_on("numba")
@given(masks=dense(max_count=9), factor=st.sampled_from([2**26, 2**40]))
def test_reduce_large_masks(kernels, masks, factor):
    batch = stretched(batch_of(masks), factor)
    for table, ufunc in REDUCTIONS.items():
        reduced = ufunc.reduce(masks, axis=0, keepdims=True)
        expected = stretched(batch_of(reduced), factor)
        assert_identical(agree(kernels, "reduce", batch, table), expected)


def assert_reduces_groups(kernels, masks, groups):
    size = masks.shape[1:]
    for table, ufunc in REDUCTIONS.items():
        parts = [ufunc.reduce(masks[i:j], axis=0) for i, j in itertools.pairwise(groups)]
        expected = np.array(parts, bool).reshape(len(parts), *size)
        result = agree(kernels, "reduce", batch_of(masks), table, np.array(groups))
        assert_batch(result, expected)


@pytest.mark.parametrize("size", [(64, 64), (67, 131), (3, 0)])
def test_reduce_groups(kernels, size):
    masks = patterns(*size)
    n = len(masks)
    for groups in ([0, n], [0, 0, 1, 1, 3, n, n], [0, 2, 5, 6, n], list(range(n + 1))):
        assert_reduces_groups(kernels, masks, groups)
    assert_reduces_groups(kernels, masks[:0], [0])
    assert_reduces_groups(kernels, masks[:0], [0, 0, 0])


def test_reduce_many_groups(kernels):
    """Enough work for several threads; groups of no masks, of a few, and of many."""
    rng = np.random.default_rng(0)
    masks = rng.random((3000, 5, 7)) < 0.3
    groups = [0, *sorted(rng.integers(0, 2000, 1500).tolist()), 3000]
    assert_reduces_groups(kernels, masks, groups)


@given(masks=dense(max_count=9), data=st.data())
def test_reduce_any_groups(kernels, masks, data):
    cuts = data.draw(st.lists(st.integers(0, len(masks)), max_size=5))
    assert_reduces_groups(kernels, masks, [0, *sorted(cuts), len(masks)])


def test_is_pycocotools_merge(kernels):
    pycocotools = Pycocotools()
    size = (67, 131)
    masks = patterns(*size)[4:]
    rles = rles_of(batch_of(masks))
    for intersect in (False, True):
        result = kernels.reduce(batch_of(masks), AND if intersect else OR)
        assert rles_of(result) == [pycocotools.merge(rles, intersect)]
