"""Write data sets as COCO JSON."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from segcore._batch import offsets_of
from segcore.data.coco.panoptic import PanopticMaps
from segcore.data.columns.checks import is_among
from segcore.data.columns.ids import sorted_ids
from segcore.data.columns.layouts import ANNOTATIONS, CATEGORIES, ENTRIES, IMAGE, IMAGES, SEGMENTS
from segcore.data.columns.segmentations import Segmentations
from segcore.data.columns.table import FRACTION, PLAIN, Layout, Table
from segcore.data.columns.texts import Texts
from segcore.data.dataset import Dataset
from segcore.distributed import run

try:
    from segcore._native import write_json_rows
except ImportError:  # not compiled
    from segcore.data.coco.json_python import write_json_rows

PANOPTIC = [(name, kind if isinstance(kind, str) else "rows") for name, kind in ENTRIES]
ROWS = 10_000
"""Number of annotations that are converted at a time."""
HERE = {"workers": 1}
"""What makes the text by default: this process."""


def write_instances(dataset: Dataset, file: BinaryIO, **engine: Any) -> None:
    """Write images, annotations and categories, and the other members of the file read.

    `engine` has the arguments of `segcore.distributed.run` that say what makes the text; by
    default, this process does.
    """
    dataset = _with_masks(dataset)
    annotations = _Annotations(dataset, "image_id", "category_id")
    tables = {
        "images": (IMAGES, dataset.images, _images),
        "annotations": (ANNOTATIONS, annotations, _annotations(dataset)),
        "categories": (CATEGORIES, dataset.categories, _categories),
    }
    _write(dataset, tables, file, engine)


def _write(
    dataset: Dataset, tables: dict[str, Any], file: BinaryIO, engine: dict[str, Any] = HERE
) -> None:
    """Write an object of tables and of the other members of the file that was read."""
    members = {name: text for name, text in dataset.members if text is not None or name in tables}
    for name, (_, table, _) in tables.items():
        if len(table) or not members:
            members.setdefault(name, None)
    opening = b"{"
    for name, text in members.items():
        file.write(opening + json.dumps(name).encode() + b":")
        opening = b","
        if text is not None:
            file.write(text)
            continue
        fields, table, columns = tables[name]
        file.write(b"" if name == "image" else b"[")
        _write_rows(file, fields, table, columns, engine)
        file.write(b"" if name == "image" else b"]")
    file.write(b"}")


def _with_masks(dataset: Dataset) -> Dataset:
    """Return a data set whose column ``segmentation`` has the masks that are label maps so far."""
    return dataset if dataset.maps is None else dataset.with_rle()


def write_single_image(dataset: Dataset, file: BinaryIO) -> None:
    """Write one image and its annotations, as SA-1B does."""
    if len(dataset) != 1:
        raise ValueError(f"dataset: expected one image per file, got {len(dataset)}")
    dataset = _with_masks(dataset)
    images = dataset.images
    columns = {**_images(images), "image_id": images["id"]}
    tables = {
        "image": (IMAGE, images, lambda table: columns),
        "annotations": (ANNOTATIONS, dataset.annotations, _annotations(dataset)),
    }
    _write(dataset, tables, file)


def write_panoptic(dataset: Dataset, file: BinaryIO) -> None:
    """Write the JSON file of a panoptic data set, whose PNGs are not written."""
    maps = dataset.maps
    if not isinstance(maps, PanopticMaps):
        raise ValueError("dataset: expected one that was read from a COCO panoptic file")
    entries = maps.entries
    # Segments in the order of the entries.
    every_row = np.arange(len(dataset.annotations))
    rows = [every_row[dataset.rows_of(image)] for image in entries["image"].tolist()]
    segments = dataset.annotations.take(np.concatenate([np.empty(0, np.int64), *rows]))
    offsets = offsets_of([len(part) for part in rows])
    nested = offsets, _arguments(SEGMENTS, segments.layout, _annotations(dataset)(segments))
    image_ids: Any = dataset.images["id"]
    columns = {
        "image_id": image_ids[entries["image"]],
        "file_name": entries["file_name"],
        "segments_info": nested,
    }
    tables = {
        "images": (IMAGES, dataset.images, _images),
        "annotations": (PANOPTIC, entries, lambda table: columns),
        "categories": (CATEGORIES, dataset.categories, _categories),
    }
    _write(dataset, tables, file)


def write_results(dataset: Dataset, file: BinaryIO, **engine: Any) -> None:
    """Write the annotations alone, as a list of results; `engine` as for `write_instances`."""
    dataset = _with_masks(dataset)
    file.write(b"[")
    annotations = _Annotations(dataset, "image_id", "category_id", "score")
    _write_rows(file, ANNOTATIONS, annotations, _annotations(dataset), engine)
    file.write(b"]")


def categories_text(dataset: Dataset) -> bytes:
    """Return the categories as a JSON array."""
    file = io.BytesIO()
    _write_rows(file, CATEGORIES, dataset.categories, _categories, HERE)
    return b"[" + file.getvalue() + b"]"


class _Annotations:
    """The annotations of a data set, in parts, with one part in memory at a time.

    Parquet files are read image by image if their rows are sorted by image.

    Parameters
    ----------
    dataset : Dataset
        The data set.
    *members : str
        Fields to write in all rows, as for `Table.with_members`.
    """

    def __init__(self, dataset: Dataset, *members: str) -> None:
        self._dataset = dataset
        self._added = dataset.annotations.members_to_add(*members)

    def __len__(self) -> int:
        return len(self._dataset.annotations)

    def parts(self) -> Iterator[Table]:
        """Yield the annotations, some rows at a time."""
        for part in self._parts():
            yield part.with_these_members(self._added)

    def _parts(self) -> Iterator[Table]:
        dataset = self._dataset
        if not (dataset.is_lazy and _is_sorted_by_image(dataset)):
            return _slices(dataset.annotations, ROWS)
        return (dataset.annotations_of(images)[0] for images in dataset.partitions(ROWS))


def _is_sorted_by_image(dataset: Dataset) -> bool:
    """Return whether the annotations are in the order of the ids of their images."""
    rank = np.empty(len(dataset), np.int64)
    rank[sorted_ids(dataset.images["id"])] = np.arange(len(dataset))
    ranks = rank[dataset.annotations["image"]]
    return bool((ranks[1:] >= ranks[:-1]).all())


def _slices(table: Table, count: int) -> Iterator[Table]:
    """Yield the rows of a table, `count` at a time."""
    starts = range(0, len(table), max(count, 1))
    return (table.take(slice(start, start + count)) for start in starts)


def _write_rows(
    file: BinaryIO, fields: Any, table: Table | _Annotations, columns: Any, engine: dict[str, Any]
) -> None:
    """Write the rows of a table, separated by commas."""
    if isinstance(table, _Annotations):
        parts = table.parts()
    else:
        parts = _slices(table, len(table) if fields is PANOPTIC else ROWS)
    rows = ((fields, part.layout.compact(), columns(part)) for part in parts)
    comma = b""
    with closing(run(_text, rows, **(engine or HERE))) as texts:
        for text in texts:
            file.write(comma + text)
            comma = b","


def _text(rows: tuple[Any, Layout, dict[str, Any]]) -> bytes:
    """Return the text of some rows of a table: their fields, layout and columns."""
    return write_json_rows(*_arguments(*rows))


def _arguments(fields: Any, layout: Layout, columns: dict[str, Any]) -> tuple[Any, ...]:
    """Return the arguments of `write_json_rows`."""
    for name, _ in fields:
        if isinstance(columns[name], np.ndarray) and columns[name].dtype == object:
            if name in layout.names:  # rows of another format may lack a name, as SA-1B's image_id
                layout = _with_texts(layout, name, columns[name])
            columns = {**columns, name: _integers(columns[name])}
    return (
        [(name, kind, _raw(columns[name])) for name, kind in fields],
        layout.shapes,
        layout.shape_ids,
        _raw(layout.extra),
        layout.odd_rows,
        layout.odd_columns,
        _raw(layout.odd),
    )


def _raw(column: Any) -> Any:
    """Return the arrays of a column."""
    if isinstance(column, Texts):
        return column.data, column.starts, column.lengths
    if isinstance(column, tuple):
        return column
    if isinstance(column, Segmentations):
        return tuple(getattr(column, name) for name in Segmentations.__slots__)
    return np.ascontiguousarray(column)


def _integers(values: Any) -> NDArray[np.int64]:
    """Return ids and flags as int64; ids that do not fit, which the layout holds, become 0."""
    array = np.asarray(values)
    if array.dtype != object:
        return array.astype(np.int64)
    return np.fromiter((v if _fits(v) else 0 for v in array.tolist()), np.int64, len(array))


def _fits(value: Any) -> bool:
    """Return whether an id is an integer of 64 bits."""
    return type(value) is int and abs(value) < 2**63


def _with_texts(layout: Layout, name: str, ids: NDArray[Any]) -> Layout:
    """Return the layout with the ids that are text, or too large, where it does not have them."""
    rows = np.flatnonzero(is_among(layout.forms(name), (PLAIN, FRACTION)))
    rows = rows[[not _fits(ids[row]) for row in rows.tolist()]] if len(rows) else rows
    return layout.with_odd(name, rows, ids[rows].tolist()) if len(rows) else layout


def _images(table: Table) -> dict[str, Any]:
    return {
        "id": table["id"],
        "file_name": table["file_name"],
        "height": table["height"],
        "width": table["width"],
    }


def _categories(table: Table) -> dict[str, Any]:
    return {
        "id": table["id"],
        "name": table["name"],
        "supercategory": table["supercategory"],
        "isthing": _integers(table["isthing"]),
    }


def _annotations(dataset: Dataset) -> Any:
    image_ids: Any = dataset.images["id"]
    category_ids: Any = dataset.categories["id"]

    def columns(table: Table) -> dict[str, Any]:
        if "category_id" in table:  # the data set has no categories
            ids: Any = table["category_id"]
        else:
            category: Any = table["category"]
            known = category >= 0
            ids = np.zeros(len(table), category_ids.dtype)
            if known.any():
                ids[known] = category_ids[category[known]]
        return {
            "segmentation": table["segmentation"],
            "area": table["area"],
            "iscrowd": _integers(table["iscrowd"]),
            "image_id": image_ids[table["image"]],
            "bbox": table["bbox"],
            "category_id": ids,
            "id": table["id"],
            "score": table["score"],
        }

    return columns
