"""Ultralytics: Results, and prototypes with coefficients, to masks in the pictures' own size.

The network sees a picture in a letterbox: shrunk, and padded on both sides. These functions take
the padding off as its ``scale_masks`` does.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from segcore.arrays import Size, as_array, as_boxes, as_size
from segcore.integrations._tensors import to_host
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
        If it is on a GPU: call ``results.cpu()`` first.

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
    size = as_size(results.orig_shape, "orig_shape")
    if results.masks is None:
        return Masks.from_dense(np.empty((0, *size), np.bool_))
    data = as_array(results.masks.data, "masks.data")
    if data.ndim != 3:
        raise ValueError(f"masks.data: expected the shape (N, h, w), got {data.shape}")
    if data.shape[1:] == size:
        return Masks.from_dense(data, 0.5)
    return upsample_masks(_unpadded(data, size), size, 0.5)


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
    Ultralytics rounds the boxes of fewer than 50 masks on a CPU, and takes them as they are
    elsewhere, which is the rule here: on a CPU its masks may begin or end a pixel elsewhere. Give
    ``bboxes.round()`` for those.

    Examples
    --------
    >>> import numpy as np
    >>> from segcore.integrations import ultralytics
    >>> protos = np.ones((1, 4, 4))
    >>> ultralytics.process_mask_native(protos, [[1.0]], [[0, 0, 6, 2]], (4, 8)).area
    array([12])
    """
    size = as_size(shape, "shape")
    planes = _planes(protos)
    coefficients = as_array(to_host(masks_in), "masks_in")
    return prototype_masks(coefficients, _unpadded(planes, size), to_host(bboxes), size, 0.0)


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
        N masks of size (H, W). Outside the boxes, which are shrunk to the prototypes and taken as
        in :func:`process_mask_native`, the combined prototypes are zero; then they are enlarged,
        and are foreground above 0.

    Raises
    ------
    ValueError, TypeError
        For other shapes, if K differs, and for other things than numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from segcore.integrations import ultralytics
    >>> ultralytics.process_mask(np.ones((1, 4, 4)), [[1.0]], [[0, 0, 8, 4]], (8, 8)).boxes
    array([[0, 0, 8, 5]])
    """
    height, width = as_size(shape, "shape")
    planes = _planes(protos)
    coefficients = as_array(to_host(masks_in), "masks_in").astype(np.float32)
    if coefficients.ndim != 2 or coefficients.shape[1] != len(planes):
        raise ValueError(
            f"masks_in: expected the shape (N, {len(planes)}), one a prototype, got "
            f"{coefficients.shape}"
        )
    rows, columns = planes.shape[1:]
    if not height or not width:
        return Masks.from_dense(np.empty((len(coefficients), height, width), np.bool_))
    across, down = columns / width, rows / height
    boxes = as_boxes(to_host(bboxes), len(coefficients)) * [across, down, across, down]
    scores = (coefficients @ planes.reshape(len(planes), -1)).reshape(-1, rows, columns)
    y, x = np.arange(rows)[:, None], np.arange(columns)
    for mask, (x0, y0, x1, y1) in zip(scores, boxes, strict=True):
        mask[(x < x0) | (x >= x1) | (y < y0) | (y >= y1)] = 0
    return upsample_masks(scores, (height, width), 0.0)


def _planes(protos: Any) -> Any:
    planes = as_array(to_host(protos), "protos")
    if planes.dtype.kind not in "biuf":
        raise TypeError(f"protos: expected numbers, got {planes.dtype}")
    if planes.ndim != 3:
        raise ValueError(f"protos: expected (K, h, w), those of one picture, got {planes.shape}")
    return planes.astype(np.float32, copy=False)


def _unpadded(planes: Any, size: Size) -> Any:
    """Cut the letterbox's padding off planes (N, h, w) of a picture of another size."""
    rows, columns = planes.shape[1:]
    height, width = size
    if 0 in (rows, columns, height, width) or (rows, columns) == size:
        return planes
    gain = min(rows / height, columns / width)
    top, bottom = _margins((rows - height * gain) / 2)
    left, right = _margins((columns - width * gain) / 2)
    return planes[:, top : rows - bottom, left : columns - right]


def _margins(padding: float) -> tuple[int, int]:
    """Round half of the padding for both sides; of an odd number the second has one more."""
    return round(padding - 0.1), round(padding + 0.1)
