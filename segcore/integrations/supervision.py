"""supervision: Detections and CompactMask to masks, and back, without dense pictures.

``supervision.CompactMask`` holds each mask as the run lengths of a crop, down its columns.
Annotators, filters and metrics take one wherever they take a dense array, but ask for that very
class: so masks are given as one, and no other class pretends to be it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segcore.arrays import as_array, as_size
from segcore.integrations._tensors import check_attributes
from segcore.masks import Masks, check_masks


def from_detections(detections: Any, size: Iterable[int] | None = None) -> Masks:
    """Take the masks of ``supervision.Detections``.

    Parameters
    ----------
    detections : Detections
        Its ``mask``: bool (N, H, W), a ``CompactMask``, or None where there are no detections.
    size : sequence of int, optional
        (H, W), which is needed where ``mask`` is None.

    Returns
    -------
    Masks
        N masks, in the order of the detections.

    Raises
    ------
    ValueError
        If there are detections but no masks, or neither masks nor a size, or of another size.

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
            raise ValueError("detections: expected masks, but mask is None: they are boxes only")
        if expected is None:
            raise ValueError("detections: there is no mask to tell the size; pass size=(H, W)")
        return Masks.from_dense(np.empty((0, *expected), np.bool_))
    is_compact = hasattr(mask, "crop") and hasattr(mask, "offsets")
    masks = from_compact_mask(mask) if is_compact else Masks.from_dense(mask)
    if expected not in (None, masks.size):
        raise ValueError(f"size: expected that of the masks, {masks.size}, got {expected}")
    return masks


def to_detections(
    masks: Masks, confidence: ArrayLike | None = None, class_id: ArrayLike | None = None
) -> Any:
    """Make ``supervision.Detections`` of masks.

    Parameters
    ----------
    masks : Masks
        N masks.
    confidence : array_like, optional
        Numbers (N,).
    class_id : array_like, optional
        Integers (N,).

    Returns
    -------
    Detections
        Its ``xyxy`` are the masks' bounding boxes as ``supervision.mask_to_xyxy`` gives them, with
        the last pixel's coordinates as x1 y1; its ``mask`` is a ``CompactMask``.

    Raises
    ------
    ValueError, TypeError
        For other lengths, and as in :func:`to_compact_mask`.
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
    """Make a ``supervision.CompactMask``, from run ends to run lengths.

    Parameters
    ----------
    masks : Masks
        N masks.

    Returns
    -------
    CompactMask
        Each crop is the mask's bounding box, and that of an empty mask is one pixel: what
        ``CompactMask.from_dense`` and ``repack`` give.

    Raises
    ------
    ValueError
        If a crop has 2**31 pixels or more, or the pictures have no pixels.
    TypeError
        For other things than masks.
    ImportError
        If supervision is not installed, or so old that it has no CompactMask.
    """
    from supervision import CompactMask

    check_masks(masks)
    if len(masks) and 0 in masks.size:
        raise ValueError(f"masks: expected pictures with pixels, got the size {masks.size}")
    boxes = masks.boxes
    boxes[masks.area == 0] = [0, 0, 1, 1]
    offsets, shapes = boxes[:, :2], (boxes[:, 2:] - boxes[:, :2])[:, ::-1]
    areas = shapes.prod(axis=1)
    large = np.flatnonzero(areas >= 2**31)
    if len(large):
        raise ValueError(f"mask {large[0]}: its crop has {areas[large[0]]} pixels, 2**31 or more")
    rles = [
        _lengths(ends, area)
        for ends, area in zip(_ends_in_crops(masks, offsets, shapes), areas, strict=True)
    ]
    return CompactMask(rles, shapes.astype(np.int32), offsets.astype(np.int32), masks.size)


def from_compact_mask(compact: Any) -> Masks:
    """Read a ``supervision.CompactMask``, one crop at a time.

    Parameters
    ----------
    compact : CompactMask
        N masks. Its ``image_shape``, ``offsets`` and ``crop(i)`` are read.

    Returns
    -------
    Masks
        N masks of size ``image_shape``.

    Raises
    ------
    ValueError
        If a crop lies outside the picture.

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
            raise ValueError(
                f"mask {index}: its crop of {rows} x {columns} at x {x0} and y {y0} lies outside "
                f"the picture of {height} x {width}"
            )
        parts.append(_placed(crop, x0, y0, height, width))
    offsets = np.cumsum([0, *(len(part) for part in parts)])
    ends = np.concatenate([np.empty(0, np.int64), *parts])
    return Masks(ends, offsets, (height, width))


def _ends_in_crops(
    masks: Masks, offsets: NDArray[np.int64], shapes: NDArray[np.int64]
) -> list[NDArray[np.int64]]:
    """Give each mask's run ends in its crop; the last may be that of the crop."""
    height, width = masks.size
    counts = np.diff(masks.offsets)
    is_open = counts % 2 == 1  # its last run reaches the end of the picture
    ends = np.insert(masks.run_ends.astype(np.int64), masks.offsets[1:][is_open], height * width)
    runs = ends.reshape(-1, 2)
    of = np.repeat(np.arange(len(masks)), (counts + is_open) // 2)
    # A run that goes on in the next column has the picture's height, and so has its crop.
    x, y = np.divmod(runs[:, 0], max(height, 1))
    starts = (x - offsets[of, 0]) * shapes[of, 0] + y - offsets[of, 1]
    stops = starts + runs[:, 1] - runs[:, 0]
    # In a crop, the foot of one column and the head of the next touch.
    apart = (stops[:-1] != starts[1:]) | (of[:-1] != of[1:])
    first = np.concatenate([np.ones(len(of[:1]), np.bool_), apart])
    last = np.concatenate([apart, np.ones(len(of[:1]), np.bool_)])
    joined = np.stack([starts[first], stops[last]], axis=1).ravel()
    lengths = 2 * np.bincount(of[first], minlength=len(masks))
    return np.split(joined, np.cumsum(lengths)[:-1]) if len(masks) else []


def _lengths(ends: NDArray[np.int64], area: int) -> NDArray[np.int32]:
    """Give the run lengths of a crop, background first, without one of zero at the end."""
    lengths = np.diff(ends, prepend=0, append=area)
    return (lengths if lengths[-1] else lengths[:-1]).astype(np.int32)


def _placed(
    crop: NDArray[np.bool_], x0: int, y0: int, height: int, width: int
) -> NDArray[np.int64]:
    """Give the run ends of a crop in the picture."""
    rows, columns = crop.shape
    if rows == height:
        ends = Masks.from_dense(crop).run_ends.astype(np.int64) + x0 * height
        stop = (x0 + columns) * height
        is_open = len(ends) % 2 == 1 and stop < height * width
        return np.append(ends, stop) if is_open else ends
    # With a row of background beneath it no run goes on in the next column.
    padded = np.zeros((rows + 1, columns), np.bool_)
    padded[:rows] = crop
    x, y = np.divmod(Masks.from_dense(padded).run_ends.astype(np.int64), rows + 1)
    ends = (x0 + x) * height + y0 + y
    return ends[ends < height * width]
