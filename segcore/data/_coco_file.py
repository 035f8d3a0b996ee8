"""COCO instance files and results, with every item validated."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from segcore.data._fields import (
    MAX_PIXELS,
    Id,
    add_id,
    describe,
    find_id,
    name_item,
    read_flag,
    read_id,
    read_score,
    read_size,
    read_text,
)
from segcore.data._file_names import relative_path
from segcore.data._json_file import READABLE, kind_of_document, read_json
from segcore.data._problems import DataError, Problems
from segcore.errors import ItemError
from segcore.masks import Masks


@dataclass(frozen=True)
class Category:
    """A category.

    ``index`` is its value in semantic maps, 1 for the lowest id. ``isthing`` is None if the file
    does not say.
    """

    index: int
    id: Id
    name: str
    isthing: bool | None = None


@dataclass(frozen=True)
class Annotation:
    """An instance.

    ``label`` names it in messages. ``id`` is its index in the file if it has no id.
    """

    label: str
    id: Id
    category: Category
    segmentation: object
    crowd: bool
    score: float | None


@dataclass
class DatasetImage:
    """An image and its annotations in the file's order.

    ``label`` names it in messages. ``map_path`` is the path of its label map below a folder of
    maps: its file name, with the suffix .png.
    """

    id: Id
    label: str
    name: str
    map_path: PurePosixPath
    size: tuple[int, int]
    annotations: list[Annotation] = field(default_factory=list)


@dataclass(frozen=True)
class Dataset:
    """The content of a COCO instance file.

    Categories are sorted by id; images are in the file's order. ``num_listed`` counts all
    annotations of the file, invalid ones included. ``truth_categories`` are, for results, the ids
    of the categories that occur in the truth, and None otherwise.
    """

    categories: list[Category]
    images: list[DatasetImage]
    num_listed: int
    truth_categories: frozenset[Id] | None = None


def read_dataset(
    path: Path,
    problems: Problems,
    dataset_path: Path | None = None,
    scores: bool | None = False,
    document: Any = None,
) -> Dataset:
    """Read a COCO instance file, or COCO results together with their instance file.

    Parameters
    ----------
    path : Path
        The JSON file.
    problems : Problems
        Receives a message per invalid image and annotation; these are left out.
    dataset_path : Path, optional
        The instance file of results, which has their images and categories.
    scores : bool, optional
        Whether every annotation must have a score. None requires it if any annotation has one.
    document : object, optional
        The content of the JSON file, if it has been read already.

    Returns
    -------
    Dataset

    Raises
    ------
    DataError
        If the file as a whole, or its categories, cannot be used.
    """
    document, truth = _load(path, dataset_path, document)
    if scores is None:
        scores = any(isinstance(a, dict) and "score" in a for a in document["annotations"])
    categories = _categories(path, document["categories"])
    images = _images(document["images"], problems)
    for index, item in enumerate(document["annotations"]):
        label = name_item("annotation", item, index)
        try:
            image, annotation = _annotation(label, item, index, images, categories, scores)
        except ValueError as error:
            problems.report(f"{label}: {error}")
        else:
            if image is not None:
                image.annotations.append(annotation)
    usable = [image for image in images.values() if image is not None]
    num_listed = len(document["annotations"])
    occurring = None if truth is None else _occurring(truth, categories)
    return Dataset(list(categories.values()), usable, num_listed, occurring)


def _occurring(annotations: list[Any], categories: Mapping[Id, Any]) -> frozenset[Id]:
    """Return the ids of the categories that annotations have; invalid ids are ignored."""
    listed = [item.get("category_id") for item in annotations if isinstance(item, dict)]
    found = set()
    for value in {value for value in listed if isinstance(value, int | float | str)}:
        with suppress(ValueError):
            found.add(find_id(categories, read_id({"category_id": value}, "category_id")))
    return frozenset(key for key in found if key is not None)


def with_separate_maps(dataset: Dataset, problems: Problems) -> Dataset:
    """Report and leave out images whose label map would replace another one, or be hidden."""
    kept: dict[PurePosixPath, DatasetImage] = {}
    for image in dataset.images:
        path = image.map_path
        if path in kept:
            problems.report(f"{image.label}: {kept[path].label} goes to the same file, {path}")
        elif any(part.startswith(".") for part in path.parts):
            problems.report(f"{image.label}: its map would be hidden, {path}, and not be read")
        else:
            kept[path] = image
    return replace(dataset, images=list(kept.values()))


def read_masks(image: DatasetImage, problems: Problems) -> tuple[list[Annotation], Masks]:
    """Return the valid annotations of an image and their masks; report the invalid ones."""
    annotations = image.annotations
    try:
        return annotations, _masks(annotations, image.size)
    except (ValueError, TypeError):  # find out which are invalid
        valid = [annotation for annotation in annotations if _is_valid(annotation, image, problems)]
        return valid, _masks(valid, image.size)


def _masks(annotations: list[Annotation], size: tuple[int, int]) -> Masks:
    segmentations: list[Any] = [annotation.segmentation for annotation in annotations]
    return Masks.from_coco(segmentations, size)


def _is_valid(annotation: Annotation, image: DatasetImage, problems: Problems) -> bool:
    height, width = image.size
    try:
        _masks([annotation], image.size)
    except (ValueError, TypeError) as error:
        reason = error.detail if isinstance(error, ItemError) else str(error)
        problems.report(
            f"{annotation.label}: {reason} ({image.label} has height {height} and width {width})"
        )
        return False
    return True


def _load(
    path: Path, dataset_path: Path | None, document: Any = None
) -> tuple[dict[str, list[Any]], list[Any] | None]:
    """Return the content of an instance file and, for results, the annotations of the truth."""
    if document is None:
        document = read_json(path)
    if kind := kind_of_document(document):
        raise DataError(f"{path}: it looks like {kind}; {READABLE}")
    if isinstance(document, list):
        if dataset_path is None:
            raise DataError(
                f"{path}: expected an instance file, got a list, as in COCO results; also pass "
                "the instance file with their images and categories (--dataset)"
            )
        truth, _ = _load(dataset_path, None)
        return {**truth, "annotations": document}, truth["annotations"]
    if dataset_path is not None:
        raise DataError(
            f"{path}: expected COCO results, a list, since an instance file was passed with them "
            "(--dataset)"
        )
    keys = ("images", "annotations", "categories")
    if not isinstance(document, dict):
        raise DataError(
            f"{path}: expected a COCO instance file, a JSON object with {', '.join(keys)}; "
            f"this one holds {describe(document)}"
        )
    for key in keys:
        if not isinstance(document.get(key), list):
            found = f"is {describe(document[key])}" if key in document else "is missing"
            raise DataError(f'{path}: not a COCO instance file: the list "{key}" {found}')
    first = document["annotations"][:1]
    if first and isinstance(first[0], dict) and "segments_info" in first[0]:
        raise DataError(
            f"{path}: expected COCO instances, but this is a panoptic file; convert it with "
            "segcore labels --panoptic"
        )
    return document, None


def _categories(path: Path, items: list[Any]) -> dict[Id, Category]:
    names: dict[Id, str] = {}
    things: dict[Id, bool | None] = {}
    for index, item in enumerate(items):
        label = name_item("category", item, index)
        try:
            key = read_id(item, "id")
            add_id(names, key, read_text(item, "name", key))
            isthing = read_flag(item, "isthing", None)
            things[key] = None if isthing is None else bool(isthing)
        except ValueError as error:
            raise DataError(f"{path}: {label}: {error}") from error
    if len({type(key) for key in names}) > 1:
        raise DataError(f"{path}: some category ids are numbers and some are text; use one kind")
    if not names:
        raise DataError(f'{path}: not a COCO instance file: the list "categories" is empty')
    ordered = sorted(names)
    return {
        key: Category(index, key, names[key], things[key]) for index, key in enumerate(ordered, 1)
    }


def _images(items: list[Any], problems: Problems) -> dict[Id, DatasetImage | None]:
    """Return the images by id; None for those that cannot be used."""
    images: dict[Id, DatasetImage | None] = {}
    for index, item in enumerate(items):
        label = name_item("image", item, index)
        try:
            key = read_id(item, "id")
            add_id(images, key, None)
            name = _file_name(item)
            images[key] = DatasetImage(key, label, name, _map_path(name), _size(item))
        except ValueError as error:
            problems.report(f"{label}: {error}")
    return images


def _annotation(
    label: str,
    item: Any,
    index: int,
    images: dict[Id, DatasetImage | None],
    categories: dict[Id, Category],
    scores: bool,
) -> tuple[DatasetImage | None, Annotation]:
    image_id = _known_id(images, item, "image_id", "image")
    category_id = _known_id(categories, item, "category_id", "category")
    if "segmentation" not in item:
        raise ValueError('it has no "segmentation"')
    crowd = bool(read_flag(item, "iscrowd"))
    score = read_score(item) if scores else None
    try:
        key = read_id(item, "id")
    except ValueError:  # results have no ids
        key = index
    category = categories[category_id]
    return images[image_id], Annotation(label, key, category, item["segmentation"], crowd, score)


def _known_id(table: Mapping[Id, Any], item: Any, key: str, kind: str) -> Id:
    """Return the id of an image or a category, which must be in the file."""
    value = read_id(item, key)
    known = find_id(table, value)
    if known is None:
        raise ValueError(f"its {key} is {describe(value)}, but the file has no such {kind}")
    return known


def _size(item: dict[str, Any]) -> tuple[int, int]:
    height, width = read_size(item)
    if height * width > MAX_PIXELS:
        raise ValueError(
            f"its height {describe(height)} and width {describe(width)} make more than "
            f"{MAX_PIXELS} pixels, the maximum"
        )
    return height, width


def _file_name(item: dict[str, Any]) -> Any:
    name = item.get("file_name")
    if name is None and isinstance(url := item.get("coco_url"), str):  # LVIS has no file_name
        return url.rsplit("/", 1)[-1]
    return name


def _map_path(name: Any) -> PurePosixPath:
    try:
        return relative_path(name).with_suffix(".png")
    except ValueError as error:
        raise ValueError(f'its "file_name" {error}') from None
