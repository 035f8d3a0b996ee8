"""The HTML representation of a batch of masks in notebooks."""

from __future__ import annotations

import base64

import numpy as np
from numpy.typing import NDArray

from segcore._batch import Batch, RunEnds
from segcore._png import encode_png, filter_rows
from segcore._text import counted
from segcore.backends.runs import sampled

__all__ = ["as_html"]

THUMBNAIL_SIDE = 96
"""The longer side of a thumbnail in pixels."""
MAX_MASKS = 24
"""Maximum number of masks that are drawn. The others are only counted."""

_STYLE = (
    "display:inline-block;margin:0 6px 6px 0;text-align:center;font-size:11px;vertical-align:top"
)
_BORDER = "border:1px solid #8888;image-rendering:pixelated;background:#000"


def as_html(batch: Batch, areas: NDArray[np.int64]) -> str:
    """Return HTML with thumbnails of masks, white on black, and their areas.

    Parameters
    ----------
    batch : Batch
        N masks. Only the first 24 are drawn.
    areas : numpy.ndarray
        Areas in pixels: int64, shape (N,).

    Returns
    -------
    str
        HTML with embedded images.
    """
    run_ends, offsets, height, width = batch
    parts = [f"<div><b>{counted(len(areas), 'mask')}</b> of {height} × {width} pixels"]
    parts.append(f", {counted(len(run_ends), 'run end')}</div><div>")
    for i, area in enumerate(areas[:MAX_MASKS].tolist()):
        pixels = thumbnail(run_ends[offsets[i] : offsets[i + 1]], batch.size)
        image = ""
        if pixels.size:
            png = encode_png(filter_rows(np.packbits(pixels, axis=1)), pixels.shape[1], depth=1)
            code = base64.b64encode(png).decode()
            image = f'<img alt="mask {i}" style="{_BORDER}" src="data:image/png;base64,{code}">'
        parts.append(f'<span style="{_STYLE}">{image}<br>{i}: {area:,} px</span>')
    if len(areas) > MAX_MASKS:
        parts.append(f"<div>and {len(areas) - MAX_MASKS:,} more</div>")
    return "".join([*parts, "</div>"])


def thumbnail(run_ends: RunEnds, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Return a thumbnail of a mask: bool, shape (h, w), at most 96 x 96.

    The mask is sampled at the centers of a grid, without decoding it.
    """
    height, width = size
    step = max(1, height / THUMBNAIL_SIDE, width / THUMBNAIL_SIDE)
    rows, columns = (
        np.minimum((np.arange(max(1, round(side / step))) + 0.5) * step, side - 1).astype(np.int64)
        if side
        else np.zeros(0, np.int64)
        for side in size
    )
    return sampled(run_ends, rows, columns, height)
