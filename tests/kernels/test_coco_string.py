"""coco_string: COCO's run lengths, plain and as compressed strings."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import dense, large_flips, large_sizes, sizes
from support.util import (
    Pycocotools,
    agree,
    assert_batch,
    assert_identical,
    assert_valid,
    batch_of,
    batch_of_flips,
    counts,
    every_mask,
    patterns,
    strings,
)

from segcore.backends import errors


def write(numbers: list[int]) -> bytes:
    """Write counts as a string, by COCO's rule."""
    characters = bytearray()
    for i, number in enumerate(numbers):
        rest = number - numbers[i - 2] if i > 2 else number
        while True:
            group, rest = rest & 31, rest >> 5
            more = rest != (-1 if group & 16 else 0)
            characters.append(48 + group + 32 * more)
            if not more:
                break
    return bytes(characters)


def runs_of(mask: np.ndarray) -> list[int]:
    """Count the runs of one mask, background first."""
    lengths, value = [0], False
    for pixel in mask.ravel(order="F").tolist():
        if pixel != value:
            lengths.append(0)
            value = pixel
        lengths[-1] += 1
    return lengths


def assert_codecs(kernels, masks):
    height, width = masks.shape[1:]
    batch = batch_of(masks)
    numbers = counts(*map(runs_of, masks))
    assert_identical(agree(kernels, "counts_encode", batch), numbers)
    assert_batch(agree(kernels, "counts_decode", *numbers, height, width), masks)
    data, offsets = strings(*(write(runs_of(mask)) for mask in masks))
    assert_identical(agree(kernels, "string_encode", batch), (data, offsets))
    assert_batch(agree(kernels, "string_decode", data, offsets, height, width), masks)


@pytest.mark.parametrize("size", [(1, 1), (1, 4), (4, 1), (2, 3), (3, 3), (0, 3), (3, 0), (2, 5)])
def test_every_mask_of_a_tiny_size(kernels, size):
    assert_codecs(kernels, every_mask(*size))


@pytest.mark.parametrize("size", [(64, 64), (67, 131), (3, 9001), (9001, 3)])
def test_patterns(kernels, size):
    assert_codecs(kernels, patterns(*size))


@given(masks=dense())
def test_any_masks(kernels, masks):
    assert_codecs(kernels, masks)


def test_no_masks(kernels):
    assert_codecs(kernels, np.zeros((0, 4, 5), bool))


@pytest.mark.slow_on("numba")
@given(data=st.data(), size=large_sizes)
def test_large_sizes(kernels, data, size):
    height, width = size
    pixels = height * width
    masks = data.draw(st.lists(large_flips(pixels), max_size=4))
    batch = batch_of_flips(masks, size)
    numbers = [np.diff(flips, prepend=0, append=pixels).tolist() for flips in masks]
    written = strings(*map(write, numbers))
    assert_identical(agree(kernels, "counts_encode", batch), counts(*numbers))
    assert_identical(agree(kernels, "string_encode", batch), written)
    assert_identical(agree(kernels, "counts_decode", *counts(*numbers), *size), batch)
    assert_identical(agree(kernels, "string_decode", *written, *size), batch)


def test_the_largest_count_takes_twelve_characters(kernels):
    height, width = 2**30, 2**29 - 1
    numbers = [height * width]
    data, offsets = strings(write(numbers))
    assert len(data) == errors.MAX_STRING_GROUPS
    batch = agree(kernels, "string_decode", data, offsets, height, width)
    assert len(batch.run_ends) == 0
    # The largest differences that there are: to the whole size, and from it.
    for numbers in ([0, 0, 1, height * width - 1], [0, height * width, 0, 0]):
        agree(kernels, "string_decode", *strings(write(numbers)), height, width)


# -- zero runs ------------------------------------------------------------------------------------

ZERO_RUNS = [
    ([2, 0, 0, 3, 0, 0, 7], [2, 5]),
    ([2, 0, 10], []),
    ([0, 0, 12], []),
    ([0, 0, 0, 12], [0]),
    ([12, 0], []),
    ([12, 0, 0, 0], []),
    ([0, 12, 0], [0]),
    ([0, 12], [0]),
    ([3, 0, 0, 0, 0, 9], [3]),
    ([3, 4, 0, 5], [3]),
    ([3, 4, 5, 0, 0], [3, 7]),
]


@pytest.mark.parametrize(("numbers", "flips"), ZERO_RUNS)
def test_zero_runs_vanish(kernels, numbers, flips):
    expected = batch_of_flips([flips], (4, 3))
    assert_identical(agree(kernels, "counts_decode", *counts(numbers), 4, 3), expected)
    assert_identical(agree(kernels, "string_decode", *strings(write(numbers)), 4, 3), expected)


