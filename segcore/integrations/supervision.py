"""supervision: convert Detections and CompactMask to masks and back, without dense arrays.

``supervision.CompactMask`` stores each mask as the column-major run lengths of a crop. Annotators,
filters and metrics accept it instead of a dense array, but check for exactly this class, so masks
are converted to it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segcore._input.arrays import as_array, as_size
from segcore.backends.crops import cropped, placed
from segcore.errors import MaskError
from segcore.integrations._tensors import check_attributes
from segcore.masks import Masks, check_masks, unwrap


def from_detections(detections: Any, size: Iterable[int] | None = None) -> Masks:
    """Return the masks of ``supervision.Detections``.

    Parameters
    ----------
    detections : Detections
        Detections whose ``mask`` is a bool array of shape (N, H, W), a ``CompactMask``, or None if
        there are no detections.
    size : sequence of int, optional
        Image size (H, W). Required if ``mask`` is None.

    Returns
    -------
    Masks
        N masks of size (H, W), in the order of the detections.

    Raises
    ------
    ValueError
        If there are detections but no masks, the masks do not have the given size, or `size` is
        missing and ``mask`` is None.

    Examples
    --------
    >>> import numpy as np
    >>> from types import SimpleNamespace
    >>> from segcore.integrations import supervision
    >>> detections = SimpleNamespace(mask=np.ones((2, 3, 4), bool))
    >>> supervision.from_detections(detections)
    Masks(2 masks of 3 x 4, 2 run ends)
    """
    check_attributes(detections, "detections", "a Detections", "mask")
    expected = None if size is None else as_size(size)
    mask = detections.mask
    if mask is None:
        if len(detections.xyxy):
            raise ValueError("detections: expected masks, but mask is None (boxes only)")
        if expected is None:
            raise ValueError("detections: mask is None, so the size is unknown; pass size=(H, W)")
        return Masks.from_dense(np.empty((0, *expected), np.bool_))
    is_compact = hasattr(mask, "crop") and hasattr(mask, "offsets")
    masks = from_compact_mask(mask) if is_compact else Masks.from_dense(mask)
    if expected not in (None, masks.size):
        raise ValueError(f"size: expected the size {masks.size} of the masks, got {expected}")
    return masks


def to_detections(
    masks: Masks, confidence: ArrayLike | None = None, class_id: ArrayLike | None = None
) -> Any:
    """Convert masks to ``supervision.Detections``.

    Parameters
    ----------
    masks : Masks
        N masks.
    confidence : array_like, optional
        Score of each mask, shape (N,).
    class_id : array_like, optional
        Class id of each mask: integers, shape (N,).

    Returns
    -------
    Detections
        N detections. Their ``mask`` is a ``CompactMask``. Their ``xyxy`` are the bounding boxes of
        the masks, with inclusive x1 y1, as computed by ``supervision.mask_to_xyxy``.

    Raises
    ------
    ValueError
        If `confidence` or `class_id` does not have N elements, a bounding box has 2**31 pixels or
        more, or the image size has no pixels.
    TypeError
        If `masks` is not a `Masks`.
    ImportError
        If supervision is not installed.
    """
    from supervision import Detections

    mask = to_compact_mask(masks)
    boxes = masks.boxes - [0, 0, 1, 1]
    boxes[masks.area == 0] = 0
    return Detections(
        xyxy=boxes.astype(np.float32),
        mask=mask,
        confidence=None if confidence is None else as_array(confidence, "confidence"),
        class_id=None if class_id is None else as_array(class_id, "class_id"),
    )


def to_compact_mask(masks: Masks) -> Any:
    """Convert masks to a ``supervision.CompactMask``.

    Parameters
    ----------
    masks : Masks
        N masks.

    Returns
    -------
    CompactMask
        N masks whose crops are their bounding boxes, or a single pixel if a mask is empty, as
        created by ``CompactMask.from_dense`` and ``repack``.

    Raises
    ------
    ValueError
        If a bounding box has 2**31 pixels or more, or the image size has no pixels.
    TypeError
        If `masks` is not a `Masks`.
    ImportError
        If supervision is not installed, or its version has no ``CompactMask``.
    """
    from supervision import CompactMask

    check_masks(masks)
    if len(masks) and 0 in masks.size:
        raise ValueError(f"masks: expected a size of at least one pixel, got {masks.size}")
    boxes = masks.boxes
    boxes[masks.area == 0] = [0, 0, 1, 1]
    offsets, shapes = boxes[:, :2], (boxes[:, 2:] - boxes[:, :2])[:, ::-1]
    areas = shapes.prod(axis=1)
    large = np.flatnonzero(areas >= 2**31)
    if len(large):
        raise MaskError(
            int(large[0]),
            f"expected a bounding box of fewer than 2**31 pixels, got {areas[large[0]]}",
        )
    rles = [
        _lengths(bounds, area)
        for bounds, area in zip(cropped(unwrap(masks), boxes), areas, strict=True)
    ]
    return CompactMask(rles, shapes.astype(np.int32), offsets.astype(np.int32), masks.size)


def from_compact_mask(compact: Any) -> Masks:
    """Convert a ``supervision.CompactMask`` to masks.

    Parameters
    ----------
    compact : CompactMask
        N masks, read through ``image_shape``, ``offsets`` and ``crop(i)``, one crop at a time.

    Returns
    -------
    Masks
        N masks of size ``image_shape``.

    Raises
    ------
    ValueError
        If a crop extends beyond the image.

    Examples
    --------
    >>> import numpy as np
    >>> from segcore.integrations import supervision
    >>> class Compact:
    ...     image_shape = (4, 6)
    ...     offsets = np.array([[1, 2]])
    ...     __len__ = lambda self: 1
    ...     crop = lambda self, index: np.ones((2, 3), bool)
    >>> supervision.from_compact_mask(Compact()).boxes
    array([[1, 2, 4, 4]])
    """
    fields = ("image_shape", "offsets", "crop")
    check_attributes(compact, "compact", f"a CompactMask with {', '.join(fields)}", *fields)
    height, width = as_size(compact.image_shape, "image_shape")
    corners = as_array(compact.offsets, "offsets").astype(np.int64).reshape(-1, 2).tolist()
    parts = []
    for index in range(len(compact)):
        crop = np.asarray(compact.crop(index), np.bool_)
        rows, columns = crop.shape
        x0, y0 = corners[index]
        if x0 < 0 or y0 < 0 or x0 + columns > width or y0 + rows > height:
            raise MaskError(
                index,
                f"its crop of {rows} x {columns} at x {x0} and y {y0} extends beyond the image of "
                f"{height} x {width}",
            )
        parts.append(placed(crop, x0, y0, height, width))
    offsets = np.cumsum([0, *(len(part) for part in parts)])
    ends = np.concatenate([np.empty(0, np.int64), *parts])
    return Masks(ends, offsets, (height, width))


def _lengths(ends: NDArray[np.int64], area: int) -> NDArray[np.int32]:
    """Return the run lengths of a crop, background first, without a trailing zero."""
    lengths = np.diff(ends, prepend=0, append=area)
    return (lengths if lengths[-1] else lengths[:-1]).astype(np.int32)
