"""Transposition of masks, for formats that store runs in row-major order.

Row-major runs of an image are column-major runs of the transposed image. They are read as a batch
of size (W, H), which is transposed without a dense array.
"""

from __future__ import annotations

from segcore.backends import kernels
from segcore.masks import Masks, unwrap, wrap


def transposed(masks: Masks) -> Masks:
    """Transpose masks.

    Parameters
    ----------
    masks : Masks
        N masks of size (H, W).

    Returns
    -------
    Masks
        N masks of size (W, H).

    Examples
    --------
    >>> from segcore import Masks
    >>> transposed(Masks.from_dense([[0, 1, 1], [0, 0, 1]])).to_dense(int)
    array([[[0, 0],
            [1, 0],
            [1, 1]]])
    """
    return wrap(kernels.transpose(unwrap(masks)))
