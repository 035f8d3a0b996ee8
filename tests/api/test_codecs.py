"""What holds for every codec: the two verbs, there and back, and errors that name the object."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import dense, large_flips, large_sizes

import segcore as sc
from segcore.formats._row_major import transposed

CODECS = [getattr(sc.formats, name) for name in sc.formats.__all__]
codecs = pytest.mark.parametrize("codec", CODECS, ids=sc.formats.__all__)


@codecs
@given(dense())
def test_there_and_back(codec, array):
    masks = sc.Masks.from_dense(array)
    objects = codec.encode(masks)
    assert json.loads(json.dumps(objects)) == objects
    assert codec.decode(objects, array.shape[1:]) == masks


@codecs
def test_no_masks(codec):
    assert codec.encode(sc.Masks([], [0], (3, 4))) == []
    assert codec.decode([], (3, 4)) == sc.Masks([], [0], (3, 4))
    assert codec.decode(iter([]), np.array([3, 4])) == sc.Masks([], [0], (3, 4))


@codecs
@pytest.mark.parametrize("size", [(0, 0), (0, 5), (5, 0)])
def test_no_pixels(codec, size):
    masks = sc.Masks([], [0, 0, 0], size)
    assert codec.decode(codec.encode(masks), size) == masks


@codecs
@pytest.mark.parametrize("objects", [None, 3, "1 3", b"1 3", {"rle": [1, 3]}])
def test_a_list_is_expected(codec, objects):
    with pytest.raises(TypeError, match="objects: expected a list of objects, one per mask"):
        codec.decode(objects, (3, 4))


@codecs
@pytest.mark.parametrize("size", [(-1, 3), (3,), (2**40, 2**40)])
def test_sizes_are_checked(codec, size):
    with pytest.raises(ValueError, match=r"^size: expected"):
        codec.decode([], size)


@codecs
@pytest.mark.parametrize("item", [3, 0.5, True, object(), {}, [None], [0.5, 1], [[1, 2], [3, 4]]])
def test_other_things_are_refused_by_name(codec, item):
    good = codec.encode(sc.Masks.from_boxes([[0, 0, 2, 2]], (3, 4)))[0]
    with pytest.raises((TypeError, ValueError), match=r"^object 1: "):
        codec.decode([good, item, good], (3, 4))


@codecs
@given(
    item=st.lists(st.integers(-3, 30) | st.integers(), max_size=12)
    | st.text(max_size=8)
    | st.text("0123456789 \t-", max_size=12)
    | st.binary(max_size=12)
    | st.lists(st.floats(), max_size=3)
)
def test_garbage_is_refused_by_name(codec, item):
    try:
        masks = codec.decode([item, item], (3, 4))
    except (TypeError, ValueError):
        with pytest.raises((TypeError, ValueError), match=r"^object 0: "):
            codec.decode([item, item], (3, 4))
    else:
        assert len(masks) == 2
        assert codec.decode(codec.encode(masks), (3, 4)) == masks


# -- the transposition that row by row formats need ---------------------------------------------


@given(dense())
def test_transposed(array):
    got = transposed(sc.Masks.from_dense(array))
    assert got == sc.Masks.from_dense(array.transpose(0, 2, 1))


@given(st.data(), st.sampled_from([(3, 2**40), (2**29, 5), (7, 2**31), (2**16, 2**16)]))
def test_transposed_in_large_images(data, size):
    height, width = size
    xs, ys = (st.sampled_from([0, 1, 2, side // 3, side - 2, side - 1]) for side in (width, height))
    pixels = data.draw(st.lists(st.sets(st.tuples(xs, ys)), max_size=9))
    expected = scattered([{(y, x) for x, y in each} for each in pixels], (width, height))
    assert transposed(scattered(pixels, size)) == expected


def scattered(pixels, size):
    """Make masks of some pixels (x, y), of a size that no dense array can have."""
    strings = [
        " ".join(f"{place + 1} 1" for place in sorted(x * size[0] + y for x, y in each))
        for each in pixels
    ]
    return sc.formats.kaggle.decode(strings, size)


@given(st.data(), large_sizes)
def test_columns_of_large_images(data, size):
    flips = data.draw(large_flips(size[0] * size[1]))
    masks = sc.Masks(flips, [0, len(flips)], size)
    assert sc.formats.kaggle.decode(sc.formats.kaggle.encode(masks), size) == masks
