"""Lines of numbers and joined rings: the compiled functions and their twins agree."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import segcore as sc
from segcore.data.formats import _lines_python, _rings_python

native = pytest.importorskip("segcore._native")

NUMBERS = st.sampled_from(
    ["0", "-0.0", "1", "0.5", "0.123456789", "12.5e-3", "1E2", "123456789012345678901234", "1e-400"]
)
OTHERS = st.sampled_from(
    [
        *("", ".5", "5.", "01", "+1", "1_0", "nan", "NaN", "Infinity", "-Infinity", "1e999", "-"),
        *("1e", "0x1", "\x0b", "\x00", "1,2", "\u00e9", "9" * 400, "[1]"),
    ]
)
BLANKS = st.sampled_from([" ", "  ", "\t", "\n", "\r\n", "\n\n", " \n ", "\r"])


def texts(words):
    parts = st.lists(st.tuples(words, BLANKS), max_size=12)
    text = st.tuples(st.sampled_from(["", " ", "\n"]), parts, st.sampled_from(["", "7"]))
    return st.lists(
        text.map(lambda t: (t[0] + "".join(a + b for a, b in t[1]) + t[2]).encode()), max_size=4
    )


def same(a, b):
    if a is None or b is None:
        assert a is b
    else:
        for one, other in zip(a, b, strict=True):
            assert np.asarray(one).dtype == np.asarray(other).dtype
            np.testing.assert_array_equal(one, other)


@given(texts(NUMBERS))
def test_numbers_are_those_of_python(given_texts):
    values, line_lengths, text_lines = native.read_number_lines(given_texts)
    same((values, line_lengths, text_lines), _lines_python.read_number_lines(given_texts))
    assert values.tolist() == [float(word) for text in given_texts for word in text.split()]
    lines = [line.split() for text in given_texts for line in text.split(b"\n")]
    assert line_lengths.tolist() == [len(line) for line in lines if line]
    assert text_lines.sum() == len(line_lengths)


@given(texts(st.one_of(NUMBERS, OTHERS)))
def test_what_is_no_number_is_refused_by_both(given_texts):
    found = native.read_number_lines(given_texts)
    same(found, _lines_python.read_number_lines(given_texts))


SIDES = st.integers(1, 1000)
RINGS = st.lists(
    st.lists(st.tuples(st.floats(-3, 1003), st.floats(-3, 1003)), max_size=6), max_size=6
)


def flat(rings):
    points = [point for ring in rings for point in ring]
    return np.array(points, np.float64).reshape(-1), np.array([len(ring) for ring in rings], int)


@given(RINGS, SIDES, SIDES, st.integers(1, 18), st.integers(0, 9), st.booleans())
def test_lines_are_those_of_the_twin(rings, height, width, decimals, kept, is_rounded):
    coordinates, points = flat(rings)
    if is_rounded:
        coordinates = np.round(coordinates, kept)
    lengths = 2 * points
    starts = np.cumsum(lengths) - lengths
    arguments = (np.arange(len(rings)) * 7, coordinates, starts, lengths)
    arguments = (*arguments, height, width, decimals, kept)
    same(native.write_ring_lines(*arguments), _lines_python.write_ring_lines(*arguments))


@given(RINGS.map(lambda rings: rings[:5]), st.integers(1, 8))
def test_joined_rings_are_those_of_the_twin(rings, compared):
    coordinates, points = flat(rings)
    offsets = np.concatenate([[0], np.cumsum(points)])
    first = np.arange(len(rings) + 1)
    counts = np.minimum(3, len(rings) - first)
    arguments = (coordinates, offsets, first, counts, compared)
    same(native.join_rings(*arguments), _rings_python.join_rings(*arguments))


@given(st.lists(st.lists(st.integers(0, 40), min_size=6, max_size=12), min_size=1, max_size=4))
def test_rings_that_are_apart_keep_their_pixels(rings):
    rings = [np.array(ring[: len(ring) // 2 * 2]) / 4 + 12 * i + 2 for i, ring in enumerate(rings)]
    coordinates = np.concatenate(rings)
    offsets = np.cumsum([0, *(len(ring) // 2 for ring in rings)])
    first, counts = np.array([0]), np.array([len(rings)])
    joined, lengths, are_apart = native.join_rings(coordinates, offsets, first, counts, 1024)
    assert are_apart.all()
    assert lengths.tolist() == [len(joined)]
    size = (60, 60)
    assert sc.Masks.from_polygons([[joined]], size) == sc.Masks.from_polygons([rings], size)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("classes", np.arange(2.0)),
        ("coordinates", np.arange(12, dtype=np.float32)),
        ("coordinates", np.arange(24.0)[::2]),
        ("starts", np.array([0, -2])),
        ("starts", np.array([0, 8])),
        ("starts", np.array([0])),
        ("lengths", np.array([6, 5])),
        ("lengths", np.array([6, -2])),
        ("lengths", np.array([6, 2**62])),
        ("height", 0),
        ("width", -1),
        ("decimals", 19),
        ("decimals", 0),
        ("kept", 19),
    ],
)
def test_malformed_rings_are_refused(name, value):
    arguments = {
        "classes": np.arange(2),
        "coordinates": np.arange(12.0),
        "starts": np.array([0, 6]),
        "lengths": np.array([6, 6]),
        "height": 20,
        "width": 20,
        "decimals": 8,
        "kept": 6,
    }
    assert native.write_ring_lines(**arguments)[0].count(b"\n") == 2
    with pytest.raises((TypeError, ValueError)):
        native.write_ring_lines(**{**arguments, name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ring_offsets", np.empty(0, np.int64)),
        ("ring_offsets", np.array([0, 3, 7])),
        ("ring_offsets", np.array([0, 4, 3])),
        ("ring_offsets", np.array([-1, 3, 6])),
        ("first_rings", np.array([0, 1])),
        ("first_rings", np.array([-1])),
        ("first_rings", np.array([2**62])),
        ("ring_counts", np.array([3])),
        ("ring_counts", np.array([2**62])),
        ("ring_counts", np.array([-1])),
        ("compared", 0),
    ],
)
def test_malformed_parts_are_refused(name, value):
    arguments = {
        "coordinates": np.arange(12.0),
        "ring_offsets": np.array([0, 3, 6]),
        "first_rings": np.array([0]),
        "ring_counts": np.array([2]),
        "compared": 9,
    }
    assert native.join_rings(**arguments)[1].tolist() == [16]
    with pytest.raises(ValueError, match="expected rings of the coordinates"):
        native.join_rings(**{**arguments, name: value})


def test_texts_must_be_bytes():
    with pytest.raises(TypeError):
        native.read_number_lines(["1 2"])
