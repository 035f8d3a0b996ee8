"""``segcore labels``: label maps or panoptic maps to one COCO instance file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from rich.table import Table

from segcore._publish import OutputFile
from segcore._text import counted
from segcore.cli.output import SOFTWARE, publishing
from segcore.cli.printing import Printer, print_line
from segcore.cli.progress import print_note, tracked
from segcore.data import Dataset
from segcore.data.coco.writing import write_instances as write_instances_file
from segcore.data.per_image.instances import (
    instances_of_label_maps,
    instances_of_panoptic,
    with_software,
)

MAX_ROWS = 30


def write_instances(
    folder: Path,
    target: Path,
    background: int,
    ignore: tuple[int, ...],
    connectivity: int | None,
    overwrite: bool,
) -> None:
    """Run ``segcore labels`` on label maps. Raises BadInput or DatasetError for unusable input."""
    with publishing([folder], overwrite) as outputs:
        output = outputs.file(target)
        dataset = instances_of_label_maps(folder, background, ignore, connectivity, tracked)
        _write(dataset, output)
    _print_summary(dataset, target)


def write_segments(
    folder: Path, target: Path, panoptic: Path, things_only: bool, overwrite: bool
) -> None:
    """Run ``segcore labels`` on panoptic maps. Raises as `write_instances` does."""
    with publishing([folder, panoptic], overwrite) as outputs:
        output = outputs.file(target)
        dataset = instances_of_panoptic(folder, panoptic, things_only, tracked)
        _write(dataset, output)
    _print_summary(dataset, target)


def _write(dataset: Dataset, output: OutputFile) -> None:
    with output.open() as file:
        write_instances_file(with_software(dataset, SOFTWARE), file)


def _print_summary(dataset: Dataset, target: Path) -> None:
    Printer().print(_table(dataset))
    parts = {
        "image": dataset.images,
        "annotation": dataset.annotations,
        "category": dataset.categories,
    }
    listed = ", ".join(counted(len(items), noun) for noun, items in parts.items())
    print_line(f"{listed} in {target}")
    for line in dataset.skipped:
        print_note(f"left out of {line}")


def _table(dataset: Dataset) -> Table:
    """Return a table of the categories that occur, by decreasing number of annotations."""
    category, count = dataset.annotations["category"], len(dataset.categories)
    annotations = np.bincount(category, minlength=count)
    pixels = np.bincount(category, dataset.annotations["area"], count)
    table = Table(title="Categories", title_justify="left")
    table.add_column("id", justify="right")
    table.add_column("category")
    for column in ("annotations", "pixels"):
        table.add_column(column, justify="right")
    ids, names = dataset.categories["id"].tolist(), dataset.categories["name"].tolist()
    occurring = [row for row in np.argsort(-annotations, kind="stable") if annotations[row]]
    for row in occurring[:MAX_ROWS]:
        numbers = (f"{annotations[row]:,}", f"{int(pixels[row]):,}")
        table.add_row(str(ids[row]), names[row], *numbers)
    if len(occurring) > MAX_ROWS:
        table.add_row("", f"{len(occurring) - MAX_ROWS} more", "", "")
    return table
