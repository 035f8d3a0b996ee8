"""Stability of soft masks under changes of the threshold."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segcore._input.arrays import as_array, as_threshold
from segcore.masks import Masks


def stability_score(scores: ArrayLike, threshold: float, offset: float) -> NDArray[np.float64]:
    """Compute SAM's stability score of soft masks.

    The score is the IoU of the masks at two thresholds, ``threshold + offset`` and ``threshold -
    offset``.

    Parameters
    ----------
    scores : array_like
        Mask scores, usually floats, shape (N, h, w), or (h, w) for a single mask.
    threshold : float
        Threshold at which the masks are binarized, 0.0 for logits.
    offset : float
        Change of the threshold, at least 0. The two thresholds are rounded to the dtype of
        `scores`.

    Returns
    -------
    numpy.ndarray
        Stability score of each mask: float64, shape (N,), in [0, 1]. It is 0 for masks that are
        empty at both thresholds.

    Raises
    ------
    ValueError
        If `offset` is negative, or `scores` have another shape.
    TypeError
        If the dtype of `scores` is not numeric, or `threshold` or `offset` is not a number.

    See Also
    --------
    segcore.Masks.from_dense : Threshold scores at their own resolution.

    Notes
    -----
    The score is that of ``calculate_stability_score`` in segment_anything, except that masks empty
    at both thresholds have NaN there.

    Examples
    --------
    >>> import segcore as sc
    >>> sc.stability_score([[[-3.0, -0.5, 2.0, 4.0]]], threshold=0.0, offset=1.0)
    array([0.66666667])
    """
    center, margin = as_threshold(threshold), as_threshold(offset, "offset")
    if margin < 0:
        raise ValueError(f"offset: expected a non-negative number, got {offset}")
    array = as_array(scores, "scores")
    intersection = Masks.from_dense(array, center + margin).area
    union = Masks.from_dense(array, center - margin).area
    return intersection / np.maximum(union, 1)
