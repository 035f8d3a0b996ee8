"""Stability of soft masks under changes of the threshold."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segcore._input.arrays import as_array, as_threshold
from segcore.masks import Masks


def stability_score(soft_masks: ArrayLike, threshold: float, offset: float) -> NDArray[np.float64]:
    """Compute SAM's stability score of soft masks.

    The score is the IoU of the mask thresholded at ``threshold + offset`` and the mask thresholded
    at ``threshold - offset``.

    Parameters
    ----------
    soft_masks : array_like
        Logits or probabilities of each pixel, shape (N, h, w), or (h, w) for a single mask.
    threshold : float
        Threshold of the masks: 0.0 for logits.
    offset : float
        Value that is added to and subtracted from `threshold`, at least 0. Pixels with values
        greater than a threshold are foreground. Both thresholds are rounded to the dtype of
        `soft_masks`.

    Returns
    -------
    numpy.ndarray
        Stability score of each mask: float64, shape (N,), in [0, 1]. It is 0 for masks that are
        empty at both thresholds.

    Raises
    ------
    ValueError
        If `offset` is negative, or `soft_masks` is not 2-D or 3-D.
    TypeError
        If the dtype of `soft_masks` is not numeric, or `threshold` or `offset` is not a number.

    See Also
    --------
    segcore.Masks.from_dense : Threshold soft masks without resizing them.
    segcore.upsample_masks : Resize soft masks, then threshold them.

    Notes
    -----
    The score equals that of segment_anything's ``calculate_stability_score``, which returns NaN
    instead of 0 for masks that are empty at both thresholds.

    Examples
    --------
    >>> import segcore as sc
    >>> sc.stability_score([[[-3.0, -0.5, 2.0, 4.0]]], threshold=0.0, offset=1.0)
    array([0.66666667])
    """
    center, margin = as_threshold(threshold), as_threshold(offset, "offset")
    if margin < 0:
        raise ValueError(f"offset: expected a non-negative number, got {offset}")
    array = as_array(soft_masks, "soft_masks")
    intersection = Masks.from_dense(array, center + margin).area
    union = Masks.from_dense(array, center - margin).area
    return intersection / np.maximum(union, 1)
