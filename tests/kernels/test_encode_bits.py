"""encode_bits: one bit a pixel to run ends."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import dense
from support.util import BOUNDARY_SIZES, agree, assert_batch, every_mask, patterns

ORDERS = {False: "big", True: "little"}


def check(kernels, masks, little, rest=0):
    """Encode masks whose rows are filled up with ``rest``."""
    rows = np.packbits(masks, axis=2, bitorder=ORDERS[little])
    unused = -masks.shape[2] % 8
    if rest and unused and rows.size:
        bits = (1 << unused) - 1
        rows[..., -1] |= bits << (8 - unused) if little else bits
    assert_batch(agree(kernels, "encode_bits", rows, masks.shape[2], little), masks)


@pytest.mark.parametrize("little", [False, True])
@pytest.mark.parametrize("size", [(1, 1), (1, 4), (4, 1), (2, 3), (3, 3), (2, 5)])
def test_every_mask_of_a_tiny_size(kernels, size, little):
    check(kernels, every_mask(*size), little, rest=1)


@pytest.mark.parametrize("little", [False, True])
@pytest.mark.parametrize("width", BOUNDARY_SIZES)
def test_boundary_sizes(kernels, width, little):
    rng = np.random.default_rng(width)
    for height in (1, 2, 63, 64, 65):
        masks = rng.random((3, height, width)) < [[[0.05]], [[0.5]], [[0.95]]]
        check(kernels, masks, little, rest=1)


@pytest.mark.parametrize("size", [(67, 131), (3, 9001), (480, 640)])
def test_patterns(kernels, size):
    for little in ORDERS:
        check(kernels, patterns(*size), little)


@pytest.mark.parametrize("shape", [(0, 3, 4), (2, 0, 4), (2, 3, 0)])
def test_nothing(kernels, shape):
    check(kernels, np.zeros(shape, bool), False)


@given(masks=dense(), little=st.booleans(), rest=st.booleans())
def test_random_masks(kernels, masks, little, rest):
    check(kernels, masks, little, rest)
