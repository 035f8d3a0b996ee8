"""Masks of COCO instance files and results, panoptic files and label maps, in one form."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from segcore.data._classes import CLASSES, read_classes
from segcore.data._coco_file import Category, Dataset, DatasetImage, read_dataset, read_masks
from segcore.data._fields import Id
from segcore.data._file_names import Folder
from segcore.data._json_file import read_json
from segcore.data._label_maps import IGNORED, label_maps, read_colors, read_labels
from segcore.data._panoptic_file import Entry, read_panoptic
from segcore.data._problems import DataError, Problems
from segcore.data._read_ahead import read_ahead
from segcore.maps.ids import from_rgb
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
    """An image with N masks.

    ``map_path`` is the name with the suffix .png, by which images of two sources are matched.
    ``categories`` and ``ids`` have N items, ``scores`` and ``crowd`` have shape (N,).
    """

    name: str
    map_path: PurePosixPath
    masks: Masks
    categories: list[Id]
    ids: list[Id]
    scores: NDArray[np.float64] | None = None
    crowd: NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class Source:
    """Images in order, and the known categories by id."""

    path: Path
    categories: dict[Id, Category]
    images: list[SourceImage]


def read_source(
    path: Path,
    problems: Problems,
    dataset_path: Path | None = None,
    folder: Path | None = None,
    progress: Progress = no_progress,
) -> Source:
    """Read masks of any supported form.

    Parameters
    ----------
    path : Path
        A COCO instance file, COCO results, a COCO panoptic file, a PNG label map, or a folder of
        label maps.
    problems : Problems
        Receives a message per invalid image and annotation.
    dataset_path : Path, optional
        The instance file of COCO results. It is ignored for the other forms.
    folder : Path, optional
        The folder with the PNGs of a panoptic file, by default the path without its suffix.
    progress : callable, optional
        Shows progress over the images.

    Raises
    ------
    DataError
        If the file or folder cannot be used.
    """
    if path.is_dir():
        return _read_label_maps(path, label_maps(path), progress)
    if path.suffix.lower() == ".png":
        return _read_label_maps(path.parent, {PurePosixPath(path.name): path}, progress)
    document = read_json(path)
    annotations = document.get("annotations") if isinstance(document, dict) else None
    first = annotations[:1] if isinstance(annotations, list) else []
    if first and isinstance(first[0], dict) and "segments_info" in first[0]:
        return _read_panoptic(path, document, folder or path.with_suffix(""), progress)
    if not isinstance(document, list):
        dataset_path = None
    dataset = read_dataset(path, problems, dataset_path, None, document)
    return _read_instances(path, dataset, problems, progress)


def _read_instances(path: Path, dataset: Dataset, problems: Problems, progress: Progress) -> Source:
    def read(image: DatasetImage) -> SourceImage:
        annotations, masks = read_masks(image, problems)
        scores = [a.score for a in annotations if a.score is not None]
        return SourceImage(
            str(image.name),
            image.map_path,
            masks,
            [a.category.id for a in annotations],
            [a.id for a in annotations],
            np.array(scores) if scores else None,
            np.array([a.crowd for a in annotations], np.bool_),
        )

    total = len(dataset.images)
    images = [read(image) for image in progress(dataset.images, "Reading", total)]
    problems.check_left(path, total, dataset.num_listed, sum(len(image.masks) for image in images))
    return Source(path, {category.id: category for category in dataset.categories}, images)


def _read_panoptic(path: Path, document: Any, folder: Path, progress: Progress) -> Source:
    file = read_panoptic(path, document)
    categories = file.categories()
    listed_images = file.images()
    if not folder.is_dir():
        raise DataError(f"{folder}: expected the folder with the PNGs of {path}")
    maps = Folder(folder)

    def read(entry: Entry) -> SourceImage:
        png = maps.path_of(entry.file_name)
        ids, masks = Masks.from_label_map(from_rgb(read_colors(png)))
        by_id = entry.by_id(categories)
        if unlisted := sorted(set(ids.tolist()) - by_id.keys()):
            raise DataError(f"{png}: it has pixels of the id {unlisted[0]}, which is not listed")
        segments = [by_id[key] for key in ids.tolist()]
        name = file.image_of(entry, listed_images).get("file_name", entry.file_name)
        return SourceImage(
            str(name),
            entry.file_name.with_suffix(".png"),
            masks,
            [segment.category_id for segment in segments],
            ids.tolist(),
            crowd=np.array([segment.iscrowd for segment in segments], np.bool_),
        )

    images = _read_all(read, file.entries, progress)
    known: dict[Id, Category] = {
        key: Category(index, key, categories[key]["name"], categories[key].get("isthing", 1) != 0)
        for index, key in enumerate(sorted(categories), 1)
    }
    return Source(path, known, images)


def _read_label_maps(folder: Path, maps: dict[PurePosixPath, Path], progress: Progress) -> Source:
    if not maps:
        raise DataError(f"{folder}: it contains no file named *.png")
    classes = read_classes(folder)
    ignored = {c.index for c in classes.values() if c.category_id is None}
    if IGNORED not in classes:
        ignored.add(IGNORED)

    def read(item: tuple[PurePosixPath, Path]) -> SourceImage:
        name, path = item
        ids, masks = Masks.from_label_map(read_labels(path), 0, ignored)
        labels = ids.tolist()
        if classes and (unlisted := [label for label in labels if label not in classes]):
            raise DataError(
                f"{path}: it has pixels of {unlisted[0]}, which {CLASSES} does not list"
            )
        keys: list[Any] = [classes[label].category_id for label in labels] if classes else labels
        return SourceImage(str(name), name, masks, keys, labels)

    images = _read_all(read, list(maps.items()), progress)
    known: dict[Id, Category]
    if classes:
        known = {
            c.category_id: Category(c.index, c.category_id, c.name)
            for c in classes.values()
            if c.category_id is not None
        }
    else:
        labels = sorted({int(label) for image in images for label in image.ids})
        known = {label: Category(label, label, f"class {label}") for label in labels}
    return Source(folder, known, images)


def _read_all(
    read: Callable[[Item], SourceImage], items: list[Item], progress: Progress
) -> list[SourceImage]:
    return [image for _, image in progress(read_ahead(read, items), "Reading", len(items))]
