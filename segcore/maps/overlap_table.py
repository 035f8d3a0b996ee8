"""Overlap table of two label maps: the sparse contingency table behind the metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segcore._input.arrays import as_label_map
from segcore.backends import kernels
from segcore.masks import Masks
from segcore.ops.pairs import overlapping_pairs

MAX_CELLS = 2**28
"""Maximum number of cells of a dense table (2 GiB of int64)."""


@dataclass(frozen=True, eq=False)
class OverlapTable:
    """Sparse contingency table of two label maps, as returned by :func:`overlap_table`.

    The maps have n and m distinct labels, and K pairs of labels overlap. For maps of instance ids,
    K is usually far smaller than n * m. All arrays are read-only.

    Attributes
    ----------
    ids_a, ids_b : numpy.ndarray
        Distinct labels of each map in ascending order, shapes (n,) and (m,), in the map's dtype.
    areas_a, areas_b : numpy.ndarray
        Number of pixels per label: int64, shapes (n,) and (m,).
    rows, columns : numpy.ndarray
        Overlapping pairs as indices into `ids_a` and `ids_b`: int64, shape (K,), sorted by row and
        then column.
    areas : numpy.ndarray
        Intersection area of each pair in pixels: int64, shape (K,), at least 1.

    Examples
    --------
    >>> import segcore as sc
    >>> table = sc.overlap_table([[1, 1, 4]], [[7, 9, 9]])
    >>> table.ids_a[table.rows], table.ids_b[table.columns], table.areas
    (array([1, 1, 4]), array([7, 9, 9]), array([1, 1, 1]))
    """

    ids_a: NDArray[Any]
    ids_b: NDArray[Any]
    areas_a: NDArray[np.int64]
    areas_b: NDArray[np.int64]
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    areas: NDArray[np.int64]

    def dense(self) -> NDArray[np.int64]:
        """Return the intersection areas as a dense matrix.

        Returns
        -------
        numpy.ndarray
            Intersection area of every pair of labels: int64, shape (n, m).

        Raises
        ------
        ValueError
            If the matrix would have more than 2**28 elements; use `rows`, `columns` and `areas`.

        Examples
        --------
        >>> import segcore as sc
        >>> sc.overlap_table([[1, 1, 4]], [[7, 9, 9]]).dense()
        array([[1, 1],
               [0, 1]])
        """
        shape = len(self.ids_a), len(self.ids_b)
        if shape[0] * shape[1] > MAX_CELLS:
            raise ValueError(
                f"expected at most 2**28 cells, but the dense table would be {shape[0]} x "
                f"{shape[1]}; use the {len(self.areas)} pairs in rows, columns and areas instead"
            )
        table = np.zeros(shape, np.int64)
        table[self.rows, self.columns] = self.areas
        return table

    def iou(self) -> NDArray[np.float64]:
        """Compute the IoU of the overlapping pairs.

        Returns
        -------
        numpy.ndarray
            IoU of each pair in (`rows`, `columns`): float64, shape (K,), in (0, 1]. The IoU of all
            other pairs is 0.

        Examples
        --------
        >>> import segcore as sc
        >>> sc.overlap_table([[1, 1, 4]], [[7, 9, 9]]).iou()
        array([0.5       , 0.33333333, 0.5       ])
        """
        return self.areas / (self.areas_a[self.rows] + self.areas_b[self.columns] - self.areas)


def overlap_table(labels_a: ArrayLike, labels_b: ArrayLike) -> OverlapTable:
    """Compute the contingency table of two label maps.

    For class ids, this is the confusion matrix. The table is computed in one pass over the pixels,
    regardless of the number of labels and of their values, such as class ids, instance ids or ids
    encoded as colors.

    Parameters
    ----------
    labels_a, labels_b : array_like
        Label maps: integers of any dtype and memory layout, shape (H, W). They are not copied.

    Returns
    -------
    OverlapTable
        Distinct labels of both maps, the pairs that overlap, and their intersection areas.

    Raises
    ------
    ValueError
        If a map is not 2-D, or the shapes differ.
    TypeError
        If the dtype of a map is not an integer dtype, or a map is on a GPU.

    See Also
    --------
    segcore.intersection_area : Pairwise intersection areas of two batches of masks.
    segcore.metrics : Metrics computed from overlap tables.

    Examples
    --------
    >>> import segcore as sc
    >>> truth = [[0, 0, 3, 3], [0, 0, 3, 3]]
    >>> prediction = [[0, 0, 0, 8], [0, 0, 8, 8]]
    >>> table = sc.overlap_table(truth, prediction)
    >>> table.ids_a, table.ids_b
    (array([0, 3]), array([0, 8]))
    >>> table.rows, table.columns, table.areas
    (array([0, 1, 1]), array([0, 0, 1]), array([4, 1, 3]))
    >>> table.iou()
    array([0.8  , 0.125, 0.75 ])
    """
    a, b = as_label_map(labels_a, "labels_a"), as_label_map(labels_b, "labels_b")
    check_same_shape(a, b, "labels_a", "labels_b")
    return table_of(a, b)


def table_of(a: NDArray[Any], b: NDArray[Any]) -> OverlapTable:
    """Return the overlap table of two validated label maps."""
    return _table(*kernels.overlap_table(a, b))


def table_of_masks(
    masks: tuple[Masks, Masks], labels: tuple[NDArray[np.int64], NDArray[np.int64]]
) -> OverlapTable:
    """Return the overlap table of two label maps that are given by their regions.

    Parameters
    ----------
    masks : tuple of Masks
        The regions of each map, which are disjoint. All other pixels have the label 0.
    labels : tuple of numpy.ndarray
        The distinct labels of the regions, other than 0.
    """
    a, b = masks
    rows, columns, common = overlapping_pairs(a, b)
    alone_a = a.area - np.bincount(rows, common, len(a)).astype(np.int64)
    alone_b = b.area - np.bincount(columns, common, len(b)).astype(np.int64)
    height, width = a.size
    rest = height * width - int(a.area.sum()) - int(alone_b.sum())
    zeros = np.zeros(len(a) + len(b) + 1, np.int64)
    labels_a = np.concatenate([labels[0][rows], labels[0], zeros[: len(b) + 1]])
    labels_b = np.concatenate([labels[1][columns], zeros[: len(a)], labels[1], zeros[:1]])
    areas = np.concatenate([common, alone_a, alone_b, [rest]])
    order = np.lexsort((labels_b, labels_a))
    order = order[areas[order] > 0]
    return _table(labels_a[order], labels_b[order], areas[order])


def _table(
    labels_a: NDArray[Any], labels_b: NDArray[Any], areas: NDArray[np.int64]
) -> OverlapTable:
    """Return the table of pairs of labels, which are sorted by both."""
    ids_a, rows, areas_a = _grouped(labels_a, areas)
    by_b = np.argsort(labels_b, kind="stable")
    ids_b, sorted_columns, areas_b = _grouped(labels_b[by_b], areas[by_b])
    columns = np.empty_like(sorted_columns)
    columns[by_b] = sorted_columns
    arrays = ids_a, ids_b, areas_a, areas_b, rows, columns, areas
    for array in arrays:
        array.flags.writeable = False
    return OverlapTable(*arrays)


def check_same_shape(a: NDArray[Any], b: NDArray[Any], name_a: str, name_b: str) -> None:
    """Raise ValueError unless two label maps have the same shape."""
    if a.shape != b.shape:
        raise ValueError(
            f"{name_a}, {name_b}: expected maps of the same shape, got {a.shape} and {b.shape}"
        )


def _grouped(
    values: NDArray[Any], areas: NDArray[np.int64]
) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[np.int64]]:
    """Return the distinct values of a sorted array, the index of each element, and summed areas."""
    is_first = np.ones(len(values), np.bool_)
    np.not_equal(values[1:], values[:-1], out=is_first[1:])
    starts = np.flatnonzero(is_first)
    index = np.cumsum(is_first, dtype=np.int64)
    index -= 1
    return values[starts], index, np.add.reduceat(areas, starts) if len(areas) else areas.copy()
