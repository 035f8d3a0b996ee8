"""Pascal VOC: PNGs of classes in ``SegmentationClass``, and of objects in ``SegmentationObject``.

Both have the same names. 0 is background, and 255 is the border between objects, which belongs to
none; its pixels are counted. An object is of the class that its pixels have in the other PNG.
Without ``SegmentationObject``, the pixels of a class in an image are one annotation.

The classes are those of VOC 2012, or those in ``labelmap.txt`` (``name:r,g,b``), which CVAT writes
for PNGs of colors.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._publish import FolderWriter, Outputs
from segcore.data.coco.stream import Progress
from segcore.data.dataset import Dataset
from segcore.data.errors import DatasetError
from segcore.data.files.label_maps import IGNORED, label_maps
from segcore.data.files.pngs import label_png
from segcore.data.formats._account import Account, Rows, painted
from segcore.data.formats._builder import Builder, track
from segcore.data.formats._images import (
    read_label_png,
    voc_colors,
)
from segcore.data.formats._parts import Unwritten, write_images
from segcore.data.formats.maps import BACKGROUND, color_table, line_of
from segcore.data.report import WriteReport
from segcore.maps.ids import from_rgb
from segcore.masks import Masks

CLASSES = (
    *("aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"),
    *("diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa"),
    *("train", "tvmonitor"),
)
CLASS_FOLDER, OBJECT_FOLDER = "SegmentationClass", "SegmentationObject"
IMAGE_FOLDER = "JPEGImages"
LISTED = "ImageSets/Segmentation/default.txt"
MOST = 254
"""Number of classes, and of objects per image, that have a label between 0 and 255."""
TOO_MANY = f"its image has more than {MOST} objects"

Labels = NDArray[np.int64]


# -- reading --------------------------------------------------------------------------------------


def read(
    path: str | os.PathLike[str],
    *,
    skip_invalid: bool = False,
    progress: Progress | None = None,
) -> Dataset:
    """Read the folder that contains ``SegmentationClass`` or ``SegmentationObject``."""
    root = Path(path)
    maps = [_maps(root, name) for name in (CLASS_FOLDER, OBJECT_FOLDER)]
    names = sorted({**maps[0], **maps[1]})
    if not names:
        detail = f"expected PNG files in {CLASS_FOLDER} or {OBJECT_FOLDER}, found none"
        raise DatasetError(str(root), detail)
    colors = color_table(root)
    builder = Builder(path, skip_invalid)
    builder.look_beside(root / IMAGE_FOLDER)
    done = track(names, progress)
    for index, name in enumerate(names):
        try:
            _read_image(builder, name, maps[0].get(name), maps[1].get(name), colors)
        except DatasetError as error:
            builder.refuse(error.detail, error.item, error.path)
        done(index)
    return builder.dataset()


def _maps(root: Path, name: str) -> dict[PurePosixPath, Path]:
    """Return the PNGs of a folder; beside arrays, older versions of LabelMe call it "...PNG"."""
    folder = next((f for f in (root / f"{name}PNG", root / name) if f.is_dir()), None)
    return {} if folder is None else label_maps(folder)


def _read_image(
    builder: Builder,
    name: PurePosixPath,
    class_path: Path | None,
    object_path: Path | None,
    colors: dict[int, tuple[str, int]],
) -> None:
    """Add an image and its annotations."""
    classes = None if class_path is None else _labels(class_path, _class_codes(colors))
    objects = None if object_path is None else _labels(object_path, _object_codes())
    if classes is not None and objects is not None:
        if classes.shape != objects.shape:
            raise DatasetError(
                str(object_path),
                f"expected the size {classes.shape} of {class_path}, got {objects.shape}",
            )
        ids, masks = Masks.from_label_map(objects, 0, IGNORED)
        numbers = _classes_of(str(object_path), ids, objects, classes)
        without = int(((objects == 0) & (classes != 0) & (classes != IGNORED)).sum())
        if without:
            builder.note("pixels of a class without an object", str(class_path), without)
    elif classes is not None:
        numbers, masks = Masks.from_label_map(classes, 0, IGNORED)
    elif objects is not None:
        ids, masks = Masks.from_label_map(objects, 0, IGNORED)
        numbers = np.zeros(len(ids), np.int64)
    labels = classes if classes is not None else objects
    if labels is None:
        return
    border = int((labels == IGNORED).sum())
    if border:
        path = str(class_path or object_path)
        builder.note("pixels of the label 255, the border of objects", path, border)
    row = builder.add_image(str(name.with_suffix(".jpg")), (labels.shape[0], labels.shape[1]))
    names = {number: text for text, number in colors.values() if number}
    categories = [_category(builder, int(number), names) for number in numbers]
    builder.add_masks(row, np.array(categories, np.int64), masks)


def _category(builder: Builder, number: int, names: dict[int, str]) -> int:
    """Return the row of a class; 0 is an object of an unknown class."""
    if number == 0:
        return builder.category("object", len(CLASSES) + 1)
    default = CLASSES[number - 1] if number <= len(CLASSES) and not names else f"class {number}"
    return builder.category(names.get(number, default), number)


def _classes_of(path: str, ids: NDArray[Any], objects: Labels, classes: Labels) -> Labels:
    """Return the class of each object: that of its pixels, of which none has another one."""
    is_labeled = (classes != 0) & (classes != IGNORED)
    is_object = (objects != 0) & (objects != IGNORED)
    pairs = np.unique(objects[is_object & is_labeled] * 256 + classes[is_object & is_labeled])
    found = dict.fromkeys(ids.tolist(), 0)
    for pair in pairs.tolist():
        number, label = divmod(pair, 256)
        if found[number]:
            detail = f"its pixels are of the classes {found[number]} and {label}"
            raise DatasetError(path, detail, f"object {number}")
        found[number] = label
    return np.array(list(found.values()), np.int64)


def _labels(path: Path, codes: NDArray[np.int64]) -> Labels:
    """Return the labels in a PNG; `codes` has the color of each label, for PNGs of colors."""
    pixels, _ = read_label_png(path)
    if pixels.ndim == 2:
        if int(pixels.max(initial=0)) > IGNORED:
            raise DatasetError(str(path), f"expected labels up to 255, got {pixels.max()}")
        return pixels.astype(np.int64)
    found, inverse = np.unique(from_rgb(pixels), return_inverse=True)
    rows = {code: row for row, code in reversed(list(enumerate(codes.tolist())))}
    rows.setdefault(int(_object_codes()[IGNORED]), IGNORED)
    for code in found.tolist():
        if code not in rows:
            color = f"{code & 255},{code >> 8 & 255},{code >> 16}"
            raise DatasetError(str(path), f"it has the color {color}, which is of no class")
    labels: Labels = np.array([rows[code] for code in found.tolist()], np.int64)[inverse]
    return labels.reshape(pixels.shape[:2])


def _object_codes() -> NDArray[np.int64]:
    """Return red + 256 * green + 65536 * blue of the colors of VOC."""
    codes: NDArray[np.int64] = voc_colors().astype(np.int64) @ np.array([1, 256, 65536])
    return codes


def _class_codes(colors: dict[int, tuple[str, int]]) -> NDArray[np.int64]:
    """Return the color of each class, with that of the background first."""
    listed = [code for code, (_, number) in colors.items() if number]
    return np.array([0, *listed], np.int64) if colors else _object_codes()


# -- writing --------------------------------------------------------------------------------------


def write(
    dataset: Dataset,
    outputs: Outputs,
    path: str | os.PathLike[str],
    progress: Progress | None = None,
    **engine: Any,
) -> WriteReport:
    """Write a PNG of classes and one of objects per image, and ``labelmap.txt``.

    Smaller masks are painted over larger ones, and crowds below all others.
    """
    account = Account(dataset, "voc", path, progress)
    labels, names = _class_labels(account.category_names(_class_name))
    files = account.names(".png")
    image_names = account.names(".jpg")
    folder = outputs.folder(path, names=["labelmap.txt", LISTED])
    colors = voc_colors()
    for name in files:
        folder.declare(f"{CLASS_FOLDER}/{name}")
        folder.declare(f"{OBJECT_FOLDER}/{name}")
    write_images(account, folder, functools.partial(_write_maps, labels), files, **engine)
    folder.write("labelmap.txt", _labelmap(names, colors))
    folder.write(LISTED, "".join(f"{os.path.splitext(name)[0]}\n" for name in files).encode())
    account.unwritten_values(names=files, image_names=image_names, category_ids=labels)
    return account.report()


def _write_maps(
    labels: Labels, files: FolderWriter, account: Account, names: list[str]
) -> Iterator[Unwritten]:
    """Write the PNGs of some images: a job."""
    colors = voc_colors()
    for image, file_name in enumerate(names):
        rows = _at_most(account, account.rows(image))
        masks = account.masks(image, rows)
        found, objects, _ = painted(account, rows, masks, np.arange(1, len(rows) + 1))
        classes = labels[account.dataset.annotations["category"][rows]][found - 1]
        for parent, values in ((CLASS_FOLDER, classes), (OBJECT_FOLDER, found)):
            name = f"{parent}/{file_name}"
            yield name, files.write(name, label_png(values.astype(np.uint8), objects, colors))


def _class_labels(names: list[str]) -> tuple[Labels, dict[int, str]]:
    """Return the label of each category, and the names of labels: VOC's, if all are VOC's."""
    if len(names) > MOST:
        raise ValueError(f"dataset: VOC has at most {MOST} classes, got {len(names)} categories")
    if set(names) <= set(CLASSES):
        labels = [CLASSES.index(name) + 1 for name in names]
        return np.array(labels, np.int64), dict(enumerate(CLASSES, 1))
    return np.arange(1, len(names) + 1), dict(enumerate(names, 1))


def _class_name(name: str) -> str:
    """Return the name of a class as ``labelmap.txt`` can have it.

    A colon ends a name, "#" starts a comment, and there is one background.
    """
    text = line_of(name.replace(":", " "))
    if text.startswith("#"):
        text = f"_{text[1:]}"
    return f"{text}_" if text.lower() == BACKGROUND else text


def _at_most(account: Account, rows: Rows) -> Rows:
    account.drop(rows[MOST:], TOO_MANY)
    return rows[:MOST]


def _labelmap(names: dict[int, str], colors: NDArray[np.uint8]) -> bytes:
    lines = ["# label:color_rgb:parts:actions", "background:0,0,0::"]
    for label, name in names.items():
        color = ",".join(map(str, colors[label].tolist()))
        lines.append(f"{name}:{color}::")
    return ("\n".join(lines) + "\n").encode()
