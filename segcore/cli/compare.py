"""``segcore compare``: what a prediction lost and added, object by object, the worst first."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from segcore.cli.output import publishing, write_json
from segcore.cli.printing import Printer, counted, print_line
from segcore.cli.progress import print_skipped, tracked
from segcore.cli.tables import Column, print_table
from segcore.cli.view import Pairs, print_page, write_html
from segcore.data._problems import Problems
from segcore.data._sources import read_source
from segcore.diagnosis import CAUSES, KINDS, Cause, Diagnosis, Finding
from segcore.show.report import Class, PageImage

COLUMNS = (
    Column("image", text=True),
    Column("object", text=True),
    Column("status", text=True),
    Column("area", rank=4),
    Column("IoU", rank=1),
    Column("missed", rank=2),
    Column("FP", rank=3),
    Column("what went wrong", text=True),
)


class Row(NamedTuple):
    """A finding, and how it is named in tables and files."""

    image: str
    object: str
    described: dict[str, Any]
    finding: Finding


@dataclass
class Findings:
    """What was found in the images so far."""

    classes: list[Class]
    rows: list[Row] = field(default_factory=list)
    totals: Counter[Cause] = field(default_factory=Counter)
    images: list[dict[str, Any]] = field(default_factory=list)

    def recorded(self, images: Iterable[PageImage]) -> Iterator[PageImage]:
        """Hand images on, and take down what their diagnoses say."""
        for image in images:
            diagnosis = image.diagnosis
            assert diagnosis is not None
            rows = _rows(image, diagnosis, self.classes)
            self.rows += rows
            self.totals.update(diagnosis.totals())
            self.images.append(
                {
                    "file_name": image.name,
                    "thin_width": diagnosis.thin_width,
                    "boundary_distance": diagnosis.boundary_distance,
                    "findings": [rows[i].described for i in diagnosis.worst()],
                }
            )
            yield image


def write_comparison(
    truth: Path,
    prediction: Path,
    folders: tuple[Path | None, Path | None],
    images: Path | None,
    page: Path | None,
    report: Path | None,
    spreadsheet: Path | None,
    options: dict[str, Any],
    score: float | None,
    only_predicted: bool,
    rows: int,
    skip_invalid: bool,
    overwrite: bool,
) -> None:
    """Run ``segcore compare``. Raises BadInput for unusable input."""
    problems = Problems(skip_invalid)
    with publishing([truth, prediction, images, *folders], overwrite) as outputs:
        html_file, json_file, csv_file = (
            outputs.file(path) if path else None for path in (page, report, spreadsheet)
        )
        true = read_source(truth, problems, None, folders[0], tracked)
        predicted = read_source(prediction, problems, truth, folders[1], tracked)
        pairs = Pairs(true, predicted, options, score, only_predicted)

        found = Findings(pairs.classes)
        if html_file:
            title = f"{prediction.name} against {truth.name}"
            photographs = write_html(html_file, title, pairs, images, problems, found.recorded)
        else:
            for _ in tracked(found.recorded(pairs.pictures()), "Comparing", len(pairs)):
                pass
        if json_file:
            document = {
                "summary": _counts(found.rows, pairs),
                "causes": _by_cause(found.totals),
                "images": found.images,
            }
            with json_file.open() as file:
                write_json(file, document)
        if csv_file:
            with csv_file.open() as file:
                file.write(_as_csv(found.rows).encode())

    console = Printer()
    _print_findings(console, found.rows, rows)
    _print_causes(console, found.totals)
    print_line(_summary(found.rows, pairs))
    pairs.print_notes()
    for path in (report, spreadsheet):
        if path:
            print_line(f"{counted(len(found.rows), 'finding')} in {path}")
    if html_file:
        print_page(html_file, pairs, photographs)
    print_skipped(problems)


# -- findings ------------------------------------------------------------------------------------


def _rows(image: PageImage, diagnosis: Diagnosis, classes: list[Class]) -> list[Row]:
    """Name the objects of the findings of an image."""
    truth, prediction = image.truth, image.prediction
    assert prediction is not None

    def true_name(i: int) -> str:
        return f"{classes[truth.classes[i]].name} #{truth.ids[i]}"

    def predicted_name(j: int) -> str:  # its id may also be that of a true object
        return f"predicted {classes[prediction.classes[j]].name} #{prediction.ids[j]}"

    owners = {
        j: finding.truth
        for finding in diagnosis.findings
        if finding.kind != "merged" and finding.truth is not None and not finding.extra
        for j in finding.predicted
    }
    rows = []
    for finding in diagnosis.findings:
        predicted_classes = [classes[prediction.classes[j]].name for j in finding.predicted]
        if finding.extra or finding.truth is None:
            of_class, name = predicted_classes[0], predicted_name(finding.predicted[0])
        else:
            of_class, name = classes[truth.classes[finding.truth]].name, true_name(finding.truth)
        other = ""
        if finding.kind == "confused":
            other = predicted_classes[0]
        elif finding.kind == "duplicate" and finding.truth is not None:
            other = true_name(finding.truth)
        elif finding.kind == "merged":
            owner = owners.get(finding.predicted[0])
            other = predicted_name(finding.predicted[0]) if owner is None else true_name(owner)
        into = [true_name(j) for j in finding.bleeding_into]
        scores = prediction.scores
        described = {
            **finding.to_dict(),
            "class": of_class,
            "truth": None if finding.truth is None else truth.ids[finding.truth],
            "predicted": [prediction.ids[j] for j in finding.predicted],
            "predicted_classes": predicted_classes,
            "scores": None if scores is None else [float(scores[j]) for j in finding.predicted],
            "bleeding_into": [
                {"truth": truth.ids[j], "class": classes[truth.classes[j]].name, "pixels": pixels}
                for j, pixels in finding.bleeding_into.items()
            ],
            "reason": _reasons(finding, other, into),
        }
        rows.append(Row(image.name, name, described, finding))
    return rows


def _reasons(finding: Finding, other: str, into: list[str]) -> str:
    """Name the causes of wrong pixels and their shares, the deep ones first.

    Those are named from a twentieth of the wrong pixels on, the boundary from a tenth on. `other`
    is the class or the object that an object is confused or merged with, or a duplicate of; `into`
    are the objects that it bleeds into, the most pixels first.
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
        elif into and cause.name == "bleeding":
            title = f"bleeding into {into[0]}" + (" and others" if into[1:] else "")
        pixels = (finding.spurious if cause.spurious else finding.missed)[cause.name]
        areas[cause.shallow, title] += pixels
    named = []
    for (shallow, title), area in sorted(areas.items(), key=lambda item: (item[0][0], -item[1])):
        if area and area * (10 if shallow else 20) >= finding.error:
            named.append(f"{title} {area / finding.error:.0%}")
    return ", ".join(named)


