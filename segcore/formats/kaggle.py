"""Kaggle's run-length strings: ``"start length start length"``, 1-based, column by column.

The format of the masks of most of Kaggle's segmentation competitions, first the Carvana Image
Masking Challenge (2017), whose rules say: pixels are numbered from top to bottom, then left to
right, 1 is pixel (1, 1), 2 is pixel (2, 1); "1 3 10 5" implies the pixels 1, 2, 3, 10, 11, 12, 13
and 14; the pairs are sorted, positive, and no pixel is in two of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._input.arrays import as_size, described
from segcore.formats._objects import as_list, as_offsets
from segcore.formats._pairs import from_pairs, to_pairs
from segcore.masks import Masks, check_masks

_SPACES = b" \t\r\n"
_DIGITS = b"0123456789"


def decode(strings: Iterable[Any], size: Iterable[int]) -> Masks:
    """Read Kaggle's strings.

    Parameters
    ----------
    strings : iterable of str or bytes
        One string a mask: the 1-based first pixel and the length of each run of foreground, column
        by column, ascending, without overlap. An empty mask is an empty string, or what tables
        make of that: None or NaN.
    size : sequence of int
        (H, W).

    Returns
    -------
    Masks
        In the order of the strings.

    Raises
    ------
    ValueError
        For an odd number of numbers, anything but digits and spaces, pixels outside the image, and
        runs that overlap or do not ascend. The message names the string by its index.
    TypeError
        For what is no string.

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
    elif string is None or (isinstance(string, float) and math.isnan(string)):
        return b""
    else:
        raise TypeError(
            f"object {place}: expected a string of numbers (or None or NaN for an empty mask), "
            f"got {described(string)}"
        )
    others = text.translate(None, _DIGITS + _SPACES)
    if others:
        raise ValueError(
            f"object {place}: expected digits and spaces alone, but the string "
            f"{described(string)} has others"
        )
    return text


def _numbers(text: bytes, count: int) -> NDArray[np.int64]:
    """Read numbers of digits and spaces. One beyond int64 becomes the largest of them."""
    if count == 0:
        return np.empty(0, np.int64)
    return np.fromstring(text.decode("ascii"), np.int64, sep=" ")
