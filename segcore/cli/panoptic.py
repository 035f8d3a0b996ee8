"""``segcore panoptic``: instances and stuff to COCO's panoptic format."""

from __future__ import annotations

from collections import Counter
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.table import Table

from segcore.cli.failures import BadInput
from segcore.cli.output import check_images, publishing, write_json, write_png
from segcore.cli.printing import Printer, print_line
from segcore.cli.progress import print_note, print_skipped, tracked
from segcore.data._coco_file import (
    Annotation,
    Category,
    Dataset,
    DatasetImage,
    read_dataset,
    read_masks,
    with_separate_maps,
)
from segcore.data._fields import describe
from segcore.data._problems import Problems
from segcore.data._stuff_maps import StuffMaps
from segcore.data._things import find_things
from segcore.maps.ids import to_rgb
from segcore.maps.panoptic import Panoptic, PanopticRules, compose_panoptic
from segcore.maps.semantic import painting_order
from segcore.masks import Masks

DOCUMENT = "panoptic.json"
MAPS = PurePosixPath("panoptic")
TABLE_ROWS = 30


def write_panoptic(
    path: Path,
    folder: Path,
    dataset_path: Path | None,
    stuff: Path | None,
    preset: str,
    changes: dict[str, Any],
    priority: str | None,
    things_named: tuple[str, ...],
    skip_invalid: bool,
    overwrite: bool,
) -> None:
    """Run ``segcore panoptic``. Raises BadInput for unusable input."""
    problems = Problems(skip_invalid)
    entries: list[dict[str, Any]] = []
    reasons: Counter[str] = Counter()
    used = 0
    with publishing([path, dataset_path, stuff], overwrite) as outputs:
        files = outputs.folder(folder)
        dataset = read_dataset(path, problems, dataset_path, scores=None)
        dataset = with_separate_maps(dataset, problems)
        check_images(folder / MAPS, dataset)
        files.declare(DOCUMENT)
        for image in dataset.images:
            files.declare(MAPS / image.map_path)
        _check_categories(dataset)
        found, note = find_things(path, dataset, dataset_path, things_named)
        things = {int(key) for key in found}
        rules, priority = _rules(path, dataset, preset, changes, priority)
        _check_ids(dataset, things, rules)
        beneath = None if stuff is None else StuffMaps(stuff, dataset.categories)

        for image in tracked(dataset.images, "Composing", len(dataset.images)):
            result, annotations = _compose(image, beneath, things, rules, priority, problems)
            with files.open(MAPS / image.map_path) as file:
                _write_ids(file, result, image)
            entries.append(_entry(image, result, annotations))
            reasons.update(each["reason"] for each in result.dropped)
            used += len(annotations)
        with files.open(DOCUMENT) as file:
            write_json(file, _document(dataset, things, entries))
        problems.check_left(path, len(dataset.images), dataset.num_listed, used)

    Printer().print(_table(dataset, entries))
    if reasons:
        listed = ", ".join(f"{count} for {reason}" for reason, count in reasons.most_common())
        print_line(f"dropped {reasons.total()}: {listed}")
    maps = len(dataset.images)
    print_line(f"{maps} map{'' if maps == 1 else 's'} and {DOCUMENT} in {folder}")
    if note:
        print_note(note)
    print_skipped(problems)


def _check_categories(dataset: Dataset) -> None:
    for category in dataset.categories:
        if not isinstance(category.id, int):
            raise BadInput(
                f"category {describe(category.id)}: the panoptic format has numbers as ids of "
                "categories"
            )


def _rules(
    path: Path,
    dataset: Dataset,
    preset: str,
    changes: dict[str, Any],
    priority: str | None,
) -> tuple[PanopticRules, str | None]:
    """Return the rules, and by which priority annotations without scores are painted."""
    scored = any(a.score is not None for p in dataset.images for a in p.annotations)
    if scored and priority not in (None, "score"):
        raise BadInput(
            f"--priority {priority}: {path} has scores, by which its instances are judged"
        )
    if not scored:
        for option, wrong in {
            "--score": "score_threshold" in changes,
            "--priority score": priority == "score",
        }.items():
            if wrong:
                raise BadInput(f"{option}: the annotations of {path} have no scores")
        # Truth: only what the options ask for is dropped. Its "scores" are the heights of masks.
        everything = {"score_threshold": None, "max_taken": None, "stuff_area": 0}
        changes = {**everything, "order": "score", **changes}
    # Pixels without a segment are 0 in this format; labels that are no category, and segments
    # without pixels, are left out.
    form = {"void": 0, "stuff_ignore": (), "relist_fused": False, "keep_hidden": False}
    try:
        rules = PanopticRules.preset(preset, **changes, **form, keep_empty=False)
    except ValueError as error:
        raise BadInput(str(error)) from error
    return rules, None if scored else priority or "smallest"