# -- tables --------------------------------------------------------------------------------------


def _print_findings(console: Printer, found: list[Row], most: int) -> None:
    worst = sorted(found, key=lambda row: row.finding.rank)[:most]
    several = len({row.image for row in found}) > 1
    rows, styles = [], []
    for row in worst:
        finding = row.finding
        iou = "-" if finding.kind in ("missed", "spurious") else f"{finding.iou:.3f}"
        missed, spurious = (sum(part.values()) for part in (finding.missed, finding.spurious))
        numbers = [f"{finding.area:,}", iou, f"{missed:,}", f"{spurious:,}"]
        reason = row.described["reason"]
        cells = [row.image, row.object, finding.kind, *numbers, reason]
        rows.append(cells if several else cells[1:])
        styles.append("" if finding.kind == "matched" else "bold red")
    title = "Objects, the worst first: missed and false-positive (FP) pixels"
    columns = COLUMNS if several else COLUMNS[1:]
    print_table(console, title, columns, rows, styles, max(0, len(found) - len(worst)))


def _print_causes(console: Printer, totals: Counter[Cause]) -> None:
    rows = []
    for spurious in (False, True):
        causes = [cause for cause in CAUSES if cause.spurious is spurious]
        whole = sum(totals[cause] for cause in causes)
        for cause in sorted(causes, key=lambda cause: -totals[cause]):
            if totals[cause]:
                what = "false positive" if spurious else "missed"
                share = totals[cause] / whole
                rows.append([what, cause.title, f"{totals[cause]:,}", f"{share:.1%}"])
    if rows:
        heads = Column("", text=True), Column("cause", text=True), Column("pixels"), Column("share")
        print_table(console, "Wrong pixels by cause", heads, rows)


def _counts(found: list[Row], pairs: Pairs) -> dict[str, Any]:
    kinds = Counter(row.finding.kind for row in found)
    scores = [row.finding.score for row in found if not row.finding.extra]
    return {
        "images": len(pairs),
        "objects": len(scores),
        "mean_iou": sum(scores) / len(scores) if scores else None,
        **{kind: kinds[kind] for kind in KINDS},
        "below_score": pairs.below_score,
        "images_without_predictions": pairs.unpredicted,
        "images_left_out": pairs.left_out,
    }


def _summary(found: list[Row], pairs: Pairs) -> str:
    counts = _counts(found, pairs)
    objects, images, mean = counts["objects"], counts["images"], counts["mean_iou"]
    shown = ", ".join(f"{counts[kind]:,} {kind}" for kind in KINDS if counts[kind])
    head = f"{counted(objects, 'object')} in {counted(images, 'image')}"
    text = f"{head}: {shown or 'none'}" + (f"; mean IoU {mean:.3f}" if mean is not None else "")
    if pairs.score is not None:
        text += f"; {counted(pairs.below_score, 'prediction')} below score {pairs.score:g} left out"
    return text


# -- files ---------------------------------------------------------------------------------------


def _by_cause(totals: Counter[Cause]) -> dict[str, dict[str, int]]:
    kinds = {"missed": False, "spurious": True}
    return {
        name: {cause.name: totals[cause] for cause in CAUSES if cause.spurious is spurious}
        for name, spurious in kinds.items()
    }


def _as_csv(found: list[Row]) -> str:
    """Write all findings as CSV, the worst first; several predictions are separated by spaces."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    plain = ("image", "class", "truth", "status", "predicted", "predicted_classes", "scores")
    numbers = ("area", "iou", "missed", "false_positive")
    causes = [f"{'false_positive' if c.spurious else 'missed'}_{c.name}" for c in CAUSES]
    rows.writerow([*plain, *numbers, *causes])
    for row in sorted(found, key=lambda row: row.finding.rank):
        finding, described = row.finding, row.described
        lists = (described[key] or [] for key in ("predicted", "predicted_classes", "scores"))
        parts = [(finding.spurious if c.spurious else finding.missed)[c.name] for c in CAUSES]
        rows.writerow(
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
                *parts,
            ]
        )
    return text.getvalue()
