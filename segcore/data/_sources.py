"""Read masks to look at: from COCO instance files and results, panoptic files, and label maps."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore.cli.progress import tracked
from segcore.data._classes import CLASSES, read_classes
from segcore.data._coco_file import Dataset, DatasetImage, read_dataset, read_masks
from segcore.data._fields import Id
from segcore.data._file_names import Folder, label_maps
from segcore.data._json_file import read_json
from segcore.data._label_maps import IGNORED, read_colors, read_labels
from segcore.data._panoptic_file import Entry, read_panoptic
from segcore.data._problems import BadInput, Problems
from segcore.data._read_ahead import read_ahead
from segcore.maps.ids import from_rgb
from segcore.masks import Masks
from segcore.show.report import Class


@dataclass(frozen=True)
class Shown:
    """A picture: its name, by which its photograph is found, and its masks.

    ``key`` is the name with the ending .png; pictures of two sources belong together if theirs are
    the same.
    """

    name: str
    key: PurePosixPath
    masks: Masks
    categories: list[Id]
    ids: list[Id]
    scores: NDArray[np.float64] | None = None
    crowd: NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class Source:
    """Pictures in order, and the categories that are known."""

    path: Path
    categories: dict[Id, Class]
    pictures: list[Shown]


def read_source(
    path: Path,
    problems: Problems,
    frame: Path | None = None,
    folder: Path | None = None,
) -> Source:
    """Read a source of masks; BadInput if it is none.

    Parameters
    ----------
    path : Path
        A COCO instance file, COCO's results, a COCO panoptic file, or a PNG label map or a folder
        of these.
    problems : Problems
        Told of images and annotations that are invalid.
    frame : Path, optional
        The file that COCO's results belong to. It is not used where ``path`` holds anything else.
    folder : Path, optional
        Where the PNGs of a panoptic file are: in the folder of its name unless given.
    """
    if path.is_dir():
        return _label_maps(path, label_maps(path))
    if path.suffix.lower() == ".png":
        return _label_maps(path.parent, {PurePosixPath(path.name): path})
    document = read_json(path)
    annotations = document.get("annotations") if isinstance(document, dict) else None
    if isinstance(annotations, list) and any(
        isinstance(each, dict) and "segments_info" in each for each in annotations[:1]
    ):
        return _panoptic(path, document, folder or path.with_suffix(""))
    frame = frame if isinstance(document, list) else None
    return _instances(path, read_dataset(path, problems, frame, None, document), problems)


def _instances(path: Path, dataset: Dataset, problems: Problems) -> Source:
    def read(picture: DatasetImage) -> Shown:
        annotations, masks = read_masks(picture, problems)
        scores = [each.score for each in annotations if each.score is not None]
        return Shown(
            str(picture.name),
            picture.target,
            masks,
            [each.category.id for each in annotations],
            [each.id for each in annotations],
            np.array(scores) if scores else None,
            np.array([each.crowd for each in annotations], np.bool_),
        )

    categories = {
        each.id: Class(each.name, each.isthing is not False) for each in dataset.categories
    }
    pictures = dataset.pictures
    shown = [read(picture) for picture in tracked(pictures, "Reading", len(pictures))]
    used = sum(len(each.masks) for each in shown)
    problems.check_left(path, len(dataset.pictures), dataset.listed, used)
    return Source(path, categories, shown)


def _panoptic(path: Path, document: Any, folder: Path) -> Source:
    file = read_panoptic(path, document)
    categories = file.categories()
    images = file.images()
    if not folder.is_dir():
        raise BadInput(f"{folder}: expected the folder with the PNGs of {path}")
    maps = Folder(folder)

    def read(entry: Entry) -> Shown:
        png = maps.map(entry.file_name)
        ids, masks = Masks.from_label_map(from_rgb(read_colors(png)))
        segments = entry.by_id(categories)
        if unlisted := sorted(set(ids.tolist()) - segments.keys()):
            raise BadInput(f"{png}: it has pixels of the id {unlisted[0]}, which is not listed")
        found = [segments[key] for key in ids.tolist()]
        name = file.image_of(entry, images).get("file_name", entry.file_name)
        return Shown(
            str(name),
            entry.file_name.with_suffix(".png"),
            masks,
            [each.category_id for each in found],
            ids.tolist(),
            crowd=np.array([each.iscrowd for each in found], np.bool_),
        )

    entries = file.entries
    shown = [each for _, each in tracked(read_ahead(read, entries), "Reading", len(entries))]
    listed: dict[Id, Class] = {
        key: Class(each["name"], each.get("isthing", 1) != 0) for key, each in categories.items()
    }
    return Source(path, listed, shown)


def _label_maps(folder: Path, maps: dict[PurePosixPath, Path]) -> Source:
    if not maps:
        raise BadInput(f"{folder}: it holds no file named *.png")
    classes = read_classes(folder)
    nothing = {each.index for each in classes.values() if each.category_id is None}
    if IGNORED not in classes:
        nothing.add(IGNORED)

    def read(item: tuple[PurePosixPath, Path]) -> Shown:
        name, path = item
        labels, masks = Masks.from_label_map(read_labels(path), 0, nothing)
        found = labels.tolist()
        if classes and (unlisted := [each for each in found if each not in classes]):
            raise BadInput(f"{path}: it has pixels of {unlisted[0]}, which {CLASSES} does not list")
        keys: list[Any] = [classes[each].category_id if classes else each for each in found]
        return Shown(str(name), name, masks, keys, found)

    shown = [each for _, each in tracked(read_ahead(read, maps.items()), "Reading", len(maps))]
    if classes:
        named = ((each.category_id, each.name) for each in classes.values())
        return Source(folder, {key: Class(name) for key, name in named if key is not None}, shown)
    seen = sorted({label for each in shown for label in each.categories}, key=int)
    return Source(folder, {label: Class(f"class {label}") for label in seen}, shown)
