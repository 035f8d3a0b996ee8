"""measure: areas, bounding boxes and moments."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import dense, large_flips, large_sizes
from support.util import (
    BOUNDARY_SIZES,
    Pycocotools,
    agree,
    assert_identical,
    batch_of,
    batch_of_flips,
    every_mask,
    patterns,
    rles_of,
    stretched,
)


def areas_of(masks: np.ndarray) -> np.ndarray:
    return masks.sum(axis=(1, 2), dtype=np.int64)


def boxes_of(masks: np.ndarray) -> np.ndarray:
    boxes = np.zeros((len(masks), 4), np.int64)
    for box, mask in zip(boxes, masks, strict=True):
        y, x = np.nonzero(mask)
        if len(x):
            box[:] = x.min(), y.min(), x.max() + 1, y.max() + 1
    return boxes


def moments_of(masks: np.ndarray) -> np.ndarray:
    moments = np.full((len(masks), 5), np.nan)
    for row, mask in zip(moments, masks, strict=True):
        points = np.argwhere(mask)[:, ::-1]
        if len(points):
            (xx, xy), (_, yy) = np.cov(points.T, bias=True) if len(points) > 1 else np.zeros((2, 2))
            row[:] = *points.mean(axis=0), xx, yy, xy
    return moments


def assert_measures(kernels, masks):
    batch = batch_of(masks)
    moments = agree(kernels, "moments", batch, True)
    np.testing.assert_allclose(moments, moments_of(masks), rtol=1e-12, atol=1e-9)
    assert_identical(agree(kernels, "moments", batch, False), np.ascontiguousarray(moments[:, :2]))
    assert_identical(agree(kernels, "area", batch), areas_of(masks))
    assert_identical(agree(kernels, "boxes", batch), boxes_of(masks))


@pytest.mark.parametrize("size", [(1, 1), (1, 4), (4, 1), (2, 3), (3, 3), (0, 3), (3, 0), (2, 5)])
def test_every_mask_of_a_tiny_size(kernels, size):
    assert_measures(kernels, every_mask(*size))


@pytest.mark.parametrize("size", [(64, 64), (67, 131), (3, 9001), (9001, 3)])
def test_patterns(kernels, size):
    assert_measures(kernels, patterns(*size))


def test_boundary_sizes(kernels):
    for height in BOUNDARY_SIZES:
        for width in (1, 2, 33):
            assert_measures(kernels, patterns(height, width))


def test_no_masks(kernels):
    assert_measures(kernels, np.zeros((0, 4, 5), bool))


def test_a_run_over_the_edge_of_a_column_touches_both_of_its_ends(kernels):
    mask = np.zeros((1, 5, 4), bool)
    mask[0, 4, 1] = mask[0, 0, 2] = True
    assert_measures(kernels, mask)
    assert kernels.boxes(batch_of(mask)).tolist() == [[1, 0, 3, 5]]


@given(masks=dense())
def test_any_masks(kernels, masks):
    assert_measures(kernels, masks)


@given(masks=dense(), factor=st.sampled_from([2**26, 2**32 // 30, 2**40]))
def test_large_masks(kernels, masks, factor):
    batch = stretched(batch_of(masks), factor)
    assert_identical(agree(kernels, "area", batch), areas_of(masks) * factor)
    expected = boxes_of(masks) * [1, factor, 1, factor]
    assert_identical(agree(kernels, "boxes", batch), expected)
    agree(kernels, "moments", batch, True)


@given(data=st.data(), size=large_sizes)
def test_large_sizes(kernels, data, size):
    masks = data.draw(st.lists(large_flips(size[0] * size[1]), max_size=4))
    batch = batch_of_flips(masks, size)
    agree(kernels, "area", batch)
    agree(kernels, "boxes", batch)
    agree(kernels, "moments", batch, True)


def test_a_full_mask_of_the_largest_size(kernels):
    height, width = 2**30, 2**29 - 1
    full = batch_of_flips([[0]], (height, width))
    assert kernels.area(full).tolist() == [height * width]
    assert kernels.boxes(full).tolist() == [[0, 0, width, height]]
    center = [(width - 1) / 2, (height - 1) / 2]
    assert kernels.moments(full, True).tolist() == [[*center, width**2 / 12, height**2 / 12, 0]]


def test_moments_of_boxes_of_a_giant_canvas(kernels):
    """Of n consecutive coordinates, the variance is (n * n - 1) / 12."""
    height, width = 200_000, 150_000
    x0, x1, y0, y1 = 149_000, 150_000, 150_000, 150_007
    flips = (np.arange(x0, x1)[:, None] * height + [y0, y1]).ravel()
    moments = kernels.moments(batch_of_flips([flips, [0]], (height, width)), True)
    center = [(x0 + x1 - 1) / 2, (y0 + y1 - 1) / 2]
    assert moments[0].tolist() == [*center, (1000**2 - 1) / 12, (7**2 - 1) / 12, 0]
    assert moments[1, :2].tolist() == [(width - 1) / 2, (height - 1) / 2]
    variances = [(width**2 - 1) / 12, (height**2 - 1) / 12, 0]
    np.testing.assert_allclose(moments[1, 2:], variances, rtol=1e-15)


def test_is_pycocotools(kernels):
    pycocotools = Pycocotools()
    masks = patterns(67, 131)
    batch = batch_of(masks)
    rles = rles_of(batch)
    np.testing.assert_array_equal(kernels.area(batch), pycocotools.area(rles))
    x0, y0, x1, y1 = kernels.boxes(batch).T
    expected = pycocotools.toBbox(rles)
    np.testing.assert_array_equal(np.stack([x0, y0, x1 - x0, y1 - y0], axis=1), expected)
