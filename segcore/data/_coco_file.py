"""Read a COCO instance file, item by item, trusting nothing in it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from segcore.data._fields import (
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
from segcore.data._problems import BadInput, Problems
from segcore.errors import ItemError
from segcore.masks import Masks

MAX_PIXELS = 2**30
"""A picture has no more pixels than this: a larger one is an accident in the file."""


@dataclass(frozen=True)
class Category:
    """A class: ``index`` is its value in the semantic maps, 1 for the lowest id.

    ``isthing`` is None where the file does not say.
    """

    index: int
    id: Id
    name: str
    isthing: bool | None = None


@dataclass(frozen=True)
class Annotation:
    """An instance; ``label`` is how messages name it, ``id`` its own or its place in the file."""

    label: str
    id: Id
    category: Category
    segmentation: object
    crowd: bool
    score: float | None


@dataclass
class DatasetImage:
    """An image of the file, with its annotations in the file's order.

    ``target`` is where its map goes, below the output folder.
    """

    id: Id
    label: str
    name: str
    target: PurePosixPath
    size: tuple[int, int]
    annotations: list[Annotation] = field(default_factory=list)


@dataclass(frozen=True)
class Dataset:
    """A COCO instance file: categories by ascending id, pictures in the file's order."""

    categories: list[Category]
    pictures: list[DatasetImage]
    listed: int
    """How many annotations the file lists, the invalid ones included."""
    truth_categories: frozenset[Id] | None = None
    """The ids of the categories that the truth of results has annotations of; None without it."""


def read_dataset(
    path: Path,
    problems: Problems,
    frame: Path | None = None,
    scores: bool | None = False,
    document: Any = None,
) -> Dataset:
    """Read a COCO instance file, or COCO's results and the file that they belong to.

    Parameters
    ----------
    path : Path
        The JSON file.
    problems : Problems
        Told of each image and annotation that cannot be used; those are left out.
    frame : Path, optional
        The JSON file with the images and categories of results, which are a list of annotations.
    scores : bool, optional
        Whether each annotation must have a score. None: if one of them has.
    document : object, optional
        What is in the JSON file, if that was read already.

    Returns
    -------
    Dataset

    Raises
    ------
    BadInput
        If the file as a whole, or its categories, cannot be used.
    """
    document, truth = _load(path, frame, document)
    if scores is None:
        scores = any(isinstance(a, dict) and "score" in a for a in document["annotations"])
    categories = _categories(path, document["categories"])
    pictures = _pictures(document["images"], problems)
    for position, item in enumerate(document["annotations"]):
        label = name_item("annotation", item, position)
        try:
            picture, annotation = _annotation(label, item, position, pictures, categories, scores)
        except ValueError as error:
            problems.report(f"{label}: {error}")
        else:
            if picture is not None:
                picture.annotations.append(annotation)
    usable = [p for p in pictures.values() if p is not None]
    listed = len(document["annotations"])
    seen = None if truth is None else _annotated(truth, categories)
    return Dataset(list(categories.values()), usable, listed, seen)


def _annotated(annotations: list[Any], categories: Mapping[Id, Any]) -> frozenset[Id]:
    """Return the ids of the categories that occur; annotations without one are passed over."""
    listed = [item.get("category_id") for item in annotations if isinstance(item, dict)]
    found = set()
    for value in {value for value in listed if isinstance(value, int | float | str)}:
        with suppress(ValueError):
            found.add(find_id(categories, read_id({"category_id": value}, "category_id")))
    return frozenset(key for key in found if key is not None)


def with_own_maps(dataset: Dataset, problems: Problems) -> Dataset:
    """Leave out the images whose maps cannot be written or read beside the others'; report them."""
    kept: dict[PurePosixPath, DatasetImage] = {}
    for picture in dataset.pictures:
        target = picture.target
        if target in kept:
            other = kept[target].label
            problems.report(f"{picture.label}: {other} goes to the same file, {target}")
        elif any(part.startswith(".") for part in target.parts):
            problems.report(f"{picture.label}: its map would be hidden, {target}, and not be read")
        else:
            kept[target] = picture
    return replace(dataset, pictures=list(kept.values()))


def read_masks(picture: DatasetImage, problems: Problems) -> tuple[list[Annotation], Masks]:
    """Read the masks of a picture; annotations that have none that fits are reported, left out."""
    annotations = picture.annotations
    try:
        return annotations, _masks([a.segmentation for a in annotations], picture.size)
    except (ValueError, TypeError):  # one of them is bad: which?
        good = [a for a in annotations if _fits(a, picture, problems)]
        return good, _masks([a.segmentation for a in good], picture.size)


def _masks(segmentations: list[Any], size: tuple[int, int]) -> Masks:
    return Masks.from_coco(segmentations, size)


