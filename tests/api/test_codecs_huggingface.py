"""Hugging Face's lists: what transformers gives, an independent reader, and every error by name."""

import array as arrays

import numpy as np
import pytest
from hypothesis import given
from support.runs import mask_of_many_runs
from support.strategies import dense

import segcore as sc
from segcore.formats import huggingface

SIZE = (4, 5)


# What binary_mask_to_rle of transformers 5.23.0 gives for it.
EXAMPLE = [4, 1, 206, 3, 411, 40, 601, 270, 1800, 1]


def test_what_transformers_gives():
    masks = sc.Masks.from_dense(mask_of_many_runs())
    assert huggingface.encode(masks) == [EXAMPLE]
    assert huggingface.decode([EXAMPLE], (9, 200)) == masks
    assert huggingface.decode([list(np.array(EXAMPLE))], (9, 200)) == masks


@given(dense())
def test_lists_are_what_they_say(batch):
    lists = huggingface.encode(sc.Masks.from_dense(batch))
    for numbers, mask in zip(lists, batch, strict=True):
        pixels = np.zeros(mask.size, bool)
        last = 0
        for start, length in zip(numbers[0::2], numbers[1::2], strict=True):
            assert start > last
            assert length > 0
            pixels[start - 1 : start - 1 + length] = True
            last = start + length
        np.testing.assert_array_equal(pixels.reshape(mask.shape), mask)
        assert {type(number) for number in numbers} <= {int}


@pytest.mark.parametrize(
    "form",
    [
        (3, 2, 7, 1),
        np.array([3, 2, 7, 1], np.uint8),
        np.array([3, 2, 7, 1], ">u8"),
        np.array([3, 9, 2, 9, 7, 9, 1, 9])[::2],
        arrays.array("h", [3, 2, 7, 1]),
        [np.int32(3), np.uint64(2), np.int8(7), 1],
        [3, 1, 4, 1, 6, 0, 7, 1],
    ],
    ids=repr,
)
def test_forms(form):
    masks = huggingface.decode([[3, 2, 7, 1], form, []], SIZE)
    assert huggingface.encode(masks) == [[3, 2, 7, 1], [3, 2, 7, 1], []]


@pytest.mark.parametrize("empty", [[], (), np.empty(0), np.empty(0, int)])
def test_empty_masks(empty):
    assert huggingface.decode([empty, [1, 20], empty], SIZE).area.tolist() == [0, 20, 0]


VALUES = {
    "odd": ([3, 2, 7], "expected an even number of integers, .* got 3"),
    "0-based": ([0, 3], r"run 0 has start 0 and length 3"),
    "negative start": ([-(2**63), 3], "run 0 has start -9223372036854775808"),
    "negative length": ([3, -1], "run 0 has start 3 and length -1"),
    "too long": ([3, 2, 20, 2], "run 1 has start 20 and length 2, .* are 1 to 20"),
    "huge": ([3, 2**63 - 1], "run 0 has start 3"),
    "beyond int64": ([3, 2**63], "a number is too large"),
    "beyond int64 in an array": (np.array([3, 2**63], np.uint64), "a number is too large"),
    "overlap": ([3, 3, 5, 1], "run 1 starts at pixel 5, but the previous run ends at pixel 5"),
    "2-D": (np.ones((2, 2), int), "expected one dimension"),
}


@pytest.mark.parametrize("name", VALUES)
def test_errors_name_the_list(name):
    item, message = VALUES[name]
    with pytest.raises(ValueError, match=f"^object 2: .*{message}"):
        huggingface.decode([[1, 1, 20, 1], [], item], SIZE)


@pytest.mark.parametrize(
    "item", [None, "1 2", b"12", [1.0, 2.0], ["1", "2"], [None, 1], np.ones(2), np.ones(2, bool)]
)
def test_other_things(item):
    with pytest.raises(TypeError, match=r"^object 1: expected a list of integers"):
        huggingface.decode([[1, 1], item], SIZE)
