"""The findings of many images: as rows with names, as JSON and as CSV."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from segcore.diagnosis import CAUSES, KINDS, Cause, Diagnosis, Finding
from segcore.show.report.objects import Class, PageImage


class Row(NamedTuple):
    """A finding with the names of its image and object, and its description for JSON."""

    image: str
    object: str
    described: dict[str, Any]
    finding: Finding


class Findings:
    """Collects the findings of images.

    Parameters
    ----------
    classes : list of Class
        The classes that the objects' class indices refer to.
    limit : int, optional
        Number of the worst findings to keep, which takes less memory. By default, all are kept.

    Attributes
    ----------
    rows : list of Row
        The findings that are kept, the worst first if there is a limit.
    totals : Counter
        Number of wrong pixels per cause.
    num_images : int
        Number of images with findings.
    """

    def __init__(self, classes: list[Class], limit: int | None = None) -> None:
        self._classes = classes
        self._limit = limit
        self._images: list[dict[str, Any]] = []
        self._kinds: Counter[str] = Counter()
        self._num_objects = 0
        self._iou_sum = 0.0
        self.rows: list[Row] = []
        self.totals: Counter[Cause] = Counter()
        self.num_images = 0

    def __len__(self) -> int:
        """Return the number of findings, those that are not kept included."""
        return sum(self._kinds.values())

    def collected(self, images: Iterable[PageImage]) -> Iterator[PageImage]:
        """Yield the images, which must have predictions, and collect their findings."""
        for image in images:
            diagnosis = image.diagnosis
            assert diagnosis is not None
            rows = _rows(image, diagnosis, self._classes)
            self.totals.update(diagnosis.totals())
            self.num_images += bool(rows)
            self._kinds.update(row.finding.kind for row in rows)
            for row in rows:
                self._num_objects += not row.finding.is_prediction
                self._iou_sum += row.finding.counted_iou
            self.rows += rows
            if self._limit is not None:
                self.rows = self.worst()[: self._limit]
            else:
                self._images.append(
                    {
                        "file_name": image.name,
                        "thin_width": diagnosis.thin_width,
                        "boundary_distance": diagnosis.boundary_distance,
                        "findings": [rows[i].described for i in diagnosis.ranking()],
                    }
                )
            yield image

    def worst(self) -> list[Row]:
        """Return the rows that are kept, the worst first."""
        return sorted(self.rows, key=lambda row: row.finding.rank)

    def summary(self) -> dict[str, Any]:
        """Return the number of true objects, their mean IoU, and the number of each kind."""
        objects = self._num_objects
        return {
            "objects": objects,
            "mean_iou": self._iou_sum / objects if objects else None,
            **{kind: self._kinds[kind] for kind in KINDS},
        }

    def to_dict(self) -> dict[str, Any]:
        """Return the pixels per cause and, without a limit, the findings per image, JSON-ready."""
        causes = {
            kind: {c.name: self.totals[c] for c in CAUSES if c.spurious is (kind == "spurious")}
            for kind in ("missed", "spurious")
        }
        return {"causes": causes, "images": self._images}

    def to_csv(self) -> str:
        """Return all findings as CSV, the worst first; items of a list are separated by spaces."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        names = ("image", "class", "truth", "status", "predicted", "predicted_classes", "scores")
        numbers = ("area", "iou", "missed", "false_positive")
        causes = [f"{'false_positive' if c.spurious else 'missed'}_{c.name}" for c in CAUSES]
        writer.writerow([*names, *numbers, *causes])
        for row in self.worst():
            finding, described = row.finding, row.described
            lists = (described[key] or [] for key in ("predicted", "predicted_classes", "scores"))
            writer.writerow(
                [
                    row.image,
                    described["class"],
                    described["truth"],
                    finding.kind,
                    *(" ".join(map(str, values)) for values in lists),
                    finding.area,
                    f"{finding.iou:.6f}",
                    sum(finding.missed.values()),
                    sum(finding.spurious.values()),
                    *(_pixels(finding, cause) for cause in CAUSES),
                ]
            )
        return text.getvalue()


