"""``segcore compare``: what a prediction lost and added, object by object, the worst first."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from segcore._text import counted
from segcore.cli.command import running
from segcore.cli.findings import FindingOutputs
from segcore.cli.options import Common, FindingOptions
from segcore.cli.printing import Printer, print_line
from segcore.cli.tables import Column, print_table
from segcore.cli.view import print_unpredicted, read_pairs
from segcore.diagnosis import CAUSES, KINDS, Cause
from segcore.show.report.findings import Findings
from segcore.show.report.pairs import ImagePairs

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
    with running(common, truth, prediction, *folders, photographs=written.images) as command:
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
        need_all = common.report or written.spreadsheet
        findings = Findings(pairs.classes, None if need_all else rows)
        outputs.write(f"{prediction.name} against {truth.name}", pairs, findings)
        command.numbers = {"summary": _summary(findings, pairs), **findings.to_dict()}

    console = Printer()
    _print_findings(console, findings, rows)
    _print_causes(console, findings.totals)
    print_line(_summary_line(findings, pairs))
    print_unpredicted(pairs)
    if common.report:
        print_line(f"{counted(len(findings), 'finding')} in {common.report}")
    outputs.print()
    command.print_left_out()


def _print_findings(console: Printer, findings: Findings, max_rows: int) -> None:
    worst = findings.worst()[:max_rows]
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


def _summary(findings: Findings, pairs: ImagePairs) -> dict[str, Any]:
    return {
        "images": pairs.shown,
        **findings.summary(),
        "below_score": pairs.below_score,
        "images_without_predictions": pairs.unpredicted,
        "images_left_out": pairs.left_out,
        "unknown_images_left_out": pairs.unknown,
        "crowds_not_judged": pairs.crowds,
        "empty_objects": pairs.empty[0],
        "empty_predictions": pairs.empty[1],
    }


def _summary_line(findings: Findings, pairs: ImagePairs) -> str:
    summary = findings.summary()
    kinds = ", ".join(f"{summary[kind]:,} {kind}" for kind in KINDS if summary[kind])
    objects = counted(summary["objects"], "object")
    parts = [f"{objects} in {counted(pairs.shown, 'image')}: {kinds or 'none'}"]
    if summary["mean_iou"] is not None:
        parts.append(f"mean IoU {summary['mean_iou']:.3f}")
    return "; ".join(parts)
