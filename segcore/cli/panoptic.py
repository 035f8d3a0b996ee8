"""``segcore panoptic``: instances and stuff to COCO's panoptic format."""

from __future__ import annotations

from collections import Counter
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from rich.table import Table

from segcore._text import counted
from segcore.cli.command import running
from segcore.cli.failures import BadInput
from segcore.cli.options import Common
from segcore.cli.output import MARK, check_images, write_json
from segcore.cli.printing import Printer, print_line
from segcore.cli.progress import print_note, tracked
from segcore.data.files.pngs import id_png
from segcore.data.per_image.instance_set import Category, DatasetImage, InstanceSet, read_instances
from segcore.data.per_image.panoptic_maps import (
    check_categories,
    check_segment_ids,
    count_dropped,
    describe_segments,
    panoptic_document,
    panoptic_map,
    panoptic_rules,
)
from segcore.data.per_image.stuff_maps import StuffMaps
from segcore.data.per_image.things import find_things
from segcore.maps.panoptic import Panoptic

DOCUMENT = "panoptic.json"
MAPS = PurePosixPath("panoptic")
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
    common: Common,
) -> None:
    """Run ``segcore panoptic``. Raises BadInput or DatasetError for unusable input."""
    entries: list[dict[str, Any]] = []
    num_used = 0
    with running(common, path, stuff) as command:
        problems = command.problems
        files = command.outputs.folder(folder)
        with command.reading() as options:
            dataset = read_instances(path, problems, options, common.dataset)
        dataset.needs_scores = dataset.has_scores
        dataset.keep_separate_maps(problems)
        check_images(folder / MAPS, dataset)
        files.declare(DOCUMENT)
        for image in dataset.images:
            files.declare(MAPS / image.map_path)
        check_categories(dataset)
        thing_ids, note = find_things(path, dataset, common.dataset, thing_names)
        things = {int(key) for key in thing_ids}
        rules, priority = panoptic_rules(path, dataset, preset, changes, priority)
        check_segment_ids(dataset, things, rules)
        category_ids = np.array([0, *(c.id for c in dataset.categories)], np.int64)
        stuff_maps = None if stuff is None else StuffMaps(stuff, dataset.categories)

        for image in tracked(dataset.images, "Composing", len(dataset.images)):
            instances = dataset.read(image)
            problems.add(instances.problems)
            result = panoptic_map(
                image,
                instances,
                category_ids[instances.category],
                stuff_maps=stuff_maps,
                things=things,
                rules=rules,
                priority=priority,
            )
            files.write(MAPS / image.map_path, _id_png(result, image))
            entries.append(describe_segments(image, result, instances))
            count_dropped(image, result, instances, stuff_maps is not None, problems)
            num_used += len(instances)
        with files.open(DOCUMENT) as file:
            write_json(file, panoptic_document(dataset, things, entries))
        problems.check_left(path, len(dataset.images), dataset.num_listed, num_used)
        segments = sum(len(entry["segments_info"]) for entry in entries)
        command.numbers = {"images": len(entries), "annotations": num_used, "segments": segments}

    Printer().print(_table(dataset, entries))
    print_line(f"{counted(len(dataset.images), 'map')} and {DOCUMENT} in {folder}")
    if note:
        print_note(note)
    command.print_left_out()


def _id_png(result: Panoptic, image: DatasetImage) -> bytes:
    try:
        return id_png(result.labels, MARK)
    except ValueError as error:
        raise BadInput(f"{image.label}: {error}") from error


def _table(dataset: InstanceSet, entries: list[dict[str, Any]]) -> Table:
    """Return a table of the classes that occur, by decreasing number of pixels."""
    segments: Counter[object] = Counter()
    pixels: Counter[object] = Counter()
    images: Counter[object] = Counter()
    for entry in entries:
        for segment in entry["segments_info"]:
            segments[segment["category_id"]] += 1
            pixels[segment["category_id"]] += segment["area"]
        images.update({segment["category_id"] for segment in entry["segments_info"]})
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
    table.add_row("", "in all", *sums(occurring), f"{len(entries):,}")
    return table
