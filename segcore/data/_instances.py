"""COCO instances made of label maps and panoptic maps."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from segcore.data._classes import CLASSES, read_classes
from segcore.data._fields import read_size
from segcore.data._file_names import Folder
from segcore.data._label_maps import IGNORED, label_maps, read_colors, read_labels
from segcore.data._panoptic_file import Entry, read_panoptic
from segcore.data._problems import DataError
from segcore.data._read_ahead import read_ahead
from segcore.data._sources import Progress, no_progress
from segcore.maps.ids import from_rgb
from segcore.masks import Masks


@dataclass(frozen=True)
class _MapInstances:
    """The instances of a map: masks with their categories and crowd flags."""

    masks: Masks
    categories: list[Any]
    crowds: list[int]


class InstanceDocument:
    """The content of a COCO instance file, which grows by images."""

    def __init__(self) -> None:
        self.images: list[dict[str, Any]] = []
        self.annotations: list[dict[str, Any]] = []
        self.categories: list[dict[str, Any]] = []

    def add(self, image: dict[str, Any], instances: _MapInstances) -> None:
        """Add an image and its instances."""
        self.images.append(image)
        boxes = instances.masks.boxes
        boxes[:, 2:] -= boxes[:, :2]
        for rle, category, area, box, crowd in zip(
            instances.masks.to_coco(),
            instances.categories,
            instances.masks.area.tolist(),
            boxes.tolist(),
            instances.crowds,
            strict=True,
        ):
            self.annotations.append(
                {
                    "id": len(self.annotations) + 1,
                    "image_id": image["id"],
                    "category_id": category,
                    "segmentation": rle,
                    "area": area,
                    "bbox": box,
                    "iscrowd": crowd,
                }
            )

    def to_dict(self) -> dict[str, Any]:
        """Return the content, JSON-ready."""
        return {
            "images": self.images,
            "annotations": self.annotations,
            "categories": self.categories,
        }


def instances_of_label_maps(
    folder: Path,
    background: int = 0,
    ignore: tuple[int, ...] = (),
    connectivity: int | None = None,
    progress: Progress = no_progress,
) -> InstanceDocument:
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
    DataError
        If a map or the folder cannot be used, or a label is not in ``classes.json``.
    """
    maps = label_maps(folder)
    if not maps:
        raise DataError(f"{folder}: it contains no file named *.png")
    classes = read_classes(folder)
    if not ignore and IGNORED not in classes:
        ignore = (IGNORED,)
    # The background of semantic maps is a class without a category.
    ignored = {*ignore, *(c.index for c in classes.values() if c.category_id is None)}

    def read(path: Path) -> _MapInstances:
        ids, masks = Masks.from_label_map(read_labels(path), background, ignored)
        for label, area in zip(ids.tolist(), masks.area.tolist(), strict=True):
            if classes and label not in classes:
                raise DataError(
                    f"{path}: {area} of its pixels are {label}, which {CLASSES} does not "
                    "list; --ignore leaves them out"
                )
        if connectivity:
            masks, parents = masks.components(connectivity)
            ids = ids[parents]
        keys = [classes[label].category_id if classes else label for label in ids.tolist()]
        return _MapInstances(masks, keys, [0] * len(keys))

    document = InstanceDocument()
    for path, instances in progress(read_ahead(read, maps.values()), "Reading", len(maps)):
        height, width = instances.masks.size
        key = len(document.images) + 1
        name = path.relative_to(folder).as_posix()
        document.add({"id": key, "file_name": name, "height": height, "width": width}, instances)
    if classes:
        document.categories = [
            {"id": c.category_id, "name": c.name}
            for c in classes.values()
            if c.category_id is not None
        ]
    else:
        labels = sorted({annotation["category_id"] for annotation in document.annotations})
        document.categories = [{"id": label, "name": f"class {label}"} for label in labels]
    return document


def instances_of_panoptic(
    folder: Path, path: Path, things_only: bool = False, progress: Progress = no_progress
) -> InstanceDocument:
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
    DataError
        If the file, the folder or a map cannot be used, or map and file list different segments.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: expected a folder with panoptic maps")
    maps = Folder(folder)
    file = read_panoptic(path)
    listed_images = file.images()
    categories = file.categories()

    def read(entry: Entry) -> _MapInstances:
        png = maps.path_of(entry.file_name)
        ids, masks = Masks.from_label_map(from_rgb(read_colors(png)))
        segments = entry.by_id(categories)
        mask_index = {key: i for i, key in enumerate(ids.tolist())}
        if unlisted := sorted(mask_index.keys() - segments.keys()):
            raise DataError(f"{png}: it has pixels of the id {unlisted[0]}, which is not listed")
        if absent := sorted(segments.keys() - mask_index.keys()):
            raise DataError(f"{png}: it has no pixels of the id {absent[0]}, which is listed")
        kept = {
            mask_index[key]: segment
            for key, segment in segments.items()
            if not things_only or categories[segment.category_id].get("isthing")
        }
        return _MapInstances(
            masks[np.array(list(kept), np.intp)],
            [segment.category_id for segment in kept.values()],
            [segment.iscrowd for segment in kept.values()],
        )

    document = InstanceDocument()
    entries = file.entries
    for entry, instances in progress(read_ahead(read, entries), "Reading", len(entries)):
        height, width = instances.masks.size
        default = {"file_name": str(entry.file_name), "height": height, "width": width}
        image = default | file.image_of(entry, listed_images)
        try:
            size = read_size(image)
        except ValueError as error:
            raise DataError(f"{path}: image {entry.image_id}: {error}") from error
        if size != instances.masks.size:
            raise DataError(
                f"{maps.path_of(entry.file_name)}: its height {height} and width {width} are not "
                f"those of image {entry.image_id}, {size[0]} and {size[1]}"
            )
        document.add({**image, "id": entry.image_id, "height": height, "width": width}, instances)
    document.categories = [
        category for category in categories.values() if not things_only or category.get("isthing")
    ]
    return document
