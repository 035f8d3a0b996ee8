"""Overlap of boxes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def box_iou(
    dt: NDArray[np.float64], gt: NDArray[np.float64], crowd: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Compute the pairwise IoU of boxes x y width height: shape (n, m), in Fortran order.

    Where `crowd` is True, the intersection is divided by the area of the box in `dt` alone. The
    arithmetic is that of pycocotools.

    This is the definition; ``src/bind/bind_shortcuts.cpp`` has a compiled twin for lists of boxes.
    """
    return box_iou_of_pairs(dt, gt[:, None], crowd[:, None]).T


def box_iou_of_pairs(
    dt: NDArray[np.float64], gt: NDArray[np.float64], crowd: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Compute the IoU of each box of `dt` and its box of `gt`; shapes (..., 4) are broadcast."""
    with np.errstate(all="ignore"):
        width, height = (_common_length(dt, gt, axis) for axis in (0, 1))
        common = width * height
        dt_area = dt[..., 2] * dt[..., 3]
        union = dt_area + gt[..., 2] * gt[..., 3]
        union -= common
        np.divide(common, np.where(crowd, dt_area, union), out=common)
    common[(width <= 0) | (height <= 0)] = 0
    ratios: NDArray[np.float64] = common
    return ratios


def _common_length(dt: NDArray[np.float64], gt: NDArray[np.float64], axis: int) -> NDArray[Any]:
    """Compute the length of the overlaps along an axis, negative if there is none."""
    dt_start, gt_start = dt[..., axis], gt[..., axis]
    dt_end, gt_end = dt[..., 2 + axis] + dt_start, gt[..., 2 + axis] + gt_start
    # As in C, fmin and fmax ignore NaN.
    length: NDArray[np.float64] = np.fmin(dt_end, gt_end)
    length -= np.fmax(dt_start, gt_start)
    return length
