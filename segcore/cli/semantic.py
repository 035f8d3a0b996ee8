"""``segcore semantic``: a COCO instance file to one label map a image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from segcore.cli.failures import BadInput
from segcore.cli.output import check_images, publishing, write_json, write_labels
from segcore.cli.printing import Printer, print_line
from segcore.cli.progress import print_skipped, tracked
from segcore.data._classes import CLASSES
from segcore.data._coco_file import (
    Annotation,
    Dataset,
    read_dataset,
    read_masks,
    with_separate_maps,
)
from segcore.data._problems import Problems
from segcore.data._stuff_maps import StuffMaps
from segcore.maps.semantic import compose_semantic
from segcore.masks import Masks
from segcore.show import palette

MOST_CLASSES = 2**16 - 1
TABLE_ROWS = 30
BLOCK = 2**22


@dataclass
class Counts:
    """What was painted, by class index: arrays of C + 1, the background first."""

    instances: NDArray[np.int64]
    pixels: NDArray[np.int64]
    pictures: NDArray[np.int64]


def write_semantic_maps(
    path: Path,
    folder: Path,
    dataset_path: Path | None,
    stuff: Path | None,
    priority: str,
    crowd: bool,
    skip_invalid: bool,
    overwrite: bool,
) -> None:
    """Run ``segcore semantic``. Raises BadInput for unusable input."""
    problems = Problems(skip_invalid)
    used = 0
    with publishing([path, dataset_path, stuff], overwrite) as outputs:
        maps = outputs.folder(folder)
        dataset = read_dataset(path, problems, dataset_path, scores=priority == "score")
        dataset = with_separate_maps(dataset, problems)
        check_images(folder, dataset)
        maps.declare(CLASSES)
        for image in dataset.images:
            maps.declare(image.map_path)
        classes = len(dataset.categories)
        if classes > MOST_CLASSES:
            raise BadInput(f"{path}: {classes} categories, but a PNG holds at most {MOST_CLASSES}")
        dtype: np.dtype[Any] = np.dtype(np.uint8 if classes < 256 else np.uint16)
        colors = np.vstack([np.zeros((1, 3), np.uint8), palette(classes)])
        counts = Counts(*(np.zeros(classes + 1, np.int64) for _ in range(3)))
        beneath = None if stuff is None else StuffMaps(stuff, dataset.categories)

        for image in tracked(dataset.images, "Painting", len(dataset.images)):
            annotations, masks = read_masks(image, problems)
            under = None if beneath is None else beneath.indices(image, dtype)
            labels = _paint(annotations, masks, priority, crowd, dtype, under)
            with maps.open(image.map_path) as file:
                write_labels(file, labels, colors)
            _count(counts, labels, [a for a in annotations if crowd or not a.crowd])
            used += len(annotations)
        with maps.open(CLASSES) as file:
            write_json(file, _describe(dataset, colors, dtype))
        problems.check_left(path, len(dataset.images), dataset.num_listed, used)

    Printer().print(_table(dataset, counts))
    count = len(dataset.images)
    print_line(f"{count} label map{'' if count == 1 else 's'} and {CLASSES} in {folder}")
    print_skipped(problems)


def _paint(
    annotations: list[Annotation],
    masks: Masks,
    priority: str,
    crowd: bool,
    dtype: np.dtype[Any],
    under: NDArray[Any] | None,
) -> NDArray[np.unsignedinteger]:
    """Compose the map: stuff, on it crowds in the file's order, then the others by priority."""
    values = np.array([a.category.index for a in annotations], np.int64)
    is_crowd = np.array([a.crowd for a in annotations], bool)
    if crowd and is_crowd.any():
        under = compose_semantic(masks[is_crowd], values[is_crowd], dtype=dtype, under=under)
    single = ~is_crowd
    scores = None
    if priority == "score":
        scores = np.array([a.score for a in annotations], np.float64)[single]
    return compose_semantic(
        masks[single], values[single], priority=priority, scores=scores, dtype=dtype, under=under
    )


def _count(counts: Counts, labels: NDArray[np.unsignedinteger], painted: list[Annotation]) -> None:
    classes = len(counts.pixels)
    pixels = np.zeros(classes, np.int64)
    for start in range(0, labels.size, BLOCK):  # bincount copies to int64
        pixels += np.bincount(labels.ravel()[start : start + BLOCK], minlength=classes)
    counts.pixels += pixels
    counts.pictures += pixels > 0
    counts.instances += np.bincount([a.category.index for a in painted], minlength=classes)


def _describe(
    dataset: Dataset, colors: NDArray[np.uint8], dtype: np.dtype[Any]
) -> dict[str, object]:
    """Say in ``classes.json`` what the pixels' values mean."""
    background = {"index": 0, "category_id": None, "name": "background"}
    listed = [background] + [
        {"index": c.index, "category_id": c.id, "name": c.name} for c in dataset.categories
    ]
    kind = "indexed, its palette the colors below"
    if dtype == np.uint16:
        kind = "greyscale: an indexed PNG has at most 256 colors"
    return {
        "png": f"{dtype.itemsize * 8}-bit {kind}",
        "classes": [
            {**each, "color": color.tolist()} for each, color in zip(listed, colors, strict=True)
        ],
    }


def _table(dataset: Dataset, counts: Counts) -> Table:
    """Summarize the classes that occur, those of most pixels first."""
    table = Table(title="Classes", title_justify="left")
    table.add_column("index", justify="right")
    table.add_column("class")
    for column in ("instances", "pixels", "images"):
        table.add_column(column, justify="right")
    occur = [c for c in dataset.categories if counts.instances[c.index]]
    occur.sort(key=lambda c: -counts.pixels[c.index])
    for c in occur[:TABLE_ROWS]:
        table.add_row(str(c.index), c.name, *_numbers(counts, [c.index]))
    if rest := [c.index for c in occur[TABLE_ROWS:]]:
        table.add_row("", f"{len(rest)} more", *_numbers(counts, rest)[:2], "")
    table.add_section()
    everything = [c.index for c in occur]
    instances, pixels, _ = _numbers(counts, everything)
    table.add_row("", "in all", instances, pixels, f"{len(dataset.images):,}")
    return table


def _numbers(counts: Counts, indices: list[int]) -> list[str]:
    columns = (counts.instances, counts.pixels, counts.pictures)
    return [f"{column[indices].sum():,}" for column in columns]
