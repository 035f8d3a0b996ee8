"""Data sets to Arrow tables: one row per annotation, all else in the metadata of the schema."""

from __future__ import annotations

import base64
import io
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from segcore._batch import offsets_of
from segcore._version import __version__
from segcore.data.coco.writing import categories_text
from segcore.data.columns.ids import as_text, kind_of_ids
from segcore.data.columns.layouts import annotation_layout, category_layout, image_layout
from segcore.data.columns.segmentations import OTHER, POLYGON
from segcore.data.columns.table import Layout, Table
from segcore.data.dataset import Dataset, check_unique
from segcore.data.mapping import Partition
from segcore.data.parquet.arrays import packed, to_array, to_bytes, to_lists, to_numbers, to_strings
from segcore.data.parquet.segmentations import as_strings, encode_segmentations

VERSION = 1
COLUMNS = {
    "image_id": "id of the image; rows are sorted by it",
    "category_id": "id of the category",
    "id": "id of the annotation",
    "iscrowd": "whether the mask is a region of many objects",
    "score": "confidence of a detection",
    "area": "area as stated in the source, in pixels",
    "bbox": "box as stated in the source: x, y, width, height",
    "mask": "size [height, width] and COCO's compressed RLE, as pycocotools takes it; "
    "for polygons, what pycocotools makes of them",
    "polygons": "rings x0, y0, x1, y1, ... if the source has polygons; they take precedence",
    "extra": "other members of the annotation, as a JSON object",
    "file_name": "file name of the image",
    "height": "height of the image in pixels",
    "width": "width of the image in pixels",
    "json": "how the annotation is written in JSON, for an exact round trip",
}
"""What each column means. It is written into the metadata."""
MASKS_ONLY = ["image_id", "category_id", "id", "iscrowd", "score", "mask", "json"]
"""The columns of files with masks only."""

ODD = pa.struct([("member", pa.string()), ("value", pa.binary())])


@dataclass(frozen=True)
class EncodedPart:
    """A part of a data set that is to be converted to an Arrow table, in any process.

    Attributes
    ----------
    part : Partition
        The images.
    rows : numpy.ndarray
        Index of each annotation in the whole, in the order of the images: int64.
    id_kinds : dict of str to str
        How the ids of images, categories and annotations are stored.
    shapes : dict of bytes to int
        The number of each shape of an annotation.
    masks_only : bool
        As for `Encoder`.
    """

    part: Partition
    rows: NDArray[np.int64]
    id_kinds: dict[str, str]
    shapes: dict[bytes, int]
    masks_only: bool

    def table(self) -> tuple[pa.Table, Counter[str]]:
        """Return the annotations, and how many of their values are left out, by kind."""
        dataset = self.part.load()
        images, kinds = dataset.images, self.id_kinds
        table, _ = dataset.annotations_of(np.arange(len(dataset)))
        image = table["image"]
        known = table["category"] >= 0
        category_ids = np.zeros(len(table), dataset.categories["id"].dtype)
        category_ids[known] = dataset.categories["id"][table["category"][known]]
        bbox = np.ascontiguousarray(table["bbox"], np.float64)
        has_bbox = ~np.isnan(bbox).all(axis=1)
        layout = table.layout
        heights, widths = images["height"][image], images["width"][image]
        segmentations = table["segmentation"].loaded()
        unwritten: Counter[str] = Counter()
        if self.masks_only:
            given = segmentations.kinds
            segmentations = as_strings(segmentations, heights, widths)
            unwritten = _left_out(given, segmentations.kinds)
        mask, polygons, form = encode_segmentations(segmentations, heights, widths)
        numbers = _layout_arrays(layout, self._shape_ids(layout))
        form = {"row": to_array(self.rows), **numbers, **form}
        extra = _as_objects(form.pop("extra"), layout.extra.lengths > 0)
        if self.masks_only:
            form = {name: form[name] for name in ("row", "shape", "kind")}
        columns = {
            "image_id": _id_array(images["id"][image], kinds["image_id"]),
            "category_id": _id_array(category_ids, kinds["category_id"], known),
            "id": _id_array(table["id"], kinds["id"]),
            "iscrowd": to_array(table["iscrowd"]),
            "score": to_numbers(table["score"]),
            "area": to_numbers(table["area"]),
            "bbox": to_lists(offsets_of(4 * has_bbox), to_array(bbox[has_bbox].ravel()), has_bbox),
            "mask": mask,
            "polygons": polygons,
            "extra": extra,
            "file_name": to_strings(images["file_name"][image]),
            "height": to_array(heights),
            "width": to_array(widths),
            "json": pa.StructArray.from_arrays(list(form.values()), list(form)),
        }
        if self.masks_only:
            columns = {name: columns[name] for name in MASKS_ONLY}
        return pa.table(columns), unwritten

    def _shape_ids(self, layout: Layout) -> NDArray[np.uint32]:
        return np.array([self.shapes[shape] for shape in layout.shapes], np.uint32)[
            layout.shape_ids
        ]


