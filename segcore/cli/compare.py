"""``segcore compare``: what a prediction lost and added, object by object, the worst first."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from segcore.cli.output import publishing, write_json
from segcore.cli.printing import Printer, print_line
from segcore.cli.problems import Problems
from segcore.cli.progress import print_skipped, tracked
from segcore.cli.sources import read_source
from segcore.cli.view import Pairs, print_page, write_html
from segcore.diagnosis import CAUSES, Cause, Diagnosis, Finding
from segcore.report import Class, Picture


class Row(NamedTuple):
    """A finding, and the names of its picture and its object."""

    picture: str
    object: str
    finding: Finding


def write_comparison(
    truth: Path,
    prediction: Path,
    folders: tuple[Path | None, Path | None],
    images: Path | None,
    page: Path | None,
    report: Path | None,
    options: dict[str, Any],
    rows: int,
    skip_invalid: bool,
    overwrite: bool,
) -> None:
    """Run ``segcore compare``. Raises BadInput for unusable input."""
    problems = Problems(skip_invalid)
    with publishing([truth, prediction, images, *folders], overwrite) as outputs:
        html_file = outputs.file(page) if page else None
        json_file = outputs.file(report) if report else None
        true = read_source(truth, problems, folder=folders[0])
        predicted = read_source(prediction, problems, truth, folders[1])
        pairs = Pairs(true, predicted, options)

        found: list[Row] = []
        totals: Counter[Cause] = Counter()
        described = []
        for picture in tracked(pairs.pictures(), "Comparing", len(pairs)):
            diagnosis = picture.diagnose()
            assert diagnosis is not None
            findings = _named(picture, diagnosis, pairs.classes)
            found += findings
            totals.update(diagnosis.totals())
            described.append(_described(picture, diagnosis, findings, pairs.classes))

        if json_file:
            summary = {"summary": _counts(found), "causes": _by_cause(totals)}
            with json_file.open() as file:
                write_json(file, {**summary, "pictures": described})
        if html_file:
            title = f"{prediction.name} against {truth.name}"
            photographs = write_html(html_file, title, pairs, images, problems)

    console = Printer()
    console.print(_table(found, rows))
    console.print(_causes_table(totals))
    print_line(_summary(found, len(pairs)))
    if report:
        print_line(f"all {len(found):,} findings in {report}")
    if html_file:
        print_page(html_file, pairs, photographs)
    print_skipped(problems)


def _named(picture: Picture, diagnosis: Diagnosis, classes: list[Class]) -> list[Row]:
    rows = []
    for finding in diagnosis.findings:
        objects, place = picture.truth, finding.truth
        if place is None:
            assert picture.prediction is not None
            objects, place = picture.prediction, finding.predicted[0]
        name = f"{classes[objects.classes[place]].name} #{objects.ids[place]}"
        rows.append(Row(picture.name, name, finding))
    return rows


# -- tables ---------------------------------------------------------------------------------------


def _table(found: list[Row], most: int) -> Table:
    worst = sorted(found, key=lambda row: row.finding.rank)
    several = len({row.picture for row in found}) > 1
    table = Table(title="Objects, the worst first", title_justify="left", box=SIMPLE_HEAD)
    if several:
        table.add_column("picture", no_wrap=True)
    table.add_column("object", no_wrap=True)
    table.add_column("found", no_wrap=True)
    for column in ("area", "IoU", "missed", "too much"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("what went wrong")
    for row in worst[:most]:
        finding = row.finding
        missed, spurious = (
            f"{sum(each.values()):,}" for each in (finding.missed, finding.spurious)
        )
        iou = "-" if finding.kind in ("missed", "spurious") else f"{finding.iou:.3f}"
        numbers = [f"{finding.area:,}", iou, missed, spurious]
        cells: list[str | Text] = [Text(row.object), finding.kind, *numbers, _reasons(finding)]
        style = "" if finding.kind == "matched" else "bold red"
        table.add_row(*([Text(row.picture)] if several else []), *cells, style=style)
    if len(found) > most:
        rest = f"{len(found) - most:,} more"
        table.add_row(rest, *[""] * (7 if several else 6))
    return table


def _reasons(finding: Finding) -> str:
    """Name the causes of at least a tenth of the wrong pixels, the greatest first."""
    areas: Counter[str] = Counter()
    for cause in CAUSES:
        areas[cause.title] += (finding.spurious if cause.spurious else finding.missed)[cause.name]
    large = [(title, area) for title, area in areas.most_common() if 10 * area >= finding.error > 0]
    return ", ".join(f"{title} {area / finding.error:.0%}" for title, area in large)


def _causes_table(totals: Counter[Cause]) -> Table:
    table = Table(title="Wrong pixels by cause", title_justify="left")
    table.add_column("")
    table.add_column("cause")
    table.add_column("pixels", justify="right")
    table.add_column("share", justify="right")
    for spurious in (False, True):
        causes = [cause for cause in CAUSES if cause.spurious is spurious]
        whole = sum(totals[cause] for cause in causes)
        for cause in sorted(causes, key=lambda cause: -totals[cause]):
            what = "too much" if spurious else "missed"
            share = totals[cause] / whole if whole else 0
            table.add_row(what, cause.title, f"{totals[cause]:,}", f"{share:.1%}")
        table.add_section()
    return table


def _counts(found: list[Row]) -> dict[str, Any]:
    kinds = Counter(row.finding.kind for row in found)
    true = [row.finding for row in found if row.finding.truth is not None]
    right = [each.iou if each.kind != "confused" else 0.0 for each in true]
    mean = sum(right) / len(right) if right else None
    names = ("matched", "split", "confused", "missed", "spurious")
    return {"objects": len(true), "mean_iou": mean, **{name: kinds[name] for name in names}}


def _summary(found: list[Row], pictures: int) -> str:
    counts = _counts(found)
    objects, mean = counts.pop("objects"), counts.pop("mean_iou")
    shown = ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)
    head = f"{objects:,} object{'' if objects == 1 else 's'} in {pictures} picture"
    head += "" if pictures == 1 else "s"
    return f"{head}: {shown or 'none'}" + (f"; mean IoU {mean:.3f}" if mean is not None else "")


# -- JSON -----------------------------------------------------------------------------------------


def _by_cause(totals: Counter[Cause]) -> dict[str, dict[str, int]]:
    kinds = {"missed": False, "spurious": True}
    return {
        name: {cause.name: totals[cause] for cause in CAUSES if cause.spurious is spurious}
        for name, spurious in kinds.items()
    }


def _described(
    picture: Picture, diagnosis: Diagnosis, rows: list[Row], classes: list[Class]
) -> dict[str, Any]:
    truth, prediction = picture.truth, picture.prediction
    assert prediction is not None
    findings = []
    for i in diagnosis.worst():
        finding = rows[i].finding
        value = finding.to_dict()
        place = finding.truth if finding.truth is not None else finding.predicted[0]
        objects = truth if finding.truth is not None else prediction
        value["class"] = classes[objects.classes[place]].name
        value["truth"] = None if finding.truth is None else truth.ids[finding.truth]
        value["predicted"] = [prediction.ids[j] for j in finding.predicted]
        value["bleeding_into"] = [
            {"truth": truth.ids[j], "class": classes[truth.classes[j]].name, "pixels": pixels}
            for j, pixels in finding.bleeding_into.items()
        ]
        findings.append(value)
    return {
        "file_name": picture.name,
        "thin_width": diagnosis.thin_width,
        "boundary_distance": diagnosis.boundary_distance,
        "findings": findings,
    }
