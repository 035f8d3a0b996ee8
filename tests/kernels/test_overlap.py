"""overlap: intersection areas of all pairs, and their ratios."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import large_flips, large_sizes, two_dense
from support.util import (
    BOUNDARY_SIZES,
    Pycocotools,
    agree,
    assert_identical,
    batch_of,
    batch_of_flips,
    crossed,
    every_mask,
    patterns,
    rles_of,
    slow,
    stretched,
)

import segcore
from segcore.backends import reference


def common(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    pixels = a.shape[1] * a.shape[2]
    flat_a, flat_b = a.reshape(len(a), pixels), b.reshape(len(b), pixels)
    return np.rint(flat_a.astype(float) @ flat_b.astype(float).T).astype(np.int64)


def assert_overlaps(kernels, a, b):
    result = agree(kernels, "overlap", batch_of(a), batch_of(b))
    assert_identical(result, common(a, b))


@pytest.mark.parametrize("size", [(1, 1), (1, 4), (4, 1), (2, 3), (3, 3), (0, 3), (3, 0)])
def test_every_pair_of_tiny_masks(kernels, size):
    masks = every_mask(*size)
    assert_overlaps(kernels, masks, masks)


@pytest.mark.parametrize("size", [(64, 64), (67, 131), (3, 9001), (9001, 3), (200, 300)])
def test_patterns(kernels, size):
    assert_overlaps(kernels, patterns(*size), patterns(*size, seed=1))


def test_boundary_sizes(kernels):
    for height in BOUNDARY_SIZES:
        for width in (1, 2, 31, 33, 64, 65):
            assert_overlaps(kernels, patterns(height, width), patterns(height, width, seed=1))


@pytest.mark.parametrize(
    "size", [(32767, 2), (32768, 2), (32769, 3), (65535, 2), (65536, 2), (65537, 2), (70000, 1)]
)
def test_tall(kernels, size):
    masks = patterns(*size)
    assert_overlaps(kernels, masks, masks)


@pytest.mark.parametrize("size", [(2, 32767), (2, 32768), (3, 32769), (2, 65537), (1, 70000)])
def test_wide(kernels, size):
    masks = patterns(*size)
    assert_overlaps(kernels, masks, masks)


@pytest.mark.parametrize(("n", "m"), [(0, 0), (0, 3), (3, 0), (1, 1), (1, 130), (130, 1), (65, 67)])
def test_counts_of_masks(kernels, n, m):
    rng = np.random.default_rng(0)
    a, b = rng.random((n, 9, 40)) < 0.3, rng.random((m, 9, 40)) < 0.7
    assert_overlaps(kernels, a, b)


@pytest.mark.parametrize("runs", [1, 2, 7, 8, 9, 22, 23, 24, 25, 26, 31, 32, 33, 64, 65])
def test_columns_of_many_runs(kernels, runs):
    y, x = np.mgrid[: 2 * runs + 1, :70]
    stripes = y % 2 == 1
    masks = np.array(
        [
            stripes,
            ~stripes,
            stripes & (x > 40),
            stripes & (x == 33),
            stripes ^ (x % 2 == 0),
            (x > 10) & (x < 50),
            (x + y) % 3 == 0,
            stripes & (y < x),
        ]
    )
    assert_overlaps(kernels, masks, masks)


def blobs(count: int, height: int, width: int, seed: int) -> np.ndarray:
    """Draw ellipses, some outside of each other's boxes, some with a hole."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    masks = []
    for hole in rng.random(count) < 0.3:
        cy, cx = rng.uniform(0, height), rng.uniform(0, width)
        ry, rx = rng.uniform(2, height / 3), rng.uniform(2, width / 3)
        distance = ((y - cy) / ry) ** 2 + ((x - cx) / rx) ** 2
        masks.append((distance < 1) & ((distance > 0.2) | ~hole))
    return np.array(masks)


@pytest.mark.parametrize("size", [(97, 129), (30, 300), slow((120, 160)), slow((500, 30))])
def test_blobs(kernels, size):
    a, b = blobs(30, *size, seed=0), blobs(25, *size, seed=1)
    assert_overlaps(kernels, a, b)
    mixed = np.concatenate([b, patterns(*size)])
    assert_overlaps(kernels, a, mixed)
    assert_overlaps(kernels, mixed, a)


@given(both=two_dense())
def test_any_masks(kernels, both):
    assert_overlaps(kernels, *both)


@given(both=two_dense(), factor=st.sampled_from([2**8, 2**14, 2**26, 2**40]))
def test_large_masks(kernels, both, factor):
    a = stretched(batch_of(both[0]), factor)
    b = stretched(batch_of(both[1]), factor)
    result = agree(kernels, "overlap", a, b)
    assert_identical(result, common(*both) * factor)


