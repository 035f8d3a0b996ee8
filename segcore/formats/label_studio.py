"""Label Studio's brush: the runs of an RGBA image, packed bit by bit into a list of bytes.

The format is that of the package rle-pack of thi.ng/umbrella, as Label Studio uses it ("format":
"rle") and label_studio_converter reads and writes it (brush.py). All numbers begin with their
highest bit:

====================  =============================================================================
bits                  meaning
====================  =============================================================================
32                    the number of values: 4 x H x W, for the red, green, blue and alpha of each
                      pixel, row by row
5                     the bits of a value, less one: Label Studio's values are bytes
4 times 4             four lengths of length fields in bits, less one: Label Studio's are 3, 4, 8
                      and 16
1, 2, length field    for each run: whether it has one value; which length field follows; its
                      length, less one
value(s)              the run's one value, or as many values as it is long
====================  =============================================================================

A pixel is foreground where its alpha is greater than 0, as in label_studio_converter.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._input.arrays import Size, as_integers, as_size, described
from segcore.backends import kernels
from segcore.backends.sizes import run_end_dtype
from segcore.formats._objects import as_list, as_offsets
from segcore.formats._row_major import transposed
from segcore.masks import Masks, check_masks, wrap

_HEADER_BITS = 32 + 5 + 4 * 4
_LENGTH_BITS = (3, 4, 8, 16)


def decode(objects: Iterable[Any], size: Iterable[int]) -> Masks:
    """Read the bytes of Label Studio's brush.

    Parameters
    ----------
    objects : iterable of list of int
        One a mask: the ``"rle"`` of a result's ``"value"``, a list (or bytes, or an array) of
        integers from 0 to 255. What follows the last run is not read.
    size : sequence of int
        (H, W): the result's ``"original_height"`` and ``"original_width"``.

    Returns
    -------
    Masks
        In the order of the objects: the pixels whose alpha is greater than 0.

    Raises
    ------
    ValueError
        For a number of values that is not that of the size, which is found out before anything is
        allocated, runs beyond it, and bytes that end too soon. The message names the object.
    TypeError
        For what is no list of integers.

    Examples
    --------
    >>> import segcore as sc
    >>> rle = [0, 0, 0, 24, 57, 27, 252, 224, 19, 255, 206, 0]
    >>> sc.formats.label_studio.decode([rle], (2, 3)).to_dense(int)
    array([[[0, 0, 1],
            [1, 0, 0]]])
    """
    height, width = as_size(size)
    ends, lengths = [], []
    for place, item in enumerate(as_list(objects)):
        try:
            data = _data(item)
            ends.append(_run_ends(data, height * width, (height, width)))
        except TypeError as error:
            raise TypeError(f"object {place}: {error}") from None
        except ValueError as error:
            raise ValueError(f"object {place}: {error}") from None
        lengths.append(len(ends[-1]))
    run_ends = np.concatenate([np.empty(0, np.int64), *ends]).astype(run_end_dtype(width, height))
    return transposed(wrap((run_ends, as_offsets(lengths)), (width, height)))


def encode(masks: Masks) -> list[list[int]]:
    """Write the bytes of Label Studio's brush.

    Parameters
    ----------
    masks : Masks
        N masks of fewer than 2**30 pixels.

    Returns
    -------
    list of list of int
        One a mask, byte for byte what ``mask2rle`` of label_studio_converter makes of the mask
        times 255: red, green, blue and alpha are 255 in the foreground, and else 0.

    Raises
    ------
    ValueError
        For masks of 2**30 pixels or more, whose number of values does not fit into the header.

    Examples
    --------
    >>> import segcore as sc
    >>> sc.formats.label_studio.encode(sc.Masks.from_dense([[0, 0, 1], [1, 0, 0]]))
    [[0, 0, 0, 24, 57, 27, 252, 224, 19, 255, 206, 0]]
    """
    check_masks(masks)
    height, width = masks.size
    if height * width >= 2**30:
        raise ValueError(
            f"Label Studio's format holds fewer than 2**30 pixels, but size ({height}, {width}) "
            f"has {height * width}"
        )
    rows = transposed(masks)
    runs, offsets = kernels.counts_encode(rows.run_ends, rows.offsets, *rows.size)
    header = _header(4 * height * width)
    return [_packed(header, 4 * runs[start:end]) for start, end in pairwise(offsets.tolist())]


# -- reading --------------------------------------------------------------------------------------


def _data(item: Any) -> bytes:
    """Give one object's bytes."""
    if isinstance(item, (bytes, bytearray)):
        return bytes(item)
    if isinstance(item, (list, tuple)):
        try:
            return bytes(item)
        except TypeError:
            raise TypeError(f"expected a list of integers, got {described(item)}") from None
        except ValueError:
            raise ValueError(
                f"expected integers from 0 to 255, got {described(item)}; Label Studio's brush is "
                "a list of bytes, not of run lengths"
            ) from None
    values = as_integers(item, "its bytes")
    if len(values) and (values.min() < 0 or values.max() > 255):
        raise ValueError(f"expected integers from 0 to 255, got {described(item)}")
    return values.astype(np.uint8).tobytes()


