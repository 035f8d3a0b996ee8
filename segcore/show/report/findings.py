"""The findings of many images: as rows with names, as JSON and as CSV."""

from __future__ import annotations

import csv
import io
import json
import tempfile
import weakref
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

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
    limit : int
        Number of the worst findings to keep.
    with_json : bool, default False
        Whether to describe all findings as JSON.
    with_csv : bool, default False
        Whether to keep all findings as lines of CSV.

    Attributes
    ----------
    worst : list of Row
        The worst findings, the worst first.
    totals : Counter
        Number of wrong pixels per cause.
    num_images : int
        Number of images with findings.
    texts : list of str
        The findings of each image as JSON. Merging leaves them to the caller.
    """

    def __init__(
        self,
        classes: list[Class],
        limit: int,
        with_json: bool = False,
        with_csv: bool = False,
    ) -> None:
        self._classes = classes
        self._limit = limit
        self._with_json = with_json
        self._lines = Ranked() if with_csv else None
        self._kinds: Counter[str] = Counter()
        self._num_objects = 0
        self._iou_sum = 0.0
        self.worst: list[Row] = []
        self.totals: Counter[Cause] = Counter()
        self.num_images = 0
        self.texts: list[str] = []

    def __len__(self) -> int:
        """Return the number of findings, including those that are not kept."""
        return sum(self._kinds.values())

    def add(self, index: int, image: PageImage) -> None:
        """Add the findings of an image, which must have a prediction."""
        diagnosis = image.diagnosis
        assert diagnosis is not None
        self.totals.update(diagnosis.totals())
        self.num_images += bool(diagnosis.findings)
        self._kinds.update(finding.kind for finding in diagnosis.findings)
        for finding in diagnosis.findings:
            self._num_objects += not finding.is_prediction
            self._iou_sum += finding.counted_iou
        rows = _rows(image, diagnosis, self._classes)
        self._keep(rows)
        if self._lines is not None:
            self._lines.add([row.finding.rank for row in rows], [_csv(row) for row in rows])
        if self._with_json:
            described = {
                "file_name": image.name,
                "thin_width": diagnosis.thin_width,
                "boundary_distance": diagnosis.boundary_distance,
                "findings": [rows[i].described for i in diagnosis.ranking()],
            }
            self.texts.append(json.dumps(described, ensure_ascii=False))

    def merge(self, other: Findings) -> None:
        """Add the findings of the next images, but not their ``texts``."""
        self.totals.update(other.totals)
        self.num_images += other.num_images
        self._kinds.update(other._kinds)
        self._num_objects += other._num_objects
        self._iou_sum += other._iou_sum
        self._keep(other.worst)
        if self._lines is not None and other._lines is not None:
            self._lines.merge(other._lines)

    def _keep(self, rows: list[Row]) -> None:
        """Keep the worst of these rows and the kept rows."""
        if len(self.worst) == self._limit:
            limit = self.worst[-1].finding.rank if self.worst else (-np.inf, 0)
            rows = [row for row in rows if row.finding.rank < limit]
        if rows:
            kept = sorted(self.worst + rows, key=lambda row: row.finding.rank)
            self.worst = kept[: self._limit]

    def summary(self) -> dict[str, Any]:
        """Return the number of true objects, their mean IoU, and the number of each kind."""
        objects = self._num_objects
        return {
            "objects": objects,
            "mean_iou": self._iou_sum / objects if objects else None,
            **{kind: self._kinds[kind] for kind in KINDS},
        }

    def causes(self) -> dict[str, dict[str, int]]:
        """Return the number of wrong pixels per cause, JSON-ready."""
        return {
            kind: {c.name: self.totals[c] for c in CAUSES if c.spurious is (kind == "spurious")}
            for kind in ("missed", "spurious")
        }

    def empty(self) -> Findings:
        """Return an object with the same parameters that has no findings."""
        has_csv = self._lines is not None
        return Findings(self._classes, self._limit, self._with_json, has_csv)

    def csv_lines(self) -> Iterator[bytes]:
        """Yield all findings as CSV, the worst first; items of a list are separated by spaces."""
        yield _csv_line([*NAMES, *NUMBERS, *CAUSE_COLUMNS])
        if self._lines is not None:
            yield from self._lines.sorted()


NAMES = ("image", "class", "truth", "status", "predicted", "predicted_classes", "scores")
NUMBERS = ("area", "iou", "missed", "false_positive")
CAUSE_COLUMNS = [f"{'false_positive' if c.spurious else 'missed'}_{c.name}" for c in CAUSES]
"""The columns of CSV."""


def _csv(row: Row) -> bytes:
    finding, described = row.finding, row.described
    lists = (described[key] or [] for key in ("predicted", "predicted_classes", "scores"))
    return _csv_line(
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


def _csv_line(cells: Iterable[Any]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode(errors="backslashreplace")


class Ranked:
    """Texts to be sorted by their ranks. Merged texts are in a temporary file."""

    def __init__(self) -> None:
        self._ranks: list[NDArray[np.float64]] = []
        self._lengths: list[NDArray[np.int64]] = []
        self._texts: list[bytes] = []
        self._file: IO[bytes] | None = None

    def add(self, ranks: list[tuple[float, int]], texts: list[bytes]) -> None:
        """Add texts, each with its rank."""
        self._ranks.append(np.array(ranks, np.float64).reshape(-1, 2))
        self._lengths.append(np.array([len(text) for text in texts], np.int64))
        self._texts.append(b"".join(texts))

    def merge(self, other: Ranked) -> None:
        """Add the texts of another object, which follow texts of the same rank."""
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 (closed with this object)
            weakref.finalize(self, self._file.close)
        ranks, lengths = other._columns()
        self._ranks.append(ranks)
        self._lengths.append(lengths)
        self._file.writelines(other._texts)

    def _columns(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return the ranks and the lengths of all texts."""
        ranks = np.concatenate([np.zeros((0, 2)), *self._ranks])
        return ranks, np.concatenate([np.zeros(0, np.int64), *self._lengths])

    def sorted(self) -> Iterator[bytes]:
        """Yield the merged texts by ascending rank."""
        if self._file is None:
            return
        ranks, lengths = self._columns()
        starts = lengths.cumsum() - lengths
        for i in np.lexsort((ranks[:, 1], ranks[:, 0])).tolist():
            self._file.seek(int(starts[i]))
            yield self._file.read(int(lengths[i]))


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

    Common causes are named if their share is at least 10 %, other causes if it is at least 5 %.

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
        area = _pixels(finding, cause)
        if not area:
            continue
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
        areas[cause.common, title] += area
    named = []
    for (is_common, title), area in sorted(areas.items(), key=lambda item: (item[0][0], -item[1])):
        if area * (10 if is_common else 20) >= finding.wrong_pixels:
            named.append(f"{title} {area / finding.wrong_pixels:.0%}")
    return ", ".join(named)
