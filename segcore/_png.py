"""PNG files: gray, indexed or RGB."""

from __future__ import annotations

import functools
import struct
import zlib
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._batch import Batch
from segcore.backends.runs import closed_runs

UP = 2
"""The number of the filter that subtracts the row above."""


def encode_png(
    filtered: NDArray[np.uint8],
    width: int,
    depth: int,
    palette: NDArray[np.uint8] | None = None,
    text: Mapping[str, str] | None = None,
    strategy: int = zlib.Z_RLE,
) -> bytes:
    """Encode an image as PNG.

    Parameters
    ----------
    filtered : numpy.ndarray
        The rows of the image as returned by `filter_rows` or `filter_regions`.
    width : int
        Number of pixels per row.
    depth : int
        Number of bits per pixel: 1, 2, 4, 8 or 16, or 24 for RGB.
    palette : numpy.ndarray, optional
        Color of each value: uint8, shape (K, 3). Without it, the image is gray or RGB.
    text : mapping of str to str, optional
        Keywords and their texts, such as "Software", in Latin-1.
    strategy : int, default zlib.Z_RLE
        Compression strategy of zlib. The default is for label maps, which consist of long runs.
    """
    kind = 0 if palette is None else 3
    if depth == 24:
        kind, depth = 2, 8
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, len(filtered), depth, kind, 0, 0, 0))]
    for keyword, value in (text or {}).items():
        chunks.append((b"tEXt", f"{keyword}\0{value}".encode("latin-1")))
    if palette is not None:
        chunks.append((b"PLTE", palette.tobytes()))
    chunks += [(b"IDAT", _deflate(filtered.data, strategy)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def filter_rows(rows: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the rows of an image as PNG stores them: as differences to the row above.

    Parameters
    ----------
    rows : numpy.ndarray
        The bytes of each row, shape (H, bytes): pixels of less than a byte are packed, and those of
        two bytes are big-endian.

    Returns
    -------
    numpy.ndarray
        uint8, shape (H, 1 + bytes). The first byte of each row is the number of the filter.
    """
    filtered = np.empty((len(rows), rows.shape[1] + 1), np.uint8)
    filtered[:, 0] = UP
    filtered[:1, 1:] = rows[:1]
    np.subtract(rows[1:], rows[:-1], out=filtered[1:, 1:])
    return filtered


def filter_regions(batch: Batch, labels: NDArray[Any], octets: Sequence[int]) -> NDArray[np.uint8]:
    """Return what `filter_rows` does for a label map, which is not made.

    Only where a run starts or ends, a pixel differs from the one above.

    Parameters
    ----------
    batch : Batch
        N masks that do not overlap. The label of the other pixels is 0.
    labels : numpy.ndarray
        Label of each: unsigned integers of less than 8 bytes, shape (N,).
    octets : sequence of int
        The bytes of a label that are written, in their order; 0 is the lowest.
    """
    height, width = batch.size
    size = len(octets)
    filtered = np.zeros((height, 1 + width * size), np.uint8)
    filtered[:, 0] = UP
    bounds, offsets = closed_runs(batch)
    columns = bounds // max(height, 1)
    rows = bounds - columns * height  # several times as fast as the remainder
    places = rows * filtered.shape[1] + 1 + columns * size
    starts, ends = (np.flatnonzero(rows[part::2]) for part in (0, 1))
    # A run covers the first row of the columns from the first one that starts in it on.
    first, last = (columns + (rows > 0)).reshape(-1, 2).T
    values = labels.astype(np.int64).repeat(np.diff(offsets) // 2)
    top = np.bincount(first, values, width + 1) - np.bincount(last, values, width + 1)
    top = top[:width].cumsum().astype(np.int64)
    flat = filtered.reshape(-1)
    for place, octet in enumerate(octets):
        of_run = (values >> 8 * octet).astype(np.uint8)
        flat[places[::2][starts] + place] = of_run[starts]
        flat[places[1::2][ends] + place] -= of_run[ends]
        filtered[:1, 1 + place :: size] = (top >> 8 * octet).astype(np.uint8)
    return filtered


def _chunk(name: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(data, zlib.crc32(name))
    return b"".join((struct.pack(">I", len(data)), name, data, struct.pack(">I", checksum)))


def _deflate(data: Any, strategy: int) -> bytes:
    """Compress filtered rows. Memory level 5 makes short blocks, whose codes fit label maps."""
    packer = _zlib().compressobj(6, zlib.DEFLATED, 15, 5, strategy)
    packed: bytes = packer.compress(data) + packer.flush()
    return packed


@functools.cache
def _zlib() -> Any:
    """Return zlib-ng if it is installed, else zlib, which takes three times as long.

    Both compress runs to the same bytes.
    """
    try:
        return import_module("zlib_ng.zlib_ng")
    except ImportError:
        return zlib
