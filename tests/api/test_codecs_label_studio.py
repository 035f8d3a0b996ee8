"""Label Studio's bytes: published examples, an independent reader and writer, hostile headers."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from support.runs import mask_of_many_runs
from support.strategies import dense

import segcore as sc
from segcore.formats import label_studio


def bits(value, width):
    return [int(bit) for bit in f"{value:0{width}b}"]


def write(values, word_bits=8, length_bits=(3, 4, 8, 16), runs=None):
    """Pack values, with ``runs`` of (has one value, length field, length): a plain writer."""
    out = bits(len(values), 32) + bits(word_bits - 1, 5)
    for width in length_bits:
        out += bits(width - 1, 4)
    place = 0
    for one, field, length in runs or [(False, 0, 1)] * len(values):
        out += [int(one), *bits(field, 2), *bits(length - 1, length_bits[field])]
        for value in values[place : place + (1 if one else length)]:
            out += bits(value, word_bits)
        place += length
    assert place == len(values)
    return np.packbits(np.array(out, np.uint8)).tolist()


def read(data):
    """Unpack values: a plain reader."""
    stream = "".join(f"{byte:08b}" for byte in data)
    place = 0

    def number(width):
        nonlocal place
        place += width
        return int(stream[place - width : place], 2)

    count, word_bits = number(32), number(5) + 1
    length_bits = [number(4) + 1 for _ in range(4)]
    values: list[int] = []
    while len(values) < count:
        one = number(1)
        length = number(length_bits[number(2)]) + 1
        if one:
            values += [number(word_bits)] * length
        else:
            values += [number(word_bits) for _ in range(length)]
    assert len(values) == count
    return values


# -- published examples -------------------------------------------------------------------------

# The example in the tests of thi.ng/umbrella's rle-pack, in words of three bits: 1024 values with
# the default length fields, and with some of its own.
THI_NG = np.zeros(1024, np.uint8)
THI_NG[512:541] = [*[1] * 5, *[2] * 4, 3, 3, 3, 4, 4, 5, 4, 4, 3, 3, 3, *[2] * 4, *[1] * 5]
THI_NG_PACKED = [
    [0, 0, 4, 0, 17, 27, 255, 1, 255, 18, 24, 212, 78, 24, 5, 134, 68, 227, 82, 30, 3, 196, 0],
    [0, 0, 4, 0, 16, 9, 199, 255, 140, 134, 234, 206, 96, 89, 150, 119, 89, 15, 241, 0],
]

# What mask2rle of label_studio_converter 0.0.59 (and label_studio_sdk 2.1.2) gives.
EXAMPLE = [0, 0, 28, 32, 57, 27, 253, 176, 8, 255, 248, 25, 24, 5, 191, 254, 6, 78, 1, 167, 255]
EXAMPLE += [248, 18, 184, 7, 4, 55, 255, 225, 208, 96, 17, 255, 128]
ALL_BUT_THE_FIRST = [0, 1, 28, 96, 57, 27, 252, 96, 31, 255, 255, 255, 142, 45, 255, 128]

# An RGBA image as its encode_rle packs it: values of all kinds, alphas 255, 128, 127, 7 and 0.
RGBA = [0, 0, 0, 60, 57, 27, 248, 25, 241, 0, 0, 43, 8, 0, 0, 32, 22, 196, 0, 1, 228, 64, 0, 23]
RGBA += [68, 0, 6, 108, 64, 0, 111, 66, 0, 4, 0, 18, 176, 128, 0, 254, 0, 84, 32, 0, 127, 128, 49]
RGBA += [16, 0, 10, 177, 0, 0, 221, 16, 0, 19, 241, 0, 0, 245, 16, 4, 65, 32, 3, 128]


@pytest.mark.parametrize("packed", THI_NG_PACKED)
@pytest.mark.parametrize("size", [(16, 16), (1, 256), (64, 4)])
def test_the_example_of_thi_ng(packed, size):
    assert read(packed) == THI_NG.tolist()
    masks = label_studio.decode([packed], size)
    np.testing.assert_array_equal(masks.to_dense()[0].ravel(), THI_NG[3::4] > 0)


def test_what_label_studio_converter_gives():
    masks = sc.Masks.from_dense(mask_of_many_runs())
    assert label_studio.encode(masks) == [EXAMPLE]
    assert label_studio.decode([EXAMPLE], (9, 200)) == masks
    nearly_full = np.ones((130, 140), bool)
    nearly_full[0, 0] = False
    masks = sc.Masks.from_dense(nearly_full)
    assert label_studio.encode(masks) == [ALL_BUT_THE_FIRST]
    assert label_studio.decode([ALL_BUT_THE_FIRST], (130, 140)) == masks


def test_foreground_is_where_alpha_is_not_0():
    masks = label_studio.decode([RGBA], (3, 5))
    assert masks.to_dense(int).tolist() == [
        [[0, 1, 0, 0, 0], [0, 1, 1, 1, 0], [0, 0, 0, 0, 1]],
    ]
    alphas = [0, 1, 127, 128, 255]
    image = [value for alpha in alphas for value in (255 - alpha, 255, 9, alpha)]
    masks = label_studio.decode([write(image)], (1, 5))
    assert masks.to_dense(int).tolist() == [[[0, 1, 1, 1, 1]]]


# -- an independent reader and writer -----------------------------------------------------------


@given(dense(max_count=2))
def test_bytes_are_what_they_say(batch):
    packed = label_studio.encode(sc.Masks.from_dense(batch))
    for data, mask in zip(packed, batch, strict=True):
        assert read(data) == np.repeat(mask.ravel() * 255, 4).tolist()


@pytest.mark.parametrize(
    "length", [1, 2, 3, 4, 5, 63, 64, 65, 2**14 - 1, 2**14, 2**14 + 1, 2**15, 2**15 + 1, 50_000]
)
def test_runs_of_every_length_field(length):
    mask = np.zeros((1, length + 5), bool)
    mask[0, 3 : 3 + length] = True
    for array in (mask, ~mask):
        masks = sc.Masks.from_dense(array)
        [packed] = label_studio.encode(masks)
        assert read(packed) == np.repeat(array.ravel() * 255, 4).tolist()
        assert label_studio.decode([packed], array.shape) == masks


@given(st.data())
def test_any_runs_of_any_image(data):
    size = data.draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
    word_bits = data.draw(st.integers(1, 32))
    length_bits = data.draw(st.tuples(*[st.integers(1, 16)] * 4))
    values: list[int] = []
    runs = []
    while len(values) < 4 * size[0] * size[1]:
        one, field = data.draw(st.booleans()), data.draw(st.integers(0, 3))
        longest = min(2 ** length_bits[field], 4 * size[0] * size[1] - len(values))
        length = data.draw(st.integers(1, longest))
        word = st.integers(0, 2**word_bits - 1) | st.just(0)
        values += [data.draw(word)] * length if one else [data.draw(word) for _ in range(length)]
        runs.append((one, field, length))
    packed = write(values, word_bits, length_bits, runs)
    assert read(packed) == values
    expected = sc.Masks.from_dense((np.array(values) > 0)[3::4].reshape(size))
    for form in (packed, packed + [7] * data.draw(st.integers(0, 9))):  # the rest is not read
        assert label_studio.decode([form], size) == expected


@pytest.mark.parametrize("kind", [tuple, bytes, bytearray, np.array, memoryview])
def test_forms(kind):
    data = bytes(EXAMPLE) if kind is memoryview else EXAMPLE
    assert label_studio.encode(label_studio.decode([kind(data)] * 2, (9, 200))) == [EXAMPLE] * 2


def test_plain_objects():
    [packed] = label_studio.encode(sc.Masks.from_dense(mask_of_many_runs()))
    assert {type(byte) for byte in packed} == {int}


# -- errors -------------------------------------------------------------------------------------

GOOD = label_studio.encode(sc.Masks.from_dense([[0, 1, 1], [1, 0, 1]]))[0]
SIZE = (2, 3)

VALUES = {
    "empty": ([], "expected at least 7 bytes for the header, got 0"),
    "half a header": (GOOD[:6], "expected at least 7 bytes for the header, got 6"),
    "header alone": (GOOD[:7], "the data end after 0 of 24 values"),
    "cut": (GOOD[:-2], "the data end after 20 of 24 values"),
    "another size": (EXAMPLE, r"expected 24 values for size \(2, 3\) .* but the header has 7200"),
    "18 values": (
        # From the tests of label_studio_converter: an array that is no RGBA image.
        [0, 0, 0, 18, 57, 27, 252, 96, 32, 1, 0, 6, 0, 40, 0, 192, 3, 128, 17, 56, 32],
        "the header has 18",
    ),
    "4 GiB": ([255] * 20, "the header has 4294967295"),
    "256": ([256, *GOOD[1:]], "expected integers from 0 to 255"),
    "-1": ([-1, *GOOD[1:]], "expected integers from 0 to 255"),
    "run lengths": ([199501, 1, 996, 7, 992], "lists of bytes, not of run lengths"),
    "array of 256": (np.array([256, 1]), "expected integers from 0 to 255"),
    "2-D": (np.array([GOOD, GOOD]), "expected one dimension"),
}


@pytest.mark.parametrize("name", VALUES)
def test_errors_name_the_object(name):
    item, message = VALUES[name]
    with pytest.raises(ValueError, match=f"^object 1: .*({message})"):
        label_studio.decode([GOOD, item, GOOD], SIZE)


@pytest.mark.parametrize("runs", [None, [(True, 2, 24)], [(True, 0, 8), (False, 3, 16)]])
@pytest.mark.parametrize("word_bits", [1, 8, 32])
def test_bytes_that_end_too_soon(runs, word_bits):
    packed = write([1] * 24, word_bits, runs=runs)
    assert label_studio.decode([packed], SIZE).area.tolist() == [6]
    for length in range(len(packed)):
        with pytest.raises(
            ValueError, match=r"^object 1: (the data end after|expected at least 7 bytes)"
        ):
            label_studio.decode([packed, packed[:length]], SIZE)


def test_a_run_beyond_the_image():
    longer = write([9] * 28, runs=[(True, 2, 28)])
    longer[:4] = GOOD[:4]
    with pytest.raises(
        ValueError, match=r"^object 0: run 0 ends at value 28, but the header has 24"
    ):
        label_studio.decode([longer], SIZE)


@pytest.mark.parametrize("item", [None, 5, "12", [0.5], ["1"], [None], {}, np.ones(9)])
def test_other_things(item):
    with pytest.raises((TypeError, ValueError), match=r"^object 1: "):
        label_studio.decode([GOOD, item], SIZE)


def test_headers_allocate_nothing():
    size = (2**15, 2**15 - 1)
    count = (4 * size[0] * size[1]).to_bytes(4, "big")
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="the header has 4294967295"):
            label_studio.decode([[255] * 100], (2**14, 2**14))
        with pytest.raises(ValueError, match=r"the data end after \d+ of 4294836224 values"):
            label_studio.decode([[*count, *GOOD[4:7], *[255] * 100]], size)
        assert tracemalloc.get_traced_memory()[1] < 1 << 18
    finally:
        tracemalloc.stop()


def test_masks_that_the_header_cannot_count():
    masks = sc.Masks([0], [0, 1], (2**15, 2**15))
    with pytest.raises(ValueError, match=r"requires fewer than 2\*\*30 pixels, but size"):
        label_studio.encode(masks)
    masks = sc.Masks([5], [0, 1], (2**15, 2**15 - 1))
    assert label_studio.decode(label_studio.encode(masks), masks.size) == masks


@given(hnp.arrays(np.uint8, st.integers(0, 40)), st.booleans())
def test_any_bytes(data, right):
    packed = data.tolist()
    if right:
        packed = GOOD[:7] + packed
    try:
        expected = read(packed) if packed[:4] == [0, 0, 0, 24] else None
    except (AssertionError, ValueError):
        expected = None
    if expected is None:
        with pytest.raises(ValueError, match=r"^object 0: "):
            label_studio.decode([packed], SIZE)
    else:
        foreground = np.array(expected)[3::4].reshape(SIZE) > 0
        assert label_studio.decode([packed], SIZE) == sc.Masks.from_dense(foreground)
