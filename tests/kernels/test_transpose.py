"""transpose: masks with rows and columns exchanged."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import dense
from support.util import (
    BOUNDARY_SIZES,
    agree,
    assert_batch,
    assert_identical,
    batch_of,
    batch_of_flips,
    every_mask,
    patterns,
    slow,
)

from segcore.backends import reference

MODULE = sys.modules["segcore.backends.reference.transpose"]


WAYS = [(False, False), (True, False), (False, True), (True, True)]


def assert_transposes(kernels, masks):
    batch, transposed = batch_of(masks), masks.transpose(0, 2, 1)
    for rows, columns in WAYS:
        got = agree(kernels, "transpose", batch, rows, columns)
        assert_batch(got, transposed[:, :: -1 if rows else 1, :: -1 if columns else 1])


@pytest.mark.parametrize(
    "size", [(3, 3), (2, 4), (4, 2), (1, 8), (8, 1), (1, 1), (0, 3), (3, 0), slow((3, 4))]
)
def test_every_tiny_mask(kernels, size):
    assert_transposes(kernels, every_mask(*size))


@pytest.mark.parametrize("side", BOUNDARY_SIZES)
def test_patterns(kernels, side):
    assert_transposes(kernels, patterns(side, 5))
    assert_transposes(kernels, patterns(5, side))
    assert_transposes(kernels, patterns(side, 130)[8:11])


@given(masks=dense(max_count=5))
def test_any_masks(kernels, masks):
    assert_transposes(kernels, masks)


@given(masks=dense(max_count=8), limit=st.sampled_from([1, 5, 100]))
def test_the_reference_in_parts(masks, limit):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MODULE, "MAX_FLIPS", limit)
        assert_batch(reference.transpose(batch_of(masks)), masks.transpose(0, 2, 1))


@pytest.mark.parametrize("side", [2**16, 2**20])
def test_large_boxes(kernels, side):
    """Boxes of a large image, where they are, and where they then are."""
    boxes = [(5, 7, 9, 17), (side - 3, side - 200, side, side), (0, 0, 2, 3)]

    def flips(x0, y0, x1, y1):
        ends = np.arange(x0, x1)[:, None] * side + [y0, y1]
        return ends.ravel()[ends.ravel() < side * side]

    batch = batch_of_flips([flips(*box) for box in boxes], (side, side))
    expected = batch_of_flips([flips(y0, x0, y1, x1) for x0, y0, x1, y1 in boxes], (side, side))
    assert_identical(agree(kernels, "transpose", batch), expected)
    assert_identical(agree(kernels, "transpose", expected), batch)


@pytest.mark.parametrize("size", [(3, 2**40), (2**40, 3), (2**29, 2**29)])
def test_a_few_pixels_of_a_large_image(kernels, size):
    """Memory grows with the runs, not with the sides."""
    height, width = size
    pixels = [(0, 0), (1, 1), (height - 1, 0), (0, width - 1), (height - 1, width - 1)]

    def flips(places, rows):
        places = sorted(x * rows + y for y, x in places)
        ends = np.unique([[p, p + 1] for p in places], return_counts=True)
        return [e for e, count in zip(*ends, strict=True) if count == 1 and e < height * width]

    batch = batch_of_flips([flips(pixels, height)], size)
    expected = batch_of_flips([flips([(x, y) for y, x in pixels], width)], (width, height))
    assert_identical(kernels.transpose(batch), expected)
    for rows, columns in WAYS:
        got = kernels.transpose(batch, rows, columns)
        assert_identical(got, reference.reverse(expected, rows, columns))