@given(st.lists(st.lists(st.integers(0, 3), max_size=12), max_size=4), st.integers(1, 5))
def test_any_runs(kernels, lists, height):
    longest = max(map(sum, lists), default=0)
    width = -(-longest // height)
    lists = [[*numbers, height * width - sum(numbers)] for numbers in lists]
    pixels = [
        np.repeat(np.arange(len(numbers)) % 2 == 1, numbers).reshape(width, height).T
        for numbers in lists
    ]
    masks = np.array(pixels, bool).reshape(len(lists), height, width)
    assert_batch(agree(kernels, "counts_decode", *counts(*lists), height, width), masks)
    assert_batch(
        agree(kernels, "string_decode", *strings(*map(write, lists)), height, width), masks
    )


# -- what is wrong, in the order in which a reader of the stream meets it -------------------------

GOOD = [5, 2, 5]
BAD_COUNTS = [
    ([], "mask 1: runs sum to 0, but size (4, 3) has 12 pixels"),
    ([0], "mask 1: runs sum to 0, but size (4, 3) has 12 pixels"),
    ([5, 2, 4], "mask 1: runs sum to 11, but size (4, 3) has 12 pixels"),
    ([5, 2, 6], "mask 1: runs 0 to 2 sum to 13, but size (4, 3) has 12 pixels"),
    ([13, -1], "mask 1: runs 0 to 0 sum to 13, but size (4, 3) has 12 pixels"),
    ([-1, 13], "mask 1: run 0 has the negative length -1"),
    ([5, -2, 9], "mask 1: run 1 has the negative length -2"),
    ([5, 2, 5, -1], "mask 1: run 3 has the negative length -1"),
    ([5, 2, 5, 1], "mask 1: runs 0 to 3 sum to 13, but size (4, 3) has 12 pixels"),
]


@pytest.mark.parametrize(("numbers", "message"), BAD_COUNTS)
def test_broken_runs(kernels, numbers, message):
    for arguments, name in (
        (counts(GOOD, numbers, [99], GOOD), "counts_decode"),
        (strings(write(GOOD), write(numbers), b"\0", write(GOOD)), "string_decode"),
    ):
        with pytest.raises(ValueError, match=r"^mask 1: ") as caught:
            agree(kernels, name, *arguments, 4, 3)
        assert str(caught.value) == message


MOST = 2**63 - 1


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ([MOST], f"mask 0: runs 0 to 0 sum to {MOST}, but size (4, 3) has 12 pixels"),
        ([1, MOST], f"mask 0: runs 0 to 1 sum to {MOST + 1}, but size (4, 3) has 12 pixels"),
        ([12, MOST, 2], f"mask 0: runs 0 to 1 sum to {MOST + 12}, but size (4, 3) has 12 pixels"),
        ([-MOST - 1], f"mask 0: run 0 has the negative length {-MOST - 1}"),
        ([2**62, 2**62, 2**62, 2**62, 12], f"mask 0: runs 0 to 0 sum to {2**62}, but size (4, 3)"),
    ],
)
def test_sums_do_not_wrap(kernels, numbers, message):
    with pytest.raises(ValueError, match=r"^mask 0: ") as caught:
        agree(kernels, "counts_decode", *counts(numbers), 4, 3)
    assert str(caught.value).startswith(message)


def test_sums_do_not_wrap_at_the_largest_size(kernels):
    height, width = 2**30, 2**29 - 1
    pixels = height * width
    with pytest.raises(ValueError, match=f"sum to {pixels + MOST}, but"):
        agree(kernels, "counts_decode", *counts([pixels, MOST]), height, width)
    longest = b"o" * 11 + b"?"  # twelve characters: 2**59 - 1
    with pytest.raises(ValueError, match=r"mask 0: run 0 has the negative length -1$"):
        agree(kernels, "string_decode", *strings(b"o" * 11 + b"O"), height, width)
    with pytest.raises(ValueError, match=f"runs 0 to 0 sum to {2**59 - 1}, but"):
        agree(kernels, "string_decode", *strings(longest), height, width)
    with pytest.raises(ValueError, match=f"runs 0 to 1 sum to {pixels + 2**59 - 1}, but"):
        agree(kernels, "string_decode", *strings(write([pixels]) + longest), height, width)


