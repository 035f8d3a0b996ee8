"""Semantic segmentation metrics, computed from a confusion matrix."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segcore._input.arrays import as_integer, as_label_map, as_range
from segcore.backends import kernels
from segcore.maps.overlap_table import MAX_CELLS, check_same_shape
from segcore.masks import Masks
from segcore.ops.morphology import dilate


class ConfusionMatrix:
    """Accumulate a confusion matrix over images and compute semantic segmentation metrics.

    The metrics match mmsegmentation's ``IoUMetric`` (``intersect_and_union`` and
    ``total_area_to_metrics``): they are computed over the pixels of all images together, and are
    not means of per-image scores. Areas are exact integers and scores are float64, whereas
    mmsegmentation uses float32.

    ``a + b`` returns a confusion matrix with the counts of both operands; ``a += b`` adds the
    counts of `b` to `a`.

    Parameters
    ----------
    num_classes : int
        Number of classes C, from 1 to 2**14. The class ids are 0 to C - 1.
    ignore_index : int or None, default 255
        Pixels with this label in the ground truth are excluded; if None, no pixels are. If it is
        not a class id, pixels *predicted* with this label are *unassigned*: they count as false
        negatives of their true class, but not as false positives of any class.
    trimap : int, optional
        Count only pixels that are within this distance, in pixels, of a pixel with another true
        label: a band along the borders of regions, in which `iou` is the trimap IoU.
    area_range : tuple of float, optional
        Count only pixels of true regions whose area in pixels is within these limits, both
        included. A region is a connected component (8 neighbors) of pixels of the same true label.
        `mean_class_accuracy` is then that of regions of this size, such as
        ``segcore.metrics.AREAS["small"]``.

    Raises
    ------
    ValueError
        If `num_classes` or `trimap` is out of range, or `area_range` is not two ascending
        numbers.
    TypeError
        If an argument is not an integer.

    References
    ----------
    Trimaps: P. Kohli, L. Ladicky and P. Torr, "Robust Higher Order Potentials for Enforcing Label
    Consistency", IJCV 2009; L.-C. Chen et al., "DeepLab", TPAMI 2018. Mean class accuracy: J. Long,
    E. Shelhamer and T. Darrell, "Fully Convolutional Networks", CVPR 2015. Ranges of areas: T.-Y.
    Lin et al., "Microsoft COCO", ECCV 2014.

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

    def __init__(
        self,
        num_classes: int,
        ignore_index: int | None = 255,
        *,
        trimap: int | None = None,
        area_range: tuple[float, float] | None = None,
    ) -> None:
        classes = as_integer(num_classes, "num_classes")
        if classes < 1 or classes**2 > MAX_CELLS:
            raise ValueError(f"num_classes: expected 1 to {int(MAX_CELLS**0.5)}, got {classes}")
        if ignore_index is not None:
            ignore_index = as_integer(ignore_index, "ignore_index")
        if trimap is not None:
            trimap = as_integer(trimap, "trimap")
            if trimap < 1:
                raise ValueError(f"trimap: expected a distance of at least 1, got {trimap}")
        if area_range is not None:
            if isinstance(area_range, str):
                raise TypeError(
                    f"area_range: expected two limits, got str {area_range!r}; those of COCO are "
                    'in segcore.metrics.AREAS, such as AREAS["small"]'
                )
            area_range = as_range(area_range, "area_range")
        self._num_classes = classes
        self._ignore_index = ignore_index
        self._trimap = trimap
        self._area_range = area_range
        # The last column counts unassigned pixels.
        self._counts = np.zeros((classes, classes + 1), np.int64)

    @property
    def num_classes(self) -> int:
        """Number of classes: int."""
        return self._num_classes

    @property
    def ignore_index(self) -> int | None:
        """Ground-truth label of excluded pixels: int, or None."""
        return self._ignore_index

    # -- accumulation -----------------------------------------------------------------------------

    def update(self, truth: ArrayLike, prediction: ArrayLike) -> None:
        """Add the pixels of one image to the confusion matrix.

        Parameters
        ----------
        truth, prediction : array_like
            Class id of each pixel: integers of any dtype, shape (H, W).

        Raises
        ------
        ValueError
            If a map is not 2-D, the shapes differ, or a label is neither a class id nor
            `ignore_index`. The matrix is then unchanged.
        TypeError
            If the dtype of a map is not an integer dtype, or a map is on a GPU.
        """
        a, b = as_label_map(truth, "truth"), as_label_map(prediction, "prediction")
        check_same_shape(a, b, "truth", "prediction")
        table = self._table(a, b)
        self._check_classes(table[0], self._are_classes(table[0]), "truth")
        assigned = self._are_classes(table[1])
        self._check_classes(table[1], assigned | (table[1] == self._ignore_index), "prediction")
        if self._trimap is not None or self._area_range is not None:
            counted = self._counted_pixels(a)
            table = self._table(a[counted][None], b[counted][None])
        true_labels, predicted_labels, areas = table
        assigned = self._are_classes(predicted_labels)
        columns = np.where(assigned, predicted_labels.astype(np.intp), self._num_classes)
        self._counts[true_labels.astype(np.intp), columns] += areas  # the pairs are unique

    def _table(
        self, truth: NDArray[Any], prediction: NDArray[Any]
    ) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.int64]]:
        """Return the pairs of labels and their areas, without those whose truth is ignored."""
        true_labels, predicted_labels, areas = kernels.overlap_table(truth, prediction)
        if self._ignore_index is None:
            return true_labels, predicted_labels, areas
        kept = true_labels != self._ignore_index
        return true_labels[kept], predicted_labels[kept], areas[kept]

    def _counted_pixels(self, truth: NDArray[Any]) -> NDArray[np.bool_]:
        """Return which pixels are in the band and in regions of the range: bool, shape (H, W)."""
        counted = np.ones(truth.shape, np.bool_)
        _, masks = Masks.from_label_map(truth, background=None)
        if self._trimap is not None:
            # What is near another label is near the complement of its own.
            counted &= (masks & dilate(~masks, self._trimap, "disc")).union().to_dense()[0]
        if self._area_range is not None:
            low, high = self._area_range
            regions, _ = masks.components(8)
            kept = regions[(regions.area >= low) & (regions.area <= high)]
            counted &= kept.union().to_dense()[0]
        return counted

    def empty(self) -> ConfusionMatrix:
        """Return a confusion matrix with the same settings and without pixels."""
        return ConfusionMatrix(
            self._num_classes,
            self._ignore_index,
            trimap=self._trimap,
            area_range=self._area_range,
        )

    def _settings(self) -> tuple[Any, ...]:
        return self._num_classes, self._ignore_index, self._trimap, self._area_range

    def __add__(self, other: ConfusionMatrix) -> ConfusionMatrix:
        """Return a confusion matrix with the counts of both operands."""
        if not isinstance(other, ConfusionMatrix):
            return NotImplemented
        total = self.empty()
        total += self
        total += other
        return total

    def __iadd__(self, other: ConfusionMatrix) -> ConfusionMatrix:
        """Add the counts of `other` in place."""
        if not isinstance(other, ConfusionMatrix):
            return NotImplemented
        if self._settings() != other._settings():
            raise ValueError(
                "expected confusion matrices with the same num_classes, ignore_index, trimap and "
                f"area_range, got {self._settings()} and {other._settings()}"
            )
        self._counts += other._counts
        return self

    def _are_classes(self, labels: NDArray[Any]) -> NDArray[np.bool_]:
        return (labels >= 0) & (labels < self._num_classes)

    def _check_classes(self, labels: NDArray[Any], valid: NDArray[np.bool_], name: str) -> None:
        if not valid.all():
            raise ValueError(
                f"{name}: expected class ids from 0 to {self._num_classes - 1} or ignore_index "
                f"({self._ignore_index}), got the label {labels[~valid][0]}"
            )

    def __repr__(self) -> str:
        """Return the arguments and the number of pixels counted so far."""
        return (
            f"ConfusionMatrix({self._num_classes}, ignore_index={self._ignore_index}): "
            f"{self._counts.sum()} pixels"
        )

    # -- areas ------------------------------------------------------------------------------------

    @property
    def matrix(self) -> NDArray[np.int64]:
        """Number of pixels per true class (row) and predicted class (column): int64, shape (C, C).

        This is a copy.
        """
        return self._counts[:, :-1].copy()

    @property
    def unassigned(self) -> NDArray[np.int64]:
        """Number of pixels per true class that were predicted as `ignore_index`: int64, shape (C,).

        All zeros if `ignore_index` is a class id. This is a copy.
        """
        return self._counts[:, -1].copy()

    @property
    def _intersection(self) -> NDArray[np.int64]:
        return self._counts.diagonal()

    @property
    def _true_areas(self) -> NDArray[np.int64]:
        areas: NDArray[np.int64] = self._counts.sum(axis=1)
        return areas

    @property
    def _predicted_areas(self) -> NDArray[np.int64]:
        areas: NDArray[np.int64] = self._counts[:, :-1].sum(axis=0)
        return areas

    # -- scores per class -------------------------------------------------------------------------

    @property
    def iou(self) -> NDArray[np.float64]:
        """IoU per class: float64, shape (C,).

        NaN for classes that occur neither in the ground truth nor in the predictions.
        """
        common = self._intersection
        return _ratio(common, self._true_areas + self._predicted_areas - common)

    @property
    def dice(self) -> NDArray[np.float64]:
        """Dice coefficient (F1) per class: float64, shape (C,).

        NaN for classes that occur neither in the ground truth nor in the predictions.
        """
        return _ratio(2 * self._intersection, self._true_areas + self._predicted_areas)

    @property
    def class_accuracy(self) -> NDArray[np.float64]:
        """Accuracy (recall) per class: float64, shape (C,).

        NaN for classes that do not occur in the ground truth.
        """
        return _ratio(self._intersection, self._true_areas)

    @property
    def precision(self) -> NDArray[np.float64]:
        """Precision per class: float64, shape (C,).

        NaN for classes that do not occur in the predictions.
        """
        return _ratio(self._intersection, self._predicted_areas)

    # -- mean scores ------------------------------------------------------------------------------

    @property
    def mean_iou(self) -> float:
        """Mean of `iou` over the classes for which it is not NaN (mIoU): float; NaN if none."""
        return _mean(self.iou)

    @property
    def mean_dice(self) -> float:
        """Mean of `dice` over the classes for which it is not NaN (mDice): float; NaN if none."""
        return _mean(self.dice)

    @property
    def mean_class_accuracy(self) -> float:
        """Mean of `class_accuracy` over the classes for which it is not NaN (mAcc): float.

        NaN if there are none.
        """
        return _mean(self.class_accuracy)

    @property
    def mean_precision(self) -> float:
        """Mean of `precision` over the classes for which it is not NaN (mPrecision): float.

        NaN if there are none.
        """
        return _mean(self.precision)

    @property
    def accuracy(self) -> float:
        """Fraction of the pixels, except excluded ones, classified correctly (aAcc): float.

        NaN if there are no such pixels.
        """
        return float(_ratio(self._intersection.sum(), self._true_areas.sum()))

    @property
    def frequency_weighted_iou(self) -> float:
        """Mean of `iou`, weighted by the number of pixels per true class (fwIoU): float.

        NaN if there are no pixels.
        """
        areas = self._true_areas
        present = areas > 0
        return float(_ratio((areas[present] * self.iou[present]).sum(), areas.sum()))


def _ratio(numerator: Any, denominator: Any) -> NDArray[np.float64]:
    """Return the quotient in float64, with NaN for 0 / 0."""
    with np.errstate(invalid="ignore"):
        ratio: NDArray[np.float64] = np.true_divide(numerator, denominator, dtype=np.float64)
        return ratio


def _mean(scores: NDArray[np.float64]) -> float:
    """Return the mean of the scores that are not NaN, or NaN if there are none."""
    return float(np.nanmean(scores)) if not np.isnan(scores).all() else float("nan")