def _fits(annotation: Annotation, picture: DatasetImage, problems: Problems) -> bool:
    height, width = picture.size
    try:
        _masks([annotation.segmentation], picture.size)
    except (ValueError, TypeError) as error:
        reason = error.detail if isinstance(error, ItemError) else str(error)
        problems.report(
            f"{annotation.label}: {reason} ({picture.label} has height {height} and width {width})"
        )
        return False
    return True


def _load(
    path: Path, frame: Path | None, document: Any = None
) -> tuple[dict[str, list[Any]], list[Any] | None]:
    """Return a COCO instance file, and for results the annotations of the truth."""
    if document is None:
        document = read_json(path)
    if kind := kind_of_document(document):
        raise BadInput(f"{path}: it looks like {kind}; {READABLE}")
    if isinstance(document, list):
        if frame is None:
            raise BadInput(
                f"{path}: it holds a list, as COCO's results do; "
                "say with --dataset which file has their images and categories"
            )
        truth, _ = _load(frame, None)
        return {**truth, "annotations": document}, truth["annotations"]
    if frame is not None:
        raise BadInput(f"{path}: expected COCO's results, a list, beside --dataset")
    keys = ("images", "annotations", "categories")
    if not isinstance(document, dict):
        raise BadInput(
            f"{path}: expected a COCO instance file, a JSON object with {', '.join(keys)}; "
            f"this one holds {describe(document)}"
        )
    for key in keys:
        if not isinstance(document.get(key), list):
            found = f"is {describe(document[key])}" if key in document else "is missing"
            raise BadInput(f'{path}: not a COCO instance file: the list "{key}" {found}')
    first = document["annotations"][:1]
    if first and isinstance(first[0], dict) and "segments_info" in first[0]:
        raise BadInput(
            f"{path}: expected COCO instances, but this is a panoptic file; segcore labels "
            "--panoptic turns it into instances"
        )
    return document, None


def _categories(path: Path, items: list[Any]) -> dict[Id, Category]:
    names: dict[Id, str] = {}
    kinds: dict[Id, bool | None] = {}
    for position, item in enumerate(items):
        label = name_item("category", item, position)
        try:
            key = read_id(item, "id")
            add_id(names, key, read_text(item, "name", key))
            isthing = read_flag(item, "isthing", None)
            kinds[key] = None if isthing is None else bool(isthing)
        except ValueError as error:
            raise BadInput(f"{path}: {label}: {error}") from error
    if len({type(key) for key in names}) > 1:
        raise BadInput(f"{path}: some category ids are numbers and some are text; use one kind")
    if not names:
        raise BadInput(f'{path}: not a COCO instance file: the list "categories" is empty')
    ordered = sorted(names)
    return {
        key: Category(index, key, names[key], kinds[key]) for index, key in enumerate(ordered, 1)
    }


def _pictures(items: list[Any], problems: Problems) -> dict[Id, DatasetImage | None]:
    """Read the images by id; None stands for one that cannot be used."""
    pictures: dict[Id, DatasetImage | None] = {}
    for position, item in enumerate(items):
        label = name_item("image", item, position)
        try:
            key = read_id(item, "id")
            add_id(pictures, key, None)
            name = _name(item)
            pictures[key] = DatasetImage(key, label, name, _target(name), _size(item))
        except ValueError as error:
            problems.report(f"{label}: {error}")
    return pictures


def _annotation(
    label: str,
    item: Any,
    position: int,
    pictures: dict[Id, DatasetImage | None],
    categories: dict[Id, Category],
    scores: bool,
) -> tuple[DatasetImage | None, Annotation]:
    image = _known(pictures, item, "image_id", "image")
    category = _known(categories, item, "category_id", "category")
    if "segmentation" not in item:
        raise ValueError('it has no "segmentation"')
    crowd = read_flag(item, "iscrowd")
    score = read_score(item) if scores else None
    try:
        key = read_id(item, "id")
    except ValueError:  # results have none
        key = position
    found = Annotation(label, key, categories[category], item["segmentation"], bool(crowd), score)
    return pictures[image], found


def _known(table: Mapping[Id, Any], item: Any, key: str, kind: str) -> Id:
    """Read the id of an image or a category that the file has."""
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
            f"{MAX_PIXELS} pixels, the most that are allowed"
        )
    return height, width


def _name(item: dict[str, Any]) -> Any:
    name = item.get("file_name")
    if name is None and isinstance(url := item.get("coco_url"), str):  # LVIS has no other name
        return url.rsplit("/", 1)[-1]
    return name


def _target(name: Any) -> PurePosixPath:
    """Return the map's path below the output folder: the image's name, ending in .png."""
    try:
        return relative_path(name).with_suffix(".png")
    except ValueError as error:
        raise ValueError(f'its "file_name" {error}') from None
