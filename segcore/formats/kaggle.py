"""Kaggle's run-length strings: ``"start length start length"``, 1-based, column-major.

Most of Kaggle's segmentation competitions use this format. It was introduced by the Carvana Image
Masking Challenge (2017): pixels are numbered from top to bottom, then left to right, so 1 is pixel
(1, 1) and 2 is pixel (2, 1). "1 3 10 5" contains the pixels 1, 2, 3, 10, 11, 12, 13 and 14. Pairs
are sorted and positive, and pixels are not duplicated.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._batch import offsets_of
from segcore._input.arrays import as_size, described
from segcore._input.recognize import hint, is_missing
from segcore.errors import MaskError, MaskTypeError
from segcore.formats._objects import append_integers, as_list
from segcore.formats._pairs import from_pairs, to_pairs
from segcore.masks import Masks, check_masks

_SPACES = b" \t\r\n"
_DIGITS = b"0123456789"
_EMPTY = frozenset({b"-1", b"-1.0", b"nan", b"none", b"null", b"<na>", b"[]"})
_INTEGRAL = re.compile(rb"(\d+)(?:\.0*)?")
_FRACTION = re.compile(rb"\d*\.\d+")


def decode(strings: Iterable[Any], size: Iterable[int]) -> Masks:
    """Decode Kaggle's run-length strings.

    Parameters
    ----------
    strings : iterable of str or bytes
        One string per mask, such as a pandas Series: the 1-based start and the length of each
        foreground run, column-major, in ascending order without overlap. Numbers that were
        converted to floats (``"12.0 3.0"``), printed lists (``"[12, 3]"``), and lists, tuples or
        arrays of integers are accepted as well. An empty mask is an empty string, an empty list, or
        any of the other values in use: ``"-1"``, -1, None, NaN, ``pandas.NA``, ``"nan"``,
        ``"None"``, ``"[]"``.
    size : sequence of int
        Image size (H, W).

    Returns
    -------
    Masks
        One mask per string, in the same order.

    Raises
    ------
    ValueError
        If a string has an odd number of numbers or numbers that are not integers, or its runs are
        outside the image, overlap or are not in ascending order. The message contains the index of
        the string.
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
    texts = [_text(index, string) for index, string in enumerate(as_list(strings))]
    lengths = offsets_of([len(text) + 1 for text in texts])
    joined = b" ".join([*texts, b""])
    characters = np.frombuffer(joined, np.uint8)
    is_digit = characters > 32
    is_first = is_digit.copy()
    is_first[1:] &= ~is_digit[:-1]
    offsets = np.searchsorted(np.flatnonzero(is_first), lengths)
    return from_pairs(_numbers(joined, int(offsets[-1])), offsets, common)


def encode(masks: Masks) -> list[str]:
    """Encode masks as Kaggle's run-length strings.

    Parameters
    ----------
    masks : Masks
        N masks.

    Returns
    -------
    list of str
        One string per mask: the 1-based start and the length of each foreground run, column-major.
        The string of an empty mask is empty.

    Raises
    ------
    TypeError
        If `masks` is not a `Masks`.

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


def _text(index: int, string: Any) -> bytes:
    """Convert a string to bytes that contain only digits and spaces."""
    if isinstance(string, str):
        text = string.encode(errors="surrogatepass")
    elif isinstance(string, (bytes, bytearray)):
        text = bytes(string)
    else:
        return _other_text(index, string)
    if text.translate(None, _DIGITS + _SPACES):
        return _rewritten(index, text)
    return text


def _rewritten(index: int, text: bytes) -> bytes:
    """Convert a string of another known form to digits and spaces."""
    words = text.strip().lower()
    if words in _EMPTY:
        return b""
    if words[:1] + words[-1:] in (b"[]", b"()"):
        words = words[1:-1].replace(b",", b" ")
    numbers = [_INTEGRAL.fullmatch(word) for word in words.split()]
    if not all(numbers):
        raise MaskError(
            index,
            "expected a string of only digits and spaces, got "
            f"{described(text.decode(errors='backslashreplace'))}{_looks_like(text)}",
            "object",
        )
    return b" ".join(number[1] for number in numbers if number)


def _looks_like(text: bytes) -> str:
    words = text.split()
    if any(_FRACTION.fullmatch(word) for word in words):
        return "; starts and lengths must be integers"
    if b"..." in text:
        return "; it seems to be the shortened print of an array"
    if b"," in text and all(word.isdigit() for word in text.replace(b",", b" ").split()):
        return "; separate the numbers by spaces, not by commas"
    if any(word.startswith(b"-") for word in words):
        return "; starts and lengths must not be negative"
    if not any(word.isdigit() for word in words):
        return '; pass COCO\'s counts strings to Masks.from_coco as {"size": [H, W], "counts": ...}'
    return ""


def _other_text(index: int, item: Any) -> bytes:
    """Convert a missing value or a list of integers to a string."""
    if is_missing(item) or (isinstance(item, (int, float, np.number)) and item == -1):
        return b""
    numbers: array[int] = array("q")
    expected = "a string of numbers (or None or NaN for an empty mask)"
    if np.ndim(item) == 0 and not hasattr(item, "__len__"):
        raise MaskTypeError(
            index, f"expected {expected}, got {described(item)}{hint(item)}", "object"
        )
    append_integers(numbers, index, item, expected)
    if min(numbers, default=0) < 0:
        raise MaskError(
            index, f"expected nonnegative starts and lengths, got {min(numbers)}", "object"
        )
    return " ".join(map(str, numbers)).encode()


def _numbers(text: bytes, count: int) -> NDArray[np.int64]:
    """Parse numbers separated by spaces. Numbers beyond int64 are clipped to its maximum."""
    if count == 0:
        return np.empty(0, np.int64)
    return np.fromstring(text.decode("ascii"), np.int64, sep=" ")
