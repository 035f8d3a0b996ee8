"""Maps of segment ids as other tools write them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segcore.arrays import as_array


def from_rgb(rgb: ArrayLike) -> NDArray[np.int32]:
    """Read the colours of a COCO panoptic PNG: R + 256 G + 65536 B.

    Parameters
    ----------
    rgb : array_like
        uint8 (..., 3), usually (H, W, 3).

    Returns
    -------
    numpy.ndarray
        int32 (...): ids from 0 to 2**24 - 1.

    Raises
    ------
    ValueError
        If the last dimension is not 3.
    TypeError
        If they are not uint8.

    Examples
    --------
    >>> import segcore as sc
    >>> import numpy as np
    >>> sc.panoptic_ids.from_rgb(np.array([[[7, 0, 0], [0, 1, 0]]], np.uint8))
    array([[  7, 256]], dtype=int32)
    """
    colors = as_array(rgb, "rgb")
    if colors.dtype != np.uint8:
        raise TypeError(f"rgb: expected uint8, got {colors.dtype}")
    if colors.ndim == 0 or colors.shape[-1] != 3:
        raise ValueError(f"rgb: expected (H, W, 3), red, green and blue, got {colors.shape}")
    padded = np.zeros((*colors.shape[:-1], 4), np.uint8)
    padded[..., :3] = colors
    return padded.view("<i4")[..., 0].astype(np.int32, copy=False)


def to_rgb(ids: ArrayLike) -> NDArray[np.uint8]:
    """Write ids as the colours of a COCO panoptic PNG.

    Parameters
    ----------
    ids : array_like
        Integers from 0 to 2**24 - 1, usually (H, W).

    Returns
    -------
    numpy.ndarray
        uint8 (..., 3): red, green and blue.

    Raises
    ------
    ValueError
        If an id is out of range.
    TypeError
        If they are no integers.

    Examples
    --------
    >>> import segcore as sc
    >>> sc.panoptic_ids.to_rgb([[7, 256]]).tolist()
    [[[7, 0, 0], [0, 1, 0]]]
    """
    array = as_array(ids, "ids")
    if array.dtype.kind not in "iu":
        raise TypeError(f"ids: expected integers, got {array.dtype}")
    _check_range(array, "ids", 2**24)
    words = array.astype("<u4", order="C", copy=False)
    return words[..., None].view(np.uint8)[..., :3].copy()


def _check_range(values: NDArray[Any], name: str, stop: int) -> None:
    """Raise ValueError unless all values lie from 0 to less than ``stop``."""
    if not values.size or (values.min() >= 0 and values.max() < stop):
        return
    place = np.unravel_index(((values < 0) | (values >= stop)).argmax(), values.shape)
    where = ", ".join(str(int(i)) for i in place)
    raise ValueError(f"{name}: expected 0 to {stop - 1}, got {values[place]} at ({where})")
