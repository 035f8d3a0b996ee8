"""Masks of data sets and label maps, in one form."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, Protocol, TypeVar

import numpy as np

from segcore.data.dataset import Dataset
from segcore.data.errors import DatasetError
from segcore.data.files.classes import CLASSES, read_classes
from segcore.data.files.label_maps import IGNORED, label_maps, read_labels
from segcore.data.files.read_ahead import read_ahead
from segcore.data.io import belongs_to
from segcore.data.per_image.instance_set import (
    Category,
    Instances,
    InstanceSet,
    is_dataset_folder,
    read_dataset,
)
from segcore.data.problems import Problems
from segcore.masks import Masks

Item = TypeVar("Item")


class Progress(Protocol):
    """Passes items on and may show progress, such as by a bar with a title."""

    def __call__(self, items: Iterable[Item], title: str, total: int) -> Iterable[Item]:
        """Return an iterable of the same items."""
        ...


def no_progress(items: Iterable[Item], title: str, total: int) -> Iterable[Item]:
    """Return the items without showing progress."""
    return items


@dataclass(frozen=True)
class SourceImage:
    """An image, and what reads its masks.

    ``map_path`` is the name with the suffix .png, by which images of two sources are matched.
    """

    name: str
    map_path: PurePosixPath
    read: Callable[[], Instances]


@dataclass(frozen=True)
class Source:
    """Images in order, and their categories, whose indices start from 1.

    ``instances`` is the data set that they come from; None for label maps. ``num_listed`` counts
    the annotations that are known before the images are read.
    """

    path: Path
    categories: list[Category]
    images: list[SourceImage]
    num_listed: int = 0
    instances: InstanceSet | None = None


def read_source(
    path: Path,
    problems: Problems,
    dataset: Dataset | None = None,
    folder: Path | None = None,
    truth: Source | None = None,
    progress: Progress = no_progress,
) -> Source:
    """Read masks of any supported form.

    Parameters
    ----------
    path : Path
        A data set of any format, a PNG label map, or a folder of label maps.
    problems : Problems
        Receives a message per invalid item.
    dataset : Dataset, optional
        The data set of COCO results. It is ignored for the other forms.
    folder : Path, optional
        The folder with the PNGs of a panoptic file, by default the path without its suffix.
    truth : Source, optional
        What the masks are compared with, which may be the data set of results, too.
    progress : callable, optional
        Shows progress over label maps.

    Raises
    ------
    DatasetError
        If the file or folder cannot be used.
    """
    if path.is_dir() and not is_dataset_folder(path):
        return _read_label_maps(path, label_maps(path), progress)
    if path.suffix.lower() == ".png":
        return _read_label_maps(path.parent, {PurePosixPath(path.name): path}, progress)
    true = truth.instances if truth else None
    if dataset is None and true is not None:
        dataset = true.dataset if true.truth is None else true.truth
    found = read_dataset(path, problems, dataset, folder)
    is_of_truth = true is not None and belongs_to(found, true.dataset)
    images = true.images if is_of_truth and true else None
    instances = InstanceSet(path, found, problems, dataset, images)
    instances.needs_scores = instances.has_scores
    return Source(
        path,
        instances.categories,
        [
            SourceImage(image.name, image.map_path, partial(instances.read, image))
            for image in instances.images
        ],
        instances.num_listed,
        instances,
    )


def _read_label_maps(folder: Path, maps: dict[PurePosixPath, Path], progress: Progress) -> Source:
    if not maps:
        raise DatasetError(folder, "it contains no file named *.png")
    classes = read_classes(folder)
    ignored = {c.index for c in classes.values() if c.category_id is None}
    if IGNORED not in classes:
        ignored.add(IGNORED)

    def read(path: Path) -> tuple[list[int], Masks]:
        ids, masks = Masks.from_label_map(read_labels(path), 0, ignored)
        labels: list[int] = ids.tolist()
        if classes and (unlisted := [label for label in labels if label not in classes]):
            raise DatasetError(
                path, f"it has pixels of {unlisted[0]}, which {CLASSES} does not list"
            )
        return labels, masks

    paths = list(maps.values())
    found = [read for _, read in progress(read_ahead(read, paths), "Reading", len(paths))]
    known: dict[int, tuple[Any, str]]
    if classes:
        known = {
            label: (c.category_id, c.name)
            for label, c in sorted(classes.items())
            if c.category_id is not None
        }
    else:
        listed = sorted({label for labels, _ in found for label in labels})
        known = {label: (label, f"class {label}") for label in listed}
    index_of = {label: index for index, label in enumerate(known, 1)}
    images = [
        SourceImage(str(name), name, partial(_instances_of_map, labels, masks, index_of))
        for name, (labels, masks) in zip(maps, found, strict=True)
    ]
    categories = [Category(index_of[label], *known[label]) for label in known]
    return Source(folder, categories, images)


def _instances_of_map(labels: list[int], masks: Masks, index_of: dict[int, int]) -> Instances:
    """Return the regions of a label map, whose ids are their labels."""
    category = np.array([index_of[label] for label in labels], np.int64)
    flags = np.zeros(len(labels), np.bool_)
    return Instances(
        masks, category, np.array(labels, np.int64), flags, np.full(len(labels), np.nan)
    )
