"""The scores that a page shows: by class, as curves, and by type and cause of errors."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._text import visible
from segcore.diagnosis import CAUSES, MendedPrecision
from segcore.metrics import (
    ConfusionMatrix,
    DetectionErrors,
    PanopticQuality,
    PrecisionRecall,
)
from segcore.show.report.objects import PageImage


class Evaluation:
    """The scores of a prediction, which :func:`write_page` shows beside its images.

    Parameters
    ----------
    summary : dict of str to float
        Scores by name, in [0, 1]; NaN for one that does not exist.
    columns : list of str
        C names of the scores of classes.
    classes : list of tuple
        Name of each class, and its C scores in [0, 1], or NaN.

    Attributes
    ----------
    mended : MendedCauses, optional
        The average precision with each cause mended, of the images that are added.

    Examples
    --------
    >>> from segcore.show.report import Evaluation
    >>> Evaluation({"mean IoU": 0.8}, ["IoU"], [("sofa", [0.8])]).to_dict()["summary"]
    [['mean IoU', 0.8]]
    """

    def __init__(
        self,
        summary: Mapping[str, float],
        columns: list[str],
        classes: list[tuple[str, list[float]]],
    ) -> None:
        self._summary = summary
        self._columns = columns
        self._classes = classes
        self._curves: dict[str, Any] | None = None
        self._confusion: dict[str, Any] | None = None
        self._errors: dict[str, Any] | None = None
        self.mended: MendedCauses | None = None

    @classmethod
    def of_instances(
        cls,
        result: PrecisionRecall,
        names: Mapping[int, str],
        errors: DetectionErrors | None = None,
        mended: MendedPrecision | None = None,
    ) -> Evaluation:
        """Return the evaluation of detections: average precision, and its curves.

        Parameters
        ----------
        result : PrecisionRecall
            What :meth:`segcore.metrics.AveragePrecision.compute` returns.
        names : dict of int to str
            Names of the classes.
        errors : DetectionErrors, optional
            The errors of the same detections, by type.
        mended : MendedPrecision, optional
            An accumulator without images. The images of the page, whose predictions must have
            scores, are added to it to compute the average precision with each cause mended.
        """
        per_class = {key: row for key, row in result.per_class.items() if row["AP"] >= 0}
        columns = list(next(iter(per_class.values()), {}))
        rows = [(names[key], [_or_nan(row[c]) for c in columns]) for key, row in per_class.items()]
        made = cls({name: _or_nan(v) for name, v in result.stats.items()}, columns, rows)
        made._curves = _curves(result, names)
        made._errors = None if errors is None else _types(errors)
        made.mended = None if mended is None else MendedCauses(mended)
        return made

    @classmethod
    def of_semantic(cls, confusion: ConfusionMatrix, names: Mapping[int, str]) -> Evaluation:
        """Return the evaluation of semantic maps: scores of the classes that occur, and confusions.

        Parameters
        ----------
        confusion : ConfusionMatrix
            The confusion matrix of all pixels.
        names : dict of int to str
            Names of the classes; others are called "class 5" and so on, by their index.
        """
        summary = {
            "mean IoU": confusion.mean_iou,
            "accuracy": confusion.accuracy,
            "mean accuracy": confusion.mean_class_accuracy,
            "mean Dice": confusion.mean_dice,
        }
        columns = {
            "IoU": confusion.iou,
            "accuracy": confusion.class_accuracy,
            "precision": confusion.precision,
            "Dice": confusion.dice,
        }
        called = [names.get(i, f"class {i}") for i in range(confusion.num_classes)]
        occurring = np.flatnonzero(~np.isnan(confusion.iou)).tolist()
        rows = [(called[i], [float(values[i]) for values in columns.values()]) for i in occurring]
        made = cls(summary, list(columns), rows)
        true, predicted = np.nonzero(confusion.matrix)
        pixels = confusion.matrix[true, predicted].tolist()
        made._confusion = {
            "names": [visible(name) for name in called],
            "pixels": list(zip(true.tolist(), predicted.tolist(), pixels, strict=True)),
        }
        return made

    @classmethod
    def of_panoptic(cls, quality: PanopticQuality, names: Mapping[int, str]) -> Evaluation:
        """Return the evaluation of panoptic maps: the quality of the categories that occur.

        Parameters
        ----------
        quality : PanopticQuality
            The panoptic quality of all images.
        names : dict of int to str
            Names of the categories.
        """
        means = {"": quality.all, " of things": quality.things, " of stuff": quality.stuff}
        summary = {
            f"{key.upper()}{name}": getattr(score, key)
            for name, score in means.items()
            for key in ("pq", "sq", "rq")
        }
        rows = [
            (names[key], [score.pq, score.sq, score.rq])
            for key, score in quality.per_category.items()
            if score.tp + score.fp + score.fn
        ]
        return cls(summary, ["PQ", "SQ", "RQ"], rows)

    def add(self, image: PageImage) -> None:
        """Mend the causes of an image, if the evaluation has `mended`.

        Raises
        ------
        ValueError
            If the image has no prediction, or the prediction has no scores.
        """
        if self.mended is not None:
            self.mended.add(len(self.mended), image)

    def to_dict(self) -> dict[str, Any]:
        """Return everything JSON-ready; NaN is null."""
        return {
            "summary": [[name, _number(score)] for name, score in self._summary.items()],
            "columns": self._columns,
            "classes": [[visible(name), *map(_number, scores)] for name, scores in self._classes],
            "curves": self._curves,
            "confusion": self._confusion,
            "errors": self._errors,
            "mended": None if self.mended is None else self.mended.to_dict(),
        }


class MendedCauses:
    """The average precision of a page's images, as they are and with each cause mended.

    Parameters
    ----------
    precision : MendedPrecision
        The accumulator to which the images are added.
    """

    def __init__(self, precision: MendedPrecision) -> None:
        self._precision = precision
        self._dict: dict[str, Any] | None = None  # of the images so far

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self._precision)

    def empty(self) -> MendedCauses:
        """Return an object with the same settings that has no images."""
        return MendedCauses(self._precision.empty())

    def add(self, index: int, image: PageImage) -> None:
        """Mend the causes of the image with this index.

        Raises
        ------
        ValueError
            If the image has no prediction, or the prediction has no scores.
        """
        self._dict = None
        truth, prediction, diagnosis = image.truth, image.prediction, image.diagnosis
        if prediction is None or diagnosis is None:
            raise ValueError(f"image {image.name}: expected a prediction")
        scores = prediction.scores
        if scores is None and len(prediction.masks):
            raise ValueError(f"image {image.name}: expected scores of its predictions")
        self._precision.update(
            diagnosis,
            truth.masks,
            prediction.masks,
            scores=np.zeros(0) if scores is None else scores,
            truth_classes=truth.classes,
            predicted_classes=prediction.classes,
            crowd=truth.crowd,
            negative_classes=() if image.known is None else image.known.negative,
            incomplete_classes=() if image.known is None else image.known.incomplete,
            truth_boxes=truth.boxes,
            predicted_boxes=prediction.boxes,
            image_id=index,
        )

    def merge(self, other: MendedCauses) -> None:
        """Add other images."""
        self._dict = None
        self._precision.merge(other._precision)

    def to_dict(self) -> dict[str, Any]:
        """Return the average precision with each cause mended, JSON-ready."""
        if self._dict is None:
            ap, by_cause = self._precision.compute()
            causes = [_number(_or_nan(by_cause[cause])) for cause in CAUSES]
            self._dict = {"ap": _number(_or_nan(ap)), "causes": causes}
        return self._dict


def _types(errors: DetectionErrors) -> dict[str, Any]:
    """Return the types of errors, and how they were found."""
    found = errors.compute()
    return {
        "ap": _number(found.ap),
        "types": [[n, found.counts[n], _number(found.gains[n])] for n in found.counts],
        "iou": errors.iou,
        "threshold": errors.iou_threshold,
        "background": errors.background_threshold,
        "protocol": errors.protocol,
    }


def _curves(result: PrecisionRecall, names: Mapping[int, str]) -> dict[str, Any]:
    """Return precision by recall, per class and as their mean, at chosen IoU thresholds."""
    precision = result.precision[:, :, :, 0, -1]
    present = np.flatnonzero((precision > -1).any(axis=(0, 1)))
    chosen = [t for t in (0.5, 0.75) if t in result.thresholds]
    planes = {f"IoU {t:.2f}": precision[np.flatnonzero(result.thresholds == t)[0]] for t in chosen}
    planes["mean over IoU thresholds"] = precision.mean(axis=0)
    lines = [("all classes", present), *((names[int(result.class_ids[k])], [k]) for k in present)]
    return {
        "recalls": result.recalls.tolist(),
        "names": list(planes),
        "classes": [
            [visible(name), *(_points(plane[:, classes]) for plane in planes.values())]
            for name, classes in lines
            if len(present)
        ],
    }


def _points(precision: NDArray[np.float64]) -> list[float]:
    return [round(value, 6) for value in precision.mean(axis=1).tolist()]


def _or_nan(value: float) -> float:
    """Return a score of COCO's, which is -1 where it does not exist."""
    return math.nan if value < 0 else value


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
