"""Predictions without the wrong pixels of one cause, and the average precision that they have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segcore._input.arrays import as_flags, as_integers, as_scores
from segcore.diagnosis.causes import CAUSES, Cause
from segcore.diagnosis.result import Diagnosis
from segcore.masks import Masks, united
from segcore.metrics import AveragePrecision

PART = 256
"""Number of images whose detections are joined at a time."""


@dataclass(frozen=True)
class Mended:
    """Objects of an image in which one cause of wrong pixels is mended.

    Attributes
    ----------
    truth : numpy.ndarray
        Indices of the true objects that are still to be found: int64.
    masks : Masks
        K predicted masks.
    classes : numpy.ndarray
        Their classes: int64, shape (K,).
    source : numpy.ndarray
        Index of the prediction that each comes from: int64, shape (K,).
    objects : numpy.ndarray
        Index of the true object for which the pixels of each were corrected: int64, shape (K,); -1
        if they are unchanged.
    """

    truth: NDArray[np.int64]
    masks: Masks
    classes: NDArray[np.int64]
    source: NDArray[np.int64]
    objects: NDArray[np.int64]


def mend(
    diagnosis: Diagnosis,
    cause: Cause,
    truth: Masks,
    predicted: Masks,
    truth_classes: ArrayLike,
    predicted_classes: ArrayLike,
) -> Mended:
    """Return the predictions with the wrong pixels of one cause corrected.

    - Missed pixels are added to the (first) prediction of their object, and spurious ones are taken
      from it.
    - ``"class"``: a confused prediction gets the class of its object.
    - ``"merged"``: the part of the prediction in the object becomes a prediction of its own.
    - A missed object without any prediction need no longer be found, as in TIDE, since a prediction
      of it would need a score.
    - A spurious or duplicate prediction is removed if most of its pixels have the cause.

    Parameters
    ----------
    diagnosis : Diagnosis
        The diagnosis of the image.
    cause : Cause
        One of :data:`CAUSES`.
    truth, predicted : Masks
        The masks that were diagnosed.
    truth_classes, predicted_classes : array_like of int
        Their classes, shapes (N,) and (M,).

    Returns
    -------
    Mended
        What is left to evaluate.

    Raises
    ------
    ValueError
        If the number of classes is not that of the masks.
    TypeError
        If classes are not integers.

    Examples
    --------
    A table that was predicted without its leg:

    >>> import segcore as sc
    >>> from segcore.diagnosis import CAUSES, mend
    >>> parts = sc.Masks.from_boxes([[5, 5, 45, 15], [8, 15, 10, 40]], (50, 50))
    >>> result = sc.diagnose(parts.union(), parts[0])
    >>> [thin] = (cause for cause in CAUSES if cause.name == "thin")
    >>> mend(result, thin, parts.union(), parts[0], [0], [0]).masks == parts.union()
    True
    """
    true_classes = as_integers(truth_classes, "truth_classes", len(truth)).astype(np.int64)
    classes = as_integers(predicted_classes, "predicted_classes", len(predicted)).astype(np.int64)
    wrong = diagnosis.masks[cause]
    areas = wrong.area
    to_find, kept = np.ones(len(truth), np.bool_), np.ones(len(predicted), np.bool_)
    changed: dict[int, int] = {}  # prediction to the finding whose pixels change
    parts: list[int] = []  # findings whose pixels become a prediction
    for i in np.flatnonzero(areas).tolist():
        finding = diagnosis.findings[i]
        if finding.is_prediction:
            kept[finding.predicted[0]] = 2 * areas[i] <= finding.area
        elif not finding.predicted:
            to_find[finding.truth] = False
        elif finding.kind == "merged":
            parts += [i] if cause.name == "merged" else []
        elif cause.name == "class":
            classes[finding.predicted[0]] = true_classes[finding.truth]
        else:
            listed = finding.predicted if cause.spurious else finding.predicted[:1]
            changed.update(dict.fromkeys(listed, i))
    rows = np.array(sorted(changed), np.int64)
    pixels = united(wrong[np.array([changed[j] for j in rows.tolist()], np.int64)], rows, len(kept))
    masks = predicted - pixels if cause.spurious else predicted | pixels
    owners = np.array([diagnosis.findings[i].predicted[0] for i in parts], np.int64)
    source = np.concatenate([np.flatnonzero(kept), owners])
    objects = np.full(len(kept), -1, np.int64)
    of_rows = [diagnosis.findings[changed[j]].truth for j in rows.tolist()]
    objects[rows] = np.array(of_rows, np.int64)
    of_parts = np.array([diagnosis.findings[i].truth for i in parts], np.int64)
    objects = np.concatenate([objects[np.flatnonzero(kept)], of_parts])
    masks = Masks.concatenate([masks[np.flatnonzero(kept)], wrong[np.array(parts, np.int64)]])
    return Mended(np.flatnonzero(to_find), masks, classes[source], source, objects)


class _Boxes:
    """The boxes of an image and of its mended predictions: x, y, width, height.

    `truth` and `predicted` are the pixels of the boxes.
    """

    def __init__(
        self,
        truth: Masks,
        predicted: Masks,
        truth_boxes: ArrayLike | None,
        predicted_boxes: ArrayLike | None,
    ) -> None:
        self._pixels = truth.boxes, predicted.boxes
        self.true = _as_boxes(truth_boxes, "truth_boxes", self._pixels[0])
        self._predicted = _as_boxes(predicted_boxes, "predicted_boxes", self._pixels[1])

    def mended(self, found: Mended) -> NDArray[np.float64]:
        """Return the boxes of mended predictions.

        A side that moved is at the edge of the mended pixels. If the true side is in the same
        pixel, it is at the true side, which may be inside the pixel.
        """
        boxes = self._predicted[found.source]
        pixels = found.masks.boxes
        moved = (pixels != self._pixels[1][found.source]) & (found.objects >= 0)[:, None]
        rows = np.flatnonzero(moved.any(axis=1))
        if not len(rows):
            return boxes
        objects, pixels, moved = found.objects[rows], pixels[rows], moved[rows]
        sides = np.where(pixels == self._pixels[0][objects], _corners(self.true[objects]), pixels)
        sides = np.where(moved, sides, _corners(boxes[rows]))
        boxes[rows] = np.concatenate([sides[:, :2], sides[:, 2:] - sides[:, :2]], axis=1)
        return boxes


def _as_boxes(boxes: ArrayLike | None, name: str, pixels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return boxes x, y, width, height; by default, those of pixels, x0 y0 x1 y1."""
    if boxes is None:
        return np.concatenate([pixels[:, :2], pixels[:, 2:] - pixels[:, :2]], axis=1) * 1.0
    array = np.asarray(boxes, np.float64)
    if array.shape != pixels.shape:
        raise ValueError(f"{name}: expected boxes of shape {pixels.shape}, got {array.shape}")
    return array