def _left_out(given: NDArray[np.uint8], written: NDArray[np.uint8]) -> Counter[str]:
    """Count the segmentations of these kinds that masks do not keep."""
    without_mask = given > written * OTHER
    counts = {
        "polygons, whose masks were written": int(np.count_nonzero(given == POLYGON)),
        "segmentations without a valid mask": int(np.count_nonzero(without_mask)),
    }
    return Counter(counts)


class Encoder:
    """Convert one data set, or several, to Arrow tables of one file.

    Data sets have the same categories and different images.

    Parameters
    ----------
    masks_only : bool, default False
        Whether to leave out what :func:`segcore.data.write` says about this option. The number of
        values of each kind that were left out is in ``unwritten``.
    """

    def __init__(self, masks_only: bool = False) -> None:
        self._masks_only = masks_only
        self.unwritten: Counter[str] = Counter()
        self._members: Sequence[tuple[str, bytes | None]] | None = None
        self._categories = b""
        self._category_names: dict[str, str] = {}
        self._images: list[Table] = []
        self._id_kinds: dict[str, str] = {}
        self._shapes: dict[bytes, int] = {}
        self._names: tuple[str, ...] = ()
        self._rows = 0
        self._is_sorted = True
        self._result_areas: str | None = None

    def add(self, dataset: Dataset) -> Iterator[EncodedPart]:
        """Yield the parts of a data set, each of which becomes a row group."""
        if self._masks_only:
            dataset = self._with_masks_only(dataset)
        categories = categories_text(dataset)
        kinds = {
            "image_id": kind_of_ids(dataset.images["id"]),
            "category_id": kind_of_ids(dataset.categories["id"]),
            "id": kind_of_ids(dataset.annotations["id"]),
        }
        if self._members is None:
            self._members, self._categories, self._id_kinds = dataset.members, categories, kinds
            ids, names = dataset.categories["id"].tolist(), dataset.categories["name"].tolist()
            self._category_names = {str(key): name for key, name in zip(ids, names, strict=True)}
        elif categories != self._categories:
            raise ValueError("dataset: expected parts with the same categories")
        elif kinds != self._id_kinds:
            raise ValueError("dataset: expected parts whose ids are of the same types")
        self._images.append(dataset.images)
        layout = dataset.annotations.layout
        self._names = self._names or layout.names
        for shape in layout.shapes:
            self._shapes.setdefault(shape, len(self._shapes))
        shapes = {shape: self._shapes[shape] for shape in layout.shapes}
        start = self._rows
        if not start:
            self._result_areas = dataset.result_areas
        for images in dataset.partitions() or [np.empty(0, np.int64)]:
            rows = dataset.rows_of_images(images)[0] + start
            in_order = np.arange(self._rows, self._rows + len(rows))
            self._is_sorted &= np.array_equal(rows, in_order)
            self._rows += len(rows)
            part = Partition(dataset, images)
            yield EncodedPart(part, rows, kinds, shapes, self._masks_only)

    # -- masks only -------------------------------------------------------------------------------

    def _with_masks_only(self, dataset: Dataset) -> Dataset:
        """Return the data set with plain rows, and without areas and boxes."""
        annotations = dataset.annotations
        area, bbox = annotations["area"], annotations["bbox"]
        self._leave_out("areas", ~np.isnan(area))
        self._leave_out("boxes", ~np.isnan(bbox).all(axis=1))
        for name, table in (
            ("annotations", annotations),
            ("images", dataset.images),
            ("categories", dataset.categories),
        ):
            self._leave_out(f"{name} with other JSON fields", table.layout.extra.lengths > 0)
        others = sum(text is not None for _, text in dataset.members)
        self.unwritten["other members of the JSON file"] += others
        columns = {name: annotations[name] for name in annotations.names}
        columns |= {"area": np.full(area.shape, np.nan), "bbox": np.full(bbox.shape, np.nan)}
        return Dataset(
            _plain(dataset.images, image_layout),
            _plain(dataset.categories, category_layout),
            Table(columns, annotation_layout(columns)),
        )

    def _leave_out(self, what: str, rows: NDArray[np.bool_]) -> None:
        self.unwritten[what] += int(np.count_nonzero(rows))

    # -- metadata ---------------------------------------------------------------------------------

    @property
    def has_parts(self) -> bool:
        """Whether a data set was added."""
        return self._members is not None

    def metadata(self) -> dict[bytes, bytes]:
        """Return the metadata of the schema, when all parts have been encoded."""
        images = Table.concatenate(self._images)
        check_unique(images["id"], "image")
        kind = kind_of_ids(images["id"])
        members = [
            (name, None if text is None else text.decode("utf-8", "surrogatepass"))
            for name, text in self._members or ()
        ]
        readable = {
            "version": VERSION,
            "software": f"segcore {__version__}",
            "columns": COLUMNS,
            "categories": self._category_names,
        }
        if self._masks_only:
            del readable["columns"], readable["categories"]
        rest = {
            "annotations": self._rows,
            "sorted": self._is_sorted,
            "masks_only": self._masks_only,
            "ids": {**self._id_kinds, "images": kind},
            "result_areas": self._result_areas,
            "members": members,
            "annotation": _layout_header(self._names, list(self._shapes)),
            "image": _layout_header(images.layout.names, images.layout.shapes),
            "categories": self._categories.decode("utf-8", "surrogatepass"),
        }
        return {
            b"segcore": json.dumps(readable).encode(),
            b"segcore.data": packed(json.dumps(rest).encode()),
            b"segcore.images": base64.b64encode(_encoded_images(images, kind)),
        }


