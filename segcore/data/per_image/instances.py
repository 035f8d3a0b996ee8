"""COCO instances made of label maps and panoptic maps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._text import counted
from segcore.data.columns.layouts import annotation_layout
from segcore.data.columns.segmentations import Segmentations
from segcore.data.columns.table import Table
from segcore.data.dataset import Dataset
from segcore.data.errors import DatasetError
from segcore.data.files.classes import CLASSES, read_classes
from segcore.data.files.label_maps import IGNORED, label_maps, read_labels
from segcore.data.files.read_ahead import read_ahead
from segcore.data.io import from_coco
from segcore.data.per_image.instance_set import panoptic_maps, read_panoptic
from segcore.data.per_image.sources import Progress, no_progress
from segcore.data.problems import Problems
from segcore.masks import Masks


class _Annotations:
    """Annotations of one image after the other, as columns."""

    def __init__(self) -> None:
        self.sizes: list[tuple[int, int]] = []
        self._columns: dict[str, list[Any]] = {
            name: [] for name in ("image", "category", "iscrowd", "area", "bbox", "segmentation")
        }

    def add(self, masks: Masks, category: NDArray[np.int64], iscrowd: NDArray[np.bool_]) -> None:
        """Add the masks of the next image, with the rows of their categories and crowd flags."""
        boxes = masks.boxes
        boxes[:, 2:] -= boxes[:, :2]
        added = {
            "image": np.full(len(masks), len(self.sizes)),
            "category": category,
            "iscrowd": iscrowd,
            "area": masks.area.astype(np.float64),
            "bbox": boxes.astype(np.float64),
            "segmentation": Segmentations.from_masks(masks),
        }
        self.sizes.append(masks.size)
        for name, column in added.items():
            self._columns[name].append(column)

    def table(self) -> Table:
        """Return all annotations, with the ids 1, 2, ..."""
        columns: dict[str, Any] = {
            name: np.concatenate(parts)
            for name, parts in self._columns.items()
            if name != "segmentation"
        }
        count = len(columns["image"])
        columns["id"] = np.arange(1, count + 1)
        columns["score"] = np.full(count, np.nan)
        columns["segmentation"] = Segmentations.concatenate(self._columns["segmentation"])
        return Table(columns, annotation_layout(columns, as_integers=True))


def instances_of_label_maps(
    folder: Path,
    background: int = 0,
    ignore: tuple[int, ...] = (),
    connectivity: int | None = None,
    progress: Progress = no_progress,
) -> Dataset:
    """Return the labels of a folder of PNG label maps as COCO instances.

    Parameters
    ----------
    folder : Path
        The folder. Categories are those of its ``classes.json``, or else one per label.
    background : int, default 0
        The label of the background.
    ignore : tuple of int, optional
        Further labels to leave out. Defaults to 255, unless it is a class.
    connectivity : {4, 8}, optional
        Return an instance per connected component instead of one per label.
    progress : callable, optional
        Shows progress over the maps.

    Raises
    ------
    DatasetError
        If a map or the folder cannot be used, or a label is not in ``classes.json``.
    """
    maps = label_maps(folder)
    if not maps:
        raise DatasetError(folder, "it contains no file named *.png")
    classes = read_classes(folder)
    if not ignore and IGNORED not in classes:
        ignore = (IGNORED,)
    # The background of semantic maps is a class without a category.
    ignored = {*ignore, *(c.index for c in classes.values() if c.category_id is None)}

    def read(path: Path) -> tuple[NDArray[Any], Masks]:
        ids, masks = Masks.from_label_map(read_labels(path), background, ignored)
        for label, area in zip(ids.tolist(), masks.area.tolist(), strict=True):
            if classes and label not in classes:
                raise DatasetError(
                    path,
                    f"{area} of its pixels are {label}, which {CLASSES} does not list; --ignore "
                    "leaves them out",
                )
        if connectivity:
            masks, parents = masks.components(connectivity)
            ids = ids[parents]
        return ids, masks

    annotations = _Annotations()
    labels = []
    for _, (ids, masks) in progress(read_ahead(read, maps.values()), "Reading", len(maps)):
        labels.append(ids)
        annotations.add(masks, ids.astype(np.int64), np.zeros(len(ids), np.bool_))
    if classes:
        known = {
            c.index: (c.category_id, c.name) for c in classes.values() if c.category_id is not None
        }
    else:
        known = {
            int(label): (int(label), f"class {label}")
            for label in np.unique(np.concatenate(labels))
        }
    rows = np.full(max(known, default=0) + 1, -1, np.int64)
    rows[list(known)] = np.arange(len(known))
    names = [path.relative_to(folder).as_posix() for path in maps.values()]
    images = [
        {"id": number, "file_name": name, "height": height, "width": width}
        for number, (name, (height, width)) in enumerate(
            zip(names, annotations.sizes, strict=True), 1
        )
    ]
    categories = [{"id": key, "name": name} for key, name in known.values()]
    frame = from_coco({"images": images, "annotations": [], "categories": categories})
    table = annotations.table()
    table = table.replace(category=rows[table["category"]])
    return Dataset(frame.images, frame.categories, table)


def instances_of_panoptic(
    folder: Path, path: Path, things_only: bool = False, progress: Progress = no_progress
) -> Dataset:
    """Return the segments of a COCO panoptic file as COCO instances.

    Parameters
    ----------
    folder : Path
        The folder with the PNGs.
    path : Path
        The panoptic file.
    things_only : bool, default False
        Whether to leave out stuff.
    progress : callable, optional
        Shows progress over the maps.

    Raises
    ------
    DatasetError
        If the file, the folder or a map cannot be used, or map and file list different segments.
    """
    if not folder.is_dir():
        raise DatasetError(folder, "expected a folder with panoptic maps")
    source = read_panoptic(path, Problems(skip=False), folder)
    if not len(source.categories):
        raise DatasetError(path, 'not a COCO panoptic file: it has no list "categories"')
    count = len(source)
    source = source[panoptic_maps(source).entries["image"]]
    lacking = [f"{path}: {counted(count - len(source), 'image')} without an annotation"]
    maps = panoptic_maps(source)

    def read(image: int) -> Masks:
        sample = source[image]
        return maps.masks(image, sample.ids, sample.size, only_these=True)

    annotations = _Annotations()
    things = source.categories["isthing"] if things_only else np.ones(len(source.categories), bool)
    rows = np.cumsum(things) - 1
    for image, masks in progress(read_ahead(read, range(len(source))), "Reading", len(source)):
        sample = source[image]
        kept = np.flatnonzero(things[sample.categories])
        annotations.add(masks[kept], rows[sample.categories[kept]], sample.iscrowd[kept])
    sizes = np.array(annotations.sizes, np.int64).reshape(-1, 2)
    images = source.images.replace(height=sizes[:, 0], width=sizes[:, 1])
    return Dataset(
        images.with_members("file_name", "height", "width"),
        source.categories.take(np.flatnonzero(things)),
        annotations.table(),
        skipped=lacking if len(source) < count else (),
    )


def with_software(dataset: Dataset, software: str) -> Dataset:
    """Return the data set such that its file says what wrote it."""
    info = json.dumps({"software": software}).encode()
    tables = [(name, None) for name in ("images", "annotations", "categories")]
    return Dataset(
        dataset.images,
        dataset.categories,
        dataset.annotations,
        members=[("info", info), *tables],
    )
