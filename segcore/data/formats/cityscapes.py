"""Cityscapes: PNGs of instance ids or label ids, or JSON files of polygons, for each image.

For ``aachen_000000_000019_gtFine_instanceIds.png`` and its siblings, the image is
``aachen_000000_000019_leftImg8bit.png``. The first of these that exists is read: instance ids,
polygons, label ids. Groups of objects, such as ``cargroup``, are crowds. In files of polygons,
later objects are in front of earlier ones, and their masks overlap.
"""

from __future__ import annotations

import functools
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._input.arrays import described
from segcore._publish import FolderWriter, Outputs
from segcore.data.coco.stream import Progress
from segcore.data.dataset import Dataset
from segcore.data.errors import DatasetError
from segcore.data.files.pngs import label_png
from segcore.data.formats._account import (
    MERGED,
    Account,
    Rows,
    painted,
    painting_order,
)
from segcore.data.formats._builder import Builder, as_size, track
from segcore.data.formats._images import read_label_png
from segcore.data.formats._json import read_json
from segcore.data.formats._parts import Unwritten, write_images
from segcore.data.formats._rings import as_points, check_ring, joined_ring, outline_rings
from segcore.data.report import WriteReport
from segcore.maps.ids import CITYSCAPES_DIVISOR, CITYSCAPES_FIRST_THING, to_cityscapes
from segcore.masks import Masks

GROUPS = {
    "void": "unlabeled,ego vehicle,rectification border,out of roi,static,dynamic,ground",
    "flat": "road,sidewalk,parking,rail track",
    "construction": "building,wall,fence,guard rail,bridge,tunnel",
    "object": "pole,polegroup,traffic light,traffic sign",
    "nature": "vegetation,terrain",
    "sky": "sky",
    "human": "person,rider",
    "vehicle": "car,truck,bus,caravan,trailer,train,motorcycle,bicycle",
}
NAMES = [name for names in GROUPS.values() for name in names.split(",")]
"""Name of each label id, from 0 to 33."""
SUPERCATEGORIES = [group for group, names in GROUPS.items() for _ in names.split(",")]
LICENSE_PLATE = "license plate"
"""It has the label id -1, and is not in the PNGs."""

IMAGES = "leftImg8bit"
KINDS = ("instanceIds.png", "polygons.json", "labelIds.png")
_FILE = re.compile(r"(.*?)_?(gtFine|gtCoarse)_(instanceIds\.png|polygons\.json|labelIds\.png)$")
UNKNOWN = "its category is not one of Cityscapes"
TOO_MANY = "its image has more than 1000 objects of its category"


# -- reading --------------------------------------------------------------------------------------


def read(
    path: str | os.PathLike[str],
    *,
    skip_invalid: bool = False,
    progress: Progress | None = None,
) -> Dataset:
    """Read a folder such as ``gtFine`` or ``gtFine/val``, or a file of polygons."""
    builder = Builder(path, skip_invalid)
    builder.look_beside(_image_folder(Path(path)))
    for label, name in enumerate(NAMES[1:], 1):
        builder.category(name, label, SUPERCATEGORIES[label])
    builder.stuff.update(NAMES[:CITYSCAPES_FIRST_THING])
    images = _images(Path(path))
    done = track(images, progress)
    for index, (name, file) in enumerate(images.items()):
        try:
            if file.suffix == ".json":
                _read_polygons(builder, name, file)
            else:
                _read_ids(builder, name, file)
        except DatasetError as error:
            builder.refuse(error.detail, error.item, error.path)
        done(index)
    return builder.dataset()


def _images(path: Path) -> dict[str, Path]:
    """Return the file that is read for each image."""
    if not path.is_dir():
        match = _FILE.match(path.name)
        return {_image_name(match[1]) if match else path.stem: path}
    found: dict[str, Path] = {}
    for kind in KINDS:
        for parent, folders, names in os.walk(path):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                match = _FILE.match(name)
                if match and match[3] == kind:
                    below = PurePosixPath(Path(parent).relative_to(path).as_posix())
                    found.setdefault(str(below / _image_name(match[1])), Path(parent, name))
    if not found:
        detail = f"expected files such as *_gtFine_{KINDS[0]}, found none"
        raise DatasetError(str(path), detail)
    return dict(sorted(found.items()))


