"""Read COCO panoptic files, trusting nothing in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple, TypeVar

from segcore.data._fields import (
    Id,
    as_integer,
    find_id,
    read_flag,
    read_id,
    read_integer_id,
    read_text,
)
from segcore.data._file_names import relative_path
from segcore.data._json_file import read_json
from segcore.data._problems import BadInput

Value = TypeVar("Value")


class Segment(NamedTuple):
    """What is listed of a segment."""

    category_id: int
    iscrowd: int


@dataclass(frozen=True)
class Entry:
    """What is said of one image; ``segments`` are as in the file, with integers as ids.

    ``file_name`` is the PNG's path below the folder of the maps.
    """

    label: str
    image_id: Id
    file_name: PurePosixPath
    segments: list[Any]

    def by_id(self, categories: dict[int, dict[str, Any]]) -> dict[int, Segment]:
        """Return the segments by their ids, of categories that are known."""
        found: dict[int, Segment] = {}
        for i, segment in enumerate(self.segments):
            item = f"{self.label}: segment at position {i}"
            try:
                key = read_integer_id(segment, "id")
                category = read_integer_id(segment, "category_id")
                crowd = read_flag(segment, "iscrowd")
            except ValueError as error:
                raise BadInput(f"{item}: {error}") from error
            if category not in categories:
                raise BadInput(f"{item}: there is no category of its category_id")
            if key in found:
                raise BadInput(f"{item}: the id {key} comes twice")
            found[key] = Segment(category, crowd or 0)
        return found


@dataclass(frozen=True)
class PanopticFile:
    """A file: its entries in order, and its images and categories as they are there."""

    path: Path
    entries: list[Entry]
    listed_images: Any
    listed: list[Any] | None

    def images(self) -> dict[Id, dict[str, Any]]:
        """Return the images by their ids; none where the file does without."""
        images = self.listed_images
        if not isinstance(images, list) or not all(isinstance(each, dict) for each in images):
            raise BadInput(f'{self.path}: its "images" are no list of objects')
        found: dict[Id, dict[str, Any]] = {}
        for image in images:
            try:
                key = read_id(image, "id")
            except ValueError:  # entries cannot refer to it
                continue
            found[key] = image
        return found

    def image_of(self, entry: Entry, images: dict[Id, dict[str, Any]]) -> dict[str, Any]:
        """Return what the file says of an entry's image: nothing, or an object with its name."""
        image = find_item(images, entry.image_id)
        if image is None or image.get("file_name") is None:
            return image or {}
        try:
            relative_path(image["file_name"])
        except ValueError as error:
            raise BadInput(f"{self.path}: image {entry.image_id}: its file_name {error}") from error
        return image

    def categories(self) -> dict[int, dict[str, Any]]:
        """Return the categories by their ids; their names are text, and "isthing" is 0 or 1."""
        if self.listed is None:
            raise BadInput(f'{self.path}: not a COCO panoptic file: it has no list "categories"')
        found: dict[int, dict[str, Any]] = {}
        for i, category in enumerate(self.listed):
            item = f"{self.path}: category at position {i}"
            try:
                key = read_integer_id(category, "id")
                name = read_text(category, "name", key)
                isthing = read_flag(category, "isthing", None)
            except ValueError as error:
                raise BadInput(f"{item}: {error}") from error
            if key in found:
                raise BadInput(f"{item}: the id {key} comes twice")
            found[key] = {**category, "id": key, "name": name}
            if isthing is not None:
                found[key]["isthing"] = isthing
        return found


def find_item(table: Mapping[Id, Value], key: Id) -> Value | None:
    """Return the item of an id, as a number or as text; None if there is none."""
    known = find_id(table, key)
    return None if known is None else table[known]


def read_panoptic(path: Path, document: Any = None) -> PanopticFile:
    """Read a COCO panoptic file, unless its document is given; BadInput if it is none."""
    if document is None:
        document = read_json(path)
    if not isinstance(document, dict) or not isinstance(document.get("annotations"), list):
        raise BadInput(f'{path}: not a COCO panoptic file: it has no list "annotations"')
    entries: dict[Id, Entry] = {}
    for i, item in enumerate(document["annotations"]):
        label = f"{path}: annotation at position {i}"
        try:
            entry = _entry(label, item)
        except ValueError as error:
            raise BadInput(f"{label}: {error}") from error
        if find_id(entries, entry.image_id) is not None:
            raise BadInput(f"{label}: the image {entry.image_id} comes twice")
        entries[entry.image_id] = entry
    if not entries:
        raise BadInput(f'{path}: the list "annotations" is empty')
    images, listed = document.get("images", []), document.get("categories")
    categories = listed if isinstance(listed, list) else None
    return PanopticFile(path, list(entries.values()), images, categories)


def _entry(label: str, item: Any) -> Entry:
    key = read_id(item, "image_id")
    try:
        name = relative_path(item.get("file_name"))
    except ValueError as error:
        raise ValueError(f'its "file_name" {error}') from error
    segments = item.get("segments_info")
    if not isinstance(segments, list):
        raise ValueError('it has no list "segments_info"')
    return Entry(label, key, name, [_with_integers(segment) for segment in segments])


def _with_integers(segment: Any) -> Any:
    """Turn floats that equal integers into integers, where a segment has ids."""
    if not isinstance(segment, dict):
        return segment
    keys = ("id", "category_id", "iscrowd")
    return {**segment, **{key: as_integer(segment[key]) for key in keys if key in segment}}
