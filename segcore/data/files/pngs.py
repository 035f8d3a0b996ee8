"""Label maps, colors and segment ids as PNG files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._png import encode_png, filter_regions
from segcore.maps.ids import to_rgb
from segcore.masks import Masks, unwrap


def label_png(
    labels: NDArray[Any],
    masks: Masks,
    colors: NDArray[np.uint8] | None = None,
    text: Mapping[str, str] | None = None,
) -> bytes:
    """Encode a label map as PNG: indexed with a palette, or gray.

    Parameters
    ----------
    labels : numpy.ndarray
        Label of each region: uint8 or uint16, which is that of the PNG, shape (N,).
    masks : Masks
        The regions: N masks that do not overlap, with at least one pixel. The other pixels are 0.
    colors : numpy.ndarray, optional
        Color of each label: uint8, shape (K, 3), for uint8 labels below K.
    text : mapping of str to str, optional
        Keywords and their texts, such as "Software".
    """
    octets = range(labels.itemsize)[::-1]
    filtered = filter_regions(unwrap(masks), labels, octets)
    return encode_png(filtered, masks.size[1], 8 * labels.itemsize, colors, text)


def id_png(ids: NDArray[Any], masks: Masks, text: Mapping[str, str] | None = None) -> bytes:
    """Encode segment ids as the RGB PNG of COCO's panoptic format.

    Parameters
    ----------
    ids : numpy.ndarray
        Id of each segment: integers from 0 to 2**24 - 1, shape (N,).
    masks : Masks
        The segments: N masks that do not overlap, with at least one pixel. The other pixels are 0.
    text : mapping of str to str, optional
        Keywords and their texts, such as "Software".

    Raises
    ------
    ValueError
        If an id is out of range.
    """
    if len(ids) and (ids.min() < 0 or ids.max() >= 2**24):
        to_rgb(ids)  # raises the error
    filtered = filter_regions(unwrap(masks), ids, (0, 1, 2))
    return encode_png(filtered, masks.size[1], 24, None, text)
