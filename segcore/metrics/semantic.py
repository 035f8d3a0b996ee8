"""Scores of semantic segmentation, by the confusion matrix."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segcore._input.arrays import as_integer, as_label_map
from segcore.backends import kernels
from segcore.maps.overlap_table import MAX_CELLS, check_same_shape


class ConfusionMatrix:
    """Count how often each class is taken for each other, and score it.

    The scores are those of mmsegmentation's ``IoUMetric`` (``intersect_and_union`` and
    ``total_area_to_metrics``): over all pixels of all images, not the mean of images' scores. They
    are float64 from exact areas, where that has float32.

    Parameters
    ----------
    num_classes : int
        C: classes are 0 to C - 1.
    ignore_index : int or None, default 255
        Pixels whose truth is this one are left out. A *prediction* of it, where it is no class, is
        a pixel without a prediction: it is missed by its true class, and no other class has it.

    Raises
    ------
    ValueError
        If there is no class, or are more than 2**14.
    TypeError
        If an argument is no integer.

    Examples
    --------
    >>> import segcore as sc
    >>> confusion = sc.metrics.ConfusionMatrix(3)
    >>> confusion.update(truth=[[0, 0, 1, 255]], prediction=[[0, 1, 1, 2]])
    >>> confusion.matrix
    array([[1, 1, 0],
           [0, 1, 0],
           [0, 0, 0]])
    >>> confusion.iou
    array([0.5, 0.5, nan])
    >>> confusion.mean_iou, confusion.accuracy
    (0.5, 0.6666666666666666)
    """

    def __init__(self, num_classes: int, ignore_index: int | None = 255) -> None:
        classes = as_integer(num_classes, "num_classes")
        if classes < 1 or classes**2 > MAX_CELLS:
            raise ValueError(f"num_classes: expected 1 to {int(MAX_CELLS**0.5)}, got {classes}")
        if ignore_index is not None:
            ignore_index = as_integer(ignore_index, "ignore_index")
        self._num_classes = classes
        self._ignore_index = ignore_index
        # The last column is for pixels without a prediction.
        self._counts = np.zeros((classes, classes + 1), np.int64)

    @property
    def num_classes(self) -> int:
        """How many classes there are."""
        return self._num_classes

    @property
    def ignore_index(self) -> int | None:
        """The label of pixels that are left out."""
        return self._ignore_index

    # -- counting ---------------------------------------------------------------------------------

    def update(self, truth: ArrayLike, prediction: ArrayLike) -> None:
        """Add the pixels of one image.

        Parameters
        ----------
        truth, prediction : array_like
            Integers (H, W), of any dtypes: the class of each pixel.

        Raises
        ------
        ValueError
            If a map is not 2-D, their shapes differ, or a pixel has a label that is neither a
            class nor ``ignore_index``. Then nothing has been added.
        TypeError
            If a map holds no integers, or is on a GPU.
        """
        a, b = as_label_map(truth, "truth"), as_label_map(prediction, "prediction")
        check_same_shape(a, b, "truth", "prediction")
        rows, columns, areas = kernels.overlap_table(a, b)
        if self._ignore_index is not None:
            counted = rows != self._ignore_index
            rows, columns, areas = rows[counted], columns[counted], areas[counted]
        self._check_classes(rows, self._are_classes(rows), "truth")
        assigned = self._are_classes(columns)
        self._check_classes(columns, assigned | (columns == self._ignore_index), "prediction")
        places = np.where(assigned, columns.astype(np.intp), self._num_classes)
        self._counts[rows.astype(np.intp), places] += areas  # each pair comes once

    def __add__(self, other: ConfusionMatrix) -> ConfusionMatrix:
        """Give the counts of both together."""
        if not isinstance(other, ConfusionMatrix):
            return NotImplemented
        total = ConfusionMatrix(self._num_classes, self._ignore_index)
        total._counts[...] = self._counts
        total += other
        return total

    def __iadd__(self, other: ConfusionMatrix) -> ConfusionMatrix:
        """Add another's counts."""
        if not isinstance(other, ConfusionMatrix):
            return NotImplemented
        mine = self._num_classes, self._ignore_index
        theirs = other._num_classes, other._ignore_index
        if mine != theirs:
            raise ValueError(
                "expected matrices of the same num_classes and ignore_index, got "
                f"{mine} and {theirs}"
            )
        self._counts += other._counts
        return self

    def _are_classes(self, labels: NDArray[Any]) -> NDArray[np.bool_]:
        return (labels >= 0) & (labels < self._num_classes)

    def _check_classes(self, labels: NDArray[Any], good: NDArray[np.bool_], name: str) -> None:
        if not good.all():
            raise ValueError(
                f"{name}: expected classes from 0 to {self._num_classes - 1} or ignore_index "
                f"({self._ignore_index}), but there is the label {labels[~good][0]}"
            )

    def __repr__(self) -> str:
        """Show the arguments and how much has been counted."""
        return (
            f"ConfusionMatrix({self._num_classes}, ignore_index={self._ignore_index}): "
            f"{self._counts.sum()} pixels"
        )

    # -- areas ------------------------------------------------------------------------------------

    @property
    def matrix(self) -> NDArray[np.int64]:
        """Pixels by class, int64 (C, C): row by truth, column by prediction. A copy."""
        return self._counts[:, :-1].copy()

    @property
    def unassigned(self) -> NDArray[np.int64]:
        """Pixels of each true class without a prediction, int64 (C,). A copy."""
        return self._counts[:, -1].copy()

    @property
    def _intersection(self) -> NDArray[np.int64]:
        return self._counts.diagonal()

    @property
    def _truth(self) -> NDArray[np.int64]:
        areas: NDArray[np.int64] = self._counts.sum(axis=1)
        return areas

    @property
    def _prediction(self) -> NDArray[np.int64]:
        areas: NDArray[np.int64] = self._counts[:, :-1].sum(axis=0)
        return areas

    # -- scores by class --------------------------------------------------------------------------

    @property
    def iou(self) -> NDArray[np.float64]:
        """Intersection over union of each class, (C,); nan where it never occurs."""
        common = self._intersection
        return _ratio(common, self._truth + self._prediction - common)

    @property
    def dice(self) -> NDArray[np.float64]:
        """Dice coefficient, or F1, of each class, (C,); nan where it never occurs."""
        return _ratio(2 * self._intersection, self._truth + self._prediction)

    @property
    def class_accuracy(self) -> NDArray[np.float64]:
        """How much of each true class is found (recall), (C,); nan where it never is true."""
        return _ratio(self._intersection, self._truth)

    @property
    def precision(self) -> NDArray[np.float64]:
        """How much of each predicted class is right, (C,); nan where it never is predicted."""
        return _ratio(self._intersection, self._prediction)

    # -- scores -----------------------------------------------------------------------------------

    @property
    def mean_iou(self) -> float:
        """Mean IoU of the classes that occur (mIoU)."""
        return _mean(self.iou)

    @property
    def mean_dice(self) -> float:
        """Mean Dice coefficient of the classes that occur (mDice)."""
        return _mean(self.dice)

    @property
    def mean_class_accuracy(self) -> float:
        """Mean accuracy of the true classes (mAcc)."""
        return _mean(self.class_accuracy)

    @property
    def mean_precision(self) -> float:
        """Mean precision of the predicted classes (mPrecision)."""
        return _mean(self.precision)

    @property
    def accuracy(self) -> float:
        """The part of all pixels that is right (aAcc)."""
        return float(_ratio(self._intersection.sum(), self._truth.sum()))

    @property
    def frequency_weighted_iou(self) -> float:
        """Mean IoU of the true classes, each weighted by its pixels (fwIoU)."""
        areas = self._truth
        true = areas > 0
        return float(_ratio((areas[true] * self.iou[true]).sum(), areas.sum()))


def _ratio(part: Any, whole: Any) -> NDArray[np.float64]:
    """Divide; 0 / 0, of what never occurs, is nan."""
    with np.errstate(invalid="ignore"):
        ratio: NDArray[np.float64] = np.true_divide(part, whole, dtype=np.float64)
        return ratio


def _mean(scores: NDArray[np.float64]) -> float:
    return float(np.nanmean(scores)) if not np.isnan(scores).all() else float("nan")
