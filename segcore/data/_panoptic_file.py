"""COCO panoptic files, with every item validated."""

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
from segcore.data._problems import DataError

Value = TypeVar("Value")


class Segment(NamedTuple):
    """The category of a segment, and whether it is a crowd."""

    category_id: int
    iscrowd: int


@dataclass(frozen=True)
class Entry:
    """The annotation of one image.

    ``label`` names it in messages; ``file_name`` is the path of its PNG below the folder of maps;
    ``segments`` are as in the file, with integer ids.
    """

    label: str
    image_id: Id
    file_name: PurePosixPath
    segments: list[Any]

    def by_id(self, categories: dict[int, dict[str, Any]]) -> dict[int, Segment]:
        """Return the validated segments by id; each must have one of the categories."""
        found: dict[int, Segment] = {}
        for i, segment in enumerate(self.segments):
            item = f"{self.label}: segment at index {i}"
            try:
                key = read_integer_id(segment, "id")
                category = read_integer_id(segment, "category_id")
                crowd = read_flag(segment, "iscrowd")
            except ValueError as error:
                raise DataError(f"{item}: {error}") from error
            if category not in categories:
                raise DataError(
                    f"{item}: its category_id is {category}, but the file has no such category"
                )
            if key in found:
                raise DataError(f"{item}: the id {key} occurs twice")
            found[key] = Segment(category, crowd or 0)
        return found


@dataclass(frozen=True)
class PanopticFile:
    """The content of a panoptic file; images and categories are validated lazily."""

    path: Path
    entries: list[Entry]
    listed_images: Any
    listed_categories: list[Any] | None

    def images(self) -> dict[Id, dict[str, Any]]:
        """Return the images by id; empty if the file lists no images."""
        listed = self.listed_images
        if not isinstance(listed, list) or not all(isinstance(image, dict) for image in listed):
            raise DataError(f'{self.path}: expected a list of objects as "images"')
        images: dict[Id, dict[str, Any]] = {}
        for image in listed:
            try:
                key = read_id(image, "id")
            except ValueError:  # no entry can refer to it
                continue
            images[key] = image
        return images

    def image_of(self, entry: Entry, images: dict[Id, dict[str, Any]]) -> dict[str, Any]:
        """Return the listed image of an entry, with a valid file_name; empty if not listed."""
        image = find_item(images, entry.image_id)
        if image is None or image.get("file_name") is None:
            return image or {}
        try:
            relative_path(image["file_name"])
        except ValueError as error:
            raise DataError(
                f"{self.path}: image {entry.image_id}: its file_name {error}"
            ) from error
        return image

    def categories(self) -> dict[int, dict[str, Any]]:
        """Return the categories by id, with text as names and 0 or 1 as "isthing"."""
        if self.listed_categories is None:
            raise DataError(f'{self.path}: not a COCO panoptic file: it has no list "categories"')
        categories: dict[int, dict[str, Any]] = {}
        for i, category in enumerate(self.listed_categories):
            item = f"{self.path}: category at index {i}"
            try:
                key = read_integer_id(category, "id")
                name = read_text(category, "name", key)
                isthing = read_flag(category, "isthing", None)
            except ValueError as error:
                raise DataError(f"{item}: {error}") from error
            if key in categories:
                raise DataError(f"{item}: the id {key} occurs twice")
            categories[key] = {**category, "id": key, "name": name}
            if isthing is not None:
                categories[key]["isthing"] = isthing
        return categories


def find_item(table: Mapping[Id, Value], key: Id) -> Value | None:
    """Return the item with an id, as a number or as text; None if there is none."""
    known = find_id(table, key)
    return None if known is None else table[known]


def read_panoptic(path: Path, document: Any = None) -> PanopticFile:
    """Read a COCO panoptic file, or its content if it has been read already.

    Raises
    ------
    DataError
        If it is not a panoptic file, or an annotation is invalid.
    """
    if document is None:
        document = read_json(path)
    if not isinstance(document, dict) or not isinstance(document.get("annotations"), list):
        raise DataError(f'{path}: not a COCO panoptic file: it has no list "annotations"')
    entries: dict[Id, Entry] = {}
    for i, item in enumerate(document["annotations"]):
        label = f"{path}: annotation at index {i}"
        try:
            entry = _entry(label, item)
        except ValueError as error:
            raise DataError(f"{label}: {error}") from error
        if find_id(entries, entry.image_id) is not None:
            raise DataError(f"{label}: the image {entry.image_id} occurs twice")
        entries[entry.image_id] = entry
    if not entries:
        raise DataError(f'{path}: the list "annotations" is empty')
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
    return Entry(label, key, name, [_with_integer_ids(segment) for segment in segments])


def _with_integer_ids(segment: Any) -> Any:
    """Convert the ids of a segment that are floats to integers where they are equal."""
    if not isinstance(segment, dict):
        return segment
    keys = ("id", "category_id", "iscrowd")
    return {**segment, **{key: as_integer(segment[key]) for key in keys if key in segment}}
