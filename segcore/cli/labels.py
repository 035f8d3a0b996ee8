"""``segcore labels``: maps, or any other data set, to one COCO instance file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from rich.table import Table

from segcore._text import counted
from segcore.cli.command import running
from segcore.cli.failures import BadInput
from segcore.cli.options import Common
from segcore.cli.output import SOFTWARE
from segcore.cli.printing import Printer, print_line
from segcore.cli.progress import tracked
from segcore.data import Dataset
from segcore.data.coco.writing import write_instances as write_instances_file
from segcore.data.per_image.instance_set import read_instances
from segcore.data.per_image.instances import as_instances, with_software

MAX_ROWS = 30


def write_instances(
    source: Path,
    target: Path,
    *,
    panoptic: Path | None,
    things_only: bool,
    connectivity: int | None,
    common: Common,
) -> None:
    """Run ``segcore labels``. Raises BadInput or DatasetError for unusable input."""
    path = panoptic or source
    with running(common, source, panoptic) as command:
        output = command.outputs.file(target)
        if not output.is_stream and target.suffix.lower() != ".json":
            raise BadInput(f"{target}: expected a name that ends with .json, since it is COCO's")
        problems = command.problems
        with command.reading(None if panoptic is None else source) as options:
            found = read_instances(path, problems, options, common.dataset)
        if panoptic and found.dataset.maps is None:
            raise BadInput(
                f'{path}: not a COCO panoptic file: it has no annotations with "segments_info"'
            )
        with command.engine() as engine:
            dataset = as_instances(found, problems, connectivity, things_only, tracked, engine)
        problems.check_left(path, len(found.images), found.num_listed, len(dataset.annotations))
        with output.open() as file:
            write_instances_file(with_software(dataset, SOFTWARE), file)
        command.numbers = {
            "images": len(dataset),
            "annotations": len(dataset.annotations),
            "categories": len(dataset.categories),
        }
    Printer().print(_table(dataset))
    images, categories = counted(len(dataset), "image"), len(dataset.categories)
    annotations = counted(len(dataset.annotations), "annotation")
    print_line(f"{images}, {annotations}, {counted(categories, 'category')} in {target}")
    command.print_left_out()


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