@given(data=st.data(), size=large_sizes)
def test_large_sizes(kernels, data, size):
    masks = data.draw(st.lists(large_flips(size[0] * size[1]), min_size=1, max_size=5))
    batch = batch_of_flips(masks, size)
    areas = agree(kernels, "overlap", batch, batch)
    np.testing.assert_array_equal(areas, areas.T)
    np.testing.assert_array_equal(np.diag(areas), reference.area(batch))


@pytest.mark.parametrize("size", [(2**16, 2**15), (2**16, 2**16), (2**30, 2**29 - 1)])
def test_full_masks_of_large_sizes(kernels, size):
    full = batch_of_flips([[0], [0]], size)
    result = kernels.overlap(full, full)
    assert_identical(result, np.full((2, 2), size[0] * size[1], np.int64))


def test_millions_of_tall_columns(kernels):
    """Whatever the sums of some columns are held in, it does not overflow."""
    height, width = 2**15 - 1, 2**21 + 2**17
    tops = np.arange(width, dtype=np.uint64) * height
    flips = np.stack([tops, tops + height - 1], axis=1).ravel()
    batch = batch_of_flips([flips], (height, width))
    result = kernels.overlap(batch, batch)
    assert_identical(result, np.array([[(height - 1) * width]]))


# -- pairs that have too little in common ---------------------------------------------------------


def limited(a, b, above, divisors):
    """Say what the limit means, pair by pair."""
    areas = common(a, b)
    ratios = np.zeros(areas.shape)
    a_area, b_area = a.sum(axis=(1, 2)), b.sum(axis=(1, 2))
    for i, j in np.ndindex(*areas.shape):
        both = a_area[i] + b_area[j] - areas[i, j]
        divisor = (both, a_area[i], min(a_area[i], b_area[j]), a_area[i] + b_area[j])[
            0 if divisors is None else divisors[j]
        ]
        ratios[i, j] = areas[i, j] / max(divisor, 1)
    return np.where(ratios < above, 0, areas), np.where(ratios < above, 0, ratios)


def assert_limited(kernels, a, b, above, divisors):
    arguments = batch_of(a), batch_of(b), above, divisors
    areas, ratios = limited(a, b, above, divisors)
    assert_identical(agree(kernels, "overlap", *arguments), areas)
    assert_identical(agree(kernels, "overlap_ratios", *arguments), ratios)


LIMITS = [0.0, 5e-324, 0.05, 0.5, 1 / 3, np.nextafter(1 / 3, 1), 1.0, 1.5, np.inf]


@pytest.mark.parametrize(
    ("size", "above"), crossed([(2, 3), (1, 1), (1, 5), (4, 1), (0, 3), (3, 0)], LIMITS)
)
def test_limit_on_tiny_masks(kernels, size, above):
    masks = every_mask(*size)
    assert_limited(kernels, masks, masks, above, None)
    divisors = np.arange(len(masks), dtype=np.uint8) % 4
    assert_limited(kernels, masks, masks, above, divisors)


@pytest.mark.parametrize("size", [(67, 131), slow((30, 300)), slow((32769, 3))])
def test_limit_on_blobs_and_patterns(kernels, size):
    a, b = patterns(*size), patterns(*size, seed=1)
    if size[1] > 9:
        some, others = blobs(12, *size, seed=0), blobs(9, *size, seed=1)
        a, b = np.concatenate([some, a]), np.concatenate([others, some[:3], b])
    assert_limited(kernels, a, b, 0.1, None)
    assert_limited(kernels, a, b, 0.6, None)
    assert_limited(kernels, a, b, 0.4, np.arange(len(b), dtype=np.uint8) % 4)


@given(data=st.data(), both=two_dense())
def test_limit_at_ratios_that_occur(kernels, data, both):
    a, b = both
    n = st.lists(st.integers(0, 3), min_size=len(b), max_size=len(b))
    divisors = data.draw(st.none() | n.map(lambda values: np.array(values, np.uint8)))
    total = a.sum(axis=(1, 2))[:, None] + b.sum(axis=(1, 2)) - common(a, b)
    ratios = (common(a, b) / np.maximum(total, 1)).ravel().tolist()
    above = data.draw(st.sampled_from([0.5, 1.0, *ratios]))
    assert_limited(kernels, a, b, above, divisors)
    assert_limited(kernels, a, b, np.nextafter(above, 2), divisors)


