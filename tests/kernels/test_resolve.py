"""resolve: masks that overlap to masks that share no pixel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import dense
from support.util import (
    agree,
    assert_batch,
    assert_identical,
    batch_of,
    every_mask,
    patterns,
    slow,
    stretched,
)

NEVER = np.iinfo(np.int64).max


def turns(masks: np.ndarray, limits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Take turns, pixel by pixel: what each mask gets, and how many of its pixels were taken."""
    taken = np.zeros(masks.shape[1:], bool)
    free = np.zeros_like(masks)
    overlaps = np.zeros(len(masks), np.int64)
    for i, mask in enumerate(masks):
        overlaps[i] = (mask & taken).sum()
        if overlaps[i] <= limits[i]:
            free[i] = mask & ~taken
            taken |= mask
    return free, overlaps


def assert_resolves(kernels, masks, limits):
    limits = np.array(limits, np.int64)
    visible, overlaps = agree(kernels, "resolve", batch_of(masks), limits)
    free, expected = turns(masks, limits)
    assert_batch(visible, free)
    assert_identical(overlaps, expected)


@pytest.mark.parametrize("size", [(2, 3), (1, 1), (0, 3), (3, 0)])
def test_every_triple_of_tiny_masks(kernels, size):
    masks = every_mask(*size)
    rng = np.random.default_rng(0)
    for _ in range(100):
        triple = masks[rng.integers(len(masks), size=3)]
        assert_resolves(kernels, triple, rng.integers(-1, 7, size=3))


@pytest.mark.parametrize(
    "size", [(64, 64), (67, 131), slow((3, 9001)), slow((9001, 3)), (1, 128), (128, 1)]
)
def test_patterns(kernels, size):
    masks = patterns(*size)
    for shift in range(len(masks)):
        rolled = np.roll(masks, shift, axis=0)
        assert_resolves(kernels, rolled, [NEVER] * len(masks))
        assert_resolves(kernels, rolled, rolled.sum(axis=(1, 2)) // 2)


def test_each_limit_is_exact(kernels):
    a = np.zeros((3, 40, 50), bool)
    a[0, :20, :25] = a[1, 10:30, 5:35] = a[2, :, 20:30] = True
    for at in range(3):
        exact = turns(a, np.array([NEVER] * 3))[1][at]
        for less in (-1, 0, 1):
            limits = [NEVER] * 3
            limits[at] = exact - less
            assert_resolves(kernels, a, limits)


@pytest.mark.parametrize("factor", [2**22, 2**40])
@pytest.mark.parametrize("less", [0, 1])
def test_limits_are_exact_in_large_images(kernels, factor, less):
    masks = np.zeros((2, 5, 7), bool)
    masks[0, :3] = masks[1, 2:, :4] = True
    batch = stretched(batch_of(masks), factor)
    limits = np.array([0, 4 * factor - less])
    visible, overlaps = agree(kernels, "resolve", batch, limits)
    assert_identical(overlaps, np.array([0, 4 * factor]))
    free = np.stack([masks[0], masks[1] & ~masks[0] & (less == 0)])
    assert_identical(visible, stretched(batch_of(free), factor))


@pytest.mark.parametrize("limits", [[], [0], [0, 0, 0], [[0, 0]]])
def test_native_refuses_limits_of_other_masks(kernels, limits):
    """The binder protects the kernel's memory; other backends have it checked by the API."""
    if not kernels.name.startswith("native"):
        pytest.skip("checked by the API")
    with pytest.raises(ValueError, match="limits: expected one per mask"):
        kernels.resolve(batch_of(np.ones((2, 5, 7), bool)), np.array(limits, np.int64))


def test_no_masks(kernels):
    assert_resolves(kernels, np.zeros((0, 5, 7), bool), [])


@given(masks=dense(max_count=9), data=st.data())
def test_any_masks(kernels, masks, data):
    limit = st.one_of(st.integers(-1, masks[0].size if len(masks) else 0), st.just(NEVER))
    limits = data.draw(st.lists(limit, min_size=len(masks), max_size=len(masks)))
    assert_resolves(kernels, masks, limits)


@pytest.mark.slow_on("numba")
@given(
    masks=dense(max_count=9),
    factor=st.sampled_from([2**22, 2**26, 2**40]),
    share=st.sampled_from([0, 0.3, 1]),
)
def test_large_masks(kernels, masks, factor, share):
    """So few runs in so many pixels that no plane of bits is drawn."""
    batch = stretched(batch_of(masks), factor)
    limits = (masks.sum(axis=(1, 2)) * share).astype(np.int64)
    free, overlaps = turns(masks, limits)
    visible, counts = agree(kernels, "resolve", batch, limits * factor + factor // 2)
    assert_identical(visible, stretched(batch_of(free), factor))
    assert_identical(counts, overlaps * factor)
