"""``segcore semantic``: a data set to one label map per image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from segcore._text import counted
from segcore.cli.checkpoint import Checkpoint
from segcore.cli.command import running
from segcore.cli.failures import BadInput
from segcore.cli.options import Common
from segcore.cli.output import MARK, check_images, write_json
from segcore.cli.printing import Printer, print_line
from segcore.data.files.classes import CLASSES
from segcore.data.per_image.instance_set import InstanceSet, read_instances
from segcore.data.per_image.semantic_maps import ClassCounts, SemanticPainter, describe_classes
from segcore.data.per_image.stuff_maps import StuffMaps
from segcore.show import palette

MAX_CLASSES = 2**16 - 1
MAX_ROWS = 30


def write_semantic_maps(
    path: Path,
    folder: Path,
    *,
    stuff: Path | None,
    priority: str | None,
    crowd: bool,
    resume: Path | None,
    common: Common,
) -> None:
    """Run ``segcore semantic``. Raises BadInput or DatasetError for unusable input."""
    num_used = 0
    with running(common, path, stuff) as command:
        problems = command.problems
        maps = command.outputs.folder(folder)
        if resume is not None:
            command.checkpoint = Checkpoint(resume, folder)
        with command.reading() as options:
            dataset = read_instances(path, problems, options, common.dataset)
        priority = dataset.choose_priority(priority)
        dataset.keep_separate_maps(problems)
        check_images(folder, dataset)
        maps.declare(CLASSES)
        for image in dataset.images:
            maps.declare(image.map_name)
        num_classes = len(dataset.categories)
        if num_classes > MAX_CLASSES:
            raise BadInput(
                f"{path}: {num_classes} categories, but a PNG holds at most {MAX_CLASSES}"
            )
        dtype: np.dtype[Any] = np.dtype(np.uint8 if num_classes < 256 else np.uint16)
        colors = np.vstack([np.zeros((1, 3), np.uint8), palette(num_classes)])
        counts = ClassCounts(num_classes)
        stuff_maps = None if stuff is None else StuffMaps(stuff, dataset.categories)

        writer = command.writer(maps)
        job = SemanticPainter(priority, crowd, dtype, colors, stuff_maps, MARK, writer)
        with command.run(job, dataset.parts(), "Painting") as results:
            for part, painted in results:
                for image, png in zip(part.images, painted.pngs, strict=True):
                    maps.take(image.map_name, png)
                counts += painted.counts
                problems.add(painted.problems)
                num_used += painted.num_annotations
        with maps.open(CLASSES) as file:
            write_json(file, describe_classes(dataset.categories, colors, dtype))
        problems.check_left(path, len(dataset.images), dataset.num_listed, num_used)
        command.numbers = {"images": len(dataset.images), "annotations": num_used}

    Printer().print(_table(dataset, counts))
    print_line(f"{counted(len(dataset.images), 'label map')} and {CLASSES} in {folder}")
    command.print_left_out()


def _table(dataset: InstanceSet, counts: ClassCounts) -> Table:
    """Return a table of the classes that occur, by decreasing number of pixels."""
    table = Table(title="Classes", title_justify="left")
    table.add_column("index", justify="right")
    table.add_column("class")
    for column in ("instances", "pixels", "images"):
        table.add_column(column, justify="right")
    occurring = [c for c in dataset.categories if counts.instances[c.index]]
    occurring.sort(key=lambda c: -counts.pixels[c.index])
    for c in occurring[:MAX_ROWS]:
        table.add_row(str(c.index), c.name, *_sums(counts, [c.index]))
    if rest := [c.index for c in occurring[MAX_ROWS:]]:
        table.add_row("", f"{len(rest)} more", *_sums(counts, rest)[:2], "")
    table.add_section()
    instances, pixels, _ = _sums(counts, [c.index for c in occurring])
    table.add_row("", "in all", instances, pixels, f"{len(dataset.images):,}")
    return table


def _sums(counts: ClassCounts, indices: list[int]) -> list[str]:
    columns = (counts.instances, counts.pixels, counts.images)
    return [f"{column[indices].sum():,}" for column in columns]
