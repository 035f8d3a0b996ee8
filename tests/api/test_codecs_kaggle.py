"""Kaggle's strings: the published examples, an independent reader, and every error by name."""

import math

import numpy as np
import pytest
from hypothesis import given
from support.strategies import dense

import segcore as sc
from segcore.formats import kaggle

SIZE = (4, 5)


def read(string, height, width):
    """Do what the rules say, pixel by pixel."""
    mask = np.zeros((height, width), bool)
    numbers = [int(word) for word in string.split(" ")] if string else []
    for start, length in zip(numbers[0::2], numbers[1::2], strict=True):
        for pixel in range(start, start + length):
            mask[(pixel - 1) % height, (pixel - 1) // height] = True
    return mask


@given(dense())
def test_strings_are_what_the_rules_say(array):
    strings = kaggle.encode(sc.Masks.from_dense(array))
    for string, mask in zip(strings, array, strict=True):
        np.testing.assert_array_equal(read(string, *mask.shape), mask)
        numbers = [int(word) for word in string.split()]
        starts = np.array(numbers[0::2])
        lengths = np.array(numbers[1::2])
        assert (lengths > 0).all()
        # Runs are as long as they can be, so that there is one string for a mask.
        assert (starts[1:] > starts[:-1] + lengths[:-1]).all()


def test_the_example_of_the_rules():
    masks = kaggle.decode(["1 3 10 5"], (7, 3))
    pixels = np.flatnonzero(masks.to_dense()[0].ravel(order="F")) + 1
    assert pixels.tolist() == [1, 2, 3, 10, 11, 12, 13, 14]
    # "1 is pixel (1,1), 2 is pixel (2,1)": down the first column.
    assert masks.to_dense()[0, :4, 0].tolist() == [True, True, True, False]
    assert kaggle.encode(masks) == ["1 3 10 5"]


EQUAL = {
    "spaces": "  3 2\t7  1 \r\n",
    "bytes": b"3 2 7 1",
    "bytearray": bytearray(b"3 2 7 1"),
    "np.str_": np.str_("3 2 7 1"),
    "leading zeros": "0003 02 7 000000000000000000000001",
    "runs that touch": "3 1 4 1 7 1",
    "empty runs": "1 0 3 1 4 0 4 1 5 0 7 1 21 0",
    "floats": "3.0 2.0 7. 1.00",
    "a printed list": "[3, 2, 7, 1]",
    "a printed tuple": "(3, 2, 7, 1)",
    "a printed array": "[3 2 7\n 1]",
    "bytes of a printed list": b"[3,2,7,1]",
    "list": [3, 2, 7, 1],
    "tuple": (np.int64(3), 2, np.uint8(7), 1),
    "array": np.array([3, 2, 7, 1], ">u2"),
    "object array": np.array([3, 2, 7, 1], object),
}


@pytest.mark.parametrize("form", EQUAL)
def test_forms(form):
    masks = kaggle.decode(["3 2 7 1", EQUAL[form], "3 2 7 1"], SIZE)
    assert kaggle.encode(masks) == ["3 2 7 1"] * 3


class NAType:
    """The public form of pandas.NA: comparisons do not tell anything, and it has no truth."""

    def __eq__(self, other):
        return self

    __hash__ = None

    def __repr__(self):
        return "<NA>"

    def __bool__(self):
        raise TypeError("boolean value of NA is ambiguous")


EMPTY = ["", " ", "\n", b"", None, math.nan, np.float64("nan"), np.float32("nan"), NAType()]
EMPTY += ["-1", " -1 ", "-1.0", -1, -1.0, np.int64(-1), "nan", "NaN", "None", "null", "<NA>", "[]"]
EMPTY += ["[ ]", "()", [], (), np.empty(0), b"-1"]


@pytest.mark.parametrize("empty", EMPTY, ids=repr)
def test_empty_masks(empty):
    masks = kaggle.decode([empty, "1 20", empty, empty, "20 1", empty], SIZE)
    assert masks.area.tolist() == [0, 20, 0, 0, 1, 0]
    assert kaggle.encode(masks) == ["", "1 20", "", "", "20 1", ""]
    assert kaggle.decode([empty, empty], SIZE).area.tolist() == [0, 0]


VALUES = {
    "odd": (
        "3 2 7",
        "expected an even number of integers, a start and .*, got 3",
    ),
    "-2": ("-2", "expected a string of only digits and spaces, got str '-2'"),
    "negative": ("3 -2", "only digits and spaces.*; starts and lengths must not be negative"),
    "negative list": ([3, -2], "expected nonnegative starts and lengths, got -2"),
    "plus": ("+3 2", "expected a string of only digits and spaces"),
    "fraction": (
        "3.5 2",
        "only digits and spaces.*; starts and lengths must be integers",
    ),
    "exponent": ("3e0 2", "expected a string of only digits and spaces"),
    "commas": ("3,2", "expected a string of only digits and spaces.* by spaces, not by commas"),
    "shortened": ("[3 2 7 ... 1 1]", "it seems to be the shortened print of an array"),
    "nested": ("[[3, 2], [7, 1]]", "expected a string of only digits and spaces"),
    "odd list": (
        "[3, 2, 7]",
        "expected an even number of integers, a start and .*, got 3",
    ),
    "odd integers": (
        [3, 2, 7],
        "expected an even number of integers, a start and .*, got 3",
    ),
    "0-based list": ([0, 3], "run 0 has start 0 and length 3"),
    "huge integer": ([3, 2**63], "a number is too large"),
    "2-D": (np.ones((2, 2), int), "expected one dimension"),
    "COCO": ("5PO4m", r"digits and spaces.*; pass COCO's counts strings to Masks.from_coco"),
    "underscore": ("1_0 2", "expected a string of only digits and spaces"),
    "not ASCII": ("3 ٢", "expected a string of only digits and spaces"),
    "surrogate": ("3 \udcff", "expected a string of only digits and spaces"),
    "NUL": ("3 2\0", "expected a string of only digits and spaces"),
    "nan": ("nan 1", "expected a string of only digits and spaces"),
    "0-based": ("0 3", r"run 0 has start 0 and length 3, but the pixels of size \(4, 5\)"),
    "too far": ("3 2 22 1", "run 1 has start 22 and length 1"),
    "too long": ("3 2 20 2", "run 1 has start 20 and length 2, .* are 1 to 20"),
    "2**63": ("3 9223372036854775808", "run 0 has start 3 and length 9223372036854775807"),
    "both huge": ("9223372036854775807 9223372036854775807", "run 0 has start 9223"),
    "40 digits": (f"{10**40} 2", "run 0 has start 9223372036854775807"),
    "overlap": ("3 3 5 1", "run 1 starts at pixel 5, but the previous run ends at pixel 5"),
    "descending": ("1 1 7 2 3 1", "run 2 starts at pixel 3, but the previous run ends at pixel 8"),
    "twice": ("3 1 3 1", "run 1 starts at pixel 3, but the previous run ends at pixel 3"),
}


@pytest.mark.parametrize("name", VALUES)
def test_errors_name_the_string(name):
    string, message = VALUES[name]
    for i in range(3):
        strings: list = ["1 1 20 1", "", None]
        strings.insert(i, string)
        with pytest.raises(ValueError, match=f"^object {i}: .*{message}"):
            kaggle.decode(strings, SIZE)


def test_columns_of_tables():
    pandas = pytest.importorskip("pandas")
    strings = ["3 2 7 1", "-1", None, "1 20"]
    for column in (
        pandas.Series(strings),
        pandas.Series(strings, dtype="string"),
        np.array(strings, object),
    ):
        assert kaggle.decode(column, SIZE).area.tolist() == [3, 0, 0, 20]
    with pytest.raises(TypeError, match=r"it is a table; pass one of its columns"):
        kaggle.decode(pandas.DataFrame({"EncodedPixels": strings}), SIZE)


@pytest.mark.parametrize("item", [0, 1.5, ["1", "2"], [1.0, 2.0], np.ones(2), {}, True])
def test_other_things(item):
    with pytest.raises(TypeError, match=r"^object 1: expected a string of numbers"):
        kaggle.decode(["1 1", item], SIZE)
