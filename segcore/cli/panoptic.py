"""``segcore panoptic``: instances and stuff to COCO's panoptic format."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from rich.table import Table

from segcore._text import counted
from segcore.cli.checkpoint import Checkpoint
from segcore.cli.command import running
from segcore.cli.options import Common
from segcore.cli.output import MARK, ListsWriter, check_images
from segcore.cli.printing import Printer, print_line
from segcore.cli.progress import print_note
from segcore.data.columns.fields import Id
from segcore.data.per_image.instance_set import Category, InstanceSet, read_instances
from segcore.data.per_image.panoptic_maps import (
    MAPS,
    PanopticComposer,
    category_entries,
    check_categories,
    check_segment_ids,
    image_entries,
    panoptic_rules,
)
from segcore.data.per_image.stuff_maps import StuffMaps
from segcore.data.per_image.things import find_things

DOCUMENT = "panoptic.json"
MAX_ROWS = 30


def write_panoptic(
    path: Path,
    folder: Path,
    *,
    stuff: Path | None,
    preset: str,
    changes: dict[str, Any],
    priority: str | None,
    thing_names: tuple[str, ...],
    resume: Path | None,
    common: Common,
) -> None:
    """Run ``segcore panoptic``. Raises BadInput or DatasetError for unusable input."""
    segments: Counter[Id] = Counter()
    pixels: Counter[Id] = Counter()
    images: Counter[Id] = Counter()
    num_used = 0
    with running(common, path, stuff) as command:
        problems = command.problems
        files = command.outputs.folder(folder)
        if resume is not None:
            command.checkpoint = Checkpoint(resume, folder)
        with command.reading() as options:
            dataset = read_instances(path, problems, options, common.dataset)
        dataset.needs_scores = dataset.has_scores
        dataset.keep_separate_maps(problems)
        check_images(folder / MAPS, dataset)
        files.declare(DOCUMENT)
        for image in dataset.images:
            files.declare(MAPS + image.map_name)
        check_categories(dataset)
        thing_ids, note = find_things(path, dataset, common.dataset, thing_names)
        things = {int(key) for key in thing_ids}
        rules, priority = panoptic_rules(path, dataset, preset, changes, priority)
        check_segment_ids(dataset, things, rules)
        stuff_maps = None if stuff is None else StuffMaps(stuff, dataset.categories)

        writer = command.writer(files)
        job = PanopticComposer(stuff_maps, things, rules, priority, MARK, writer)
        with (
            files.open(DOCUMENT) as file,
            command.run(job, dataset.parts(), "Composing") as results,
        ):
            document = ListsWriter(file)
            document.write("images", image_entries(dataset))
            document.start("annotations")
            for part, composed in results:
                for image, png in zip(part.images, composed.pngs, strict=True):
                    files.take(MAPS + image.map_name, png)
                document.add(composed.entries)
                segments.update(composed.segments)
                pixels.update(composed.pixels)
                images.update(composed.images)
                problems.add(composed.problems)
                num_used += composed.num_annotations
            document.write("categories", category_entries(dataset, things))
            document.end()
        problems.check_left(path, len(dataset.images), dataset.num_listed, num_used)
        command.numbers = {
            "images": len(dataset.images),
            "annotations": num_used,
            "segments": segments.total(),
        }

    Printer().print(_table(dataset, segments, pixels, images))
    print_line(f"{counted(len(dataset.images), 'map')} and {DOCUMENT} in {folder}")
    if note:
        print_note(note)
    command.print_left_out()


def _table(
    dataset: InstanceSet, segments: Counter[Id], pixels: Counter[Id], images: Counter[Id]
) -> Table:
    """Return a table of the classes that occur, by decreasing number of pixels."""
    table = Table(title="Classes", title_justify="left")
    table.add_column("category", justify="right")
    table.add_column("class")
    for column in ("segments", "pixels", "images"):
        table.add_column(column, justify="right")

    def sums(categories: list[Category]) -> list[str]:
        return [f"{sum(counts[c.id] for c in categories):,}" for counts in (segments, pixels)]

    occurring = [c for c in dataset.categories if segments[c.id]]
    occurring.sort(key=lambda c: -pixels[c.id])
    for c in occurring[:MAX_ROWS]:
        table.add_row(str(c.id), c.name, *sums([c]), f"{images[c.id]:,}")
    if rest := occurring[MAX_ROWS:]:
        table.add_row("", f"{len(rest)} more", *sums(rest), "")
    table.add_section()
    table.add_row("", "in all", *sums(occurring), f"{len(dataset.images):,}")
    return table
