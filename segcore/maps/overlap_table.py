"""Which labels of two maps meet: the contingency table that metrics are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segcore._input.arrays import as_label_map
from segcore.backends import kernels

MAX_CELLS = 2**28
"""Tables of more cells (2 GiB) are not made dense: most of them would be zeros."""


@dataclass(frozen=True, eq=False)
class OverlapTable:
    """How many pixels each label of one map shares with each of another.

    There are n labels in the first map and m in the second; K pairs of them meet, which is far
    fewer than n x m where labels are objects. Made by :func:`overlap_table`. All arrays are
    read-only.

    Attributes
    ----------
    ids_a, ids_b : numpy.ndarray
        The labels of each map that occur, (n,) and (m,), ascending, in the map's dtype.
    areas_a, areas_b : numpy.ndarray
        int64 (n,) and (m,): their numbers of pixels.
    rows, columns : numpy.ndarray
        int64 (K,): the pairs that meet, as indices into ``ids_a`` and ``ids_b``, ascending by
        (row, column).
    areas : numpy.ndarray
        int64 (K,): the pixels of each pair, at least one.
    """

    ids_a: NDArray[Any]
    ids_b: NDArray[Any]
    areas_a: NDArray[np.int64]
    areas_b: NDArray[np.int64]
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    areas: NDArray[np.int64]

    def dense(self) -> NDArray[np.int64]:
        """Spread the areas out, with zeros for the pairs that do not meet.

        Returns
        -------
        numpy.ndarray
            int64 (n, m).

        Raises
        ------
        ValueError
            If it had more than 2**28 cells; then the pairs are what to work with.

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
                f"{shape[0]} labels meet {shape[1]}: a dense table has too many cells; use the "
                f"{len(self.areas)} pairs in rows, columns and areas"
            )
        table = np.zeros(shape, np.int64)
        table[self.rows, self.columns] = self.areas
        return table

    def iou(self) -> NDArray[np.float64]:
        """Divide intersection by union, for the pairs that meet.

        Returns
        -------
        numpy.ndarray
            float64 (K,), above 0 and up to 1. All other pairs have 0.

        Examples
        --------
        >>> import segcore as sc
        >>> sc.overlap_table([[1, 1, 4]], [[7, 9, 9]]).iou()
        array([0.5       , 0.33333333, 0.5       ])
        """
        return self.areas / (self.areas_a[self.rows] + self.areas_b[self.columns] - self.areas)


def overlap_table(labels_a: ArrayLike, labels_b: ArrayLike) -> OverlapTable:
    """Count the pixels of each pair of labels that two maps have at the same place.

    It is the contingency table or, for classes, the confusion matrix: one pass over the pixels,
    however many labels there are, and of whatever values (class ids, instance ids, ids coded as
    colours).

    Parameters
    ----------
    labels_a, labels_b : array_like
        Integers (H, W), each of any dtype and layout. They are not copied.

    Returns
    -------
    OverlapTable
        The labels of both, the pairs that meet, and their areas.

    Raises
    ------
    ValueError
        If a map is not 2-D, or their shapes differ.
    TypeError
        If a map holds no integers, or is on a GPU.

    See Also
    --------
    segcore.intersection : The same for two batches of masks, which may overlap.
    segcore.metrics : Scores that are made of it.

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
    """Make the table of two label maps that have been checked."""
    values_a, values_b, areas = kernels.overlap_table(a, b)
    ids_a, rows, areas_a = _grouped(values_a, areas)
    by_b = np.argsort(values_b, kind="stable")
    ids_b, sorted_columns, areas_b = _grouped(values_b[by_b], areas[by_b])
    columns = np.empty_like(sorted_columns)
    columns[by_b] = sorted_columns
    arrays = ids_a, ids_b, areas_a, areas_b, rows, columns, areas
    for array in arrays:
        array.flags.writeable = False
    return OverlapTable(*arrays)


def check_same_shape(a: NDArray[Any], b: NDArray[Any], name_a: str, name_b: str) -> None:
    """Raise ValueError if two label maps are not of one size."""
    if a.shape != b.shape:
        raise ValueError(
            f"{name_a}, {name_b}: expected maps of one size, got the shapes {a.shape} and {b.shape}"
        )


def _grouped(
    values: NDArray[Any], areas: NDArray[np.int64]
) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[np.int64]]:
    """Give the distinct of sorted values, the index of each among them, and their sums of areas."""
    begins = np.ones(len(values), np.bool_)
    np.not_equal(values[1:], values[:-1], out=begins[1:])
    starts = np.flatnonzero(begins)
    index = np.cumsum(begins, dtype=np.int64)
    index -= 1
    return values[starts], index, np.add.reduceat(areas, starts) if len(areas) else areas.copy()
