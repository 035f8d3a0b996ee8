"""components: masks to their connected parts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.regions import flooded
from support.strategies import dense
from support.util import (
    agree,
    assert_batch,
    assert_identical,
    batch_of,
    every_mask,
    patterns,
    stretched,
)

import segcore as sc


def expected(masks: np.ndarray, connectivity: int) -> tuple[np.ndarray, np.ndarray]:
    parts = [(i, part) for i, mask in enumerate(masks) for part in flooded(mask, connectivity)]
    parents = np.array([i for i, _ in parts], np.int64)
    dense = np.array([part for _, part in parts], bool)
    return dense.reshape(len(parts), *masks.shape[1:]), parents


def assert_splits(kernels, masks):
    for connectivity in (4, 8):
        found, parents = agree(kernels, "components", batch_of(masks), connectivity)
        parts, of_mask = expected(masks, connectivity)
        assert_batch(found, parts)
        assert_identical(parents, of_mask)


@pytest.mark.parametrize(
    "size", [(3, 3), (2, 4), (4, 2), (1, 8), (8, 1), (2, 2), (1, 1), (0, 3), (3, 0)]
)
def test_every_tiny_mask(kernels, size):
    assert_splits(kernels, every_mask(*size))


@pytest.mark.parametrize("size", [(17, 33), (33, 17), (64, 3), (3, 64)])
def test_patterns(kernels, size):
    assert_splits(kernels, patterns(*size))


def test_spirals_and_combs(kernels):
    spiral = np.zeros((21, 21), bool)
    y = x = 10
    dy, dx = 0, 2
    for steps in range(1, 10):
        for _ in range(2):
            for _ in range(steps):
                spiral[min(y, y + dy) : max(y, y + dy) + 1, min(x, x + dx) : max(x, x + dx) + 1] = 1
                y, x = np.clip(y + dy, 0, 20), np.clip(x + dx, 0, 20)
            dy, dx = dx, -dy
    comb = np.zeros((21, 21), bool)
    comb[::2] = True
    comb[:, -1] = True
    masks = np.array([spiral, ~spiral, comb, comb[:, ::-1], comb.T, comb.T[::-1], ~comb])
    assert_splits(kernels, masks)


def test_no_masks(kernels):
    assert_splits(kernels, np.zeros((0, 5, 7), bool))


@given(masks=dense(max_count=5))
def test_any_masks(kernels, masks):
    assert_splits(kernels, masks)


@pytest.mark.slow_on("numba")
@given(
    masks=dense(max_count=5),
    factor=st.sampled_from([2**26, 2**40]),
    connectivity=st.sampled_from([4, 8]),
)
def test_large_masks(kernels, masks, factor, connectivity):
    """Pixels that are very high are neighbours as before, their corners too."""
    batch = stretched(batch_of(masks), factor)
    found, parents = agree(kernels, "components", batch, connectivity)
    parts, of_mask = expected(masks, connectivity)
    assert_identical(found, stretched(batch_of(parts), factor))
    assert_identical(parents, of_mask)


def test_runs_that_go_on_in_the_next_column(kernels):
    """A full mask is one run; a run from one column's bottom to the next one's top is two parts."""
    assert_splits(kernels, np.ones((2, 30, 70), bool))
    wraps = np.zeros((2, 4, 5), bool)
    wraps[0, 3, 0] = wraps[0, 0, 1] = True
    wraps[1, 2:, 0] = wraps[1, :2, 1] = wraps[1, 3, 1] = wraps[1, 0, 2] = True
    assert_splits(kernels, wraps)


@pytest.mark.parametrize("connectivity", [4, 8])
def test_is_opencv_and_scipy(connectivity):
    rng = np.random.default_rng(0)
    blurred = rng.random((100, 120))
    for _ in range(3):
        blurred = (blurred + np.roll(blurred, 1, 0) + np.roll(blurred, 1, 1)) / 3
    for mask in (blurred > np.median(blurred), rng.random((100, 120)) < 0.5):
        parts, parents = sc.Masks.from_dense(mask).components(connectivity)
        assert (parents == 0).all()
        labels = sc.compose_semantic(parts, np.arange(1, len(parts) + 1), dtype=np.int32)
        for other in (by_opencv(mask, connectivity), by_scipy(mask, connectivity)):
            if other is not None:
                pairs = np.unique(np.stack([labels.ravel(), other.ravel()]), axis=1)
                assert pairs.shape[1] == len(parts) + 1 == other.max() + 1


def by_opencv(mask, connectivity):
    try:
        import cv2
    except ImportError:
        return None
    return cv2.connectedComponents(mask.astype(np.uint8), connectivity=connectivity)[1]


def by_scipy(mask, connectivity):
    try:
        from scipy import ndimage
    except ImportError:
        return None
    return ndimage.label(mask, np.ones((3, 3)) if connectivity == 8 else None)[0]


@pytest.mark.parametrize("connectivity", [0, 6, "8", None])
def test_other_connectivities_are_refused(connectivity):
    with pytest.raises(ValueError, match="connectivity: expected 4 or 8"):
        sc.Masks.from_dense([[1]]).components(connectivity)
