"""Label Studio's brush labels: the runs of an RGBA image, bit-packed into a list of bytes.

The format is that of the package rle-pack of thi.ng/umbrella, as used by Label Studio ("format":
"rle") and by label_studio_converter (brush.py). All fields start with their most significant bit:

====================  =============================================================================
bits                  meaning
====================  =============================================================================
32                    number of values: 4 * H * W, for red, green, blue and alpha of each pixel,
                      row-major
5                     bits per value, minus 1; Label Studio uses 8 bits
4 x 4                 sizes in bits of the four kinds of length fields, minus 1; Label Studio uses
                      3, 4, 8 and 16 bits
1, 2, length field    for each run: whether a single value is repeated; the kind of length field;
                      the length, minus 1
value(s)              the repeated value, or one value per element of the run
====================  =============================================================================

A pixel is foreground if its alpha is greater than 0, as in label_studio_converter.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._input.arrays import Size, as_integers, as_size, described
from segcore.backends import kernels
from segcore.backends.runs import batch_of, run_ends_of
from segcore.errors import located
from segcore.formats._objects import as_list
from segcore.formats._row_major import transposed
from segcore.masks import Masks, check_masks, unwrap, wrap

_HEADER_BITS = 32 + 5 + 4 * 4
_LENGTH_BITS = (3, 4, 8, 16)


def decode(objects: Iterable[Any], size: Iterable[int]) -> Masks:
    """Decode the bytes of Label Studio's brush labels.

    Parameters
    ----------
    objects : iterable of list of int
        One object per mask: the ``"rle"`` of a result's ``"value"``, which is a list (or bytes, or
        an array) of integers from 0 to 255. Bytes after the last run are ignored.
    size : sequence of int
        Image size (H, W): the result's ``"original_height"`` and ``"original_width"``.

    Returns
    -------
    Masks
        One mask per object, in the same order, with the pixels whose alpha is greater than 0.

    Raises
    ------
    ValueError
        If the number of values in the header does not match `size` (which is checked before memory
        is allocated), the runs exceed it, or the data are truncated. The message contains the index
        of the object.
    TypeError
        If an object is not a list of integers.

    Examples
    --------
    >>> import segcore as sc
    >>> rle = [0, 0, 0, 24, 57, 27, 252, 224, 19, 255, 206, 0]
    >>> sc.formats.label_studio.decode([rle], (2, 3)).to_dense(int)
    array([[[0, 0, 1],
            [1, 0, 0]]])
    """
    height, width = as_size(size)
    rows = []
    for index, item in enumerate(as_list(objects)):
        try:
            data = _data(item)
            rows.append(_run_ends(data, height * width, (height, width)))
        except (TypeError, ValueError) as error:
            raise located(error, index) from None
    return transposed(wrap(batch_of(rows, width, height)))


def encode(masks: Masks) -> list[list[int]]:
    """Encode masks as bytes of Label Studio's brush labels.

    Parameters
    ----------
    masks : Masks
        N masks of fewer than 2**30 pixels.

    Returns
    -------
    list of list of int
        One list per mask, equal to the result of label_studio_converter's ``mask2rle`` for the mask
        times 255: red, green, blue and alpha are 255 in the foreground, and 0 elsewhere.

    Raises
    ------
    ValueError
        If masks have 2**30 pixels or more, so that the number of values does not fit the header.
    TypeError
        If `masks` is not a `Masks`.

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
            f"masks: Label Studio's format requires fewer than 2**30 pixels, but size ({height}, "
            f"{width}) has {height * width}"
        )
    rows = transposed(masks)
    runs, offsets = kernels.counts_encode(unwrap(rows))
    header = _header(4 * height * width)
    return [_packed(header, 4 * runs[start:end]) for start, end in pairwise(offsets.tolist())]


# -- reading --------------------------------------------------------------------------------------


def _data(item: Any) -> bytes:
    """Convert an object to bytes."""
    if isinstance(item, (bytes, bytearray)):
        return bytes(item)
    if isinstance(item, (list, tuple)):
        try:
            return bytes(item)
        except TypeError:
            raise TypeError(f"expected a list of integers, got {described(item)}") from None
        except ValueError:
            raise ValueError(
                f"expected integers from 0 to 255, got {described(item)}; Label Studio's brush "
                "labels are lists of bytes, not of run lengths"
            ) from None
    values = as_integers(item, "bytes")
    if len(values) and (values.min() < 0 or values.max() > 255):
        raise ValueError(f"expected integers from 0 to 255, got {described(item)}")
    return values.astype(np.uint8).tobytes()


