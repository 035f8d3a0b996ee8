"""``segcore evaluate``: scores of semantic maps, of panoptic maps, and of instances."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from segcore._text import counted
from segcore.cli.command import Command, input_errors, running
from segcore.cli.findings import FindingOutputs
from segcore.cli.options import Common, FindingOptions
from segcore.cli.printing import Printer, print_line
from segcore.cli.progress import tracked
from segcore.cli.view import read_pairs
from segcore.data.per_image import evaluation
from segcore.data.per_image.instance_set import instance_sets
from segcore.data.per_image.reading import read_dataset
from segcore.data.problems import Problems
from segcore.diagnosis import CAUSES, MendedPrecision
from segcore.metrics import (
    AREAS,
    ConfusionMatrix,
    DetectionErrors,
    PanopticQuality,
    PrecisionRecall,
)
from segcore.show.report import Evaluation
from segcore.show.report.pairs import ImagePairs

MAX_ROWS = 40


# -- semantic -------------------------------------------------------------------------------------


def evaluate_semantic(
    truth: Path,
    prediction: Path,
    num_classes: int | None,
    ignore: int | None,
    trimap: int | None,
    size: str | None,
    prediction_format: str | None,
    written: FindingOptions,
    common: Common,
) -> None:
    """Run ``segcore evaluate semantic``. Raises BadInput or DatasetError for unusable input."""
    paths = truth, prediction
    with running(common, *paths, photographs=written.images) as command:
        outputs = FindingOutputs(command, written)
        problems = command.problems
        with input_errors():
            options = common.reading()
            both = options, replace(options, format=prediction_format)
            known = None if common.dataset is None else read_dataset(common.dataset, problems)
            with command.engine() as engine:
                confusion, names, images = evaluation.evaluate_semantic(
                    *(paths, problems, both, num_classes, ignore, known, tracked),
                    engine=engine,
                    trimap=trimap,
                    area_range=None if size is None else AREAS[size],
                )
        scores = {
            "mean IoU": confusion.mean_iou,
            "accuracy": confusion.accuracy,
            "mean accuracy": confusion.mean_class_accuracy,
            "mean Dice": confusion.mean_dice,
        }
        command.numbers = _semantic_report(confusion, names, scores, images)
        if written:
            shown = Evaluation.of_semantic(confusion, names)
            _write_findings(command, outputs, paths, prediction_format, (None, None), common, shown)
    console = Printer()
    console.print(_classes_table(confusion, names))
    print_line(", ".join(f"{name} {100 * value:.2f}" for name, value in scores.items()))
    print_line(f"{counted(images, 'image')}, {counted(confusion.num_classes, 'class')}")
    outputs.print()
    command.print_left_out()


def _semantic_report(
    confusion: ConfusionMatrix, names: dict[int, str], scores: dict[str, float], images: int
) -> dict[str, Any]:
    columns = {
        "iou": confusion.iou,
        "dice": confusion.dice,
        "accuracy": confusion.class_accuracy,
        "precision": confusion.precision,
    }
    classes = [
        {
            "index": i,
            "name": names.get(i, str(i)),
            **{name: _number(values[i]) for name, values in columns.items()},
        }
        for i in range(confusion.num_classes)
    ]
    keys = {name.replace(" ", "_").lower(): _number(value) for name, value in scores.items()}
    matrix = confusion.matrix.tolist()
    return {"images": images, **keys, "classes": classes, "confusion_matrix": matrix}


def _classes_table(confusion: ConfusionMatrix, names: dict[int, str]) -> Table:
    """Return a table of the classes that occur, the worst first."""
    pixels = confusion.matrix.sum(axis=1) + confusion.unassigned
    occurring = [int(i) for i in np.flatnonzero(~np.isnan(confusion.iou))]
    occurring.sort(key=lambda i: confusion.iou[i])
    table = Table(title="Classes, the worst first", title_justify="left")
    table.add_column("index", justify="right")
    table.add_column("class")
    for column in ("IoU", "accuracy", "precision", "true pixels"):
        table.add_column(column, justify="right")
    for i in occurring[:MAX_ROWS]:
        values = (confusion.iou[i], confusion.class_accuracy[i], confusion.precision[i])
        cells = [_percent(value) for value in values]
        table.add_row(str(i), names.get(i, ""), *cells, f"{pixels[i]:,}")
    if len(occurring) > MAX_ROWS:
        table.add_row("", f"{len(occurring) - MAX_ROWS} more, with --json", *[""] * 4)
    return table


# -- panoptic -------------------------------------------------------------------------------------


def evaluate_panoptic(
    truth: Path,
    prediction: Path,
    iou: str,
    folders: tuple[Path | None, Path | None],
    prediction_format: str | None,
    written: FindingOptions,
    common: Common,
) -> None:
    """Run ``segcore evaluate panoptic``. Raises BadInput or DatasetError for unusable input."""
    paths = truth, prediction
    with running(common, *paths, *folders, photographs=written.images) as command:
        outputs = FindingOutputs(command, written)
        problems = command.problems
        with input_errors():
            options = common.reading()
            both = (
                replace(options, folder=folders[0]),
                replace(options, folder=folders[1], format=prediction_format),
            )
            known = None if common.dataset is None else read_dataset(common.dataset, problems)
            with command.engine() as engine:
                quality, names, images = evaluation.evaluate_panoptic(
                    paths, problems, both, known, tracked, engine, iou=iou
                )
        command.numbers = _panoptic_report(quality, names, images)
        if written:
            shown = Evaluation.of_panoptic(quality, names)
            _write_findings(command, outputs, paths, prediction_format, folders, common, shown)

    console = Printer()
    console.print(_quality_table(quality, names))
    console.print(_summary(quality))
    outputs.print()
    command.print_left_out()


def _panoptic_report(
    quality: PanopticQuality, names: dict[int, str], images: int
) -> dict[str, Any]:
    def described(score: Any) -> dict[str, Any]:
        return {name: _number(value) for name, value in dataclasses.asdict(score).items()}

    classes = [
        {"id": key, "name": names[key], **described(score)}
        for key, score in quality.per_category.items()
    ]
    means = {name: described(getattr(quality, name)) for name in ("all", "things", "stuff")}
    return {"images": images, **means, "classes": classes}


def _quality_table(quality: PanopticQuality, names: dict[int, str]) -> Table:
    """Return a table of the categories with segments, the worst first."""
    occurring = [(key, s) for key, s in quality.per_category.items() if s.tp + s.fp + s.fn]
    occurring.sort(key=lambda item: item[1].pq)
    table = Table(title="Categories, the worst first", title_justify="left")
    table.add_column("id", justify="right")
    table.add_column("category")
    for column in ("PQ", "SQ", "RQ", "matched", "wrong", "missed"):
        table.add_column(column, justify="right")
    for key, score in occurring[:MAX_ROWS]:
        cells = [_percent(value) for value in (score.pq, score.sq, score.rq)]
        counts = (f"{n:,}" for n in (score.tp, score.fp, score.fn))
        table.add_row(str(key), names[key], *cells, *counts)
    if len(occurring) > MAX_ROWS:
        table.add_row("", f"{len(occurring) - MAX_ROWS} more, with --json", *[""] * 6)
    return table


def _summary(quality: PanopticQuality) -> Table:
    table = Table()
    table.add_column("")
    for column in ("PQ", "SQ", "RQ", "categories"):
        table.add_column(column, justify="right")
    for name in ("all", "things", "stuff"):
        score = getattr(quality, name)
        cells = [_percent(value) for value in (score.pq, score.sq, score.rq)]
        table.add_row(name, *cells, str(score.n))
    return table


# -- instances ------------------------------------------------------------------------------------


def evaluate_instances(
    truth: Path,
    prediction: Path,
    iou: str,
    protocol: str,
    prediction_format: str | None,
    written: FindingOptions,
    score: float | None,
    common: Common,
) -> None:
    """Run ``segcore evaluate instances``. Raises BadInput or DatasetError for unusable input."""
    paths = truth, prediction
    with running(common, *paths, photographs=written.images) as command:
        outputs = FindingOutputs(command, written)
        with command.reading() as options:
            both = options, replace(options, format=prediction_format)
            known = (
                None if common.dataset is None else read_dataset(common.dataset, command.problems)
            )
            with command.engine() as engine:
                errors = DetectionErrors(iou, protocol=protocol, box_format="xywh")
                metric, names, datasets = evaluation.evaluate_instances(
                    *(paths, command.problems, both, known, iou, protocol, engine),
                    others=[errors] if written.page else [],
                )
        result = metric.compute()
        command.numbers = _instances_report(result, names, len(metric))
        if written:
            sets = instance_sets(paths, datasets, command.problems, known)
            pairs = ImagePairs(
                *(*sets, command.problems, {"score_threshold": score}),
                protocol=protocol,
                with_boxes=iou == "box",
            )
            scores = None
            if written.page:
                mended = MendedPrecision(iou, protocol=protocol)
                scores = Evaluation.of_instances(result, names, errors, mended)
            title = f"{prediction.name} against {truth.name}"
            outputs.write(title, pairs, command.problems, evaluation=scores)
            if scores is not None:
                command.numbers |= _errors_report(scores.to_dict())
    console = Printer()
    console.print(_precision_table(result, names))
    print_line(", ".join(f"{name} {_percent_or_none(v)}" for name, v in result.stats.items()))
    print_line(f"{counted(len(metric), 'image')}, {counted(len(result.class_ids), 'class')}")
    outputs.print()
    command.print_left_out()


def _instances_report(
    result: PrecisionRecall, names: dict[int, str], images: int
) -> dict[str, Any]:
    """Return the report, in which numbers without true objects are null."""

    def described(numbers: dict[str, float]) -> dict[str, float | None]:
        return {name: None if value < 0 else value for name, value in numbers.items()}

    classes = [
        {"id": class_id, "name": names[class_id], **described(numbers)}
        for class_id, numbers in result.per_class.items()
    ]
    return {"images": images, **described(result.stats), "classes": classes}


def _errors_report(scores: dict[str, Any]) -> dict[str, Any]:
    """Return the types of errors, and what mending each cause of wrong pixels would give."""
    types = {n: {"count": count, "gain": gain} for n, count, gain in scores["errors"]["types"]}
    if scores["mended"] is None:
        return {"errors": types}
    causes: dict[str, Any] = {"missed": {}, "spurious": {}}
    for cause, ap in zip(CAUSES, scores["mended"]["causes"], strict=True):
        causes["spurious" if cause.spurious else "missed"][cause.name] = ap
    return {"errors": types, "AP_without_cause": causes}


def _precision_table(result: PrecisionRecall, names: dict[int, str]) -> Table:
    """Return a table of the classes with true objects, the worst first."""
    occurring = [(key, row) for key, row in result.per_class.items() if row["AP"] >= 0]
    occurring.sort(key=lambda item: item[1]["AP"])
    table = Table(title="Classes, the worst first", title_justify="left")
    table.add_column("id", justify="right")
    table.add_column("class")
    columns = list(result.per_class[occurring[0][0]]) if occurring else []
    for column in columns:
        table.add_column(column.removeprefix("AP_"), justify="right")
    for key, row in occurring[:MAX_ROWS]:
        table.add_row(str(key), names[key], *map(_percent_or_none, row.values()))
    if len(occurring) > MAX_ROWS:
        rest = f"{len(occurring) - MAX_ROWS} more, with --json"
        table.add_row("", rest, *[""] * len(columns))
    return table


def _percent_or_none(value: float) -> str:
    return "-" if value < 0 else f"{100 * value:.1f}"


# -- both -----------------------------------------------------------------------------------------


def _write_findings(
    command: Command,
    outputs: FindingOutputs,
    paths: tuple[Path, Path],
    prediction_format: str | None,
    folders: tuple[Path | None, Path | None],
    common: Common,
    shown: Evaluation,
) -> None:
    """Compare the segments of two data sets, and write the findings beside the scores."""
    # What is left out was counted when the scores were computed.
    uncounted = Problems(common.skip_invalid)
    pairs = read_pairs(
        command, paths, prediction_format, folders, common.dataset, {}, False, uncounted
    )
    title = f"{paths[1].name} against {paths[0].name}"
    outputs.write(title, pairs, uncounted, evaluation=shown)


def _number(value: float) -> float | int | None:
    """Return a JSON-ready number: None for NaN."""
    if isinstance(value, int):
        return value
    return None if math.isnan(value) else float(value)


def _percent(value: float) -> str:
    return "-" if math.isnan(value) else f"{100 * value:.1f}"
