"""Kaggle's run-length strings: ``"start length start length"``, 1-based, column by column.

The format of the masks of most of Kaggle's segmentation competitions, first the Carvana Image
Masking Challenge (2017), whose rules say: pixels are numbered from top to bottom, then left to
right, 1 is pixel (1, 1), 2 is pixel (2, 1); "1 3 10 5" implies the pixels 1, 2, 3, 10, 11, 12, 13
and 14; the pairs are sorted, positive, and no pixel is in two of them.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._input.arrays import as_size, described
from segcore._input.recognize import hint, is_missing
from segcore.formats._objects import append_integers, as_list, as_offsets
from segcore.formats._pairs import from_pairs, to_pairs
from segcore.masks import Masks, check_masks

_SPACES = b" \t\r\n"
_DIGITS = b"0123456789"
_EMPTY = frozenset({b"-1", b"-1.0", b"nan", b"none", b"null", b"<na>", b"[]"})
_INTEGRAL = re.compile(rb"(\d+)(?:\.0*)?")
_FRACTION = re.compile(rb"\d*\.\d+")


def decode(strings: Iterable[Any], size: Iterable[int]) -> Masks:
    """Read Kaggle's strings.

    Parameters
    ----------
    strings : iterable of str or bytes
        One string per mask: the 1-based first pixel and the length of each run of foreground,
        column by column, ascending, without overlap. Also read are numbers that a table turned
        into floats, ``"12.0 3.0"``, a printed list, ``"[12, 3]"``, and a list, tuple or array of
        integers. An empty mask is an empty string, an empty list, or what competitions and tables
        write for it: ``"-1"``, -1, None, NaN, ``pandas.NA``, ``"nan"``, ``"None"``, ``"[]"``.
        The strings may be a pandas Series.
    size : sequence of int
        (H, W).

    Returns
    -------
    Masks
        In the order of the strings.

    Raises
    ------
    ValueError
        For an odd number of numbers, numbers that are not integers, pixels outside the image, and
        runs that overlap or do not ascend. The message names the string by its index.
    TypeError
        If an item is neither a string nor a list of integers.

    Examples
    --------
    >>> import segcore as sc
    >>> sc.formats.kaggle.decode(["1 3 6 2", ""], (4, 3)).to_dense(int)[0]
    array([[1, 0, 0],
           [1, 1, 0],
           [1, 1, 0],
           [0, 0, 0]])
    """
    common = as_size(size)
    texts = [_text(place, string) for place, string in enumerate(as_list(strings))]
    lengths = as_offsets([len(text) + 1 for text in texts])
    joint = b" ".join([*texts, b""])
    characters = np.frombuffer(joint, np.uint8)
    is_digit = characters > 32
    is_first = is_digit.copy()
    is_first[1:] &= ~is_digit[:-1]
    offsets = np.searchsorted(np.flatnonzero(is_first), lengths)
    return from_pairs(_numbers(joint, int(offsets[-1])), offsets, common)


def encode(masks: Masks) -> list[str]:
    """Write Kaggle's strings.

    Parameters
    ----------
    masks : Masks
        N masks.

    Returns
    -------
    list of str
        One a mask: the 1-based first pixel and the length of each run of foreground, column by
        column. The string of an empty mask is empty.

    Examples
    --------
    >>> import segcore as sc
    >>> sc.formats.kaggle.encode(sc.Masks.from_boxes([[1, 1, 3, 3], [0, 0, 0, 0]], (4, 6)))
    ['6 2 10 2', '']
    """
    check_masks(masks)
    numbers, offsets = to_pairs(masks)
    words = list(map(str, numbers.tolist()))
    return [" ".join(words[start:end]) for start, end in pairwise(offsets.tolist())]


def _text(place: int, string: Any) -> bytes:
    """Give a string as bytes that hold nothing but digits and spaces."""
    if isinstance(string, str):
        text = string.encode(errors="surrogatepass")
    elif isinstance(string, (bytes, bytearray)):
        text = bytes(string)
    else:
        return _other_text(place, string)
    if text.translate(None, _DIGITS + _SPACES):
        return _rewritten(place, text)
    return text


def _rewritten(place: int, text: bytes) -> bytes:
    """Give a string that is not digits and spaces alone as one that is, if it has a known form."""
    words = text.strip().lower()
    if words in _EMPTY:
        return b""
    if words[:1] + words[-1:] in (b"[]", b"()"):
        words = words[1:-1].replace(b",", b" ")
    numbers = [_INTEGRAL.fullmatch(word) for word in words.split()]
    if not all(numbers):
        raise ValueError(
            f"object {place}: expected digits and spaces alone, but the string "
            f"{described(text.decode(errors='backslashreplace'))} has others"
            f"{_looks_like(text)}"
        )
    return b" ".join(number[1] for number in numbers if number)


def _looks_like(text: bytes) -> str:
    words = text.split()
    if any(_FRACTION.fullmatch(word) for word in words):
        return "; starts and lengths are integers"
    if b"..." in text:
        return "; it was shortened when it was printed"
    if b"," in text and all(word.isdigit() for word in text.replace(b",", b" ").split()):
        return "; numbers are separated by spaces, not by commas"
    if any(word.startswith(b"-") for word in words):
        return "; starts and lengths are not negative"
    if not any(word.isdigit() for word in words):
        return (
            '; COCO\'s counts strings go into Masks.from_coco, as {"size": [H, W], "counts": ...}'
        )
    return ""


def _other_text(place: int, item: Any) -> bytes:
    """Give what tables hold instead of strings as a string: a missing value, or integers."""
    if is_missing(item) or (isinstance(item, (int, float, np.number)) and item == -1):
        return b""
    numbers: array[int] = array("q")
    expected = "a string of numbers (or None or NaN for an empty mask)"
    if np.ndim(item) == 0 and not hasattr(item, "__len__"):
        raise TypeError(f"object {place}: expected {expected}, got {described(item)}{hint(item)}")
    append_integers(numbers, place, item, expected)
    if min(numbers, default=0) < 0:
        raise ValueError(f"object {place}: starts and lengths are not negative, got {min(numbers)}")
    return " ".join(map(str, numbers)).encode()


def _numbers(text: bytes, count: int) -> NDArray[np.int64]:
    """Read numbers of digits and spaces. One beyond int64 becomes the largest of them."""
    if count == 0:
        return np.empty(0, np.int64)
    return np.fromstring(text.decode("ascii"), np.int64, sep=" ")