def _heights(masks: Masks, annotations: list[Annotation], priority: str) -> NDArray[np.float64]:
    """Return how high each mask lies: crowds below all others, these by priority."""
    crowd = np.array([a.crowd for a in annotations], np.bool_)
    single = np.flatnonzero(~crowd)
    order = np.concatenate([np.flatnonzero(crowd), single[painting_order(masks[single], priority)]])
    heights = np.empty(len(masks))
    heights[order] = np.arange(len(masks))
    return heights


def _check_ids(dataset: Dataset, things: set[int], rules: PanopticRules) -> None:
    """Check that segments of all categories get ids of their own, and not 0, which is void."""
    if rules.ids == "count":
        return
    for category in dataset.categories:
        least = 0 if category.id in things else 1
        if not least <= int(category.id) < rules.divisor:
            raise BadInput(
                f"category {category.id}: with these rules, ids of segments are made of the "
                f"category's and a multiple of {rules.divisor}, so it must be from {least} to "
                f"{rules.divisor - 1}; choose other rules"
            )


def _compose(
    image: DatasetImage,
    beneath: StuffMaps | None,
    things: set[int],
    rules: PanopticRules,
    priority: str | None,
    problems: Problems,
) -> tuple[Panoptic, list[Annotation]]:
    annotations, masks = read_masks(image, problems)
    class_ids = np.array([a.category.id for a in annotations], np.int64)
    if priority is None:
        scores = np.array([a.score for a in annotations], np.float64)
    else:
        scores = _heights(masks, annotations, priority)
    stuff: tuple[Masks, list[Any]] | None = None
    if beneath is not None:
        categories, maps = beneath.masks(image)
        stuff = maps, [category.id for category in categories]
    try:
        result = compose_panoptic(
            masks, class_ids, scores, stuff=stuff, things=sorted(things), rules=rules
        )
    except ValueError as error:
        raise BadInput(f"{image.label}: {error}") from error
    return result, annotations


def _write_ids(file: BinaryIO, result: Panoptic, image: DatasetImage) -> None:
    try:
        colors = to_rgb(result.labels)
    except ValueError as error:
        raise BadInput(f"{image.label}: {error}") from error
    write_png(file, Image.fromarray(colors))


def _entry(image: DatasetImage, result: Panoptic, annotations: list[Annotation]) -> dict[str, Any]:
    """Describe a image as COCO does, with the scores of things besides."""
    segments = []
    for segment in result.segments:
        of_thing = segment["isthing"]
        crowd = of_thing and annotations[segment["sources"][0]].crowd
        described = {
            "id": segment["id"],
            "category_id": segment["category_id"],
            "iscrowd": int(crowd),
            "bbox": segment["bbox"],
            "area": segment["area"],
        }
        if of_thing and annotations[segment["sources"][0]].score is not None:
            described["score"] = segment["score"]
        segments.append(described)
    name = image.map_path.as_posix()
    return {"image_id": image.id, "file_name": name, "segments_info": segments}


def _document(
    dataset: Dataset, things: set[int], entries: list[dict[str, Any]]
) -> dict[str, object]:
    images = [
        {"id": p.id, "file_name": p.name, "height": p.size[0], "width": p.size[1]}
        for p in dataset.images
    ]
    categories = [
        {"id": c.id, "name": c.name, "isthing": int(c.id in things)} for c in dataset.categories
    ]
    return {"images": images, "annotations": entries, "categories": categories}


def _table(dataset: Dataset, entries: list[dict[str, Any]]) -> Table:
    """Summarize the classes that occur, those of most pixels first."""
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

    def numbers(group: list[Category]) -> list[str]:
        ids = [c.id for c in group]
        return [f"{sum(each[i] for i in ids):,}" for each in (segments, pixels)]

    occur = sorted((c for c in dataset.categories if segments[c.id]), key=lambda c: -pixels[c.id])
    for c in occur[:TABLE_ROWS]:
        table.add_row(str(c.id), c.name, *numbers([c]), f"{images[c.id]:,}")
    if rest := occur[TABLE_ROWS:]:
        table.add_row("", f"{len(rest)} more", *numbers(rest), "")
    table.add_section()
    table.add_row("", "in all", *numbers(occur), f"{len(entries):,}")
    return table
