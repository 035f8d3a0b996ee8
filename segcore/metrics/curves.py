"""Precision and recall of detections, by class, area and IoU threshold, and their means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segcore.backends import kernels
from segcore.metrics.detections import Detections, Truths
from segcore.metrics.keys import descending, sorted_rows


@dataclass(frozen=True)
class PrecisionRecall:
    """Precision-recall curves, with COCO's summary.

    The arrays have the axes of pycocotools' ``COCOeval.eval``: T IoU thresholds, R recalls, K
    classes, A ranges of areas, M limits of detections. Values of classes without true objects
    in the range are -1.

    Attributes
    ----------
    precision : numpy.ndarray
        Float64, shape (T, R, K, A, M): greatest precision at this recall or above; 0 if the recall
        is not reached.
    scores : numpy.ndarray
        Float64, shape (T, R, K, A, M): score of the detection that reaches the recall.
    recall : numpy.ndarray
        Float64, shape (T, K, A, M): recall of all detections.
    thresholds : numpy.ndarray
        The T IoU thresholds.
    recalls : numpy.ndarray
        The R recalls.
    class_ids : numpy.ndarray
        The K classes: int64, ascending.
    areas : dict
        Name of each range of areas to its limits, in square pixels.
    max_detections : tuple of int
        The M limits of the number of detections per image and class.
    class_groups : dict
        Name of each group of classes to an array of their indices; empty except for LVIS.
    """

    precision: NDArray[np.float64]
    scores: NDArray[np.float64]
    recall: NDArray[np.float64]
    thresholds: NDArray[np.float64]
    recalls: NDArray[np.float64]
    class_ids: NDArray[np.int64]
    areas: dict[str, tuple[float, float]]
    max_detections: tuple[int, ...]
    class_groups: dict[str, NDArray[np.int64]]

    def average_precision(
        self,
        threshold: float | None = None,
        area: str | None = None,
        max_detections: int | None = None,
        classes: Sequence[int] | NDArray[np.int64] | None = None,
    ) -> float:
        """Return the mean precision over recalls, IoU thresholds and classes.

        Parameters
        ----------
        threshold : float, optional
            One of the IoU thresholds. By default, the mean over all of them.
        area : str, optional
            Name of a range of areas. By default, the first one.
        max_detections : int, optional
            One of the limits. By default, the greatest.
        classes : sequence of int, optional
            Indices of classes in `class_ids`. By default, all.

        Returns
        -------
        float
            In [0, 1]; -1 if no class has true objects in the range.
        """
        return _mean(self._part(self.precision, threshold, area, max_detections, classes))

    def average_recall(
        self,
        threshold: float | None = None,
        area: str | None = None,
        max_detections: int | None = None,
        classes: Sequence[int] | NDArray[np.int64] | None = None,
    ) -> float:
        """Return the mean recall over IoU thresholds and classes.

        The parameters and the range are those of :meth:`average_precision`.
        """
        return _mean(self._part(self.recall, threshold, area, max_detections, classes))

    def _part(
        self,
        values: NDArray[np.float64],
        threshold: float | None,
        area: str | None,
        max_detections: int | None,
        classes: Sequence[int] | NDArray[np.int64] | None,
    ) -> NDArray[np.float64]:
        area = next(iter(self.areas)) if area is None else area
        if area not in self.areas:
            raise ValueError(f"area: expected one of {', '.join(self.areas)}, got {area!r}")
        limit = self.max_detections[-1] if max_detections is None else max_detections
        if limit not in self.max_detections:
            raise ValueError(f"max_detections: expected one of {self.max_detections}, got {limit}")
        part = values[..., list(self.areas).index(area), self.max_detections.index(limit)]
        if classes is not None:
            part = part[..., np.asarray(classes, np.int64)]
        if threshold is not None:
            # 0.9 means 0.8999999999999999, as linspace computes it.
            rows = np.flatnonzero(np.isclose(self.thresholds, threshold, rtol=0, atol=1e-9))
            if not len(rows):
                listed = np.round(self.thresholds, 9).tolist()
                raise ValueError(f"threshold: expected one of {listed}, got {threshold}")
            part = part[rows]
        return part

    @property
    def stats(self) -> dict[str, float]:
        """COCO's summary by name; -1 where no class has true objects.

        ``AP`` (mean over IoU thresholds), ``AP50``, ``AP75``, ``AP_small`` and so on for each area,
        ``AR1`` and so on for each limit of detections, and ``AR_small`` and so on; with frequencies
        of classes, ``AP_rare``, ``AP_common`` and ``AP_frequent``. Thresholds that were not
        evaluated are left out.
        """
        stats = {"AP": self.average_precision()}
        for threshold in (0.5, 0.75):
            if threshold in self.thresholds:
                stats[f"AP{threshold * 100:.0f}"] = self.average_precision(threshold)
        sizes = list(self.areas)[1:]
        stats |= {f"AP_{name}": self.average_precision(area=name) for name in sizes}
        for name, classes in self.class_groups.items():
            stats[f"AP_{name}"] = self.average_precision(classes=classes)
        for limit in self.max_detections:
            stats[f"AR{limit}"] = self.average_recall(max_detections=limit)
        return stats | {f"AR_{name}": self.average_recall(area=name) for name in sizes}

    @property
    def per_class(self) -> dict[int, dict[str, float]]:
        """``AP``, ``AP50``, ``AP75``, and ``AP`` by area and ``AR`` of each class id."""
        found = {}
        for index, class_id in enumerate(self.class_ids.tolist()):
            one = [index]
            row = {"AP": self.average_precision(classes=one)}
            for threshold in (0.5, 0.75):
                if threshold in self.thresholds:
                    row[f"AP{threshold * 100:.0f}"] = self.average_precision(threshold, classes=one)
            for name in list(self.areas)[1:]:
                row[f"AP_{name}"] = self.average_precision(area=name, classes=one)
            row["AR"] = self.average_recall(classes=one)
            found[class_id] = row
        return found

    def best_f1(
        self, threshold: float = 0.5, area: str | None = None
    ) -> dict[int, tuple[float, float]]:
        """Return the score threshold with the best F1, and this F1, for each class.

        Parameters
        ----------
        threshold : float, default 0.5
            One of the IoU thresholds.
        area : str, optional
            Name of a range of areas. By default, the first one.

        Returns
        -------
        dict
            (score, F1) by class id; classes without true objects are left out. F1 is computed at
            the R recalls of the curve.
        """
        precision = self._part(self.precision, threshold, area, None, None)[0]
        scores = self._part(self.scores, threshold, area, None, None)[0]
        found = {}
        for index, class_id in enumerate(self.class_ids.tolist()):
            if (precision[:, index] < 0).all():
                continue
            total = precision[:, index] + self.recalls
            f1 = 2 * precision[:, index] * self.recalls / np.where(total > 0, total, 1)
            best = int(np.argmax(f1))
            found[class_id] = float(scores[best, index]), float(f1[best])
        return found


def precision_recall(
    truths: Truths,
    detections: Detections,
    in_order: NDArray[np.int64],
    class_ids: NDArray[np.int64],
    thresholds: NDArray[np.float64],
    recalls: NDArray[np.float64],
    areas: Mapping[str, tuple[float, float]],
    max_detections: Sequence[int],
    class_groups: Mapping[str, NDArray[np.int64]],
) -> PrecisionRecall:
    """Compute the curves of each class; `in_order` has the detections' indices by image."""
    # Within a class, by descending score; equal scores in the order of the images.
    order = sorted_rows(detections.label, in_order[descending(detections.score[in_order])])
    ends = np.searchsorted(detections.label[order], class_ids, side="right")
    del in_order
    curves = kernels.precision_recall(
        detections.matched.take(order, axis=1),
        detections.ignored.take(order, axis=1),
        detections.score[order],
        detections.rank[order],
        np.append(0, ends),
        np.array([_counts(truths.label[counted], class_ids) for counted in truths.counted]),
        np.array(max_detections),
        len(thresholds),
        recalls,
    )
    # A curve is contiguous in memory; the axes are those of the results.
    precision, scores = (part.transpose(3, 4, 0, 1, 2) for part in curves[:2])
    recall = curves[2].transpose(3, 0, 1, 2)
    return PrecisionRecall(
        precision,
        scores,
        recall,
        thresholds,
        recalls,
        class_ids,
        dict(areas),
        tuple(max_detections),
        dict(class_groups),
    )


def _counts(labels: NDArray[np.int64], class_ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the number of labels of each class id."""
    labels = np.sort(labels)
    ends: NDArray[np.int64] = np.searchsorted(labels, class_ids, side="right")
    return ends - np.searchsorted(labels, class_ids)


def _mean(values: NDArray[np.float64]) -> float:
    there = values[values > -1]
    return float(np.mean(there)) if len(there) else -1.0
