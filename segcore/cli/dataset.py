"""Read a COCO instance file, item by item, trusting nothing in it."""

from __future__ import annotations

import json
import math
import os
import re
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from segcore.cli.problems import BadInput, Problems
from segcore.masks import Masks

MAX_PIXELS = 2**30
"""A picture has no more pixels than this: a larger one is an accident in the file."""

Id = int | str


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
class Picture:
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
    pictures: list[Picture]
    listed: int
    """How many annotations the file lists, the invalid ones included."""


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
    document = _load(path, frame, document)
    if scores is None:
        scores = any(isinstance(a, dict) and "score" in a for a in document["annotations"])
    categories = _categories(path, document["categories"])
    pictures = _pictures(document["images"], problems)
    for position, item in enumerate(document["annotations"]):
        label = _label("annotation", item, position)
        try:
            picture, annotation = _annotation(label, item, position, pictures, categories, scores)
        except ValueError as error:
            problems.report(f"{label}: {error}")
        else:
            if picture is not None:
                picture.annotations.append(annotation)
    usable = [p for p in pictures.values() if p is not None]
    return Dataset(list(categories.values()), usable, len(document["annotations"]))


def with_own_maps(dataset: Dataset, problems: Problems) -> Dataset:
    """Leave out the images whose maps cannot be written or read beside the others'; report them."""
    kept: dict[PurePosixPath, Picture] = {}
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


def read_masks(picture: Picture, problems: Problems) -> tuple[list[Annotation], Masks]:
    """Read the masks of a picture; annotations that have none that fits are reported, left out."""
    annotations = picture.annotations
    try:
        return annotations, _masks([a.segmentation for a in annotations], picture.size)
    except (ValueError, TypeError):  # one of them is bad: which?
        good = [a for a in annotations if _fits(a, picture, problems)]
        return good, _masks([a.segmentation for a in good], picture.size)


def _masks(segmentations: list[Any], size: tuple[int, int]) -> Masks:
    return Masks.from_coco(segmentations, size)


def _fits(annotation: Annotation, picture: Picture, problems: Problems) -> bool:
    height, width = picture.size
    try:
        _masks([annotation.segmentation], picture.size)
    except (ValueError, TypeError) as error:
        reason = re.sub(r"^(mask|object) 0: ", "", str(error))
        problems.report(
            f"{annotation.label}: {reason} ({picture.label} has height {height} and width {width})"
        )
        return False
    return True


def read_json(path: Path) -> Any:
    """Read a JSON file; BadInput if it is none."""
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:  # ValueError: not JSON, or not Unicode
        raise BadInput(f"{path}: not JSON: {error}") from error


def _load(path: Path, frame: Path | None, document: Any = None) -> dict[str, list[Any]]:
    if document is None:
        document = read_json(path)
    if isinstance(document, list):
        if frame is None:
            raise BadInput(
                f"{path}: it holds a list, as COCO's results do; "
                "say with --dataset which file has their images and categories"
            )
        return {**_load(frame, None), "annotations": document}
    if frame is not None:
        raise BadInput(f"{path}: expected COCO's results, a list, beside --dataset")
    keys = ("images", "annotations", "categories")
    if not isinstance(document, dict):
        raise BadInput(
            f"{path}: expected a COCO instance file, a JSON object with {', '.join(keys)}; "
            f"this one holds {_kind(document)}"
        )
    for key in keys:
        if not isinstance(document.get(key), list):
            found = f"is {_kind(document[key])}" if key in document else "is missing"
            raise BadInput(f'{path}: not a COCO instance file: the list "{key}" {found}')
    return document


def _categories(path: Path, items: list[Any]) -> dict[Id, Category]:
    names: dict[Id, str] = {}
    kinds: dict[Id, bool | None] = {}
    for position, item in enumerate(items):
        label = _label("category", item, position)
        try:
            key = _id(item, "id")
            if key in names:
                raise ValueError("its id occurs twice")
            names[key] = str(item.get("name", key))
            kinds[key] = _isthing(item)
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


def _pictures(items: list[Any], problems: Problems) -> dict[Id, Picture | None]:
    """Read the images by id; None stands for one that cannot be used."""
    pictures: dict[Id, Picture | None] = {}
    for position, item in enumerate(items):
        label = _label("image", item, position)
        try:
            key = _id(item, "id")
            if key in pictures:
                raise ValueError("its id occurs twice")
            pictures[key] = None
            target = _target(item)
            pictures[key] = Picture(key, label, _name(item), target, _size(item))
        except ValueError as error:
            problems.report(f"{label}: {error}")
    return pictures


