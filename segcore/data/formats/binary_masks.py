"""Folders of binary masks: a folder per image, with a PNG of 0 and 255 per object.

`write` lists them in ``masks.csv``, with the image, its size and the category of each mask. Without
it, a folder has the name of its image, or is the folder ``masks`` within that, and a mask has the
name of its category, which a number may follow: ``street/car_1.png``. Numbers and hashes alone are
objects without a category.
"""

from __future__ import annotations

import csv
import functools
import io
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np

from segcore._input.arrays import Size
from segcore._publish import Outputs
from segcore.data.coco.stream import Progress
from segcore.data.dataset import Dataset
from segcore.data.errors import DatasetError
from segcore.data.files.label_maps import label_maps
from segcore.data.files.names import with_suffix
from segcore.data.files.pngs import label_png
from segcore.data.formats._account import Account
from segcore.data.formats._builder import Builder, as_size, relative_name, track
from segcore.data.formats._images import read_label_png
from segcore.data.formats._names import csv_name
from segcore.data.formats._parts import written_parts
from segcore.data.recognize import MASK_LIST
from segcore.data.report import WriteReport
from segcore.masks import Masks

HEADER = ["mask", "image", "height", "width", "category", "iscrowd"]
OBJECT = "object"
MASKS = "masks"
FOREGROUND = np.full(1, 255, np.uint8)
"""The label of a mask."""
_NUMBERED = re.compile(r"(.*?)[_ -]?\d+")
_HASH = re.compile(r"[0-9a-f-]{16,}")


class _Mask(NamedTuple):
    """A mask: where it is listed, its file, and its image; None for an image without masks."""

    item: str
    file: Path | None
    image: str
    size: Size | None
    category: str
    is_crowd: bool


# -- reading --------------------------------------------------------------------------------------


def read(
    path: str | os.PathLike[str],
    *,
    skip_invalid: bool = False,
    progress: Progress | None = None,
) -> Dataset:
    """Read a folder of binary masks."""
    root = Path(path)
    builder = Builder(root, skip_invalid)
    builder.look_beside(root, "images")
    listed = list(_listed(builder, root) if (root / MASK_LIST).is_file() else _found(root))
    if not listed:
        raise DatasetError(str(root), "expected PNG files, found none")
    done = track(listed, progress)
    images: dict[str, tuple[int, Size]] = {}
    for index, mask in enumerate(listed):
        try:
            _read_mask(builder, images, mask)
        except DatasetError as error:
            builder.refuse(error.detail, error.item, error.path)
        done(index)
    return builder.dataset()


def _listed(builder: Builder, root: Path) -> Iterator[_Mask]:
    """Yield the masks in ``masks.csv``."""
    path = root / MASK_LIST
    reader = csv.reader(io.StringIO(path.read_bytes().decode("utf-8", "replace")))
    try:
        if next(reader, None) != HEADER:
            raise DatasetError(str(path), f"expected {','.join(HEADER)}", "line 1")
        for row in reader:
            item = f"line {reader.line_num}"
            try:
                if len(row) != len(HEADER):
                    raise ValueError(f"expected {len(HEADER)} fields, got {len(row)}")
                name, image, height, width, category, is_crowd = row
                file = root / relative_name(name) if name else None
                size = as_size(height, width)
                yield _Mask(item, file, relative_name(image), size, category, is_crowd == "1")
            except ValueError as error:
                builder.refuse(str(error), item, path)
    except csv.Error as error:
        raise DatasetError(str(path), str(error), f"line {reader.line_num}") from None


def _found(root: Path) -> Iterator[_Mask]:
    """Yield the masks below a folder."""
    for name, file in label_maps(root).items():
        parts = [part for part in name.parent.parts if part != MASKS]
        image = str(PurePosixPath(*parts)) if parts else root.name
        match = _NUMBERED.fullmatch(name.stem)
        category = match[1] if match else name.stem
        category = OBJECT if not category or _HASH.fullmatch(name.stem) else category
        yield _Mask("", file, image, None, category, False)