def _pixels(finding: Finding, cause: Cause) -> int:
    return (finding.spurious if cause.spurious else finding.missed)[cause.name]


def _rows(image: PageImage, diagnosis: Diagnosis, classes: list[Class]) -> list[Row]:
    """Name the objects in the findings of an image."""
    truth, prediction = image.truth, image.prediction
    assert prediction is not None

    def true_name(i: int) -> str:
        return f"{classes[truth.classes[i]].name} #{truth.ids[i]}"

    def predicted_name(j: int) -> str:  # its id may also be the id of a true object
        return f"predicted {classes[prediction.classes[j]].name} #{prediction.ids[j]}"

    owners = {
        j: finding.truth
        for finding in diagnosis.findings
        if finding.kind != "merged" and finding.truth is not None and not finding.is_prediction
        for j in finding.predicted
    }
    rows = []
    for finding in diagnosis.findings:
        predicted_classes = [classes[prediction.classes[j]].name for j in finding.predicted]
        if finding.is_prediction or finding.truth is None:
            class_name, name = predicted_classes[0], predicted_name(finding.predicted[0])
        else:
            class_name = classes[truth.classes[finding.truth]].name
            name = true_name(finding.truth)
        other = ""
        if finding.kind == "confused":
            other = predicted_classes[0]
        elif finding.kind == "duplicate" and finding.truth is not None:
            other = true_name(finding.truth)
        elif finding.kind == "merged":
            owner = owners.get(finding.predicted[0])
            other = predicted_name(finding.predicted[0]) if owner is None else true_name(owner)
        bleeding_into = [true_name(i) for i in finding.bleeding_into]
        scores = prediction.scores
        described = {
            **finding.to_dict(),
            "class": class_name,
            "truth": None if finding.truth is None else truth.ids[finding.truth],
            "predicted": [prediction.ids[j] for j in finding.predicted],
            "predicted_classes": predicted_classes,
            "scores": None if scores is None else [float(scores[j]) for j in finding.predicted],
            "bleeding_into": [
                {"truth": truth.ids[i], "class": classes[truth.classes[i]].name, "pixels": pixels}
                for i, pixels in finding.bleeding_into.items()
            ],
            "reason": _reason(finding, other, bleeding_into),
        }
        rows.append(Row(image.name, name, described, finding))
    return rows


def _reason(finding: Finding, other: str, bleeding_into: list[str]) -> str:
    """Name the main causes of the wrong pixels and their shares, common causes last.

    Shallow causes are named from a share of 10 % on, the others from 5 % on.

    Parameters
    ----------
    finding : Finding
        The finding.
    other : str
        The class that the object is confused with, or the object that it is merged with or that it
        duplicates; otherwise empty.
    bleeding_into : list of str
        The objects that the prediction bleeds into, by decreasing number of pixels.
    """
    areas: Counter[tuple[bool, str]] = Counter()
    for cause in CAUSES:
        title = cause.title
        if other and not cause.spurious and cause.name == "class":
            title = f"predicted as {other}"
        elif other and cause.name == "merged":
            title = f"merged with {other}"
        elif other and cause.name == "duplicate":
            title = f"duplicate of {other}"
        elif bleeding_into and cause.name == "bleeding":
            title = f"bleeding into {bleeding_into[0]}"
            title += " and others" if bleeding_into[1:] else ""
        areas[cause.common, title] += _pixels(finding, cause)
    named = []
    for (is_common, title), area in sorted(areas.items(), key=lambda item: (item[0][0], -item[1])):
        if area and area * (10 if is_common else 20) >= finding.wrong_pixels:
            named.append(f"{title} {area / finding.wrong_pixels:.0%}")
    return ", ".join(named)
