"""Read COCO panoptic files, trusting nothing in them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from segcore.cli.dataset import Id, read_json
from segcore.cli.problems import BadInput


class Segment(NamedTuple):
    """What is listed of a segment."""

    category_id: int
    iscrowd: int


@dataclass(frozen=True)
class Entry:
    """What is said of one picture; ``segments`` are as they are in the file."""

    label: str
    image_id: Id
    file_name: str
    segments: list[Any]

    def by_id(self, categories: dict[int, dict[str, Any]]) -> dict[int, Segment]:
        """Give the segments by their ids, of categories that are known."""
        found: dict[int, Segment] = {}
        for i, each in enumerate(self.segments):
            item = f"{self.label}: segment at position {i}"
            if not isinstance(each, dict) or type(each.get("id")) is not int:
                raise BadInput(f"{item}: it has no number as id")
            category, crowd = each.get("category_id"), each.get("iscrowd", 0)
            if type(category) is not int or category not in categories:
                raise BadInput(f"{item}: there is no category of its category_id")
            if crowd not in (0, 1):
                raise BadInput(f'{item}: its "iscrowd" is neither 0 nor 1')
            if each["id"] in found:
                raise BadInput(f"{item}: the id {each['id']} comes twice")
            found[each["id"]] = Segment(category, int(crowd))
        return found


@dataclass(frozen=True)
class PanopticFile:
    """A file: its entries in order, and its images and categories as they are there."""

    path: Path
    entries: list[Entry]
    listed_images: Any
    listed: list[Any] | None

    def images(self) -> dict[Id, dict[str, Any]]:
        """Give the images by their ids; none where the file does without."""
        images = self.listed_images
        if not isinstance(images, list) or not all(isinstance(each, dict) for each in images):
            raise BadInput(f'{self.path}: its "images" are no list of objects')
        return {each["id"]: each for each in images if isinstance(each.get("id"), (int, str))}

    def categories(self) -> dict[int, dict[str, Any]]:
        """Give the categories by their ids."""
        if self.listed is None:
            raise BadInput(f'{self.path}: not a COCO panoptic file: it has no list "categories"')
        found: dict[int, dict[str, Any]] = {}
        for i, each in enumerate(self.listed):
            item = f"{self.path}: category at position {i}"
            if not isinstance(each, dict) or type(each.get("id")) is not int:
                raise BadInput(f"{item}: it has no number as id")
            if each["id"] in found:
                raise BadInput(f"{item}: the id {each['id']} comes twice")
            found[each["id"]] = each
        return found


def read_panoptic(path: Path, document: Any = None) -> PanopticFile:
    """Read a COCO panoptic file, unless its document is given; BadInput if it is none."""
    if document is None:
        document = read_json(path)
    if not isinstance(document, dict) or not isinstance(document.get("annotations"), list):
        raise BadInput(f'{path}: not a COCO panoptic file: it has no list "annotations"')
    entries: dict[Id, Entry] = {}
    for i, each in enumerate(document["annotations"]):
        label = f"{path}: annotation at position {i}"
        if not isinstance(each, dict):
            raise BadInput(f"{label}: expected a JSON object")
        key, name, segments = (each.get(k) for k in ("image_id", "file_name", "segments_info"))
        if not isinstance(key, (int, str)):
            raise BadInput(f'{label}: its "image_id" is no number or text')
        if not isinstance(name, str) or not name:
            raise BadInput(f'{label}: its "file_name" is no text')
        if not isinstance(segments, list):
            raise BadInput(f'{label}: it has no list "segments_info"')
        if key in entries:
            raise BadInput(f"{label}: the image {key} comes twice")
        entries[key] = Entry(label, key, name, segments)
    if not entries:
        raise BadInput(f'{path}: the list "annotations" is empty')
    images, listed = document.get("images", []), document.get("categories")
    categories = listed if isinstance(listed, list) else None
    return PanopticFile(path, list(entries.values()), images, categories)
