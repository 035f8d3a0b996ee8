"""Kaggle's CSV files: a run-length string per row (1-based, column-major).

Columns are recognized by their names: the image (``ImageId``, ``id``, ``img``, ...), the string
(``EncodedPixels``, ``rle_mask``, ...), and if present the class and the height and width of the
image. In ``Image_Label``, both are joined by the last underscore. A row with an empty string, -1 or
NaN is an image, or a class of an image, without a mask.

Without columns of sizes, sizes are those of the image files beside the CSV file, or in a folder
there, or of the data set that is passed to `read`.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from segcore._input.arrays import Size
from segcore._publish import Outputs
from segcore.data.coco.stream import Progress, open_binary
from segcore.data.dataset import Dataset
from segcore.data.errors import DatasetError
from segcore.data.formats._account import EMPTY, Account
from segcore.data.formats._builder import ROTATED, Builder, as_size, relative_name
from segcore.data.formats._images import SUFFIXES, image_size
from segcore.data.formats._names import csv_name
from segcore.data.report import WriteReport
from segcore.errors import MaskError
from segcore.formats import kaggle

IMAGES = ("imageid", "image_id", "id", "img", "image", "filename", "file_name", "id_code")
STRINGS = (
    *("encodedpixels", "rle_mask", "rle", "predicted", "segmentation", "encoding", "pixels"),
    *("annotation", "mask"),
)
CLASSES = ("classid", "class_id", "class", "label", "category", "cell_type", "name")
HEIGHTS, WIDTHS = ("height", "image_height"), ("width", "image_width")
JOINED = ("image_label", "imageid_classid", "image_class")
OBJECT = "object"
BLOCK = 1024
HEADER = ["ImageId", "Height", "Width", "ClassId", "EncodedPixels"]
LONGEST = 2**31 - 1


# -- reading --------------------------------------------------------------------------------------


def read(
    path: str | os.PathLike[str],
    dataset: Dataset | None = None,
    *,
    skip_invalid: bool = False,
    progress: Progress | None = None,
) -> Dataset:
    """Read a CSV file."""
    place = Path(path)
    builder = Builder(place, skip_invalid)
    builder.look_beside(place.parent, "images", "train")
    file, total = open_binary(place)
    with file:
        data = file.read()
    rows = _rows(place, data)
    try:
        header = next(rows)[1]
    except StopIteration:
        raise DatasetError(str(place), "expected a header, got an empty file") from None
    columns = _Columns(place, header)
    sizes = _Sizes(builder, place, dataset)
    images: dict[str, tuple[int, Size]] = {}
    for block in iter(lambda: list(islice(rows, BLOCK)), []):
        _read_block(builder, columns, sizes, images, block)
    if progress is not None:
        progress(len(data), total)
    return builder.dataset()


def _rows(path: Path, data: bytes) -> Iterator[tuple[int, list[str]]]:
    """Yield the line and the fields of each row."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise DatasetError(str(path), "expected text in UTF-8", f"line {line}") from None
    separator = "\t" if "\t" in text.partition("\n")[0] else ","
    limit = csv.field_size_limit(LONGEST)  # strings of large masks are longer than the default
    try:
        reader = csv.reader(io.StringIO(text), delimiter=separator, strict=True)
        for row in reader:
            if row:
                yield reader.line_num, row
    except csv.Error as error:
        raise DatasetError(str(path), f"not CSV: {error}", f"line {reader.line_num}") from None
    finally:
        csv.field_size_limit(limit)


class _Columns:
    """Where the fields of a row are."""

    def __init__(self, path: Path, header: list[str]) -> None:
        names = [name.strip().lower() for name in header]

        def find(known: tuple[str, ...]) -> int | None:
            return next((names.index(name) for name in known if name in names), None)

        joined = find(JOINED)
        image, string = joined if joined is not None else find(IMAGES), find(STRINGS)
        if image is None or string is None:
            shown = ", ".join(header)[:80]
            raise DatasetError(
                str(path),
                f"expected columns such as ImageId and EncodedPixels, got {shown!r}",
                "line 1",
            )
        self.image, self.string, self.is_joined = image, string, joined is not None
        self.category = None if self.is_joined else find(CLASSES)
        self.height, self.width = find(HEIGHTS), find(WIDTHS)
        self.count = len(header)

    def fields(self, row: list[str]) -> tuple[str, str, str]:
        """Return the image, the class and the string of a row."""
        if len(row) != self.count:
            raise ValueError(f"expected {self.count} fields, got {len(row)}")
        name, category = row[self.image], OBJECT
        if self.is_joined:
            name, separator, category = name.rpartition("_")
            if not separator:
                raise ValueError(f"expected an image and a class, got {category!r:.60}")
        elif self.category is not None:
            category = row[self.category]
        return relative_name(name), category, row[self.string]

    def size(self, row: list[str]) -> Size | None:
        """Return the size in a row, if there is one."""
        if self.height is None or self.width is None:
            return None
        return as_size(row[self.height], row[self.width])