def _plain(table: Table, layout_of: Callable[[dict[str, Any]], Layout]) -> Table:
    """Return a table without other fields, and with the usual order of fields."""
    columns = {name: table[name] for name in table.names}
    return Table(columns, layout_of(columns))


def _layout_header(names: Any, shapes: list[bytes]) -> dict[str, Any]:
    return {"names": list(names), "shapes": [shape.hex() for shape in shapes]}


def _encoded_images(images: Table, kind: str) -> bytes:
    """Return the images as a Parquet file."""
    layout = images.layout
    table = pa.table(
        {
            "id": _id_array(images["id"], kind),
            "file_name": to_bytes(images["file_name"]),
            "height": to_array(images["height"]),
            "width": to_array(images["width"]),
            **_layout_arrays(layout, layout.shape_ids),
        }
    )
    sink = io.BytesIO()
    pq.write_table(
        table,
        sink,
        row_group_size=1 << 20,
        compression="zstd",
        compression_level=9,
        store_schema=False,
        write_statistics=False,
        use_dictionary=["shape"],
    )
    return sink.getvalue()


def _id_array(ids: Any, kind: str, valid: NDArray[np.bool_] | None = None) -> pa.Array:
    if kind == "integer":
        return to_array(ids, valid)
    return to_strings(as_text(ids) if kind == "json" else ids.tolist(), valid)


def _layout_arrays(layout: Layout, shape_ids: NDArray[np.uint32]) -> dict[str, pa.Array]:
    count = len(shape_ids)
    counts = np.bincount(layout.odd_rows, minlength=count)
    names = to_strings(layout.names).take(to_array(layout.odd_columns))
    odd = pa.StructArray.from_arrays([names, to_bytes(layout.odd)], fields=list(ODD))
    return {
        "shape": to_array(shape_ids),
        "odd": to_lists(offsets_of(counts), odd, counts > 0),
        "extra": to_bytes(layout.extra),
    }


def _as_objects(members: pa.Array, valid: NDArray[np.bool_]) -> pa.Array:
    """Return JSON objects with these members, as strings."""
    if not valid.any():
        return pa.nulls(len(valid), pa.string())
    texts = [
        # Half surrogate pairs, which are not UTF-8, are escaped as in JSON.
        f"{{{text.decode('utf-8', 'surrogatepass')}}}".encode("utf-8", "backslashreplace")
        for text in members.to_pylist()
    ]
    return to_strings(texts, valid)
