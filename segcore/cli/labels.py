"""``segcore labels``: label maps, or panoptic ones, to one COCO file of instances."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from segcore._publish import OutputFile
from segcore.cli.failures import BadInput
from segcore.cli.output import publishing, write_json
from segcore.cli.printing import Printer, counted, print_line
from segcore.cli.progress import tracked
from segcore.data._classes import CLASSES, read_classes
from segcore.data._fields import read_size
from segcore.data._file_names import Folder
from segcore.data._label_maps import IGNORED, label_maps, read_colors, read_labels
from segcore.data._panoptic_file import Entry, read_panoptic
from segcore.data._read_ahead import read_ahead
from segcore.maps.ids import from_rgb
from segcore.masks import Masks

TABLE_ROWS = 30


@dataclass(frozen=True)
class Found:
    """What is in a map: its size, and masks with their categories and crowd flags."""

    size: tuple[int, int]
    masks: Masks
    categories: list[Any]
    crowds: list[int]


def write_instances(
    folder: Path,
    target: Path,
    background: int,
    ignore: tuple[int, ...],
    connectivity: int | None,
    overwrite: bool,
) -> None:
    """Run ``segcore labels`` on label maps. Raises BadInput for unusable input."""
    with publishing([folder], overwrite) as outputs:
        output = outputs.file(target)
        document = _read_instances(folder, background, ignore, connectivity)
        document.write(output)
    document.print_summary(target)


def _read_instances(
    folder: Path, background: int, ignore: tuple[int, ...], connectivity: int | None
) -> _Document:
    maps = label_maps(folder)
    if not maps:
        raise BadInput(f"{folder}: it contains no file named *.png")
    classes = read_classes(folder)
    if not ignore and IGNORED not in classes:
        ignore = (IGNORED,)
    # The background of semantic maps is a class of no category.
    nothing = {*ignore, *(each.index for each in classes.values() if each.category_id is None)}

    def read(path: Path) -> Found:
        labels = read_labels(path)
        ids, masks = Masks.from_label_map(labels, background, nothing)
        for label, area in zip(ids.tolist(), masks.area.tolist(), strict=True):
            if classes and label not in classes:
                raise BadInput(
                    f"{path}: {area} of its pixels are {label}, which {CLASSES} does not "
                    "list; --ignore leaves them out"
                )
        if connectivity:
            masks, parents = masks.components(connectivity)
            ids = ids[parents]
        keys = [classes[label].category_id if classes else label for label in ids.tolist()]
        return Found(labels.shape, masks, keys, [0] * len(keys))

    document = _Document()
    results = tracked(read_ahead(read, maps.values()), "Reading", len(maps))
    for path, found in results:
        height, width = found.size
        key = len(document.images) + 1
        name = path.relative_to(folder).as_posix()
        image = {"id": key, "file_name": name, "height": height, "width": width}
        document.add(image, found)
    if classes:
        document.categories = [
            {"id": each.category_id, "name": each.name}
            for each in classes.values()
            if each.category_id is not None
        ]
    else:
        seen = sorted({a["category_id"] for a in document.annotations})
        document.categories = [{"id": label, "name": f"class {label}"} for label in seen]
    return document


def write_segments(
    folder: Path, target: Path, panoptic: Path, things_only: bool, overwrite: bool
) -> None:
    """Run ``segcore labels`` on panoptic maps. Raises BadInput for unusable input."""
    with publishing([folder, panoptic], overwrite) as outputs:
        output = outputs.file(target)
        document = _read_segments(folder, panoptic, things_only)
        document.write(output)
    document.print_summary(target)


def _read_segments(folder: Path, panoptic: Path, things_only: bool) -> _Document:
    if not folder.is_dir():
        raise BadInput(f"{folder}: expected a folder with panoptic maps")
    maps = Folder(folder)
    file = read_panoptic(panoptic)
    images = file.images()
    categories = file.categories()

    def read(entry: Entry) -> Found:
        path = maps.path_of(entry.file_name)
        ids, masks = Masks.from_label_map(from_rgb(read_colors(path)))
        segments = entry.by_id(categories)
        place = {key: i for i, key in enumerate(ids.tolist())}
        if unlisted := sorted(place.keys() - segments.keys()):
            raise BadInput(f"{path}: it has pixels of the id {unlisted[0]}, which is not listed")
        if absent := sorted(segments.keys() - place.keys()):
            raise BadInput(f"{path}: it has no pixels of the id {absent[0]}, which is listed")
        kept = {
            place[key]: segment
            for key, segment in segments.items()
            if not things_only or categories[segment.category_id].get("isthing")
        }
        return Found(
            masks.size,
            masks[np.array(list(kept), np.intp)],
            [segment.category_id for segment in kept.values()],
            [segment.iscrowd for segment in kept.values()],
        )

    document = _Document()
    entries = file.entries
    for entry, found in tracked(read_ahead(read, entries), "Reading", len(entries)):
        height, width = found.size
        described = {"file_name": str(entry.file_name), "height": height, "width": width}
        image = described | file.image_of(entry, images)
        try:
            size = read_size(image)
        except ValueError as error:
            raise BadInput(f"{panoptic}: image {entry.image_id}: {error}") from error
        if size != found.size:
            raise BadInput(
                f"{maps.path_of(entry.file_name)}: its height {height} and width {width} are not "
                f"those of image {entry.image_id}, {size[0]} and {size[1]}"
            )
        document.add({**image, "id": entry.image_id, "height": height, "width": width}, found)
    document.categories = [
        each for each in categories.values() if not things_only or each.get("isthing")
    ]
    return document


class _Document:
    """A COCO file in the making."""

    def __init__(self) -> None:
        self.images: list[dict[str, Any]] = []
        self.annotations: list[dict[str, Any]] = []
        self.categories: list[dict[str, Any]] = []

    def add(self, image: dict[str, Any], found: Found) -> None:
        """Add a picture and its masks."""
        self.images.append(image)
        boxes = found.masks.boxes
        boxes[:, 2:] -= boxes[:, :2]
        columns = found.masks.to_coco(), found.categories, found.masks.area.tolist()
        for rle, category, area, box, crowd in zip(
            *columns, boxes.tolist(), found.crowds, strict=True
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

    def write(self, output: OutputFile) -> None:
        """Write the file."""
        document = {
            "images": self.images,
            "annotations": self.annotations,
            "categories": self.categories,
        }
        with output.open() as file:
            write_json(file, document, indent=None)

    def print_summary(self, target: Path) -> None:
        """Print the categories, and what is in the file."""
        Printer().print(self._table())
        counts = {"image": self.images, "annotation": self.annotations, "category": self.categories}
        listed = ", ".join(counted(len(items), name) for name, items in counts.items())
        print_line(f"{listed} in {target}")

    def _table(self) -> Table:
        """List the categories that occur, those of most annotations first."""
        annotations = Counter(each["category_id"] for each in self.annotations)
        pixels: Counter[Any] = Counter()
        for each in self.annotations:
            pixels[each["category_id"]] += each["area"]
        titles = {each["id"]: str(each.get("name", "")) for each in self.categories}
        table = Table(title="Categories", title_justify="left")
        table.add_column("id", justify="right")
        table.add_column("category")
        for column in ("annotations", "pixels"):
            table.add_column(column, justify="right")
        for key, count in annotations.most_common(TABLE_ROWS):
            table.add_row(str(key), titles.get(key, ""), f"{count:,}", f"{pixels[key]:,}")
        if len(annotations) > TABLE_ROWS:
            table.add_row("", f"{len(annotations) - TABLE_ROWS} more", "", "")
        return table
