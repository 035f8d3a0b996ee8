"""``segcore evaluate``: IoU and accuracy of semantic maps, panoptic quality of panoptic maps."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from segcore._text import counted
from segcore.cli.failures import BadInput
from segcore.cli.output import publishing, write_json
from segcore.cli.printing import Printer, print_line
from segcore.cli.progress import tracked
from segcore.data._classes import CLASSES, read_classes
from segcore.data._fields import Id
from segcore.data._file_names import Folder
from segcore.data._label_maps import IGNORED, label_maps, read_colors, read_labels
from segcore.data._panoptic_file import Entry, find_item, read_panoptic
from segcore.data._read_ahead import read_ahead
from segcore.maps.ids import from_rgb
from segcore.metrics import ConfusionMatrix, PanopticQuality

MAX_ROWS = 40

Maps = tuple[NDArray[Any], NDArray[Any]]


# -- semantic -------------------------------------------------------------------------------------


def evaluate_semantic(
    truth: Path,
    prediction: Path,
    num_classes: int | None,
    ignore: int | None,
    report: Path | None,
    overwrite: bool,
) -> None:
    """Run ``segcore evaluate semantic``. Raises BadInput or DataError for unusable input."""
    with publishing([truth, prediction], overwrite) as outputs:
        output = outputs.file(report) if report else None
        confusion, titles, images = _confusion(truth, prediction, num_classes, ignore)
        scores = {
            "mean IoU": confusion.mean_iou,
            "accuracy": confusion.accuracy,
            "mean accuracy": confusion.mean_class_accuracy,
            "mean Dice": confusion.mean_dice,
        }
        if output:
            with output.open() as file:
                write_json(file, _semantic_report(confusion, titles, scores, images))

    console = Printer()
    console.print(_classes_table(confusion, titles))
    print_line(", ".join(f"{name} {100 * value:.2f}" for name, value in scores.items()))
    print_line(f"{counted(images, 'image')}, {counted(confusion.num_classes, 'class')}")


def _confusion(
    truth: Path, prediction: Path, num_classes: int | None, ignore: int | None
) -> tuple[ConfusionMatrix, dict[int, str], int]:
    """Return the confusion matrix, the names of the classes, and the number of images."""
    pairs = _pairs(truth, prediction)
    titles = {index: c.name for index, c in read_classes(truth).items()}
    if num_classes is None and not titles:
        raise BadInput(f"{truth / CLASSES}: there is no such file; pass --num-classes")
    count = max(titles) + 1 if num_classes is None else num_classes
    if ignore is None and count <= IGNORED:
        ignore = IGNORED
    try:
        confusion = ConfusionMatrix(count, ignore_index=ignore)
    except ValueError as error:
        raise BadInput(str(error)) from error

    def read(pair: tuple[Path, Path]) -> Maps:
        return read_labels(pair[0]), read_labels(pair[1])

    for pair, maps in tracked(read_ahead(read, pairs), "Comparing", len(pairs)):
        try:
            confusion.update(*maps)
        except ValueError as error:
            raise BadInput(f"{pair[1]}, truth {pair[0]}: {error}") from error
    return confusion, titles, len(pairs)


def _pairs(truth: Path, prediction: Path) -> list[tuple[Path, Path]]:
    """Return the pairs of maps with the same name; both folders must have the same names."""
    maps = {folder: label_maps(folder) for folder in (truth, prediction)}
    for folder, other in ((truth, prediction), (prediction, truth)):
        if unpaired := sorted(maps[folder].keys() - maps[other].keys()):
            raise BadInput(
                f"{folder / unpaired[0]}: there is no such file in {other}"
                + (f", nor for {len(unpaired) - 1} more" if len(unpaired) > 1 else "")
            )
    if not maps[truth]:
        raise BadInput(f"{truth}: it contains no file named *.png")
    return [(path, maps[prediction][name]) for name, path in maps[truth].items()]


def _semantic_report(
    confusion: ConfusionMatrix, titles: dict[int, str], scores: dict[str, float], images: int
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
            "name": titles.get(i, str(i)),
            **{name: _number(values[i]) for name, values in columns.items()},
        }
        for i in range(confusion.num_classes)
    ]
    keys = {name.replace(" ", "_").lower(): _number(value) for name, value in scores.items()}
    matrix = confusion.matrix.tolist()
    return {"images": images, **keys, "classes": classes, "confusion_matrix": matrix}


def _classes_table(confusion: ConfusionMatrix, titles: dict[int, str]) -> Table:
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
        table.add_row(str(i), titles.get(i, ""), *cells, f"{pixels[i]:,}")
    if len(occurring) > MAX_ROWS:
        table.add_row("", f"{len(occurring) - MAX_ROWS} more, with --json", *[""] * 4)
    return table


# -- panoptic -------------------------------------------------------------------------------------


def evaluate_panoptic(
    truth: Path,
    prediction: Path,
    truth_folder: Path | None,
    prediction_folder: Path | None,
    report: Path | None,
    overwrite: bool,
) -> None:
    """Run ``segcore evaluate panoptic``. Raises BadInput or DataError for unusable input."""
    folders = truth_folder or truth.with_suffix(""), prediction_folder or prediction.with_suffix("")
    with publishing([truth, prediction, *folders], overwrite) as outputs:
        output = outputs.file(report) if report else None
        quality, titles, images = _quality(truth, prediction, folders)
        if output:
            with output.open() as file:
                write_json(file, _panoptic_report(quality, titles, images))

    console = Printer()
    console.print(_quality_table(quality, titles))
    console.print(_summary(quality))


def _quality(
    truth: Path, prediction: Path, folders: tuple[Path, Path]
) -> tuple[PanopticQuality, dict[int, str], int]:
    """Return the panoptic quality, the names of the categories, and the number of images."""
    true = read_panoptic(truth)
    predictions: dict[Id, Entry] = {
        entry.image_id: entry for entry in read_panoptic(prediction).entries
    }
    categories = true.categories()
    maps_of = [Folder(folder) for folder in folders]
    try:
        quality = PanopticQuality(categories.values())
    except (ValueError, TypeError) as error:
        raise BadInput(f"{truth}: {error}") from error
    pairs = []
    for entry in true.entries:
        other = find_item(predictions, entry.image_id)
        if other is None:
            raise BadInput(f"{prediction}: it has no annotation for the image {entry.image_id}")
        pairs.append((entry, other))

    def read(pair: tuple[Entry, Entry]) -> Maps:
        maps = [
            from_rgb(read_colors(folder.path_of(entry.file_name)))
            for folder, entry in zip(maps_of, pair, strict=True)
        ]
        return maps[0], maps[1]

    for (entry, other), maps in tracked(read_ahead(read, pairs), "Comparing", len(pairs)):
        try:
            quality.update(maps[0], entry.segments, maps[1], other.segments)
        except (ValueError, TypeError) as error:
            raise BadInput(f"image {entry.image_id}: {error}") from error

    titles = {key: category["name"] for key, category in categories.items()}
    return quality, titles, len(pairs)


def _panoptic_report(
    quality: PanopticQuality, titles: dict[int, str], images: int
) -> dict[str, Any]:
    def described(score: Any) -> dict[str, Any]:
        return {name: _number(value) for name, value in dataclasses.asdict(score).items()}

    classes = [
        {"id": key, "name": titles[key], **described(score)}
        for key, score in quality.per_class.items()
    ]
    means = {name: described(getattr(quality, name)) for name in ("all", "things", "stuff")}
    return {"images": images, **means, "classes": classes}


def _quality_table(quality: PanopticQuality, titles: dict[int, str]) -> Table:
    """Return a table of the categories with segments, the worst first."""
    occurring = [(key, s) for key, s in quality.per_class.items() if s.tp + s.fp + s.fn]
    occurring.sort(key=lambda item: item[1].pq)
    table = Table(title="Categories, the worst first", title_justify="left")
    table.add_column("id", justify="right")
    table.add_column("category")
    for column in ("PQ", "SQ", "RQ", "matched", "wrong", "missed"):
        table.add_column(column, justify="right")
    for key, score in occurring[:MAX_ROWS]:
        cells = [_percent(value) for value in (score.pq, score.sq, score.rq)]
        counts = (f"{n:,}" for n in (score.tp, score.fp, score.fn))
        table.add_row(str(key), titles[key], *cells, *counts)
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


# -- both -----------------------------------------------------------------------------------------


def _number(value: float) -> float | int | None:
    """Return a JSON-ready number: None for NaN."""
    if isinstance(value, int):
        return value
    return None if math.isnan(value) else float(value)


def _percent(value: float) -> str:
    return "-" if math.isnan(value) else f"{100 * value:.1f}"
