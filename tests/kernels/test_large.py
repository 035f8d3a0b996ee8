"""Dense arrays of 2**32 pixels and more: asked for with SEGCORE_TEST_LARGE=1."""

from __future__ import annotations

import os

import numpy as np
import pytest
from support.util import assert_identical

from segcore._batch import Batch

pytestmark = pytest.mark.skipif(
    not os.environ.get("SEGCORE_TEST_LARGE"),
    reason="takes 5 GB of memory and a minute a backend: set SEGCORE_TEST_LARGE=1",
)

HEIGHT, WIDTH = 2**16, 2**16 + 1
FLIPS = np.array([3, 5, 2**32 - 1, 2**32 + 9, HEIGHT * WIDTH - 1], np.uint64)
BATCH = Batch(FLIPS, np.array([0, 5]), HEIGHT, WIDTH)
FOREGROUND = {  # (y, x), read off from the flips
    (3, 0): 1,
    (4, 0): 1,
    (5, 0): 0,
    (HEIGHT - 2, WIDTH - 2): 0,
    (HEIGHT - 1, WIDTH - 2): 1,
    (0, WIDTH - 1): 1,
    (8, WIDTH - 1): 1,
    (9, WIDTH - 1): 0,
    (HEIGHT - 1, WIDTH - 1): 1,
}


@pytest.fixture
def dense_kernels(kernels):
    if kernels.name == "reference":
        pytest.skip("it would take 40 GB")
    return kernels


def test_encode(dense_kernels):
    row = np.zeros((1, 1, WIDTH), bool)
    row[..., [0, 5, WIDTH - 1]] = True
    batch = dense_kernels.encode(np.broadcast_to(row, (1, HEIGHT, WIDTH)), None)
    assert batch.run_ends.dtype == np.uint64
    assert batch.run_ends.tolist() == [0, HEIGHT, 5 * HEIGHT, 6 * HEIGHT, (WIDTH - 1) * HEIGHT]
    assert batch.offsets.tolist() == [0, 5]

    column = np.zeros((1, HEIGHT, 1), bool)
    column[:, [1, 7, HEIGHT - 1]] = True
    batch = dense_kernels.encode(np.broadcast_to(column, (1, HEIGHT, WIDTH)), None)
    flips = np.arange(WIDTH)[:, None] * HEIGHT + [1, 2, 7, 8, HEIGHT - 1, HEIGHT]
    np.testing.assert_array_equal(batch.run_ends, flips.ravel()[:-1])


def test_decode(dense_kernels):
    out = np.zeros((1, HEIGHT, WIDTH), bool)
    dense_kernels.decode(BATCH, out, True)
    assert {place: int(out[0][place]) for place in FOREGROUND} == FOREGROUND
    assert np.count_nonzero(out) == 2 + 10 + 1


def test_paint_and_label_runs(dense_kernels):
    out = np.zeros((HEIGHT, WIDTH), np.uint8)
    dense_kernels.paint(BATCH, np.array([0]), np.array([1], np.uint8), out)
    assert {place: int(out[place]) for place in FOREGROUND} == FOREGROUND
    ids, batch = dense_kernels.label_runs(out, 0)
    assert ids.tolist() == [1]
    assert_identical(batch, BATCH)
