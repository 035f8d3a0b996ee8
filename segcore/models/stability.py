"""How much a soft mask changes with its threshold."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segcore._input.arrays import as_array, as_threshold
from segcore.masks import Masks


def stability_score(scores: ArrayLike, threshold: float, offset: float) -> NDArray[np.float64]:
    """Tell how little masks change with the threshold: SAM's stability score.

    Parameters
    ----------
    scores : array_like
        Floats (N, h, w), or (h, w) for a batch of one.
    threshold, offset : float
        The areas above ``threshold + offset`` and above ``threshold - offset`` are compared; both
        sums are rounded to the dtype of ``scores``.

    Returns
    -------
    numpy.ndarray
        float64 (N,): the smaller area, with the higher threshold, divided by the larger one, from
        0 to 1; 0 where the larger one is empty.

    Raises
    ------
    ValueError, TypeError
        As in :meth:`Masks.from_dense`; and if the offset is negative.

    Notes
    -----
    ``calculate_stability_score`` of segment_anything, which has NaN for empty masks.

    Examples
    --------
    >>> import segcore as sc
    >>> sc.stability_score([[[-3.0, -0.5, 2.0, 4.0]]], threshold=0.0, offset=1.0)
    array([0.66666667])
    """
    middle, reach = as_threshold(threshold), as_threshold(offset, "offset")
    if reach < 0:
        raise ValueError(f"offset: expected no negative number, got {offset}")
    array = as_array(scores, "scores")
    inner = Masks.from_dense(array, middle + reach).area
    outer = Masks.from_dense(array, middle - reach).area
    return inner / np.maximum(outer, 1)
