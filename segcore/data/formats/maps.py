"""PNG label maps and binary masks: a folder with a PNG per image, or one of them.

Every label except 0 is a category, and its pixels in an image are one annotation. 255 means that a
pixel is ignored, unless ``classes.json`` lists it, or no file has another label beside 0: a folder
of PNGs of 0 and 255 has one object per image.

Colors of RGB PNGs need a table beside them: ``labelmap.txt`` (``name:r,g,b``, as written by CVAT),
``label_colors.txt`` (``r g b name``, as in CamVid) or ``class_dict.csv`` (``name,r,g,b``).
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._publish import Outputs
from segcore.data.coco.stream import Progress
from segcore.data.dataset import Dataset
from segcore.data.errors import DatasetError
from segcore.data.files.classes import CLASSES, MapClass, read_classes
from segcore.data.files.label_maps import IGNORED, label_maps
from segcore.data.files.read_ahead import read_ahead
from segcore.data.formats._account import MERGED, Account, category_names, painted
from segcore.data.formats._builder import Builder, track
from segcore.data.formats._images import (
    label_png,
    read_label_png,
    voc_colors,
)
from segcore.data.report import WriteReport
from segcore.maps.ids import from_rgb
from segcore.masks import Masks

COLOR_TABLES = ("labelmap.txt", "label_colors.txt", "class_dict.csv")
OBJECT = "object"
"""Name of the category of binary masks."""


# -- reading --------------------------------------------------------------------------------------


def read(
    path: str | os.PathLike[str],
    *,
    skip_invalid: bool = False,
    progress: Progress | None = None,
) -> Dataset:
    """Read a folder of PNG label maps or binary masks, or a single PNG."""
    place = Path(path)
    folder = place if place.is_dir() else place.parent
    files = label_maps(place) if place.is_dir() else {PurePosixPath(place.name): place}
    classes = read_classes(folder)
    if not files:
        raise DatasetError(str(place), "expected PNG files, found none")
    meaning = _Meaning(classes, color_table(folder))
    builder = Builder(path, skip_invalid)
    done = track(files, progress)
    is_binary = not classes
    ignored = None if IGNORED in classes else "class 255"
    for index, ((name, _), found) in enumerate(read_ahead(meaning.read, files.items())):
        done(index)
        if isinstance(found, DatasetError):
            builder.refuse(found.detail, found.item, found.path)
            continue
        row = builder.add_image(str(name), found.masks.size)
        rows = [builder.category(*category) for category in found.categories]
        builder.add_masks(row, np.array(rows, np.int64), found.masks)
        is_binary &= found.is_binary
        is_ignored = [category == ignored for category, _ in found.categories]
        if ignored and any(is_ignored):
            area = int(found.masks.area[is_ignored].sum())
            builder.note("pixels of the label 255, which are ignored", str(name), area)
    if is_binary:
        builder.forget_notes()
        builder.change_categories([0] * len(builder.categories), {OBJECT: (1, "")})
    elif ignored in builder.categories:
        builder.drop_category(ignored)
    return builder.dataset()


@dataclass(frozen=True)
class _Found:
    """The labels in a file: their categories (name and id), and their masks."""

    categories: list[tuple[str, Any]]
    masks: Masks
    is_binary: bool


class _Meaning:
    """What labels and colors mean."""

    def __init__(self, classes: dict[int, MapClass], colors: dict[int, tuple[str, int]]) -> None:
        self._classes = classes
        self._colors = colors

    def read(self, item: tuple[PurePosixPath, Path]) -> _Found | DatasetError:
        """Read a file; an error is returned, since it may be skipped."""
        path = item[1]
        try:
            pixels, is_bits = read_label_png(path)
            if pixels.ndim == 3:
                return self._of_colors(path, pixels)
            return self._of_labels(path, pixels, is_bits)
        except DatasetError as error:
            return error

    def _of_labels(self, path: Path, labels: NDArray[Any], is_bits: bool) -> _Found:
        values, masks = Masks.from_label_map(labels)
        numbers: list[int] = values.tolist()
        is_binary = is_bits or not set(numbers) - {IGNORED}
        categories: list[tuple[str, Any]] = [(f"class {number}", number) for number in numbers]
        if self._classes:
            for index, number in enumerate(numbers):
                known = self._classes.get(number)
                if known is not None:
                    categories[index] = known.name, known.category_id
                elif number != IGNORED:
                    raise DatasetError(
                        str(path), f"it has the label {number}, which {CLASSES} does not list"
                    )
        kept = [i for i, (_, category_id) in enumerate(categories) if category_id is not None]
        return _Found([categories[i] for i in kept], masks[kept], is_binary)

    def _of_colors(self, path: Path, pixels: NDArray[np.uint8]) -> _Found:
        values, masks = Masks.from_label_map(from_rgb(pixels))
        codes: list[int] = values.tolist()
        if not self._colors:
            raise DatasetError(
                str(path),
                f"it is an RGB PNG of {len(codes)} colors, which need a table beside it: "
                f"{COLOR_TABLES[0]} with lines name:r,g,b",
            )
        if unknown := [code for code in codes if code not in self._colors]:
            red, green, blue = unknown[0] & 255, unknown[0] >> 8 & 255, unknown[0] >> 16
            raise DatasetError(
                str(path), f"it has the color {red},{green},{blue}, which the table does not list"
            )
        kept = [i for i, code in enumerate(codes) if self._colors[code][1]]
        return _Found([self._colors[codes[i]] for i in kept], masks[kept], False)


def color_table(folder: Path) -> dict[int, tuple[str, int]]:
    """Return the name and number of each color, red + 256 * green + 65536 * blue.

    They come from the table of colors in a folder; the result is empty if there is none. The
    background has the number 0.
    """
    for name in COLOR_TABLES:
        if (folder / name).is_file():
            return _read_colors(folder / name)
    return {}


def _read_colors(path: Path) -> dict[int, tuple[str, int]]:
    found: dict[int, tuple[str, int]] = {}
    for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1):
        text = line.strip()
        if not text or text.startswith("#") or (path.suffix == ".csv" and number == 1):
            continue
        name, color = _color_line(path.name, text)
        parts = [int(part) if part.isdecimal() else 256 for part in color]
        if len(parts) != 3 or max(parts) > 255 or not name:
            raise DatasetError(
                str(path), f"expected a name and a color, got {text!r:.60}", f"line {number}"
            )
        code = parts[0] + 256 * parts[1] + 65536 * parts[2]
        found[code] = (
            name,
            0
            if name.lower() == "background"
            else 1 + sum(number > 0 for _, number in found.values()),
        )
    return found


def _color_line(file: str, text: str) -> tuple[str, list[str]]:
    """Return the name and the three parts of the color in a line of a table."""
    if file == "labelmap.txt":
        name, _, rest = text.partition(":")
        return name, [part.strip() for part in rest.partition(":")[0].split(",")]
    words = re.split(r"[\s,]+", text)
    if file == "label_colors.txt":
        return " ".join(words[3:]), words[:3]
    name, *color = text.rsplit(",", 3)
    return name, [part.strip() for part in color]


# -- writing --------------------------------------------------------------------------------------


def write(dataset: Dataset, outputs: Outputs, path: str | os.PathLike[str]) -> WriteReport:
    """Write a label map per image, and ``classes.json`` with the labels of the categories.

    Labels are category ids if these are from 1 to 65535, and otherwise numbers from 1. PNGs have 8
    bits if no label is above 254. Smaller masks are painted over larger ones, and crowds below all
    others. Annotations of the same category in an image become one.
    """
    account = Account(dataset, "maps", path)
    dataset = account.dataset
    labels, dtype = _labels(dataset)
    names = account.names(".png")
    folder = outputs.folder(path, names=[*names, CLASSES])
    colors = voc_colors() if dtype == np.uint8 else None
    merged = 0
    for image, rows, masks in account.with_masks():
        values = labels[dataset.annotations["category"][rows]]
        pixels, visible = painted(account, rows, masks, values, dtype)
        merged += len(visible) - len(set(visible.tolist()))
        folder.write(names[image], label_png(pixels, colors))
    folder.write(CLASSES, _classes_text(dataset, labels, colors))
    account.unwritten(MERGED, merged)
    account.unwritten_values(
        "category ids", "categories without annotations", names=names, image_names=names
    )
    return account.report()


def _labels(dataset: Dataset) -> tuple[NDArray[np.int64], Any]:
    """Return the label of each category, and the dtype of the maps."""
    ids = dataset.categories["id"]
    if len(ids) > 65534:
        raise ValueError(f"dataset: expected at most 65534 categories, got {len(ids)}")
    if ids.dtype == object or (len(ids) and (ids.min() < 1 or ids.max() > 65535)):
        ids = np.arange(1, len(ids) + 1)
    return ids, np.dtype(np.uint8 if ids.max(initial=0) < IGNORED else np.uint16)


def _classes_text(
    dataset: Dataset, labels: NDArray[np.int64], colors: NDArray[np.uint8] | None
) -> bytes:
    names = category_names(dataset)
    ids = dataset.categories["id"].tolist()
    listed = [{"index": 0, "category_id": None, "name": "background"}] + [
        {"index": label, "category_id": category_id, "name": name}
        for label, category_id, name in zip(labels.tolist(), ids, names, strict=True)
    ]
    if colors is not None:
        listed = [{**item, "color": colors[item["index"]].tolist()} for item in listed]
    kind = "8-bit indexed" if colors is not None else "16-bit grayscale"
    return json.dumps({"png": kind, "classes": listed}, ensure_ascii=False, indent=1).encode()
