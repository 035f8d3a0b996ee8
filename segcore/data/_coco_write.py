"""Write data sets as COCO JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from segcore.data._coco_json import ANNOTATIONS, CATEGORIES, IMAGES
from segcore.data._dataset import Dataset
from segcore.data._segmentations import Segmentations
from segcore.data._table import Table
from segcore.data._texts import Texts

try:
    from segcore._native import write_json_rows
except ImportError:  # not compiled
    from segcore.data._json_python import write_json_rows

ROWS = 10_000
"""Number of annotations that are converted at a time."""


def write_instances(dataset: Dataset, file: BinaryIO) -> None:
    """Write images, annotations and categories, and the other members of the file read."""
    tables = {
        "images": (IMAGES, dataset.images, _images),
        "annotations": (ANNOTATIONS, dataset.annotations, _annotations(dataset)),
        "categories": (CATEGORIES, dataset.categories, _categories),
    }
    members = dict(dataset.members)
    for name, (_, table, _) in tables.items():
        if len(table) or not dataset.members:
            members.setdefault(name, None)
    opening = b"{"
    for name, text in members.items():
        file.write(opening + json.dumps(name).encode() + b":")
        opening = b","
        if text is not None:
            file.write(text)
            continue
        fields, table, columns = tables[name]
        file.write(b"[")
        for part in _rows(fields, table, columns):
            file.write(part)
        file.write(b"]")
    file.write(b"}")


def write_results(dataset: Dataset, file: BinaryIO) -> None:
    """Write the annotations alone, as a list of results."""
    file.write(b"[")
    for text in _rows(ANNOTATIONS, dataset.annotations, _annotations(dataset)):
        file.write(text)
    file.write(b"]")


def categories_text(dataset: Dataset) -> bytes:
    """Return the categories as a JSON array."""
    return b"[" + b"".join(_rows(CATEGORIES, dataset.categories, _categories)) + b"]"


def _rows(fields: Any, table: Table, columns: Any) -> Iterator[bytes]:
    """Yield the text of the rows, a part at a time."""
    for start in range(0, len(table), ROWS):
        part = table.take(slice(start, start + ROWS))
        values = columns(part)
        layout = part.layout
        text = write_json_rows(
            [(name, kind, _raw(values[name])) for name, kind in fields],
            layout.shapes,
            layout.shape_ids,
            _raw(layout.extra),
            layout.odd_rows,
            layout.odd_columns,
            _raw(layout.odd),
        )
        yield b"," + text if start else text


def _raw(column: Any) -> Any:
    """Return the arrays of a column."""
    if isinstance(column, Texts):
        return column.data, column.starts, column.lengths
    if isinstance(column, Segmentations):
        return tuple(getattr(column, name) for name in Segmentations.__slots__)
    return np.ascontiguousarray(column)


def _integers(values: Any) -> NDArray[np.int64]:
    """Return ids as int64; strings, which the layout holds as text, become 0."""
    array = np.asarray(values)
    if array.dtype != object:
        return array.astype(np.int64)
    numbers = (v if type(v) is int and abs(v) < 2**63 else 0 for v in array.tolist())
    return np.fromiter(numbers, np.int64, len(array))


def _images(table: Table) -> dict[str, Any]:
    return {
        "id": _integers(table["id"]),
        "file_name": table["file_name"],
        "height": table["height"],
        "width": table["width"],
    }


def _categories(table: Table) -> dict[str, Any]:
    return {
        "id": _integers(table["id"]),
        "name": table["name"],
        "supercategory": table["supercategory"],
        "isthing": _integers(table["isthing"]),
    }


def _annotations(dataset: Dataset) -> Any:
    image_ids: Any = dataset.images["id"]
    category_ids: Any = dataset.categories["id"]

    def columns(table: Table) -> dict[str, Any]:
        category: Any = table["category"]
        known = category >= 0
        ids = np.zeros(len(table), np.int64)
        if known.any():
            ids[known] = _integers(category_ids[category[known]])
        return {
            "segmentation": table["segmentation"],
            "area": table["area"],
            "iscrowd": _integers(table["iscrowd"]),
            "image_id": _integers(image_ids[table["image"]]),
            "bbox": table["bbox"],
            "category_id": ids,
            "id": _integers(table["id"]),
            "score": table["score"],
        }

    return columns