def _image_folder(path: Path) -> Path:
    """Return the folder of the images: ``leftImg8bit/val`` for ``gtFine/val``."""
    folder = path if path.is_dir() else path.parent
    parts = [IMAGES if part in ("gtFine", "gtCoarse") else part for part in folder.absolute().parts]
    return Path(*parts)


def _image_name(stem: str) -> str:
    return f"{stem}_{IMAGES}.png"


def _read_ids(builder: Builder, name: str, path: Path) -> None:
    """Read a PNG of instance ids or label ids."""
    pixels, _ = read_label_png(path)
    if pixels.ndim != 2:
        raise DatasetError(str(path), "expected a gray PNG of ids, got colors")
    found, masks = Masks.from_label_map(pixels)
    ids: NDArray[np.int64] = found.astype(np.int64)
    is_instance = ids >= CITYSCAPES_DIVISOR
    labels = np.where(is_instance, ids // CITYSCAPES_DIVISOR, ids)
    known = labels < len(NAMES)
    if not known.all():
        raise DatasetError(str(path), f"it has the id {ids[~known][0]}, which is of no class")
    is_crowd = ~is_instance & (labels >= CITYSCAPES_FIRST_THING)
    row = builder.add_image(name, (pixels.shape[0], pixels.shape[1]))
    builder.add_masks(row, labels - 1, masks, iscrowd=is_crowd)


def _read_polygons(builder: Builder, name: str, path: Path) -> None:
    """Read a JSON file of polygons."""
    document = read_json(path)
    if not isinstance(document, dict) or not isinstance(document.get("objects"), list):
        raise DatasetError(str(path), 'expected an object with a list "objects"')
    try:
        size = as_size(document.get("imgHeight"), document.get("imgWidth"))
    except ValueError as error:
        raise DatasetError(str(path), str(error), "imgHeight, imgWidth") from None
    row = builder.add_image(name, size)
    for index, item in enumerate(document["objects"]):
        where = f"objects[{index}]"
        try:
            if not isinstance(item, dict) or not isinstance(item.get("label"), str):
                raise ValueError(f'expected an object with a "label", got {described(item)}')
            if item.get("deleted"):
                continue
            label, is_group = _label_of(item["label"])
            ring = as_points(item.get("polygon"), "polygon").ravel()
            check_ring(ring)
        except ValueError as error:
            builder.refuse(str(error), where, path)
            continue
        if label in (LICENSE_PLATE, NAMES[0]):
            builder.note(f"objects of {label!r}, which is of no class", f"{path}: {where}")
            continue
        category = builder.category(label)
        builder.add_polygons(row, category, ring, [len(ring) // 2], [1], iscrowd=is_group)


def _label_of(text: str) -> tuple[str, bool]:
    """Return the class of a label, and whether it is a group of objects."""
    if text in NAMES or text == LICENSE_PLATE:
        return text, False
    name = text.removesuffix("group")
    if name not in NAMES:
        raise ValueError(f"label: {text!r:.60} is not one of Cityscapes")
    return name, NAMES.index(name) >= CITYSCAPES_FIRST_THING


# -- writing --------------------------------------------------------------------------------------


def write(
    dataset: Dataset,
    outputs: Outputs,
    path: str | os.PathLike[str],
    progress: Progress | None = None,
    **engine: Any,
) -> WriteReport:
    """Write a PNG of instance ids, one of label ids and a file of polygons per image.

    Categories are matched by name. Smaller masks are painted over larger ones, and crowds below all
    others. In an image, crowds of the same category become one, and so does stuff.
    """
    account = Account(dataset, "cityscapes", path, progress)
    dataset = account.dataset
    stems = [re.sub(r"(_leftImg8bit)?\.png$", "", name) for name in account.names(".png")]
    category_names = account.category_names()
    labels = _labels(category_names)
    folder = outputs.folder(path)
    job = functools.partial(_write_files, labels, category_names)
    for stem in stems:
        for name in _file_names(stem):
            folder.declare(name)
    write_images(account, folder, job, stems, **engine)
    read_names = [_image_name(stem) for stem in stems]
    is_thing = np.where(labels > 0, labels >= CITYSCAPES_FIRST_THING, dataset.categories["isthing"])
    account.unwritten_values(
        "iscrowd flags",
        names=read_names,
        image_names=read_names,
        category_ids=labels,
        is_thing=is_thing,
    )
    return account.report()


def _write_files(
    labels: NDArray[np.int64],
    category_names: list[str],
    files: FolderWriter,
    account: Account,
    stems: list[str],
) -> Iterator[Unwritten]:
    """Write the files of some images: a job."""
    for image, stem in enumerate(stems):
        rows, values = _values(account, account.rows(image), labels)
        masks = account.masks(image, rows)
        found, regions, visible = painted(account, rows, masks, values)
        account.unwritten(MERGED, len(visible) - len(np.unique(visible)))
        ids = found.astype(np.uint16)
        classes = np.where(ids >= CITYSCAPES_DIVISOR, ids // CITYSCAPES_DIVISOR, ids)
        written = (
            label_png(ids, regions),
            label_png(classes.astype(np.uint8), regions),
            _polygons_text(account, rows, masks, category_names),
        )
        for name, data in zip(_file_names(stem), written, strict=True):
            yield name, files.write(name, data)


def _file_names(stem: str) -> list[str]:
    """Return the names of the instance ids, the label ids and the polygons of an image."""
    kinds = "instanceIds.png", "labelIds.png", "polygons.json"
    return [f"{stem}_gtFine_{kind}" for kind in kinds]


def _polygons_text(account: Account, rows: Rows, masks: Masks, names: list[str]) -> bytes:
    """Return the polygons of an image, those in front last, and with bridges to their holes."""
    annotations = account.dataset.annotations
    crowd = annotations["iscrowd"][rows]
    objects = []
    outlines = masks.to_polygons()
    for index in painting_order(masks, crowd).tolist():
        row = int(rows[index])
        is_polygon = bool(account.is_polygon[row])
        rings = account.rings(row) if is_polygon else outline_rings(outlines, index)
        if len(rings[1]):
            name = names[int(annotations["category"][row])]
            is_group = crowd[index] and NAMES.index(name) >= CITYSCAPES_FIRST_THING
            points = joined_ring(*rings).reshape(-1, 2).tolist()
            objects.append({"label": name + "group" * bool(is_group), "polygon": points})
    height, width = masks.size
    document = {"imgHeight": height, "imgWidth": width, "objects": objects}
    return json.dumps(document, ensure_ascii=False, indent=1).encode()


def _labels(names: list[str]) -> NDArray[np.int64]:
    """Return the label id of each category; 0 if it is not one of Cityscapes."""
    known = {name: label for label, name in enumerate(NAMES)}
    return np.array([known.get(name, 0) for name in names], np.int64)


def _values(
    account: Account, rows: Rows, labels: NDArray[np.int64]
) -> tuple[Rows, NDArray[np.int64]]:
    """Return the annotations that have an id, and their ids."""
    annotations: Any = account.dataset.annotations
    classes = labels[annotations["category"][rows]]
    account.drop(rows[classes == 0], UNKNOWN)
    rows, classes = rows[classes > 0], classes[classes > 0]
    is_thing = (classes >= CITYSCAPES_FIRST_THING) & ~annotations["iscrowd"][rows]
    numbers = np.full(len(rows), -1, np.int64)
    for label in np.unique(classes[is_thing]).tolist():
        of_class = np.flatnonzero(is_thing & (classes == label))
        numbers[of_class] = np.arange(len(of_class))
    fits = numbers < CITYSCAPES_DIVISOR
    account.drop(rows[~fits], TOO_MANY)
    return rows[fits], to_cityscapes(classes[fits], numbers[fits]).astype(np.int64)