BAD_STRINGS = [
    # (string, message); size (4, 3), so that the counts 5 2 5 ("525") are whole.
    (b"", "runs sum to 0, but size (4, 3) has 12 pixels"),
    (b"/", "byte 0 of its counts string is 47,"),
    (b"p", "byte 0 of its counts string is 112,"),
    (b"52\xff", "byte 2 of its counts string is 255,"),
    (b"52\0", "byte 2 of its counts string is 0,"),
    (b"525 ", "byte 3 of its counts string is 32,"),
    (b"52U", "its counts string ends in the middle of a count"),
    (b"525Pooo", "its counts string ends in the middle of a count"),
    (b"52" + b"o" * 11, "its counts string ends in the middle of a count"),
    (b"52" + b"o" * 12, "its counts string ends in the middle of a count"),
    (b"52" + b"o" * 13, "count 2 of its counts string has more than 12 characters"),
    (b"52" + b"o" * 12 + b"p", "byte 14 of its counts string is 112,"),
    (b"52" + b"o" * 13 + b"p", "count 2 of its counts string has more than 12 characters"),
    (b"52" + b"P" * 12 + b"0", "count 2 of its counts string has more than 12 characters"),
    (b"52" + b"P" * 11 + b"0", "runs sum to 7, but size (4, 3) has 12 pixels"),
    (b"O", "run 0 has the negative length -1"),
    (b"5Np", "run 1 has the negative length -2"),
    (b"=p", "runs 0 to 0 sum to 13, but size (4, 3) has 12 pixels"),
    (b"528", "runs 0 to 2 sum to 15, but size (4, 3) has 12 pixels"),
    (b"52Xp", "byte 3 of its counts string is 112,"),
    (b"528p", "runs 0 to 2 sum to 15, but size (4, 3) has 12 pixels"),
    (b"525O", "runs 0 to 3 sum to 13, but size (4, 3) has 12 pixels"),
    (b"525M", "run 3 has the negative length -1"),
    (b"525NKU", "its counts string ends in the middle of a count"),
    (b"520N0", "runs sum to 7, but size (4, 3) has 12 pixels"),
]


@pytest.mark.parametrize(("string", "message"), BAD_STRINGS)
def test_broken_strings(kernels, string, message):
    with pytest.raises(ValueError, match=r"^mask 1: ") as caught:
        agree(kernels, "string_decode", *strings(b"525", string, b"525", b"\0"), 4, 3)
    assert str(caught.value).startswith("mask 1: " + message)


def test_the_first_bad_mask_is_named(kernels):
    lists = [GOOD] * 5000
    lists[4321], lists[4999], lists[2500] = [-1], [99], [5, 2]
    with pytest.raises(ValueError, match=r"^mask 2500: runs sum to 7, "):
        agree(kernels, "counts_decode", *counts(*lists), 4, 3)
    with pytest.raises(ValueError, match=r"^mask 2500: runs sum to 7, "):
        agree(kernels, "string_decode", *strings(*map(write, lists)), 4, 3)


def test_a_size_without_pixels(kernels):
    for size in ((0, 3), (3, 0), (0, 0)):
        nothing = batch_of_flips([[], [], []], size)
        assert_identical(agree(kernels, "counts_decode", *counts([], [0], [0, 0]), *size), nothing)
        assert_identical(
            agree(kernels, "string_decode", *strings(b"", b"0", b"00"), *size), nothing
        )
        with pytest.raises(ValueError, match=r"runs 0 to 0 sum to 1, but size .* has 0 pixels"):
            agree(kernels, "counts_decode", *counts([1]), *size)


@given(
    items=st.lists(
        st.binary(max_size=20) | st.text("0123OPno/p", max_size=20).map(str.encode), max_size=3
    ),
    size=sizes | large_sizes,
)
def test_any_bytes(kernels, items, size):
    try:
        batch = agree(kernels, "string_decode", *strings(*items), *size)
    except ValueError:  # the one that the reference raises too
        return
    assert_valid(batch, len(items), *size)


@given(
    items=st.lists(st.lists(st.integers(-(2**63), MOST) | st.integers(-1, 9), max_size=9)),
    size=sizes | large_sizes,
)
def test_any_counts(kernels, items, size):
    try:
        batch = agree(kernels, "counts_decode", *counts(*items), *size)
    except ValueError:  # the one that the reference raises too
        return
    assert_valid(batch, len(items), *size)


# -- pycocotools ----------------------------------------------------------------------------------


def test_is_pycocotools(kernels):
    pycocotools = Pycocotools()
    height, width = 67, 131
    masks = patterns(height, width)
    rles = pycocotools.encode(np.asfortranarray(masks.transpose(1, 2, 0).astype(np.uint8)))
    data, offsets = strings(*(rle["counts"] for rle in rles))
    assert_batch(kernels.string_decode(data, offsets, height, width), masks)
    assert_identical(kernels.string_encode(batch_of(masks)), (data, offsets))

    numbers, bounds = kernels.counts_encode(batch_of(masks))
    plain = [
        {"size": [height, width], "counts": numbers[start:end].tolist()}
        for start, end in itertools.pairwise(bounds)
    ]
    assert pycocotools.frPyObjects(plain, height, width) == rles