def _annotation(
    label: str,
    item: Any,
    position: int,
    pictures: dict[Id, Picture | None],
    categories: dict[Id, Category],
    scores: bool,
) -> tuple[Picture | None, Annotation]:
    image, category = _id(item, "image_id"), _id(item, "category_id")
    if image not in pictures:
        raise ValueError(f"its image_id is {image!r}, but the file has no such image")
    if category not in categories:
        raise ValueError(f"its category_id is {category!r}, but the file has no such category")
    if "segmentation" not in item:
        raise ValueError('it has no "segmentation"')
    crowd = item.get("iscrowd", 0)
    if crowd not in (0, 1):
        raise ValueError(f'its "iscrowd" is {_kind(crowd)}, expected 0 or 1')
    score = _score(item) if scores else None
    own = item.get("id")
    key = own if isinstance(own, int | str) and not isinstance(own, bool) else position
    found = Annotation(label, key, categories[category], item["segmentation"], bool(crowd), score)
    return pictures[image], found


def _score(item: dict[str, Any]) -> float:
    score = item.get("score")
    if isinstance(score, bool) or not isinstance(score, int | float) or not math.isfinite(score):
        raise ValueError(f'its "score" is {_kind(score)}, expected a finite number')
    return float(score)


def _size(item: dict[str, Any]) -> tuple[int, int]:
    """Read height and width."""
    for key in ("height", "width"):
        value = item.get(key)
        if type(value) is not int or value < 1:
            raise ValueError(f'its "{key}" is {_kind(value)}, expected a positive integer')
    height, width = item["height"], item["width"]
    if height * width > MAX_PIXELS:
        raise ValueError(
            f"its height {_kind(height)} and width {_kind(width)} make more than "
            f"{MAX_PIXELS} pixels, the most that are allowed"
        )
    return height, width


def _isthing(item: dict[str, Any]) -> bool | None:
    value = item.get("isthing")
    if value not in (None, 0, 1):
        raise ValueError(f'its "isthing" is {_kind(value)}, expected 0 or 1')
    return None if value is None else bool(value)


def _name(item: dict[str, Any]) -> Any:
    name = item.get("file_name")
    if name is None and isinstance(url := item.get("coco_url"), str):  # LVIS has no other name
        return url.rsplit("/", 1)[-1]
    return name


def _target(item: dict[str, Any]) -> PurePosixPath:
    """Give the map's path below the output folder: the picture's, as .png, and never outside."""
    name = _name(item)
    if not isinstance(name, str) or not name:
        raise ValueError(f'its "file_name" is {_kind(name)}, expected a file\'s name')
    shown = json.dumps(name)
    if any(ord(c) < 32 for c in name):
        raise ValueError(f"its file_name {shown} holds a control character")
    parts = re.split(r"[/\\]", name)
    if parts[0] == "" or re.match("[A-Za-z]:", name):
        raise ValueError(f"its file_name {shown} is absolute, expected one below a folder")
    if ".." in parts:
        raise ValueError(f'its file_name {shown} leaves its folder through ".."')
    path = PurePosixPath(*parts)
    if parts[-1] in ("", ".") or not path.stem:
        raise ValueError(f"its file_name {shown} names a folder, expected a file")
    try:
        os.fsencode(name)
    except UnicodeEncodeError:
        raise ValueError(f"its file_name {shown} is not a valid name for a file") from None
    return path.with_suffix(".png")


def _id(item: Any, key: str) -> Id:
    if not isinstance(item, dict):
        raise ValueError(f"expected a JSON object, but this is {_kind(item)}")
    value = item.get(key)
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError(f'its "{key}" is {_kind(value)}, expected an integer or text')
    return value


def _label(kind: str, item: object, position: int) -> str:
    """Name an item by its id, or by where it stands, if it has none."""
    key = item.get("id") if isinstance(item, dict) else None
    if isinstance(key, int | str):
        return f"{kind} {key if isinstance(key, int) else json.dumps(key)}"
    return f"{kind} at position {position} (counting from 0; it has no id)"


def _kind(value: object) -> str:
    """Describe a JSON value in a few characters."""
    match value:
        case None:
            return "missing or null"
        case bool() | int() | float():
            return _short(str(value))
        case str():
            return _short(json.dumps(value))
        case list():
            return "a list"
        case _:
            return "an object"


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "..."
