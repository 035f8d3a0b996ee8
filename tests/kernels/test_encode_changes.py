"""encode_changes: bytes to run ends, by value."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from support.util import (
    BOUNDARY_SIZES,
    Pycocotools,
    agree,
    assert_batch,
    assert_identical,
    patterns,
    rles_of,
)


def columns_of(images: np.ndarray) -> np.ndarray:
    """Lay the pixels of (N, H, W) out column by column."""
    return np.ascontiguousarray(images.transpose(0, 2, 1)).reshape(len(images), -1)


def changes_of(columns: np.ndarray, height: int, width: int) -> np.ndarray:
    """Draw the mask that flips wherever a byte changes: (N, H, W)."""
    masks = np.zeros(columns.shape, bool)
    for mask, row in zip(masks, columns.tolist(), strict=True):
        inside = False
        for i, (before, value) in enumerate(itertools.pairwise([0, *row])):
            inside ^= value != before
            mask[i] = inside
    return masks.reshape(len(columns), width, height).transpose(0, 2, 1)


def test_all_rows_of_three_values(kernels):
    columns = np.array(list(itertools.product([0, 1, 255], repeat=6)), np.uint8)
    assert_batch(agree(kernels, "encode_changes", columns, 2, 3), changes_of(columns, 2, 3))


@pytest.mark.parametrize("height", BOUNDARY_SIZES)
def test_boundary_sizes(kernels, height):
    rng = np.random.default_rng(height)
    for width in (1, 2, 63, 64, 65, 129):
        values = rng.choice(np.array([0, 1, 2, 128], np.uint8), (2, height * width))
        values[1] = np.maximum.accumulate(values[1])  # long runs
        assert_batch(
            agree(kernels, "encode_changes", values, height, width),
            changes_of(values, height, width),
        )


@pytest.mark.parametrize("size", [(67, 131), (3, 9001), (9001, 3), (64, 128)])
def test_zeros_and_ones_are_encoded_as_by_encode(kernels, size):
    masks = patterns(*size)
    columns = columns_of(masks).view(np.uint8)
    assert_batch(agree(kernels, "encode_changes", columns, *size), masks)
    assert_batch(agree(kernels, "encode_changes", columns * np.uint8(200), *size), masks)


def test_a_flip_at_every_pixel(kernels):
    """None is left out where a kernel goes on from one part of the memory to the next."""
    height, width = 419, 701
    columns = np.arange(1, height * width + 1).astype(np.uint8)[None]
    batch = kernels.encode_changes(columns, height, width)
    assert_identical(batch.run_ends, np.arange(height * width, dtype=np.uint32))
    assert batch.offsets.tolist() == [0, height * width]


@pytest.mark.parametrize("extra", [-1, 0, 1, 2, 3, 8_190])
@pytest.mark.parametrize("dense", [0, 5_000, 70_000])
def test_long_masks(kernels, extra, dense):
    """Long stretches of bytes are read in four parts, until there are too many flips in one."""
    pixels = 2**17 + 1 + extra
    columns = np.full((2, pixels), 3, np.uint8)
    for part in range(5):
        near = pixels // 4 * part + np.arange(-3, 4)
        near = near[(near >= 0) & (near < pixels)]
        columns[0, near] = near % 3
    columns[1, pixels - dense :] = np.random.default_rng(dense).integers(0, 2, dense)
    columns[1, 40_000:45_000:3] = 0
    agree(kernels, "encode_changes", columns, 1, pixels)
    agree(kernels, "encode_changes", columns[:1, :-1].copy(), pixels - 1, 1)
    flips = np.flatnonzero(np.diff(columns[0], prepend=np.uint8(0)))
    batch = kernels.encode_changes(columns, 1, pixels)
    assert batch.run_ends[: batch.offsets[1]].tolist() == flips.tolist()


@pytest.mark.parametrize("shape", [(0, 12), (1, 0), (3, 0)])
def test_nothing(kernels, shape):
    height, width = (3, 4) if shape[1] else (0, 7)
    batch = agree(kernels, "encode_changes", np.zeros(shape, np.uint8), height, width)
    assert len(batch.run_ends) == 0
    assert batch.offsets.tolist() == [0] * (shape[0] + 1)


@given(columns=hnp.arrays(np.uint8, (3, 77), elements=st.sampled_from([0, 1, 7])))
def test_as_pycocotools(kernels, columns):
    images = columns.reshape(3, 11, 7).transpose(0, 2, 1)
    expected = Pycocotools().encode(np.asfortranarray(images.transpose(1, 2, 0)))
    batch = agree(kernels, "encode_changes", columns, 7, 11)
    assert rles_of(batch) == expected