class _Sizes:
    """Sizes of images, from a data set or from image files."""

    def __init__(self, builder: Builder, path: Path, dataset: Dataset | None) -> None:
        self._builder = builder
        self._folder = path.parent
        self._files: dict[str, Path] | None = None
        self._known: dict[str, Size] = {}
        for sample in dataset or ():
            for name in (sample.file_name, PurePosixPath(sample.file_name).stem):
                self._known[name] = sample.size

    def find(self, name: str) -> Size:
        """Return the size of an image. Raises ValueError if it is unknown."""
        if name in self._known:
            return self._known[name]
        if self._files is None:
            self._files = _image_files(self._folder)
        file = self._files.get(name)
        if file is None:
            raise ValueError(
                f"the size of {name!r:.60} is unknown: put the images beside the file, add columns "
                "Height and Width, or pass a data set that has the images: read(path, dataset=...)"
            )
        size, is_rotated = image_size(file)
        if is_rotated:
            self._builder.note(ROTATED, name)
        return size


def _image_files(folder: Path) -> dict[str, Path]:
    """Return the image files in a folder and the folders in it, by name and by stem."""
    found: dict[str, Path] = {}
    for parent in (folder, *sorted(path for path in folder.iterdir() if path.is_dir())):
        for path in sorted(parent.iterdir()):
            if path.suffix.lower() in SUFFIXES:
                found.setdefault(path.name, path)
                found.setdefault(path.stem, path)
    return found


def _read_block(
    builder: Builder,
    columns: _Columns,
    sizes: _Sizes,
    images: dict[str, tuple[int, Size]],
    block: list[tuple[int, list[str]]],
) -> None:
    """Read some rows; those of one image that follow each other are decoded together."""
    waiting: list[tuple[int, str, str]] = []
    current = -1, (0, 0)
    for line, row in block:
        try:
            name, category, string = columns.fields(row)
            size = columns.size(row)
            if name not in images:
                found = size or sizes.find(name)
                images[name] = builder.add_image(name, found), found
            elif size is not None and size != images[name][1]:
                raise ValueError(f"its size {size} differs from {images[name][1]} of other rows")
        except ValueError as error:
            builder.refuse(str(error), f"line {line}")
            continue
        if images[name] != current:
            _decode(builder, *current, waiting)
            waiting, current = [], images[name]
        if category:
            builder.category(category)
        waiting.append((line, category, string))
    _decode(builder, *current, waiting)


def _decode(builder: Builder, image: int, size: Size, rows: list[tuple[int, str, str]]) -> None:
    """Add the masks of an image. Empty strings are not annotations."""
    while rows:
        try:
            masks = kaggle.decode([string for _, _, string in rows], size)
        except MaskError as error:
            builder.refuse(error.detail, f"line {rows[error.index][0]}")
            rows = [row for index, row in enumerate(rows) if index != error.index]
            continue
        kept = np.flatnonzero(masks.area > 0)
        categories = [builder.category(rows[index][1] or OBJECT) for index in kept.tolist()]
        builder.add_masks(image, np.array(categories, np.int64), masks[kept])
        return


# -- writing --------------------------------------------------------------------------------------


def write(
    dataset: Dataset,
    outputs: Outputs,
    path: str | os.PathLike[str],
    progress: Progress | None = None,
) -> WriteReport:
    """Write a CSV file with the columns ImageId, Height, Width, ClassId and EncodedPixels.

    Images without masks have a row with an empty string.
    """
    account = Account(dataset, "kaggle", path, progress)
    dataset = account.dataset
    names = account.names()
    labels = account.category_names(csv_name)
    with outputs.file(path).open() as file:
        file.write(_line(HEADER))
        for image, name in account.tracked(names):
            height, width = account.size(image)
            rows = account.rows(image)
            masks = account.masks(image, rows)
            is_empty = masks.area == 0
            account.drop(rows[is_empty], EMPTY)
            kept = np.flatnonzero(~is_empty)
            categories: list[Any] = dataset.annotations["category"][rows[kept]].tolist()
            for category, string in zip(categories, kaggle.encode(masks[kept]), strict=True):
                file.write(_line([name, height, width, labels[category], string]))
            if not len(kept):
                file.write(_line([name, height, width, "", ""]))
    account.unwritten_values()
    return account.report()


def _line(fields: list[Any]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(fields)
    return text.getvalue().encode()
