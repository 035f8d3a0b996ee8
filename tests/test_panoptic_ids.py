"""Maps of ids as other tools write them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from segcore import panoptic_ids


@given(data=st.data(), dtype=st.sampled_from([np.int32, np.uint32, np.int64, ">i4", np.uint64]))
def test_rgb_there_and_back(data, dtype):
    shape = data.draw(array_shapes(min_dims=0, max_dims=3, min_side=0))
    ids = data.draw(arrays(dtype, shape, elements=st.integers(0, 2**24 - 1)))
    rgb = panoptic_ids.to_rgb(ids)
    assert rgb.shape == (*shape, 3)
    assert rgb.dtype == np.uint8
    assert np.array_equal(rgb.astype(int) @ [1, 256, 65536], ids)
    back = panoptic_ids.from_rgb(rgb)
    assert back.dtype == np.int32
    assert np.array_equal(back, ids)


def test_rgb_of_any_strides():
    rgb = np.random.default_rng(0).integers(0, 256, (3, 7, 5), np.uint8).transpose(2, 1, 0)[::-1]
    expected = rgb.astype(int) @ [1, 256, 65536]
    assert np.array_equal(panoptic_ids.from_rgb(rgb), expected)
    assert np.array_equal(panoptic_ids.to_rgb(expected[:, ::2]), rgb[:, ::2])


@pytest.mark.parametrize(
    ("function", "value", "error", "message"),
    [
        ("to_rgb", [[0, 2**24]], ValueError, r"expected 0 to 16777215, got 16777216 at \(0, 1\)"),
        ("to_rgb", [[0], [-1]], ValueError, r"got -1 at \(1, 0\)"),
        ("to_rgb", [0.5], TypeError, "ids: expected integers"),
        ("from_rgb", np.zeros((2, 2, 4), np.uint8), ValueError, "rgb: expected"),
        ("from_rgb", np.uint8(3), ValueError, "rgb: expected"),
        ("from_rgb", [[[1, 2, 3]]], TypeError, "rgb: expected uint8"),
    ],
)
def test_refuses(function, value, error, message):
    with pytest.raises(error, match=message):
        getattr(panoptic_ids, function)(value)
