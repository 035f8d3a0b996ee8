"""Upsample low-resolution soft masks of the whole image, directly or from prototypes."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike

from segcore._input.arrays import Size, as_array, as_boxes, as_size
from segcore._input.scores import (
    as_crop,
    as_float32,
    as_sides,
    check_numbers,
    check_samples,
    check_side,
)
from segcore.masks import Masks
from segcore.models.positions import bilinear_positions
from segcore.models.resample import (
    FloatArray,
    Sampling,
    as_planes,
    blocks_of,
    check_finite,
    float32_threshold,
    resample,
    slices,
)


def upsample_masks(
    soft_masks: ArrayLike,
    size: Iterable[int],
    threshold: float,
    boxes: ArrayLike | None = None,
    crop: Iterable[int] | None = None,
    intermediate: Iterable[int] | None = None,
) -> Masks:
    """Resize soft masks of the whole image bilinearly and threshold them.

    The resized soft masks are never stored.

    Parameters
    ----------
    soft_masks : array_like
        Probabilities or logits, shape (N, h, w), (N, 1, h, w), or (h, w) for a single mask,
        converted to float32. NaN is background.
    size : sequence of int
        Image size (H, W), with sides of up to 2**24.
    threshold : float
        Pixels with greater values are foreground: 0.5 for probabilities, 0.0 for logits (SAM's
        ``mask_threshold``). It is rounded to float32 and must be between -2**126 and 2**126. Values
        beyond these bounds, including infinities, are clipped to them.
    boxes : array_like, optional
        Boxes x0 y0 x1 y1 in pixels of the image, shape (N, 4), to which the masks are cropped:
        pixels outside ``x0 <= x < x1``, ``y0 <= y < y1`` are background, as in Ultralytics'
        ``process_mask_native``. By default, masks are not cropped.
    crop : sequence of int, optional
        Region of the soft masks without padding, which is resized to `size`: (height, width) from
        the top left corner, or (top, left, bottom, right). In pixels of `intermediate` if it is
        given, and of `soft_masks` otherwise. By default, the whole array.
    intermediate : sequence of int, optional
        Size (height, width) to which the soft masks are resized first; the result is cropped to
        `crop` and resized to `size`. For SAM, pass ``intermediate=(1024, 1024)`` and, as `crop`,
        the size (height, width) of the resized image before padding, SAM's ``input_size``. For
        Mask2Former, pass the padded size of the network input, and the size of the image in it as
        `crop`.

    Returns
    -------
    Masks
        N masks of size (H, W).

    Raises
    ------
    ValueError
        If `soft_masks` or `boxes` does not have one of the shapes above, the soft masks have no
        rows or columns, `crop` exceeds them or the intermediate size, or a box has x1 < x0, y1 < y0
        or a NaN coordinate.
    TypeError
        If a dtype is not numeric.

    Notes
    -----
    The interpolation is that of ``torch.nn.functional.interpolate(soft_masks, size,
    mode="bilinear", align_corners=False)``. The masks are identical except at pixels whose
    interpolated value is within 1e-5 (for values of order 1) of the threshold, because torch sums
    in another order.

    The running time is proportional to the width of the image and the length of the outlines, but
    does not depend on the number of pixels.

    Examples
    --------
    >>> import segcore as sc
    >>> sc.upsample_masks([[0.0, 1.0]], (2, 6), threshold=0.5).to_dense(int)
    array([[[0, 0, 0, 1, 1, 1],
            [0, 0, 0, 1, 1, 1]]])
    >>> sc.upsample_masks([[0.0, 1.0]], (2, 6), 0.5, boxes=[[1, 0, 5, 1]]).to_dense(int)
    array([[[0, 0, 0, 1, 1, 0],
            [0, 0, 0, 0, 0, 0]]])
    """
    array = as_planes(soft_masks, "soft_masks")
    image_size = as_size(size)
    limit = float32_threshold(threshold)
    sampling = _sampling(array.shape, image_size, boxes, crop, intermediate)
    return resample(
        lambda masks: as_float32(array[masks]), blocks_of(array), sampling, image_size, limit
    )


def prototype_masks(
    coefficients: ArrayLike,
    prototypes: ArrayLike,
    boxes: ArrayLike | None,
    size: Iterable[int],
    threshold: float,
    crop: Iterable[int] | None = None,
    intermediate: Iterable[int] | None = None,
) -> Masks:
    """Combine prototypes linearly into soft masks, resize and threshold them (YOLO, YOLACT).

    Equivalent to :func:`upsample_masks` with ``coefficients @ prototypes`` as `soft_masks`, but
    not all soft masks are stored at the same time.

    Parameters
    ----------
    coefficients : array_like
        Weight of each prototype in each mask, shape (N, K), converted to float32.
    prototypes : array_like
        K prototypes of the whole image, shape (K, h, w), converted to float32. Pass `crop` if they
        include padding.
    boxes : array_like or None
        Boxes x0 y0 x1 y1 in pixels of the image, shape (N, 4), to which the resized masks are
        cropped, as in :func:`upsample_masks`. If None, they are not cropped.
    size : sequence of int
        Image size (H, W), with sides of up to 2**24.
    threshold : float
        Pixels with greater values are foreground; 0.0 for logits.
    crop : sequence of int, optional
        Region of the prototypes without padding, which is resized to `size`: (height, width) from
        the top left corner, or (top, left, bottom, right). In pixels of `intermediate` if it is
        given, and of `prototypes` otherwise. By default, the whole array.
    intermediate : sequence of int, optional
        Size (height, width) to which the soft masks are resized before they are cropped to `crop`.

    Returns
    -------
    Masks
        N masks of size (H, W).

    Raises
    ------
    ValueError
        If `coefficients` and `prototypes` do not have the shapes (N, K) and (K, h, w), the
        prototypes have no rows or columns, `crop` exceeds the prototypes or the intermediate size,
        or `boxes` are invalid (see :func:`upsample_masks`).
    TypeError
        If a dtype is not numeric.

    See Also
    --------
    segcore.integrations.ultralytics.process_mask_native : Takes the arguments of Ultralytics.

    Examples
    --------
    >>> import segcore as sc
    >>> left, top = [[1.0, -1.0], [1.0, -1.0]], [[1.0, 1.0], [-1.0, -1.0]]
    >>> masks = sc.prototype_masks([[1, 0], [0, 1]], [left, top], None, (2, 2), 0.0)
    >>> masks.to_dense(int).tolist()
    [[[1, 0], [1, 0]], [[1, 1], [0, 0]]]
    """
    weights, planes = as_array(coefficients, "coefficients"), as_array(prototypes, "prototypes")
    check_numbers(weights, "coefficients")
    check_numbers(planes, "prototypes")
    if weights.ndim != 2 or planes.ndim != 3 or weights.shape[1] != planes.shape[0]:
        raise ValueError(
            "coefficients and prototypes: expected the shapes (N, K) and (K, h, w), got "
            f"{weights.shape} and {planes.shape}"
        )
    check_samples(planes, "prototypes")
    image_size = as_size(size)
    limit = float32_threshold(threshold)
    shape = (len(weights), *planes.shape[1:])
    sampling = _sampling(shape, image_size, boxes, crop, intermediate)
    weights, planes = as_float32(weights), as_float32(planes).reshape(len(planes), -1)

    def combined(masks: slice) -> FloatArray:
        with np.errstate(invalid="ignore", over="ignore"):
            block: FloatArray = weights[masks] @ planes
        return block.reshape(-1, *shape[1:])

    return resample(combined, slices(*shape), sampling, image_size, limit)


def _sampling(
    shape: tuple[int, ...],
    size: Size,
    boxes: ArrayLike | None,
    crop: Iterable[int] | None,
    intermediate: Iterable[int] | None,
) -> Sampling:
    """Return the sampling that maps scores of shape (N, h, w) to the whole image."""
    count, *sides = shape
    check_side("size", *size)
    inner = None
    if intermediate is not None:
        inner_sides = as_sides(intermediate, "intermediate")
        y, x = (bilinear_positions(*axis) for axis in zip(sides, inner_sides, strict=True))
        sides, inner = list(inner_sides), (x, y)
    if crop is not None:
        top, left, bottom, right = as_crop(crop, sides)
        if top or left:
            # Without an intermediate size, crop the scores themselves.
            x, y = inner or [np.arange(side, dtype=np.float32) for side in sides[::-1]]
            inner = x[left:right], y[top:bottom]
        sides = [bottom - top, right - left]
    y, x = (bilinear_positions(*axis) for axis in zip(sides, size, strict=True))
    windows = np.zeros((count, 6), np.int64)
    windows[:, 2:4] = size[::-1]
    if boxes is not None:
        corners = as_boxes(boxes, count)
        check_finite(corners)
        windows[:, :4] = np.clip(np.ceil(corners), 0, windows[:, [2, 3, 2, 3]])
    windows[:, 4:] = windows[:, :2]
    return Sampling(inner, x, y, windows)
