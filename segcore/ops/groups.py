"""Overlap of the pairs of each group, such as the detections and true objects of an image."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segcore._batch import offsets_of, spread
from segcore.backends import kernels
from segcore.masks import Masks, check_same_size, unwrap
from segcore.ops.boxes import box_iou_of_pairs
from segcore.ops.morphology import boundary


@dataclass(frozen=True)
class Groups:
    """Groups of the items of two sequences a and b.

    Group g consists of the items ``a[g]`` to ``a[g + 1] - 1`` of the first and ``b[g]`` to
    ``b[g + 1] - 1`` of the second sequence. Its pairs are those of an item of the first and one of
    the second, in this order; the K pairs of all groups follow one another.

    Attributes
    ----------
    a, b : numpy.ndarray
        Ascending offsets: int64, shape (G + 1,).
    """

    a: NDArray[np.int64]
    b: NDArray[np.int64]

    def pairs(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the indices of both items of each pair: int64, shape (K,)."""
        num_a, num_b = np.diff(self.a), np.diff(self.b)
        of_item = np.repeat(num_b, num_a)  # the number of pairs of each item of a
        first = np.repeat(np.arange(len(of_item)), of_item)
        second = spread(np.repeat(self.b[:-1], num_a), offsets_of(of_item))
        return first, second

    def part(self, start: int, stop: int) -> Groups:
        """Return the groups from `start` up to `stop`, of the sequences that begin there."""
        a, b = self.a[start : stop + 1], self.b[start : stop + 1]
        return Groups(a - a[0], b - b[0])

    def chunks(
        self, count: int, labels: NDArray[np.int64] | None = None
    ) -> Iterator[tuple[int, int]]:
        """Yield the start and end of consecutive groups: up to `count` items of a, or one group.

        With `labels`, which ascend: int64, shape (G,), the groups of a chunk have the same label.
        """
        start, num_groups = 0, len(self.a) - 1
        while start < num_groups:
            full = int(np.searchsorted(self.a, self.a[start] + count, side="right")) - 1
            end = max(full, start + 1)
            if labels is not None:
                end = min(end, int(np.searchsorted(labels, labels[start], side="right")))
            yield start, end
            start = end

    def kept(self, keep_a: NDArray[np.bool_], keep_b: NDArray[np.bool_]) -> Groups:
        """Return the same groups of the sequences without the items that are not kept."""
        return Groups(offsets_of(keep_a)[self.a], offsets_of(keep_b)[self.b])


def iou_of_groups(
    a: Masks, b: Masks, groups: Groups, crowd: NDArray[np.bool_], min_iou: float = 0.0
) -> NDArray[np.float64]:
    """Compute the IoU of the pairs of each group; see :func:`segcore.iou`.

    Parameters
    ----------
    a, b : Masks
        n and m masks of the same image size.
    groups : Groups
        Groups of the masks of `a` and `b`.
    crowd : numpy.ndarray
        Where True, the intersection is divided by the area of the mask in `a`: bool, shape (m,).
    min_iou : float
        Return 0 for pairs whose IoU is less than this.

    Returns
    -------
    numpy.ndarray
        IoU of each pair: float64, shape (K,).

    Raises
    ------
    ValueError
        If the image sizes differ.

    Examples
    --------
    >>> import numpy as np
    >>> import segcore as sc
    >>> from segcore.ops.groups import Groups, iou_of_groups
    >>> masks = sc.Masks.from_boxes([[0, 0, 2, 2], [0, 0, 2, 1], [2, 0, 4, 2]], (4, 4))
    >>> groups = Groups(np.array([0, 1, 3]), np.array([0, 2, 3]))
    >>> iou_of_groups(masks, masks, groups, np.zeros(3, bool))
    array([1. , 0.5, 0. , 1. ])
    """
    check_same_size(a, b)
    divisors = crowd.view(np.uint8)
    return kernels.overlap_ratios(unwrap(a), unwrap(b), min_iou, divisors, (groups.a, groups.b))


def boundary_iou_of_groups(
    a: Masks,
    b: Masks,
    groups: Groups,
    crowd: NDArray[np.bool_],
    min_iou: float,
    dilation_ratio: float,
) -> NDArray[np.float64]:
    """Compute the smaller of IoU and Boundary IoU for the pairs of each group.

    As published with Boundary IoU, pairs with a crowd have the IoU of the masks. Boundaries are
    those of :func:`segcore.boundary_iou`. The other parameters, the result and the
    errors are those of :func:`iou_of_groups`.
    """
    ratios = iou_of_groups(a, b, groups, crowd, min_iou)
    first, second = groups.pairs()
    # Boundaries matter only where the IoU of the masks suffices.
    is_close = (ratios > 0) & ~crowd[second]
    keep_a, keep_b = np.zeros(len(a), np.bool_), np.zeros(len(b), np.bool_)
    keep_a[first[is_close]] = keep_b[second[is_close]] = True
    distance = max(1, round(dilation_ratio * math.hypot(*a.size)))
    kept = keep_a[first] & keep_b[second]
    part = iou_of_groups(
        boundary(a[keep_a], distance),
        boundary(b[keep_b], distance),
        groups.kept(keep_a, keep_b),
        crowd[keep_b],
        min_iou,
    )
    ratios[kept] = np.minimum(ratios[kept], part)
    return ratios


def box_iou_of_groups(
    a: NDArray[np.float64], b: NDArray[np.float64], groups: Groups, crowd: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Compute the IoU of boxes x y width height for the pairs of each group; see `box_iou`."""
    first, second = groups.pairs()
    return box_iou_of_pairs(a[first], b[second], crowd[second])
