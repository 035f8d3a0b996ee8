"""Ultralytics: masks at the original image size from Results, or from prototypes.

The network receives a letterboxed image, scaled and padded on both sides. These functions remove
the padding like Ultralytics' ``scale_masks``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from segcore._input.arrays import Size, as_array, as_size
from segcore.integrations._tensors import check_attributes, to_host
from segcore.masks import Masks
from segcore.models.upsample import prototype_masks, upsample_masks


def from_results(results: Any) -> Masks:
    """Return the masks of the ``Results`` of one image, at the size of the image.

    Parameters
    ----------
    results : Results
        Results with ``orig_shape``, (H, W), and ``masks``. The latter is None or has the attribute
        ``data``: zeros and ones of any numeric dtype, shape (N, h, w), at the size of the network
        input or, with ``retina_masks=True``, of the image.

    Returns
    -------
    Masks
        N masks of size (H, W), in the order of ``results.boxes``; an empty batch if ``masks`` is
        None. Masks that do not have the size of the image are resized bilinearly, without the
        padding of the letterbox, and thresholded at 0.5 (``>``).

    Raises
    ------
    ValueError
        If ``masks.data`` is not 3-D.
    TypeError
        If ``masks.data`` is on a GPU (call ``results.cpu()`` first), or `result` is not the
        result of one image, such as a list of results.

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
    """Combine prototypes into masks at the size of the image.

    The masks are those of ``ultralytics.utils.ops.process_mask_native``, which is used with
    ``retina_masks=True``.

    Parameters
    ----------
    protos : tensor
        Prototypes of one image: floats, shape (K, h, w), on any device.
    masks_in : tensor
        Mask coefficients: floats, shape (N, K).
    bboxes : tensor
        Boxes x0 y0 x1 y1 in pixels of the image, shape (N, 4).
    shape : sequence of int
        Image size (H, W).

    Returns
    -------
    Masks
        N masks of size (H, W): the combined prototypes, without the padding of the letterbox,
        resized bilinearly, thresholded at 0 (``>``) and cropped to the pixels with ``x0 <= x < x1``
        and ``y0 <= y < y1``.

    Raises
    ------
    ValueError, TypeError
        If the arguments are invalid (see :func:`segcore.prototype_masks`).

    Notes
    -----
    The masks are those of Ultralytics 8.4.190. If the padding is not a whole number of prototype
    pixels, the prototypes are first enlarged by a factor of 2 or 4. Earlier versions do not enlarge
    them, and some round the boxes.

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
        raise ValueError(
            f"protos: expected the shape (K, h, w) for a single image, got {planes.shape}"
        )
    coefficients = as_array(to_host(masks_in), "masks_in")
    crop = intermediate = None
    if 0 not in (*planes.shape[1:], *size):
        factor = _enlargement(planes.shape[1:], size)
        rows, columns = (side * factor for side in planes.shape[1:])
        crop = _content((rows, columns), size)
        intermediate = (rows, columns) if factor > 1 else None
    return prototype_masks(coefficients, planes, to_host(bboxes), size, 0.0, crop, intermediate)


def process_mask(protos: Any, masks_in: Any, bboxes: Any, shape: Iterable[int]) -> Masks:
    """Combine prototypes into masks at the size of the network input.

    The masks are those of ``ultralytics.utils.ops.process_mask`` with ``upsample=True``.

    Parameters
    ----------
    protos : tensor
        Prototypes of one image: floats, shape (K, h, w), on any device.
    masks_in : tensor
        Mask coefficients: floats, shape (N, K).
    bboxes : tensor
        Boxes x0 y0 x1 y1 in pixels of the network input, shape (N, 4).
    shape : sequence of int
        Size (H, W) of the network input.

    Returns
    -------
    Masks
        N masks of size (H, W): the combined prototypes, resized bilinearly, thresholded at 0
        (``>``) and cropped to the boxes as in :func:`process_mask_native`.

    Raises
    ------
    ValueError, TypeError
        If the arguments are invalid (see :func:`segcore.prototype_masks`).

    Notes
    -----
    The masks are those of Ultralytics 8.4.190. Earlier versions crop before resizing, so that masks
    extend a few pixels beyond their boxes.

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
    """Return (top, left, bottom, right) of an image of size `size` in its letterbox."""
    gain = min(sides[0] / size[0], sides[1] / size[1])
    rows, columns = (max(round(side * gain), 1) for side in size)
    # Odd padding is one pixel larger at the bottom or right.
    top, left = round((sides[0] - rows) / 2 - 0.1), round((sides[1] - columns) / 2 - 0.1)
    return top, left, top + rows, left + columns


def _enlargement(sides: Size, size: Size) -> int:
    """Return the factor, 1, 2 or 4, at which the padding of the prototypes is a whole number.

    The sides of the prototypes are a quarter of those of the network input.
    """
    rows, columns = 4 * sides[0], 4 * sides[1]
    gain = min(rows / size[0], columns / size[1])
    padding = [rows - max(round(size[0] * gain), 1), columns - max(round(size[1] * gain), 1)]
    # Half of the padding is on each side, and 4 input pixels are one prototype pixel.
    for factor in (1, 2):
        if all(factor * pixels % 8 == 0 for pixels in padding):
            return factor
    return 4
