"""``segcore labels``: label maps or panoptic maps to one COCO instance file."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from rich.table import Table

from segcore._publish import OutputFile
from segcore._text import counted
from segcore.cli.output import publishing, write_json
from segcore.cli.printing import Printer, print_line
from segcore.cli.progress import tracked
from segcore.data._instances import (
    InstanceDocument,
    instances_of_label_maps,
    instances_of_panoptic,
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
    """Run ``segcore labels`` on label maps. Raises BadInput or DataError for unusable input."""
    with publishing([folder], overwrite) as outputs:
        output = outputs.file(target)
        document = instances_of_label_maps(folder, background, ignore, connectivity, tracked)
        _write(document, output)
    _print_summary(document, target)


def write_segments(
    folder: Path, target: Path, panoptic: Path, things_only: bool, overwrite: bool
) -> None:
    """Run ``segcore labels`` on panoptic maps. Raises BadInput or DataError for unusable input."""
    with publishing([folder, panoptic], overwrite) as outputs:
        output = outputs.file(target)
        document = instances_of_panoptic(folder, panoptic, things_only, tracked)
        _write(document, output)
    _print_summary(document, target)


def _write(document: InstanceDocument, output: OutputFile) -> None:
    with output.open() as file:
        write_json(file, document.to_dict(), indent=None)


def _print_summary(document: InstanceDocument, target: Path) -> None:
    Printer().print(_table(document))
    parts = {
        "image": document.images,
        "annotation": document.annotations,
        "category": document.categories,
    }
    listed = ", ".join(counted(len(items), noun) for noun, items in parts.items())
    print_line(f"{listed} in {target}")


def _table(document: InstanceDocument) -> Table:
    """Return a table of the categories that occur, by decreasing number of annotations."""
    annotations = Counter(annotation["category_id"] for annotation in document.annotations)
    pixels: Counter[Any] = Counter()
    for annotation in document.annotations:
        pixels[annotation["category_id"]] += annotation["area"]
    names = {category["id"]: str(category.get("name", "")) for category in document.categories}
    table = Table(title="Categories", title_justify="left")
    table.add_column("id", justify="right")
    table.add_column("category")
    for column in ("annotations", "pixels"):
        table.add_column(column, justify="right")
    for key, count in annotations.most_common(MAX_ROWS):
        table.add_row(str(key), names.get(key, ""), f"{count:,}", f"{pixels[key]:,}")
    if len(annotations) > MAX_ROWS:
        table.add_row("", f"{len(annotations) - MAX_ROWS} more", "", "")
    return table
