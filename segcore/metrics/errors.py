"""Types of detection errors, and the average precision that each type costs, as in TIDE."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segcore._batch import offsets_of
from segcore._input.arrays import as_flags, as_fraction, as_integers, as_scores
from segcore.backends import kernels
from segcore.masks import Masks, check_same_size
from segcore.metrics.accumulator import DetectionMetric, check_both_classes
from segcore.metrics.detections import concatenated
from segcore.metrics.keys import common_groups, ranks, sorted_rows
from segcore.metrics.matching import (
    FoundObjects,
    ImageClasses,
    TrueObjects,
    class_keys,
    listed_classes,
    ratios_of_groups,
)

ERROR_TYPES = ("classification", "localization", "both", "duplicate", "background", "missed")
"""Types of errors: see :class:`DetectionErrors`."""
CLASSIFICATION, LOCALIZATION, BOTH, DUPLICATE, BACKGROUND, MISSED = range(len(ERROR_TYPES))
CORRECT = -1
_RECALLS = np.arange(101) / 100


@dataclass(frozen=True)
class ErrorAnalysis:
    """The errors of detections; see :class:`DetectionErrors`.

    Attributes
    ----------
    ap : float
        Average precision at the IoU threshold, in [0, 1].
    counts : dict of str to int
        Number of errors of each type.
    gains : dict of str to float
        Increase of the average precision if all errors of a type, and no others, were right (dAP),
        0 or greater.
    """

    ap: float
    counts: dict[str, int]
    gains: dict[str, float]


@dataclass
class _Image:
    """The detections of an image, the best first, and its true objects: columns."""

    score: NDArray[np.float64]
    label: NDArray[np.int64]
    error: NDArray[np.int64]
    """Index of the error type of each detection, or `CORRECT`."""
    ignored: NDArray[np.bool_]
    fixed: NDArray[np.bool_]
    """Whether mending its error makes a detection correct; otherwise it removes the detection."""
    fixed_label: NDArray[np.int64]
    true_label: NDArray[np.int64]
    missed: NDArray[np.bool_]

    @classmethod
    def empty(cls) -> _Image:
        """Return columns without rows."""
        none, flags = np.zeros(0, np.int64), np.zeros(0, np.bool_)
        return cls(np.zeros(0), none, none, flags, flags, none, none, flags)


class DetectionErrors(DetectionMetric):
    """Accumulate the errors of detections by type, and compute what each type costs.

    The types are those of TIDE. A detection that is not correct has the first of these:

    - ``"localization"``: its IoU with an object of its class is from `background_threshold` to
      `iou_threshold`;
    - ``"classification"``: its IoU with an object of another class is at least `iou_threshold`;
    - ``"duplicate"``: its IoU with an object of its class that a better detection has found is at
      least `iou_threshold`;
    - ``"background"``: its IoU with all objects is at most `background_threshold`;
    - ``"both"``: both its location and its class are wrong.

    ``"missed"`` errors are objects that no detection finds and that no localization or
    classification error refers to. The cost of a type is computed by mending its errors: if an
    object that is not found has localization or classification errors, the best of these detections
    becomes correct; other erroneous detections are removed, and missed objects need no longer be
    found.

    Parameters
    ----------
    iou : {"mask", "box", "boundary"}
        What detections are compared by; see :class:`AveragePrecision`.
    protocol : {"coco", "lvis"}
        With ``"lvis"``, for images in which not all classes are annotated, detections of some
        classes do not count unless they are correct: classes that are neither present nor in
        `negative_classes`, and `incomplete_classes`.
    iou_threshold : float, default 0.5
        Minimum IoU of a correct detection with its object.
    background_threshold : float, default 0.1
        Maximum IoU of a detection of the background.
    max_detections : int, optional
        Number of detections per image that count: those with the best scores. Default: 100, or 300
        for LVIS.
    box_format : {"xyxy", "xywh"}
        Format of boxes for ``iou="box"``: two corners, or a corner and the size as in COCO.
    dilation_ratio : float, default 0.02
        See :func:`segcore.boundary_iou`.

    Raises
    ------
    ValueError
        If a choice is unknown, a threshold is not in [0, 1], or `max_detections` is less than 1.

    Notes
    -----
    The numbers are those of the ``tidecv`` package, also for LVIS. Unlike COCO's average precision,
    they include classes that have detections and no true objects, with an average precision of 0.
    Detections that do not count, by the rules of LVIS or in a crowd of their class, have an error
    type, too. A detection that mending makes correct counts.

    References
    ----------
    D. Bolya et al., "TIDE: A General Toolbox for Identifying Object Detection Errors", ECCV 2020.

    Examples
    --------
    >>> import segcore as sc
    >>> truth = sc.Masks.from_boxes([[0, 0, 50, 40], [60, 0, 90, 30]], (100, 100))
    >>> prediction = sc.Masks.from_boxes([[0, 0, 50, 36], [60, 0, 90, 12]], (100, 100))
    >>> errors = sc.metrics.DetectionErrors()
    >>> errors.update(truth, prediction, scores=[0.9, 0.8])
    >>> found = errors.compute()
    >>> found.counts["localization"], round(found.ap, 3), round(found.gains["localization"], 3)
    (1, 0.505, 0.495)
    """

    def __init__(
        self,
        iou: str = "mask",
        *,
        protocol: str = "coco",
        iou_threshold: float = 0.5,
        background_threshold: float = 0.1,
        max_detections: int | None = None,
        box_format: str = "xyxy",
        dilation_ratio: float = 0.02,
    ) -> None:
        super().__init__(iou, protocol, box_format, dilation_ratio)
        self.iou_threshold = as_fraction(iou_threshold, "iou_threshold")
        self.background_threshold = as_fraction(background_threshold, "background_threshold")
        if max_detections is None:
            max_detections = 300 if protocol == "lvis" else 100
        if max_detections < 1:
            raise ValueError(f"max_detections: expected at least 1, got {max_detections}")
        self.max_detections = max_detections

    def update(
        self,
        truth: Masks | ArrayLike,
        prediction: Masks | ArrayLike,
        *,
        scores: ArrayLike,
        truth_classes: ArrayLike | None = None,
        prediction_classes: ArrayLike | None = None,
        crowd: ArrayLike | None = None,
        negative_classes: ArrayLike = (),
        incomplete_classes: ArrayLike = (),
        image_id: int | str | None = None,
    ) -> None:
        """Find the errors of one image, and add them.

        Parameters
        ----------
        truth, prediction : Masks or array_like
            m true objects and n detections: `Masks` of the same image size, or boxes of shape
            (m, 4) and (n, 4) for ``iou="box"``.
        scores : array_like
            Shape (n,). Detections with equal scores are ranked in the given order.
        truth_classes, prediction_classes : array_like of int, optional
            Shapes (m,) and (n,); both or neither. By default, all objects are of class 0.
        crowd : array_like of bool, optional
            Shape (m,): regions of many objects, which need not be found.
        negative_classes, incomplete_classes : array_like of int
            For LVIS: classes that are known to be absent from the image, and classes whose objects
            are not all annotated (``neg_category_ids``, ``not_exhaustive_category_ids``).
        image_id : int or str, optional
            Id of the image. Default: the number of images so far.

        Raises
        ------
        ValueError
            If lengths or image sizes do not fit together, or the image was added before. The
            accumulator is then unchanged.
        TypeError
            If a value has the wrong type.
        """
        check_both_classes(truth_classes, prediction_classes)
        true, found = self._shapes(truth, "truth"), self._shapes(prediction, "prediction")
        if self.iou != "box":
            check_same_size(true, found, ("truth", "prediction"))
        is_crowd = np.zeros(len(true), np.bool_)
        if crowd is not None:
            is_crowd = as_flags(crowd, "crowd", len(true))
        of_true, of_found = (np.zeros(len(shapes), np.int64) for shapes in (true, found))
        self.add(
            [len(self._images) if image_id is None else image_id],
            TrueObjects(
                of_true,
                _labels(truth_classes, "truth_classes", len(true)),
                np.ones(len(true)),  # areas do not matter
                true.__getitem__,
                is_crowd,
                ~is_crowd,
            ),
            FoundObjects(
                of_found,
                _labels(prediction_classes, "prediction_classes", len(found)),
                np.ones(len(found)),
                found.__getitem__,
                as_scores(scores, "scores", len(found)).astype(np.float64),
            ),
            negative=listed_classes([_labels(negative_classes, "negative_classes")]),
            incomplete=listed_classes([_labels(incomplete_classes, "incomplete_classes")]),
        )

    def add(
        self,
        image_ids: Sequence[Any],
        true: TrueObjects,
        found: FoundObjects,
        *,
        sizes: NDArray[np.int64] | None = None,
        negative: ImageClasses | None = None,
        incomplete: ImageClasses | None = None,
    ) -> None:
        """Find the errors of several images; see :meth:`DetectionMetric.add`."""
        self._check_images(image_ids, true.crowd)
        sizes = np.zeros(len(image_ids), np.int64) if sizes is None else sizes
        ignored = np.zeros(len(found.image), np.bool_)
        if self.protocol == "lvis":
            ignored = _not_judged(true, found, negative, incomplete)
        rows = np.lexsort((-found.scores, found.image))
        rows = rows[ranks(found.image[rows]) < self.max_detections]
        true_rows = sorted_rows(true.image, np.arange(len(true.image)))
        groups, a, b = common_groups(found.image[rows], true.image[true_rows])
        ratios = np.empty(0)
        if len(a):
            ratios = ratios_of_groups(
                *(self, found, true, rows[a], true_rows[b], groups, true.crowd[true_rows[b]]),
                *(sizes, self.background_threshold),
            )
        every = np.arange(len(image_ids) + 1)
        bounds = np.searchsorted(found.image[rows], every)
        true_bounds = np.searchsorted(true.image[true_rows], every)
        pairs = offsets_of(np.diff(bounds) * np.diff(true_bounds))
        images = {}
        for k, image_id in enumerate(image_ids):
            own = rows[bounds[k] : bounds[k + 1]]
            objects = true_rows[true_bounds[k] : true_bounds[k + 1]]
            images[image_id] = self._found(
                ratios[pairs[k] : pairs[k + 1]].reshape(len(own), len(objects)),
                found.scores[own],
                found.classes[own],
                ignored[own],
                true.classes[objects],
                true.crowd[objects],
            )
        self._images.update(images)

    def _found(
        self,
        ratios: NDArray[np.float64],
        score: NDArray[np.float64],
        label: NDArray[np.int64],
        ignored: NDArray[np.bool_],
        true_label: NDArray[np.int64],
        crowd: NDArray[np.bool_],
    ) -> _Image:
        """Find the errors of the detections of an image, the best first."""
        same = label[:, None] == true_label
        ignored = ignored | ((ratios > self.iou_threshold) & same)[:, crowd].any(axis=1)
        ratios, same, true_label = ratios[:, ~crowd], same[:, ~crowd], true_label[~crowd]
        own, other = ratios * same, ratios * ~same
        correct, used = _matched(own, self.iou_threshold)
        best_own, own_ratio = _best(own)
        best_other, other_ratio = _best(other)
        conditions = [
            correct,
            (own_ratio >= self.background_threshold) & (own_ratio <= self.iou_threshold),
            other_ratio >= self.iou_threshold,
            _best(own * used)[1] >= self.iou_threshold,
            _best(ratios)[1] <= self.background_threshold,
        ]
        types = [CORRECT, LOCALIZATION, CLASSIFICATION, DUPLICATE, BACKGROUND]
        if not len(true_label):
            conditions, types = [np.ones(len(label), np.bool_)], [BACKGROUND]
        error = np.select(conditions, types, BOTH)
        rows = np.flatnonzero((error == LOCALIZATION) | (error == CLASSIFICATION))
        objects = np.where(error == LOCALIZATION, best_own, best_other)[rows]
        rows, objects = rows[~used[objects]], objects[~used[objects]]
        missed = ~used
        missed[objects] = False
        fixed_label = label.copy()
        fixed_label[rows] = true_label[objects]
        # Of all errors about an object, the one with the best score is mended.
        fixed = np.zeros(len(label), np.bool_)
        fixed[rows[np.unique(objects, return_index=True)[1]]] = True
        return _Image(
            score, label, error, ignored & ~correct, fixed, fixed_label, true_label, missed
        )

    def _add_images(self, other: Self) -> None:
        self._images.update(other._images)

    def compute(self) -> ErrorAnalysis:
        """Compute the number of errors of each type, and what they cost.

        Returns
        -------
        ErrorAnalysis
            The result does not depend on the order in which images were added.
        """
        ids = sorted(self._images, key=lambda key: (isinstance(key, str), key))
        images = [self._images[key] for key in ids]
        every = concatenated([_Image.empty(), *images])
        score, label, error, true_label = every.score, every.label, every.error, every.true_label
        correct = error == CORRECT
        counts = {name: int(np.sum(error == kind)) for kind, name in enumerate(ERROR_TYPES)}
        counts["missed"] = int(every.missed.sum())
        kept = ~every.ignored
        ap = _mean_precision(label[kept], score[kept], correct[kept], true_label)
        # Among equal scores, correct detections come last, as in the original.
        last = np.argsort(correct, kind="stable")
        gains = {}
        for kind, name in enumerate(ERROR_TYPES):
            mended = error == kind
            rows = last[np.where(mended, every.fixed, kept)[last]]
            labels = np.where(mended, every.fixed_label, label)[rows]
            truths = true_label[~every.missed] if kind == MISSED else true_label
            new = _mean_precision(labels, score[rows], (correct | mended)[rows], truths)
            gains[name] = max(new - ap, 0.0)
        return ErrorAnalysis(ap, counts, gains)


def _labels(values: ArrayLike | None, name: str, count: int | None = None) -> NDArray[np.int64]:
    if values is None:
        return np.zeros(count or 0, np.int64)
    return as_integers(values, name, count).astype(np.int64)


def _not_judged(
    true: TrueObjects,
    found: FoundObjects,
    negative: ImageClasses | None,
    incomplete: ImageClasses | None,
) -> NDArray[np.bool_]:
    """Return which detections have a class whose objects in the image are not all annotated."""
    none = np.empty(0, np.int64), np.empty(0, np.int64)
    columns = (true.image, true.classes), (found.image, found.classes)
    _, keys = class_keys(*columns, negative or none, incomplete or none)
    true_keys, found_keys, negative_keys, incomplete_keys = keys
    is_known = np.isin(found_keys, np.concatenate([true_keys, negative_keys]))
    return ~is_known | np.isin(found_keys, incomplete_keys)


def _matched(
    ratios: NDArray[np.float64], threshold: float
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Match detections, the best first, to objects; return which of both are matched."""
    correct, used = (np.zeros(count, np.bool_) for count in ratios.shape)
    left = ratios.copy()
    for row in np.flatnonzero((ratios >= threshold).any(axis=1)).tolist():
        best = int(left[row].argmax())
        if left[row, best] >= threshold:
            correct[row] = used[best] = True
            left[:, best] = 0
    return correct, used


