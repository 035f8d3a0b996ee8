"""Label maps, colors and segment ids as PNG files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._png import encode_png, filter_labels, filter_rows
from segcore.maps.ids import to_rgb


def label_png(
    labels: NDArray[Any],
    colors: NDArray[np.uint8] | None,
    text: Mapping[str, str] | None = None,
) -> bytes:
    """Encode a label map as PNG: indexed with a palette, or gray.

    Parameters
    ----------
    labels : numpy.ndarray
        uint8 or uint16, shape (H, W), with at least one pixel.
    colors : numpy.ndarray or None
        Color of each label: uint8, shape (K, 3), for uint8 labels below K; None for gray.
    text : mapping of str to str, optional
        Keywords and their texts, such as "Software".
    """
    values = np.ascontiguousarray(labels, labels.dtype.newbyteorder("="))
    octets = range(labels.itemsize)[::-1]
    filtered = filter_labels(values, octets)
    return encode_png(filtered, labels.shape[1], 8 * labels.itemsize, colors, text)


def rgb_png(colors: NDArray[np.uint8], text: Mapping[str, str] | None = None) -> bytes:
    """Encode an image as PNG: uint8, shape (H, W, 3), with at least one pixel."""
    height, width, _ = colors.shape
    return encode_png(filter_rows(colors.reshape(height, 3 * width)), width, 24, None, text)


def id_png(ids: NDArray[Any], text: Mapping[str, str] | None = None) -> bytes:
    """Encode segment ids as the RGB PNG of COCO's panoptic format.

    Parameters
    ----------
    ids : numpy.ndarray
        Integers from 0 to 2**24 - 1, shape (H, W), with at least one pixel.
    text : mapping of str to str, optional
        Keywords and their texts, such as "Software".

    Raises
    ------
    ValueError
        If an id is out of range.
    """
    if ids.min() < 0 or ids.max() >= 2**24:
        to_rgb(ids)  # raises the error
    values = np.ascontiguousarray(ids, ids.dtype.newbyteorder("="))
    # A view of int32, of which a copy would take as long as the rest.
    unsigned = values.view(np.uint32) if values.itemsize == 4 else values.astype(np.uint32)
    filtered = filter_labels(unsigned, (0, 1, 2))
    return encode_png(filtered, ids.shape[1], 24, None, text)