def _run_ends(data: bytes, pixels: int, size: Size) -> NDArray[np.int64]:
    """Read one object: the run ends of its foreground, row by row."""
    value_bits, length_bits = _read_header(data, pixels, size)
    # The 64 bits from each byte on: no field, nor all of a run up to its first value, needs more.
    padded = np.frombuffer(data + bytes(7), np.uint8)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 8)
    words = np.ascontiguousarray(windows).view(">u8").astype(np.uint64).ravel()
    runs = _walk(words.data, 8 * len(data), 4 * pixels, value_bits, length_bits)
    ends, is_foreground = _values(words, *runs, value_bits)
    # Value 4 p + 3 is the alpha of pixel p, so values up to 4 p + r settle the first p pixels.
    pixel_ends = ends >> 2
    starts = np.concatenate([[0], pixel_ends[:-1]])
    settled = pixel_ends > starts
    starts, is_foreground = starts[settled], is_foreground[settled]
    before = np.concatenate([[False], is_foreground[:-1]])
    flips: NDArray[np.int64] = starts[is_foreground != before[: len(starts)]]
    return flips


def _read_header(data: bytes, pixels: int, size: Size) -> tuple[int, tuple[int, ...]]:
    """Give the bits of a value, and of the four length fields."""
    if 8 * len(data) < _HEADER_BITS:
        raise ValueError(f"has {len(data)} bytes, too few for a header")
    header = int.from_bytes(data[:7], "big") >> 3
    count = header >> 21
    if count != 4 * pixels:
        raise ValueError(
            f"its header tells of {count} values, but size {size} has {4 * pixels}: "
            "red, green, blue and alpha of each pixel"
        )
    return (header >> 16 & 31) + 1, tuple((header >> shift & 15) + 1 for shift in (12, 8, 4, 0))


def _walk(
    words: memoryview, end: int, count: int, value_bits: int, length_bits: tuple[int, ...]
) -> tuple[list[int], list[int], list[int]]:
    """Walk along the runs, each of which tells where the next begins.

    Returns
    -------
    flags, lengths, places : list of int
        For each run whether it has one value, its length, and the bit at which its values begin.
    """
    flags, lengths, places = [], [], []
    bit, done = _HEADER_BITS, 0
    while done < count:
        if bit + 3 > end:
            raise ValueError(f"ends after {done} of {count} values")
        # The bit's word, moved to the left until it begins with the run, in 64 bits.
        run = words[bit >> 3] << (bit & 7) & 0xFFFFFFFFFFFFFFFF
        flag = run >> 63
        field = length_bits[run >> 61 & 3]
        length = (run >> (61 - field) & (1 << field) - 1) + 1
        bit += 3 + field
        flags.append(flag)
        lengths.append(length)
        places.append(bit)
        bit += value_bits if flag else length * value_bits
        done += length
        if bit > end:
            raise ValueError(f"ends after {done - length} of {count} values")
        if done > count:
            raise ValueError(f"run {len(flags) - 1} ends after {done} values, but it has {count}")
    return flags, lengths, places


def _values(
    words: NDArray[np.uint64],
    flags: list[int],
    lengths: list[int],
    places: list[int],
    value_bits: int,
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Give after how many values each value ends that is written down, and whether it is not 0."""
    spans = np.array(lengths, np.int64)
    repeats = np.where(flags, 1, spans)
    firsts = np.cumsum(repeats) - repeats
    bits = np.repeat(np.array(places, np.int64) - value_bits * firsts, repeats)
    bits += value_bits * np.arange(len(bits))
    values = words[bits >> 3] << (bits & 7).astype(np.uint64) >> np.uint64(64 - value_bits)
    each = np.repeat(np.where(flags, spans, 1), repeats)
    return np.cumsum(each), values != 0


# -- writing --------------------------------------------------------------------------------------


def _header(count: int) -> int:
    """Give the bits in front of the runs."""
    header = count << 5 | 8 - 1
    for bits in _LENGTH_BITS:
        header = header << 4 | bits - 1
    return header


def _packed(header: int, runs: NDArray[np.int64]) -> list[int]:
    """Pack the runs of one mask, background first, in values."""
    values = np.arange(len(runs)) % 2 * 255
    pieces = -(-runs >> 16)  # the longest length field holds 2**16; a run of nothing has no piece
    lengths = np.full(pieces.sum(), 2**16)
    last = np.cumsum(pieces)[pieces > 0] - 1
    lengths[last] = (runs - (pieces - 1 << 16))[pieces > 0]
    which = np.searchsorted([8, 16, 256], lengths)
    # What is left of a run of more than 2**16 has the longest field, however short it is.
    which[last[pieces[pieces > 0] > 1]] = 3
    fields = np.array(_LENGTH_BITS)[which]
    codes = (4 | which) << fields | lengths - 1
    codes = codes << 8 | np.repeat(values, pieces)
    bits = fields + 11
    places = _HEADER_BITS + np.cumsum(bits) - bits
    end = _HEADER_BITS + int(bits.sum())
    packed = np.zeros(end // 8 + 5, np.int64)
    # A code lies in five bytes at most, and no two codes share a bit.
    codes <<= 40 - (places & 7) - bits
    for byte in range(5):
        np.add.at(packed, (places >> 3) + byte, codes >> 8 * (4 - byte) & 255)
    packed[:7] += np.frombuffer((header << 3).to_bytes(7), np.uint8)
    data: list[int] = packed[: end // 8 + 1].tolist()
    return data
