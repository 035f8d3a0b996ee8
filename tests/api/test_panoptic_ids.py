"""Maps of ids as other tools write them."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

import segcore as sc
from segcore import maps

DATA = os.environ.get("SEGCORE_TEST_DATA")


@given(data=st.data(), dtype=st.sampled_from([np.int32, np.uint32, np.int64, ">i4", np.uint64]))
def test_rgb_there_and_back(data, dtype):
    shape = data.draw(array_shapes(min_dims=0, max_dims=3, min_side=0))
    ids = data.draw(arrays(dtype, shape, elements=st.integers(0, 2**24 - 1)))
    rgb = maps.ids.to_rgb(ids)
    assert rgb.shape == (*shape, 3)
    assert rgb.dtype == np.uint8
    assert np.array_equal(rgb.astype(int) @ [1, 256, 65536], ids)
    back = maps.ids.from_rgb(rgb)
    assert back.dtype == np.int32
    assert np.array_equal(back, ids)


def test_rgb_of_any_strides():
    rgb = np.random.default_rng(0).integers(0, 256, (3, 7, 5), np.uint8).transpose(2, 1, 0)[::-1]
    expected = rgb.astype(int) @ [1, 256, 65536]
    assert np.array_equal(maps.ids.from_rgb(rgb), expected)
    assert np.array_equal(maps.ids.to_rgb(expected[:, ::2]), rgb[:, ::2])


INTEGERS = st.sampled_from([np.uint8, np.uint16, np.int32, np.uint32, np.int64, ">i4", np.uint64])


@st.composite
def two_maps(draw, classes, instances, first=0):
    """Give classes and instances of one shape, each of some dtype that holds them."""
    shape = draw(array_shapes(min_dims=0, max_dims=3, min_side=0))
    limits = (0, classes), (first, instances)
    return [
        draw(arrays(np.int64, shape, elements=st.integers(low, stop - 1))).astype(
            draw(st.sampled_from([np.int16, np.int32, np.int64, ">i4"]))
        )
        for low, stop in limits
    ]


@given(pair=two_maps(2**15, 1000))
def test_codes_there_and_back(pair):
    codes = maps.ids.encode(*pair, 1000)
    assert codes.dtype == np.int64
    assert np.array_equal(codes, pair[0].astype(int) * 1000 + pair[1])
    for mine, given_ in zip(maps.ids.decode(codes, 1000), pair, strict=True):
        assert np.array_equal(mine, given_)


@given(pair=two_maps(65, 1000, first=-1))
def test_cityscapes_there_and_back(pair):
    classes, instances = pair
    ids = maps.ids.to_cityscapes(classes, instances)
    assert ids.dtype == np.uint16
    for y in np.ndindex(ids.shape):
        alone = classes[y] < 24 or instances[y] < 0
        code = int(classes[y]) * 1000 + int(instances[y])
        assert ids[y] == (int(classes[y]) if alone else code)
    back = maps.ids.from_cityscapes(ids)
    assert np.array_equal(back[0], classes)
    assert np.array_equal(back[1], np.where(classes < 24, -1, instances))


@given(pair=two_maps(256, 256))
def test_two_channels_there_and_back(pair):
    pixels = maps.ids.to_two_channels(*pair)
    assert pixels.shape == (*pair[0].shape, 3)
    for channels in (pixels, pixels[..., :2]):
        for mine, given_ in zip(maps.ids.from_two_channels(channels), pair, strict=True):
            assert np.array_equal(mine, given_)


@given(data=st.data(), dtype=INTEGERS)
def test_codes_of_any_dtype(data, dtype):
    most = min(np.iinfo(dtype).max, 2**63 - 1)
    ids = data.draw(arrays(dtype, (2, 3), elements=st.integers(0, most)))
    for divisor in (1, 7, 1000, 2**31 - 1):
        classes, instances = maps.ids.decode(ids, divisor)
        assert np.array_equal(maps.ids.encode(classes, instances, divisor), ids)


@pytest.mark.skipif(not DATA, reason="SEGCORE_TEST_DATA names no folder with real data")
def test_the_sample_has_the_same_segments_in_both_forms():
    image = pytest.importorskip("PIL.Image")
    folder = Path(DATA or "") / "panoptic_sample"
    for path in sorted((folder / "panoptic_examples").glob("*.png")):
        ids = maps.ids.from_rgb(np.asarray(image.open(path)))
        two = np.asarray(image.open(folder / "panoptic_examples_2ch_format" / path.name))
        classes, instances = maps.ids.from_two_channels(two)
        assert np.array_equal(maps.ids.to_two_channels(classes, instances), two)
        table = sc.overlap_table(ids, maps.ids.encode(classes, instances, 1000))
        assert len(table.areas) == len(table.ids_a) == len(table.ids_b)


@pytest.mark.parametrize(
    ("function", "value", "error", "message"),
    [
        (
            "to_rgb",
            [[0, 2**24]],
            ValueError,
            r"expected 0 to 16777215, got 16777216 at index \(0, 1\)",
        ),
        ("to_rgb", [[0], [-1]], ValueError, r"got -1 at index \(1, 0\)"),
        ("to_rgb", [0.5], TypeError, "ids: expected integers"),
        ("from_rgb", np.zeros((2, 2, 4), np.uint8), ValueError, "rgb: expected"),
        ("from_rgb", np.uint8(3), ValueError, "rgb: expected"),
        ("from_rgb", [[[1, 2, 3]]], TypeError, "rgb: expected uint8"),
        ("from_cityscapes", [3, -4], ValueError, r"ids: expected 0 to .*, got -4 at index \(1\)"),
        ("from_cityscapes", [True], TypeError, "ids: expected integers"),
        ("from_two_channels", np.zeros((2, 2, 4), np.uint8), ValueError, "pixels: expected"),
        ("from_two_channels", np.zeros((2, 2, 3)), TypeError, "pixels: expected uint8"),
    ],
)
def test_refuses(function, value, error, message):
    with pytest.raises(error, match=message):
        getattr(maps.ids, function)(value)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda f: f.decode([1], 0), ValueError, "divisor: expected 1 to"),
        (lambda f: f.decode([1], 1.5), TypeError, "divisor: expected an integer"),
        (lambda f: f.decode(np.array([2**63], "u8"), 7), ValueError, "ids: expected 0 to"),
        (lambda f: f.encode([1], [7], 7), ValueError, "instances: expected 0 to 6, got 7"),
        (lambda f: f.encode([2**63 // 10], [9], 10), ValueError, "an id does not fit into int64"),
        (lambda f: f.encode([2**62], [0], 7), ValueError, "classes: expected 0 to"),
        (lambda f: f.encode([1, 2], [0], 7), ValueError, r"expected the shape \(1,\), got"),
        (lambda f: f.to_cityscapes([66], [0]), ValueError, "classes: expected 0 to 65"),
        (lambda f: f.to_cityscapes([65], [999]), ValueError, "65999 does not fit"),
        (lambda f: f.to_cityscapes([26], [1000]), ValueError, "instances: expected -1 to 999"),
        (lambda f: f.to_two_channels([256], [0]), ValueError, "classes: expected 0 to 255"),
        (lambda f: f.to_two_channels([1], [0.5]), TypeError, "instances: expected integers"),
    ],
)
def test_refuses_pairs(call, error, message):
    with pytest.raises(error, match=message):
        call(maps.ids)
