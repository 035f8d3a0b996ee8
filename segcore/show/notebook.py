"""What notebooks show of a batch of masks."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from segcore.backends.protocol import Offsets, RunEnds
from segcore.backends.runs import sampled

SIDE = 96
"""The longer side of a thumbnail, in pixels."""
MOST = 24
"""So many masks are shown; of further ones, the number is."""

_STYLE = (
    "display:inline-block;margin:0 6px 6px 0;text-align:center;font-size:11px;vertical-align:top"
)
_BORDER = "border:1px solid #8888;image-rendering:pixelated;background:#000"


def as_html(
    run_ends: RunEnds, offsets: Offsets, areas: NDArray[np.int64], size: tuple[int, int]
) -> str:
    """Show masks as thumbnails, white on black, with their areas.

    Parameters
    ----------
    run_ends, offsets : numpy.ndarray
        N masks; the first 24 are drawn.
    areas : numpy.ndarray
        int64 (N,), in pixels.
    size : tuple of int
        (H, W).

    Returns
    -------
    str
        HTML that needs nothing else: pictures are in it.
    """
    height, width = size
    plural = "" if len(areas) == 1 else "s"
    parts = [f"<div><b>{len(areas):,} mask{plural}</b> of {height} × {width} pixels"]
    parts.append(f", {len(run_ends):,} run ends</div><div>")
    for i, area in enumerate(areas[:MOST].tolist()):
        picture = thumbnail(run_ends[offsets[i] : offsets[i + 1]], size)
        image = ""
        if picture.size:
            code = base64.b64encode(_png(picture)).decode()
            image = f'<img alt="mask {i}" style="{_BORDER}" src="data:image/png;base64,{code}">'
        parts.append(f'<span style="{_STYLE}">{image}<br>{i}: {area:,} px</span>')
    if len(areas) > MOST:
        parts.append(f"<div>and {len(areas) - MOST:,} more</div>")
    return "".join([*parts, "</div>"])


def thumbnail(run_ends: RunEnds, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Sample a mask at the centres of a coarse grid, without decoding it."""
    height, width = size
    step = max(1, height / SIDE, width / SIDE)
    rows, columns = (
        np.minimum((np.arange(max(1, round(side / step))) + 0.5) * step, side - 1).astype(np.int64)
        if side
        else np.zeros(0, np.int64)
        for side in size
    )
    return sampled(run_ends, rows, columns, height)


def _png(picture: NDArray[np.bool_]) -> bytes:
    """Encode black and white as PNG of one bit a pixel."""
    height, width = picture.shape
    rows = np.pad(np.packbits(picture, axis=1), ((0, 0), (1, 0)))  # each begins with its filter: 0

    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes())), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*each) for each in chunks)
