"""``segcore compare``: what a prediction lost and added, object by object, the worst first."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from segcore._text import counted
from segcore.cli.command import running
from segcore.cli.findings import FindingOutputs
from segcore.cli.options import Common, FindingOptions
from segcore.cli.output import JsonList
from segcore.cli.printing import Printer, print_line
from segcore.cli.tables import Column, print_table
from segcore.cli.view import print_unpredicted, read_pairs
from segcore.diagnosis import CAUSES, KINDS, Cause
from segcore.show.report.collect import Consumer
from segcore.show.report.findings import Findings
from segcore.show.report.pairs import ImagePairs, PairCounts

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


def write_comparison(
    truth: Path,
    prediction: Path,
    *,
    prediction_format: str | None,
    folders: tuple[Path | None, Path | None],
    written: FindingOptions,
    options: dict[str, Any],
    only_predicted: bool,
    rows: int,
    common: Common,
) -> None:
    """Run ``segcore compare``. Raises BadInput or DatasetError for unusable input."""
    inputs = truth, prediction, *folders
    with (
        JsonList() as described,
        running(common, *inputs, photographs=written.images) as command,
    ):
        outputs = FindingOutputs(command, written)
        pairs = read_pairs(
            command,
            (truth, prediction),
            prediction_format,
            folders,
            common.dataset,
            options,
            only_predicted,
        )
        findings = Findings(pairs.classes, rows, with_json=common.report is not None)

        def take(part: Findings) -> None:
            findings.merge(part)
            described.add(part.texts)

        title = f"{prediction.name} against {truth.name}"
        consumers: list[Consumer] = [(findings.empty(), take)]
        counts = outputs.write(title, pairs, command.problems, consumers)
        command.numbers = {
            "summary": _summary(findings, pairs, counts),
            "causes": findings.causes(),
        }
        command.lists = {"images": described}

    console = Printer()
    _print_findings(console, findings)
    _print_causes(console, findings.totals)
    print_line(_summary_line(findings, counts))
    print_unpredicted(counts)
    if common.report:
        print_line(f"{counted(len(findings), 'finding')} in {common.report}")
    outputs.print()
    command.print_left_out()


def _print_findings(console: Printer, findings: Findings) -> None:
    worst = findings.worst
    with_images = findings.num_images > 1
    rows, styles = [], []
    for row in worst:
        finding = row.finding
        iou = "-" if finding.kind in ("missed", "spurious") else f"{finding.iou:.3f}"
        missed, spurious = (sum(part.values()) for part in (finding.missed, finding.spurious))
        numbers = [f"{finding.area:,}", iou, f"{missed:,}", f"{spurious:,}"]
        reason = row.described["reason"]
        cells = [row.image, row.object, finding.kind, *numbers, reason]
        rows.append(cells if with_images else cells[1:])
        styles.append("" if finding.kind == "matched" else "bold red")
    title = "Objects, the worst first: missed and false-positive (FP) pixels"
    columns = COLUMNS if with_images else COLUMNS[1:]
    print_table(console, title, columns, rows, styles, len(findings) - len(worst))


def _print_causes(console: Printer, totals: Counter[Cause]) -> None:
    rows = []
    for spurious in (False, True):
        causes = [cause for cause in CAUSES if cause.spurious is spurious]
        total = sum(totals[cause] for cause in causes)
        for cause in sorted(causes, key=lambda cause: -totals[cause]):
            if totals[cause]:
                kind = "false positive" if spurious else "missed"
                share = totals[cause] / total
                rows.append([kind, cause.title, f"{totals[cause]:,}", f"{share:.1%}"])
    if rows:
        heads = Column("", text=True), Column("cause", text=True), Column("pixels"), Column("share")
        print_table(console, "Wrong pixels by cause", heads, rows)


def _summary(findings: Findings, pairs: ImagePairs, counts: PairCounts) -> dict[str, Any]:
    empty_objects, empty_predictions = counts.empty.tolist()
    return {
        "images": counts.shown,
        **findings.summary(),
        "below_score": counts.below_score,
        "images_without_predictions": counts.unpredicted,
        "images_left_out": counts.left_out,
        "unknown_images_left_out": pairs.unknown,
        "crowds_not_judged": counts.crowds,
        "empty_objects": empty_objects,
        "empty_predictions": empty_predictions,
    }


def _summary_line(findings: Findings, counts: PairCounts) -> str:
    summary = findings.summary()
    kinds = ", ".join(f"{summary[kind]:,} {kind}" for kind in KINDS if summary[kind])
    objects = counted(summary["objects"], "object")
    parts = [f"{objects} in {counted(counts.shown, 'image')}: {kinds or 'none'}"]
    if summary["mean_iou"] is not None:
        parts.append(f"mean IoU {summary['mean_iou']:.3f}")
    return "; ".join(parts)