def _run_ends(data: bytes, pixels: int, size: Size) -> NDArray[np.int64]:
    """Return the row-major run ends of one object."""
    value_bits, length_bits = _read_header(data, pixels, size)
    # The 64 bits that start at each byte, enough for any field, and for a run's header.
    padded = np.frombuffer(data + bytes(7), np.uint8)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 8)
    words = np.ascontiguousarray(windows).view(">u8").astype(np.uint64).ravel()
    runs = _walk(words.data, 8 * len(data), 4 * pixels, value_bits, length_bits)
    ends, is_foreground = _values(words, *runs, value_bits)
    # Value 4 * p + 3 is the alpha of pixel p, so a run that ends at e contains alphas up to e // 4.
    return run_ends_of(ends >> 2, is_foreground)


def _read_header(data: bytes, pixels: int, size: Size) -> tuple[int, tuple[int, ...]]:
    """Return the number of bits of a value, and of the four kinds of length fields."""
    if 8 * len(data) < _HEADER_BITS:
        raise ValueError(f"expected at least 7 bytes for the header, got {len(data)}")
    header = int.from_bytes(data[:7], "big") >> 3
    count = header >> 21
    if count != 4 * pixels:
        raise ValueError(
            f"expected {4 * pixels} values for size {size} (red, green, blue and alpha of each "
            f"pixel), but the header has {count}"
        )
    return (header >> 16 & 31) + 1, tuple((header >> shift & 15) + 1 for shift in (12, 8, 4, 0))


def _walk(
    words: memoryview, end: int, count: int, value_bits: int, length_bits: tuple[int, ...]
) -> tuple[list[int], list[int], list[int]]:
    """Parse the headers of all runs, one after the other.

    Returns
    -------
    flags, lengths, positions : list of int
        Per run: 1 if a single value is repeated, the length, and the bit position of its values.
    """
    flags, lengths, positions = [], [], []
    bit, done = _HEADER_BITS, 0
    while done < count:
        if bit + 3 > end:
            raise ValueError(f"the data end after {done} of {count} values")
        # Shift the word so that the run starts at its most significant bit.
        run = words[bit >> 3] << (bit & 7) & 0xFFFFFFFFFFFFFFFF
        flag = run >> 63
        field = length_bits[run >> 61 & 3]
        length = (run >> (61 - field) & (1 << field) - 1) + 1
        bit += 3 + field
        flags.append(flag)
        lengths.append(length)
        positions.append(bit)
        bit += value_bits if flag else length * value_bits
        done += length
        if bit > end:
            raise ValueError(f"the data end after {done - length} of {count} values")
        if done > count:
            raise ValueError(
                f"run {len(flags) - 1} ends at value {done}, but the header has {count} values"
            )
    return flags, lengths, positions


def _values(
    words: NDArray[np.uint64],
    flags: list[int],
    lengths: list[int],
    positions: list[int],
    value_bits: int,
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the end of each stored value in the decoded values, and whether it is nonzero."""
    run_lengths = np.array(lengths, np.int64)
    stored = np.where(flags, 1, run_lengths)
    firsts = np.cumsum(stored) - stored
    bits = np.repeat(np.array(positions, np.int64) - value_bits * firsts, stored)
    bits += value_bits * np.arange(len(bits))
    values = words[bits >> 3] << (bits & 7).astype(np.uint64) >> np.uint64(64 - value_bits)
    repeats = np.repeat(np.where(flags, run_lengths, 1), stored)
    return np.cumsum(repeats), values != 0


# -- writing --------------------------------------------------------------------------------------


def _header(count: int) -> int:
    """Return the header of `count` values as an integer."""
    header = count << 5 | 8 - 1
    for bits in _LENGTH_BITS:
        header = header << 4 | bits - 1
    return header


def _packed(header: int, runs: NDArray[np.int64]) -> list[int]:
    """Pack the header and the runs of one mask, background first; lengths are in values."""
    values = np.arange(len(runs)) % 2 * 255
    pieces = -(-runs >> 16)  # the longest length field is limited to 2**16; empty runs are dropped
    lengths = np.full(pieces.sum(), 2**16)
    last = np.cumsum(pieces)[pieces > 0] - 1
    lengths[last] = (runs - (pieces - 1 << 16))[pieces > 0]
    kinds = np.searchsorted([8, 16, 256], lengths)
    # The last piece of a run of more than 2**16 has the longest field, regardless of its length.
    kinds[last[pieces[pieces > 0] > 1]] = 3
    fields = np.array(_LENGTH_BITS)[kinds]
    codes = (4 | kinds) << fields | lengths - 1
    codes = codes << 8 | np.repeat(values, pieces)
    bits = fields + 11
    positions = _HEADER_BITS + np.cumsum(bits) - bits
    end = _HEADER_BITS + int(bits.sum())
    packed = np.zeros(end // 8 + 5, np.int64)
    # A code spans at most five bytes. Codes do not share bits, so they can be added.
    codes <<= 40 - (positions & 7) - bits
    for byte in range(5):
        np.add.at(packed, (positions >> 3) + byte, codes >> 8 * (4 - byte) & 255)
    packed[:7] += np.frombuffer((header << 3).to_bytes(7), np.uint8)
    data: list[int] = packed[: end // 8 + 1].tolist()
    return data