def _corners(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)


class MendedPrecision:
    """Accumulate what average precision would be if one cause of wrong pixels were mended.

    Parameters
    ----------
    iou : {"mask", "box", "boundary"}
        As for :class:`segcore.metrics.AveragePrecision`. For ``"box"``, masks are the pixels of
        boxes, and the sides of a mended box move to the edges of its remaining or added pixels.
    class_ids : array_like of int, optional
        Classes to evaluate. By default, those that occur.
    protocol : {"coco", "lvis"}
        As for :class:`segcore.metrics.AveragePrecision`.

    Raises
    ------
    ValueError
        If `iou` or `protocol` is unknown.

    Examples
    --------
    A table, and its prediction without the leg:

    >>> import segcore as sc
    >>> from segcore.diagnosis import MendedPrecision
    >>> parts = sc.Masks.from_boxes([[5, 5, 45, 15], [8, 15, 14, 40]], (50, 50))
    >>> result = sc.diagnose(parts.union(), parts[0])
    >>> mended = MendedPrecision()
    >>> mended.update(result, parts.union(), parts[0], scores=[0.9])
    >>> ap, by_cause = mended.compute()
    >>> round(ap, 2), {cause.name for cause, value in by_cause.items() if value > ap}
    (0.5, {'part'})
    """

    def __init__(
        self, iou: str = "mask", class_ids: ArrayLike | None = None, protocol: str = "coco"
    ) -> None:
        self._settings: dict[str, Any] = {
            "iou": iou,
            "class_ids": class_ids,
            "protocol": protocol,
        }
        self._by_cause = self._new()
        self._part = self._new()  # of some images, which take less memory when they are joined
        self._images: set[int | str] = set()

    def _new(self) -> dict[Cause | None, AveragePrecision]:
        """Return an accumulator per cause, and one for predictions as they are (None)."""
        return {cause: self._new_metric() for cause in (None, *CAUSES)}

    def _new_metric(self) -> AveragePrecision:
        return AveragePrecision(box_format="xywh", **self._settings)

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self._images)

    def empty(self) -> MendedPrecision:
        """Return an accumulator with the same settings and without images."""
        return MendedPrecision(**self._settings)

    def _merge_part(self) -> None:
        for cause, metric in self._by_cause.items():
            metric.merge(self._part[cause])
        self._part = self._new()

    def update(
        self,
        diagnosis: Diagnosis,
        truth: Masks,
        predicted: Masks,
        *,
        scores: ArrayLike,
        truth_classes: ArrayLike | None = None,
        predicted_classes: ArrayLike | None = None,
        crowd: ArrayLike | None = None,
        negative_classes: ArrayLike = (),
        incomplete_classes: ArrayLike = (),
        truth_boxes: ArrayLike | None = None,
        predicted_boxes: ArrayLike | None = None,
        image_id: int | str | None = None,
    ) -> None:
        """Match the detections of an image as they are, and with each cause mended.

        Parameters
        ----------
        diagnosis : Diagnosis
            What :func:`segcore.diagnose` returns for the same masks.
        truth, predicted : Masks
            N true objects and M detections.
        scores : array_like
            Shape (M,).
        truth_classes, predicted_classes : array_like of int, optional
            Shapes (N,) and (M,). By default, all objects are of class 0.
        crowd : array_like of bool, optional
            Shape (N,). Whether a true mask is a crowd region.
        negative_classes, incomplete_classes : array_like of int
            For LVIS: as for :meth:`segcore.metrics.AveragePrecision.update`.
        truth_boxes, predicted_boxes : array_like, optional
            For ``iou="box"``: boxes x, y, width, height, shapes (N, 4) and (M, 4), which need not
            be integers. By default, those of the masks.
        image_id : int or str, optional
            Id of the image. Default: the number of images so far.

        Raises
        ------
        ValueError
            If lengths do not fit together, or the image was added before.
        TypeError
            If a value has the wrong type.
        """
        score = as_scores(scores, "scores", len(predicted))
        is_crowd = np.zeros(len(truth), np.bool_)
        if crowd is not None:
            is_crowd = as_flags(crowd, "crowd", len(truth))
        true_classes = np.zeros(len(truth), np.int64)
        if truth_classes is not None:
            true_classes = as_integers(truth_classes, "truth_classes", len(truth)).astype(np.int64)
        classes = np.zeros(len(predicted), np.int64)
        if predicted_classes is not None:
            found_classes = as_integers(predicted_classes, "predicted_classes", len(predicted))
            classes = found_classes.astype(np.int64)
        key = len(self._images) if image_id is None else image_id
        if key in self._images:
            raise ValueError(f"image_id: image {key!r} was added before")

        negative = as_integers(negative_classes, "negative_classes").astype(np.int64)
        boxes = None
        if self._settings["iou"] == "box":
            boxes = _Boxes(truth, predicted, truth_boxes, predicted_boxes)

        def matched(found: Mended) -> AveragePrecision:
            metric = self._new_metric()
            # Classes of objects that need not be found are still present in the image.
            dropped = np.setdiff1d(np.arange(len(truth)), found.truth)
            metric.update(
                truth[found.truth] if boxes is None else boxes.true[found.truth],
                found.masks if boxes is None else boxes.mended(found),
                negative_classes=np.concatenate([negative, true_classes[dropped]]),
                incomplete_classes=incomplete_classes,
                scores=score[found.source],
                truth_classes=true_classes[found.truth],
                prediction_classes=found.classes,
                crowd=is_crowd[found.truth],
                image_id=key,
            )
            return metric

        every_row, unchanged = np.arange(len(predicted)), np.full(len(predicted), -1)
        everything = np.arange(len(truth)), predicted, classes, every_row, unchanged
        before = matched(Mended(*everything))
        for cause, metric in self._part.items():
            after = before
            if cause is not None and diagnosis.masks[cause].area.any():
                after = matched(mend(diagnosis, cause, truth, predicted, true_classes, classes))
            metric.merge(after)
        self._images.add(key)
        if len(self._part[None]) == PART:
            self._merge_part()

    def merge(self, other: MendedPrecision) -> None:
        """Add the images of another accumulator with the same settings.

        Raises
        ------
        ValueError
            If the settings differ, or an image is in both. The accumulator is then unchanged.
        """
        if common := self._images & other._images:
            image = next(iter(common))
            raise ValueError(f"expected disjoint images, but image {image!r} is in both")
        for metrics in (other._by_cause, other._part):
            for cause, metric in self._by_cause.items():
                metric.merge(metrics[cause])
        self._images |= other._images

    def compute(self) -> tuple[float, dict[Cause, float]]:
        """Compute average precision as it is, and with each cause mended.

        Returns
        -------
        ap : float
            Mean over IoU thresholds from 0.5 to 0.95 and classes; -1 without true objects.
        by_cause : dict of Cause to float
            The same with the wrong pixels of one cause made right; see :func:`mend`.
        """
        self._merge_part()
        found = {
            cause: metric.compute().average_precision() for cause, metric in self._by_cause.items()
        }
        return found[None], {cause: found[cause] for cause in CAUSES}
