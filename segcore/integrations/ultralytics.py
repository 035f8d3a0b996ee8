"""Ultralytics: Results, and prototypes with coefficients, to masks in the pictures' own size.

The network sees a picture in a letterbox: shrunk, and padded on both sides. These functions take
the padding off as its ``scale_masks`` does.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from segcore.arrays import Size, as_array, as_size
from segcore.integrations._tensors import check_attributes, to_host
from segcore.masks import Masks
from segcore.soft import prototype_masks, upsample_masks


def from_results(results: Any) -> Masks:
    """Take the masks of one picture's ``Results``, in the size of the picture.

    Parameters
    ----------
    results : Results
        With ``orig_shape``, (H, W), and ``masks``: None, or with ``data`` (N, h, w) of zeros and
        ones, in the network's input size or, where ``retina_masks=True``, in the picture's. They
        may be bool, integers or floats, tensors or arrays.

    Returns
    -------
    Masks
        N masks of size (H, W), in the order of ``results.boxes``; none without ``masks``. Masks of
        another size lose the letterbox's padding, are enlarged bilinearly, and are foreground
        above 0.5.

    Raises
    ------
    ValueError
        If ``masks.data`` has another shape.
    TypeError
        If it is on a GPU: call ``results.cpu()`` first. Also for other things, such as the list of
        several images' results.

    Examples
    --------
    >>> import numpy as np
    >>> from types import SimpleNamespace
    >>> from segcore.integrations import ultralytics
    >>> data = np.zeros((1, 8, 8), np.uint8)
    >>> data[0, 2:4] = 1
    >>> results = SimpleNamespace(orig_shape=(2, 4), masks=SimpleNamespace(data=data))
    >>> ultralytics.from_results(results).to_dense(int)
    array([[[1, 1, 1, 1],
            [0, 0, 0, 0]]])
    """
    kind = "a Results with orig_shape and masks"
    check_attributes(results, "results", kind, "orig_shape", "masks")
    size = as_size(results.orig_shape, "orig_shape")
    if results.masks is None:
        return Masks.from_dense(np.empty((0, *size), np.bool_))
    data = as_array(results.masks.data, "masks.data")
    if data.ndim != 3:
        raise ValueError(f"masks.data: expected the shape (N, h, w), got {data.shape}")
    if data.shape[1:] == size:
        return Masks.from_dense(data, 0.5, size)
    crop = None if 0 in (*data.shape[1:], *size) else _content(data.shape[1:], size)
    return upsample_masks(data, size, 0.5, crop=crop)


def process_mask_native(protos: Any, masks_in: Any, bboxes: Any, shape: Iterable[int]) -> Masks:
    """Make masks in the picture's size: ``ultralytics.utils.ops.process_mask_native``.

    It is what ``retina_masks=True`` uses.

    Parameters
    ----------
    protos : tensor
        Floats (K, h, w): the prototypes of one picture, on any device.
    masks_in : tensor
        Floats (N, K): the masks' coefficients.
    bboxes : tensor
        (N, 4): x0 y0 x1 y1 in pixels of the picture.
    shape : sequence of int
        (H, W) of the picture.

    Returns
    -------
    Masks
        N masks of size (H, W): the prototypes, without the letterbox's padding, are combined,
        enlarged, and cropped to the boxes, of which the pixels with ``x0 <= x < x1`` and ``y0 <= y
        < y1`` remain. Foreground is above 0.

    Raises
    ------
    ValueError, TypeError
        As in :func:`segcore.prototype_masks`.

    Notes
    -----
    The rule is that of Ultralytics 8.4.190. Where the padding does not end on a whole pixel of the
    prototypes, these are first enlarged two- or fourfold. Earlier versions do not do that, and
    some round the boxes.

    Examples
    --------
    >>> import numpy as np
    >>> from segcore.integrations import ultralytics
    >>> protos = np.ones((1, 4, 4))
    >>> ultralytics.process_mask_native(protos, [[1.0]], [[0, 0, 6, 2]], (4, 8)).area
    array([12])
    """
    size = as_size(shape, "shape")
    planes = as_array(to_host(protos), "protos")
    if planes.ndim != 3:
        raise ValueError(f"protos: expected (K, h, w), those of one picture, got {planes.shape}")
    coefficients = as_array(to_host(masks_in), "masks_in")
    crop = intermediate = None
    if 0 not in (*planes.shape[1:], *size):
        times = _enlargement(planes.shape[1:], size)
        rows, columns = (side * times for side in planes.shape[1:])
        crop = _content((rows, columns), size)
        intermediate = (rows, columns) if times > 1 else None
    return prototype_masks(coefficients, planes, to_host(bboxes), size, 0.0, crop, intermediate)


def process_mask(protos: Any, masks_in: Any, bboxes: Any, shape: Iterable[int]) -> Masks:
    """Make masks in the network's input size: ``ops.process_mask`` with ``upsample=True``.

    Parameters
    ----------
    protos : tensor
        Floats (K, h, w): the prototypes of one picture, on any device.
    masks_in : tensor
        Floats (N, K): the masks' coefficients.
    bboxes : tensor
        (N, 4): x0 y0 x1 y1 in pixels of the network's input.
    shape : sequence of int
        (H, W) of the network's input.

    Returns
    -------
    Masks
        N masks of size (H, W): the prototypes are combined, enlarged, and cropped to the boxes as
        in :func:`process_mask_native`. Foreground is above 0.

    Raises
    ------
    ValueError, TypeError
        As in :func:`segcore.prototype_masks`.

    Notes
    -----
    The rule is that of Ultralytics 8.4.190. Earlier versions crop before they enlarge, which lets
    masks reach a few pixels beyond their boxes.

    Examples
    --------
    >>> import numpy as np
    >>> from segcore.integrations import ultralytics
    >>> ultralytics.process_mask(np.ones((1, 4, 4)), [[1.0]], [[0, 0, 8, 4]], (8, 8)).boxes
    array([[0, 0, 8, 4]])
    """
    coefficients = as_array(to_host(masks_in), "masks_in")
    return prototype_masks(coefficients, to_host(protos), to_host(bboxes), shape, 0.0)


def _content(sides: Size, size: Size) -> tuple[int, int, int, int]:
    """Give top, left, bottom and right of a picture of some size within its letterbox."""
    gain = min(sides[0] / size[0], sides[1] / size[1])
    rows, columns = (max(round(side * gain), 1) for side in size)
    # Of an odd padding, the second side has more.
    top, left = round((sides[0] - rows) / 2 - 0.1), round((sides[1] - columns) / 2 - 0.1)
    return top, left, top + rows, left + columns


def _enlargement(sides: Size, size: Size) -> int:
    """Tell how often prototypes are enlarged so that their padding ends on a whole pixel.

    They have a quarter of the sides of the network's input.
    """
    rows, columns = 4 * sides[0], 4 * sides[1]
    gain = min(rows / size[0], columns / size[1])
    padding = [rows - max(round(size[0] * gain), 1), columns - max(round(size[1] * gain), 1)]
    # Half of it, in prototypes' pixels, is whole.
    for times in (1, 2):
        if all(times * each % 8 == 0 for each in padding):
            return times
    return 4