def _read_mask(builder: Builder, images: dict[str, tuple[int, Size]], mask: _Mask) -> None:
    """Add a mask, and its image if that is new."""
    size, masks = mask.size, None
    if mask.file is not None:
        masks = _binary(mask.file)
        size = masks.size if size is None else size
    if size is None:
        return
    row, known = images.get(mask.image, (-1, size))
    for found in (size, size if masks is None else masks.size):
        if found != known:
            detail = f"expected the size {known} of the image {mask.image!r:.60}, got {found}"
            raise DatasetError(str(mask.file or builder.path), detail)
    if row < 0:
        row = builder.add_image(mask.image, size)
        images[mask.image] = row, size
    if masks is not None:
        category = builder.category(mask.category or OBJECT)
        builder.add_masks(row, np.array([category]), masks, iscrowd=mask.is_crowd)


def _binary(path: Path) -> Masks:
    """Return the mask in a PNG, which has at most one value beside 0."""
    pixels, _ = read_label_png(path)
    if pixels.ndim != 2:
        raise DatasetError(str(path), "expected a mask of 0 and 255, got colors")
    values, masks = Masks.from_label_map(pixels)
    if len(values) > 1:
        detail = f"expected a mask of 0 and 255, got {len(values)} labels; read it as a label map"
        raise DatasetError(str(path), detail)
    return masks if len(values) else Masks.from_dense(np.zeros((1, *pixels.shape), np.bool_))


# -- writing --------------------------------------------------------------------------------------


def write(
    dataset: Dataset,
    outputs: Outputs,
    path: str | os.PathLike[str],
    progress: Progress | None = None,
    **engine: Any,
) -> WriteReport:
    """Write a PNG of 0 and 255 per annotation, and ``masks.csv``."""
    account = Account(dataset, "binary-masks", path, progress)
    folder = outputs.folder(path, names=[MASK_LIST])
    job = functools.partial(_masks_of, account.category_names(csv_name))
    account.names(".png")  # checks that they differ
    listed: dict[int, str] = {}
    for images, found in written_parts(account, job, account.names(), **engine):
        for image, (files, lines) in zip(images.tolist(), found, strict=True):
            for name, data in files:
                folder.write(name, data)
            listed[image] = lines
    text = _csv_lines([HEADER]) + "".join(listed[image] for image in sorted(listed))
    folder.write(MASK_LIST, text.encode())
    account.unwritten_values("iscrowd flags")
    return account.report()


def _masks_of(
    labels: list[str], account: Account, names: list[str]
) -> list[tuple[list[tuple[str, bytes]], str]]:
    """Return the files of some images, and their lines of `MASK_LIST`: a job."""
    found: list[tuple[list[tuple[str, bytes]], str]] = [([], "")] * len(names)
    parts = [re.sub(r"[^\w-]", "_", label)[:60] or OBJECT for label in labels]
    annotations = account.dataset.annotations
    for image, rows, masks in account.with_masks():
        stem = os.path.splitext(with_suffix(names[image], ".png"))[0]
        height, width = masks.size
        categories = annotations["category"][rows].tolist()
        crowds = annotations["iscrowd"][rows].tolist()
        written: list[tuple[str, bytes]] = []
        lines: list[list[object]] = []
        for index, (category, crowd) in enumerate(zip(categories, crowds, strict=True)):
            name = f"{stem}/{parts[category]}_{index + 1}.png"
            written.append((name, label_png(FOREGROUND, masks[index])))
            lines.append([name, names[image], height, width, labels[category], int(crowd)])
        if not lines:
            lines.append(["", names[image], height, width, "", 0])
        found[image] = written, _csv_lines(lines)
    return found


def _csv_lines(lines: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines)
    return text.getvalue()
