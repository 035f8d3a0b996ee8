"""PNG files: gray, indexed or RGB."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray


def encode_png(
    rows: NDArray[np.uint8],
    width: int,
    depth: int,
    palette: NDArray[np.uint8] | None = None,
    compress: Callable[[memoryview], bytes] = zlib.compress,
) -> bytes:
    """Encode an image as PNG.

    Parameters
    ----------
    rows : numpy.ndarray
        The bytes of each row, shape (H, bytes): pixels of less than a byte are packed, and those of
        two bytes are big-endian.
    width : int
        Number of pixels per row.
    depth : int
        Number of bits per pixel: 1, 2, 4, 8 or 16, or 24 for RGB.
    palette : numpy.ndarray, optional
        Color of each value: uint8, shape (K, 3). Without it, the image is gray or RGB.
    compress : callable, default zlib.compress
        Compresses the pixels to a zlib stream.
    """
    filtered = np.empty((len(rows), rows.shape[1] + 1), np.uint8)
    filtered[:, 0] = 0  # no filter
    filtered[:, 1:] = rows
    kind = 0 if palette is None else 3
    if depth == 24:  # the differences to the row above, since runs of colors do not repeat a byte
        kind, depth = 2, 8
        filtered[1:, 0] = 2
        filtered[1:, 1:] -= rows[:-1]
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, len(rows), depth, kind, 0, 0, 0))]
    if palette is not None:
        chunks.append((b"PLTE", palette.tobytes()))
    chunks += [(b"IDAT", compress(filtered.data)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