@given(both=two_dense(), factor=st.sampled_from([2**14, 2**40]), divisor=st.integers(0, 3))
def test_limit_on_large_masks(kernels, both, factor, divisor):
    a, b = both
    tall_a = stretched(batch_of(a), factor)
    tall_b = stretched(batch_of(b), factor)
    divisors = np.full(len(b), divisor, np.uint8)
    result = agree(kernels, "overlap", tall_a, tall_b, 0.5, divisors)
    assert_identical(result, limited(a, b, 0.5, divisors)[0] * factor)


def test_is_pycocotools_iou(kernels):
    pycocotools = Pycocotools()
    size = (97, 129)
    a, b = batch_of(blobs(20, *size, seed=2)), batch_of(blobs(20, *size, seed=3))
    ratios = kernels.overlap_ratios(a, b)
    expected = pycocotools.iou(rles_of(a), rles_of(b), [0] * 20)
    np.testing.assert_array_equal(ratios, expected)


def test_many_ratios(kernels):
    """Enough work for several threads."""
    rng = np.random.default_rng(0)
    a, b = rng.random((700, 3, 4)) < 0.3, rng.random((600, 3, 4)) < 0.5
    batches = batch_of(a), batch_of(b)
    areas = common(a, b)
    union = a.sum(axis=(1, 2))[:, None] + b.sum(axis=(1, 2)) - areas
    assert_identical(kernels.overlap_ratios(*batches), areas / np.maximum(union, 1))


# -- pairs of the same group ----------------------------------------------------------------------


def assert_grouped(kernels, a, b, groups, above=0.0, divisors=None):
    """The ratios of the pairs of each group are those of the matrix of all pairs."""
    ratios = limited(a, b, above, divisors)[1]
    bounds = zip(*(pairwise(ends.tolist()) for ends in groups), strict=True)
    expected = [ratios[slice(*rows), slice(*columns)].ravel() for rows, columns in bounds]
    arguments = batch_of(a), batch_of(b), above, divisors, groups
    got = agree(kernels, "overlap_ratios", *arguments)
    assert_identical(got, np.concatenate([np.empty(0), *expected]))


def random_bounds(rng, count, groups):
    inner = np.sort(rng.integers(0, count + 1, groups - 1))
    return np.concatenate([[0], inner, [count]]).astype(np.int64)


@given(both=two_dense(), seed=st.integers(0, 2**32 - 1))
def test_groups_of_any_masks(kernels, both, seed):
    a, b = both
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 5))
    groups = random_bounds(rng, len(a), count), random_bounds(rng, len(b), count)
    above = float(rng.choice([0, 0.2, 0.5, 1]))
    divisors = rng.integers(0, 4, len(b)).astype(np.uint8) if rng.random() < 0.5 else None
    assert_grouped(kernels, a, b, groups, above, divisors)


@pytest.mark.parametrize("above", [0.0, 0.3])
@pytest.mark.parametrize("size", [(67, 131), slow((32769, 3))])
def test_groups_of_blobs_and_patterns(kernels, size, above):
    a, b = patterns(*size), patterns(*size, seed=1)
    if size[1] > 9:
        a, b = np.concatenate([blobs(9, *size, seed=0), a]), np.concatenate([b, a[:5]])
    rng = np.random.default_rng(0)
    groups = random_bounds(rng, len(a), 4), random_bounds(rng, len(b), 4)
    assert_grouped(kernels, a, b, groups, above)


@pytest.mark.parametrize("threads", [1, 3])
def test_groups_on_threads(kernels, threads):
    if kernels.name == "numba":
        pytest.skip("it has no threads")
    a = batch_of(np.tile(blobs(20, 90, 70, seed=4), (20, 1, 1)))
    groups = (np.arange(0, 401, 8),) * 2
    before = segcore.get_num_threads()
    try:
        segcore.set_num_threads(threads)
        got = kernels.overlap_ratios(a, a, 0.1, None, groups)
    finally:
        segcore.set_num_threads(before)
    assert_identical(got, reference.overlap_ratios(a, a, 0.1, None, groups))


@pytest.mark.parametrize(
    "groups",
    [([0, 3], [0, 2]), ([0, 2], [0, 2, 3]), ([0, 2], [1, 3]), ([0, 2, 1, 2], [0, 1, 2, 3])],
    ids=str,
)
def test_groups_that_do_not_divide_the_masks(kernels, groups):
    if not kernels.name.startswith("native"):
        pytest.skip("the other backends are memory-safe")
    a, b = (batch_of(np.ones((count, 2, 2), bool)) for count in (2, 3))
    with pytest.raises((TypeError, ValueError), match="groups"):
        kernels.overlap_ratios(a, b, 0.0, None, tuple(np.array(ends) for ends in groups))