def _best(ratios: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the index and the value of the greatest ratio of each row."""
    if not ratios.shape[1]:
        return np.zeros(len(ratios), np.int64), np.zeros(len(ratios))
    best = ratios.argmax(axis=1)
    return best, ratios[np.arange(len(ratios)), best]


def _mean_precision(
    labels: NDArray[np.int64],
    scores: NDArray[np.float64],
    correct: NDArray[np.bool_],
    true_labels: NDArray[np.int64],
) -> float:
    """Return the mean of the average precision of all classes; 0 without any."""
    order = np.lexsort((-scores, labels))
    classes = np.union1d(labels, true_labels)
    bounds = np.append(0, np.searchsorted(labels[order], classes, side="right"))
    true_labels = np.sort(true_labels)
    num_true = np.searchsorted(true_labels, classes, side="right")
    num_true = num_true - np.searchsorted(true_labels, classes)
    matched = correct[order].view(np.uint8)[None]
    precision, _, _ = kernels.precision_recall(
        matched,
        np.zeros_like(matched),
        scores[order],
        np.zeros(len(order), np.int64),
        bounds,
        num_true[None],
        np.ones(1, np.int64),
        1,
        _RECALLS,
    )
    means = precision[num_true > 0].mean(axis=-1)
    return float(means.sum()) / len(classes) if len(classes) else 0.0
