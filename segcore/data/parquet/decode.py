"""Create data sets from Arrow tables, whose columns are converted lazily."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any, TypeAlias, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from segcore.data.coco.raw_table import first_rows
from segcore.data.coco.reading import read_stream
from segcore.data.columns.checks import distinct
from segcore.data.columns.ids import Ids
from segcore.data.columns.layouts import (
    ANNOTATIONS,
    IMAGES,
    annotation_layout,
    category_layout,
    empty_categories,
    image_layout,
)
from segcore.data.columns.segmentations import COUNTS, OTHER, POLYGON, STRING
from segcore.data.columns.table import PLAIN, UNKNOWN, Layout, Table, concatenate, members_text
from segcore.data.columns.texts import Texts
from segcore.data.errors import DatasetError
from segcore.data.parquet.arrays import (
    field_of,
    from_bytes,
    from_lists,
    from_numbers,
    is_valid,
    to_array,
    unpacked,
    values_of,
    without_null,
)
from segcore.data.parquet.encode import ODD, VERSION
from segcore.data.parquet.segmentations import decode_segmentations

Read: TypeAlias = "Callable[[list[str]], Iterator[pa.RecordBatch]]"
"""Reads columns of a part of a table; a name with a dot is a field of a column."""

NAMES = tuple(name for name, _ in ANNOTATIONS)
IMAGE_NAMES = tuple(name for name, _ in IMAGES)
ERRORS = (pa.ArrowException, OSError, ValueError, TypeError, KeyError, IndexError, MemoryError)
"""What pyarrow raises for files that are broken."""


@dataclass(frozen=True)
class Header:
    """What the metadata of the schema say about a data set."""

    rows: int
    is_sorted: bool
    id_kinds: Mapping[str, str]
    shapes: list[bytes]
    members: list[tuple[str, bytes | None]]
    images: Table
    categories: Table
    result_areas: str | None
    """That of the data set; see `Dataset`."""
    has_other_members: bool
    """Whether rows may have members that are not columns, or values of other types."""

    @classmethod
    def parse(cls, path: str, metadata: Mapping[bytes, bytes] | None) -> Header | None:
        """Read the metadata; return None if they are not segcore's."""
        if not metadata or b"segcore" not in metadata:
            return None
        try:
            if int(json.loads(metadata[b"segcore"])["version"]) > VERSION:
                raise DatasetError(path, "written by a newer version of segcore; update segcore")
            about = json.loads(unpacked(metadata[b"segcore.data"]))
            text = about["categories"].encode("utf-8", "surrogatepass")
            document = b'{"images":[],"annotations":[],"categories":' + text + b"}"
            return cls(
                int(about["annotations"]),
                bool(about["sorted"]),
                {str(name): str(kind) for name, kind in about["ids"].items()},
                _shapes(about["annotation"], NAMES),
                [
                    (str(name), None if value is None else value.encode("utf-8", "surrogatepass"))
                    for name, value in about["members"]
                ],
                _images(path, base64.b64decode(metadata[b"segcore.images"]), about),
                read_stream(path, io.BytesIO(document), len(document)).categories,
                _result_areas(about.get("result_areas")),
                not about.get("masks_only", False),
            )
        except DatasetError:
            raise
        except (*ERRORS, AttributeError, RecursionError) as error:
            raise DatasetError(path, f"the metadata of segcore are malformed: {error}") from None


def _result_areas(value: Any) -> str | None:
    if value not in (None, "box", "mask"):
        raise ValueError(f'result_areas: expected "box" or "mask", got {value!r}')
    return cast("str | None", value)


def _shapes(header: Any, names: tuple[str, ...]) -> list[bytes]:
    """Return the shapes of rows, in terms of today's names of members."""
    indices = [names.index(name) for name in header["names"]]
    indices += [UNKNOWN] * (UNKNOWN + 1 - len(indices))
    shapes = [bytes.fromhex(shape) for shape in header["shapes"]]
    renumbered = []
    for shape in shapes:
        pairs = zip(shape[0::2], shape[1::2], strict=True)
        renumbered.append(bytes(byte for index, form in pairs for byte in (indices[index], form)))
    return renumbered


def _images(path: str, data: bytes, about: Any) -> Table:
    """Return the table of images, whose columns are read lazily."""
    file = pq.ParquetFile(io.BytesIO(data))
    shapes = _shapes(about["image"], IMAGE_NAMES)
    kind = str(about["ids"]["images"])
    count = file.metadata.num_rows

    def read(*names: str) -> pa.RecordBatch:
        try:
            return _one_batch(file.read(list(names), use_threads=False))
        except ERRORS as error:
            raise DatasetError(path, f"the table of images is malformed: {error}") from None

    def column(name: str, convert: Callable[[pa.Array], Any]) -> Callable[[], Any]:
        return lambda: convert(read(name).column(0))

    columns = {
        "id": column("id", lambda array: _ids(array, kind)),
        "file_name": column("file_name", from_bytes),
        "height": column("height", lambda array: from_numbers(array, 0)),
        "width": column("width", lambda array: from_numbers(array, 0)),
    }

    def layout() -> Layout:
        batch = read("shape", "odd", "extra")
        extra = from_bytes(batch["extra"])
        return _layout(path, IMAGE_NAMES, shapes, batch["shape"], batch["odd"], extra)

    return Table(columns, layout, count)


@contextmanager
def _named(path: str, column: str) -> Iterator[None]:
    """Name the column in errors of pyarrow."""
    try:
        yield
    except DatasetError:
        raise
    except ERRORS as error:
        raise DatasetError(path, str(error), f"column {column}") from None


def _one_batch(table: pa.Table) -> pa.RecordBatch:
    """Return a table as one batch, without a copy if it is one already."""
    batches = table.combine_chunks().to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], table.schema)


def _ids(array: pa.Array, kind: str) -> NDArray[Any]:
    """Return ids: int64, or objects if some are strings."""
    if array.null_count:
        raise ValueError("expected an id, got null")
    if kind == "integer":
        return values_of(array if array.type == pa.int64() else array.cast(pa.int64()))
    texts = array.cast(pa.string()).to_pylist()
    ids = np.empty(len(texts), object)
    ids[:] = [json.loads(text) for text in texts] if kind == "json" else texts
    return ids


def _layout(
    path: str,
    names: tuple[str, ...],
    shapes: list[bytes],
    shape: pa.Array,
    odd: pa.Array,
    extra: Texts,
) -> Layout:
    shape_ids = from_numbers(shape if shape.type == pa.uint32() else shape.cast(pa.uint32()), 0)
    if len(shape_ids) and int(shape_ids.max()) >= len(shapes):
        raise DatasetError(path, f"json.shape: expected a number below {len(shapes)}")
    offsets, values = from_lists(odd)
    index = {name: column for column, name in enumerate(names)}
    members = field_of(values, "member").to_pylist()
    columns = np.array([index.get(name, -1) for name in members], np.int64)
    if (columns < 0).any():
        raise DatasetError(path, "json.odd: expected the name of a member")
    plain = Layout.plain(names, len(shape_ids), shapes, shape_ids)
    return replace(
        plain,
        extra=extra,
        odd_rows=np.repeat(np.arange(len(shape_ids)), np.diff(offsets)),
        odd_columns=columns,
        odd=from_bytes(field_of(values, "value")),
    )


_NEEDS = {
    "image": ["image_id"],
    "category": ["category_id"],
    "id": ["id"],
    "iscrowd": ["iscrowd"],
    "score": ["score"],
    "area": ["area"],
    "bbox": ["bbox"],
    "segmentation": ["mask", "polygons", "json.kind", "json.integers", "json.segmentation"],
    "row": ["json.row"],
    "layout": ["extra", "json.shape", "json.odd"],
}
_KINDS = {
    "mask": (STRING, COUNTS),
    "polygons": (POLYGON,),
    "json.integers": (POLYGON,),
    "json.segmentation": (COUNTS, OTHER),
}
"""The kinds of segmentations that each column is needed for."""
_TYPES = {
    "iscrowd": pa.bool_(),
    "score": pa.float64(),
    "area": pa.float64(),
    "bbox": pa.list_(pa.float64()),
    "polygons": pa.list_(pa.list_(pa.float64())),
    "extra": pa.string(),
    "file_name": pa.string(),
    "height": pa.int64(),
    "width": pa.int64(),
    "json.kind": pa.uint8(),
    "json.integers": pa.binary(),
    "json.segmentation": pa.binary(),
    "json.row": pa.int64(),
    "json.shape": pa.uint32(),
}


class Decoder:
    """Converts columns of Arrow tables with one schema."""

    def __init__(self, path: str, schema: pa.Schema, header: Header | None) -> None:
        self._path = path
        self._header = header
        self._schema = schema
        if "image_id" not in schema.names or not {"mask", "polygons"} & set(schema.names):
            raise DatasetError(
                path,
                'expected the columns "image_id" and "mask" or "polygons", got '
                + ", ".join(json.dumps(name) for name in schema.names[:12]),
            )
        self._kinds = dict(header.id_kinds) if header else {}
        for name in ("image_id", "category_id", "id"):
            if name in schema.names:
                self._kinds.setdefault(name, _kind_of_ids(path, schema, name))
        self.images = self.categories = empty_categories()
        self._image_index = self._category_index = Ids(np.empty(0, np.int64))

    def use(self, images: Table, categories: Table) -> None:
        """Set the images and categories that annotations refer to."""
        self.images, self.categories = images, categories
        self._image_index, self._category_index = Ids(images["id"]), Ids(categories["id"])

    def table(self, read: Read, count: int, start: int = 0) -> Table:
        """Return the annotations of a part, which begins at row `start`."""
        columns: dict[str, Any] = {
            name: partial(self._column, name, read, count, start)
            for name in _NEEDS
            if name not in ("row", "layout")
        }
        if self._header is not None:
            return Table(columns, partial(self._column, "layout", read, count, start), count)

        def layout() -> Layout:
            plain = annotation_layout({name: table[name] for name in table.names})
            return self._with_extra(plain, read)

        table = Table(columns, layout, count)
        return table

    def rows(self, read: Read, count: int, start: int = 0) -> NDArray[np.int64]:
        """Return the row of each annotation in the order of the file that was converted."""
        rows: NDArray[np.int64] = self._column("row", read, count, start)
        return rows

    def _column(self, name: str, read: Read, count: int, start: int) -> Any:
        needed = self.present(_NEEDS[name])
        if not needed:
            return self._default(name, count, start)
        if name == "segmentation":
            needed = self._needed_of_segmentations(needed, read)
        decode = getattr(self, f"_decode_{name}")
        with _named(self._path, needed[0]):
            parts = [decode(batch) for batch in read(needed)]
            return concatenate(parts or [decode(_one_batch(self._schema.empty_table()))])

    def _needed_of_segmentations(self, names: list[str], read: Read) -> list[str]:
        """Return the columns that the rows need; masks of polygons need not be read."""
        if self._header is None or "json.kind" not in names:
            return names
        kinds = np.zeros(0x100, np.bool_)
        for batch in read(["json.kind"]):
            kinds[from_numbers(self.array(batch, "json.kind"), 0xFF)] = True
        unused = [name for name, of in _KINDS.items() if not kinds[list(of)].any()]
        return [name for name in names if name not in unused]

    def kind(self, name: str) -> str:
        """Return how the ids of a column are stored: "integer", "text" or "json"."""
        return self._kinds[name]

    def present(self, names: Sequence[str]) -> list[str]:
        """Return which of these columns the table has."""
        return [name for name in names if self._has(name)]

    def _has(self, name: str) -> bool:
        return _has(self._schema, name)

    def _default(self, name: str, count: int, start: int) -> Any:
        """Return a column that the table does not have."""
        if name in ("id", "row"):
            return np.arange(start, start + count) + (name == "id")
        if name == "iscrowd":
            return np.zeros(count, np.bool_)
        if name == "category":
            return np.full(count, -1, np.int64)
        if name == "layout":
            raise DatasetError(self._path, 'expected the column "json"')
        return np.full((count, 4) if name == "bbox" else count, np.nan)

    def array(self, batch: pa.RecordBatch, name: str) -> pa.Array:
        """Return a column of a batch, or a field of one, in the type that it should have."""
        column, _, field = name.partition(".")
        array = batch[column]
        if field:
            array = field_of(array, field)
        return self._cast(array, _TYPES.get(name, array.type), name)

    def _cast(self, array: pa.Array, kind: pa.DataType, name: str) -> pa.Array:
        array = getattr(array, "storage", array)  # of an extension type
        if array.type == kind:
            return array
        try:
            return array.cast(kind)
        except pa.ArrowException:
            raise DatasetError(
                self._path, f"expected {kind}, got {array.type}", f"column {name}"
            ) from None

    # -- columns ----------------------------------------------------------------------------------

    def ids(self, batch: pa.RecordBatch, name: str) -> NDArray[Any]:
        """Return ids, none of which may be null."""
        array = batch[name]
        if array.null_count:
            row = int(np.flatnonzero(~is_valid(array))[0])
            raise DatasetError(self._path, f"{name}: expected an id, got null", f"row {row}")
        return _ids(array, self._kinds[name])

    def _found(self, rows: NDArray[np.int64], ids: NDArray[Any], name: str) -> NDArray[np.int64]:
        lost = np.flatnonzero(rows < 0)
        if len(lost):
            what = "an image" if name == "image_id" else "a category"
            value = ids[lost[:1]].tolist()[0]
            raise DatasetError(self._path, f"{name}: expected the id of {what}, got {value!r}")
        return rows

    def _decode_image(self, batch: pa.RecordBatch) -> NDArray[np.int64]:
        ids = self.ids(batch, "image_id")
        return self._found(self._image_index.find(ids), ids, "image_id")

    def _decode_category(self, batch: pa.RecordBatch) -> NDArray[np.int64]:
        there = is_valid(batch["category_id"])
        category = np.full(batch.num_rows, -1, np.int64)
        if len(self.categories):
            ids = _ids(without_null(batch["category_id"]), self._kinds["category_id"])
            category[there] = self._found(self._category_index.find(ids), ids, "category_id")
        return category

    def _decode_id(self, batch: pa.RecordBatch) -> NDArray[Any]:
        return self.ids(batch, "id")

    def _decode_iscrowd(self, batch: pa.RecordBatch) -> NDArray[Any]:
        return from_numbers(self.array(batch, "iscrowd"), False)

    def _decode_score(self, batch: pa.RecordBatch) -> NDArray[Any]:
        return from_numbers(self.array(batch, "score"), np.nan)

    def _decode_area(self, batch: pa.RecordBatch) -> NDArray[Any]:
        return from_numbers(self.array(batch, "area"), np.nan)

    def _decode_bbox(self, batch: pa.RecordBatch) -> NDArray[np.float64]:
        array = self.array(batch, "bbox")
        there = is_valid(array)
        offsets, values = from_lists(array)
        bad = np.flatnonzero(there & (np.diff(offsets) != 4))
        if len(bad):
            raise DatasetError(self._path, "bbox: expected four numbers", f"row {bad[0]}")
        boxes = np.full((batch.num_rows, 4), np.nan)
        boxes[there] = from_numbers(values, np.nan).reshape(-1, 4)
        return boxes

    def _decode_row(self, batch: pa.RecordBatch) -> NDArray[Any]:
        return from_numbers(self.array(batch, "json.row"), -1)

    def _decode_segmentation(self, batch: pa.RecordBatch) -> Any:
        def column(name: str) -> Any:
            return self.array(batch, name) if _has(batch.schema, name) else None

        mask = column("mask")
        size = counts = None
        if mask is not None and not pa.types.is_null(mask.type):
            is_struct = pa.types.is_struct(mask.type)
            if not is_struct or not {"size", "counts"} <= {field.name for field in mask.type}:
                raise DatasetError(
                    self._path, f"expected a struct of size and counts, got {mask.type}", "mask"
                )
            size = field_of(mask, "size")
            if size.type != pa.list_(pa.int32()):  # which segcore writes
                size = self._cast(size, pa.list_(pa.int64()), "mask.size")
            counts = self._cast(field_of(mask, "counts"), pa.binary(), "mask.counts")
        return decode_segmentations(
            self._path,
            batch.num_rows,
            None if size is None else (size, counts),
            column("polygons"),
            column("json.kind") if self._header else None,
            column("json.integers"),
            column("json.segmentation"),
        )

    def _decode_layout(self, batch: pa.RecordBatch) -> Layout:
        assert self._header is not None
        shape = self.array(batch, "json.shape")
        if not self._header.has_other_members:
            odd = pa.nulls(batch.num_rows, pa.list_(ODD))
            return _layout(
                self._path, NAMES, self._header.shapes, shape, odd, Texts.empty(batch.num_rows)
            )
        array = self.array(batch, "extra")
        extra, there = from_bytes(array), is_valid(array)
        first = extra.data[extra.starts[extra.lengths > 0]]
        if (there & (extra.lengths < 2)).any() or (first != ord("{")).any():
            raise DatasetError(self._path, "extra: expected JSON objects")
        members = Texts(extra.data, extra.starts + there, extra.lengths - 2 * there)
        odd = self.array(batch, "json.odd")
        return _layout(self._path, NAMES, self._header.shapes, shape, odd, members)

    def _with_extra(self, layout: Layout, read: Read) -> Layout:
        """Return the layout with the members in the column "extra" that are not columns."""
        if not self._has("extra"):
            return layout
        extra: list[bytes] = []
        shape_ids = layout.shape_ids.copy()
        shapes = {shape: number for number, shape in enumerate(layout.shapes)}
        for batch in read(["extra"]):
            with _named(self._path, "extra"):
                texts = self.array(batch, "extra").to_pylist()
            for text in texts:
                row = len(extra)
                members = {} if text is None else self._members(text, row)
                extra.append(members_text(members))
                if members:
                    shape = layout.shapes[shape_ids[row]] + len(members) * bytes((UNKNOWN, PLAIN))
                    shape_ids[row] = shapes.setdefault(shape, len(shapes))
        return replace(
            layout, extra=Texts.from_strings(extra), shapes=list(shapes), shape_ids=shape_ids
        )

    def _members(self, text: str, row: int) -> dict[str, Any]:
        try:
            members = json.loads(text)
        except (ValueError, RecursionError):
            members = None
        if not isinstance(members, dict):
            raise DatasetError(self._path, "extra: expected a JSON object", f"row {row}")
        return {name: value for name, value in members.items() if name not in NAMES}

    # -- tables without segcore's metadata --------------------------------------------------------

    def images_of(self, batches: Sequence[pa.RecordBatch]) -> Table:
        """Return the images that the annotations refer to."""
        batches = batches or [_one_batch(self._schema.empty_table())]
        with _named(self._path, "image_id"):
            ids = concatenate([self.ids(batch, "image_id") for batch in batches])
        values, image = first_rows(ids)
        first = np.zeros(len(values), np.int64)
        first[image[::-1]] = np.arange(len(ids))[::-1]

        def column(name: str) -> Any:
            if not self._has(name):
                return None
            return pa.chunked_array([self.array(batch, name) for batch in batches]).take(
                to_array(first)
            )

        names = column("file_name")
        columns: dict[str, Any] = {
            "id": values,
            "file_name": Texts.empty(len(values))
            if names is None
            else Texts.from_strings([name or "" for name in names.to_pylist()]),
        }
        for side in ("height", "width"):
            sides = column(side)
            columns[side] = (
                np.zeros(len(values), np.int64)
                if sides is None
                else from_numbers(sides.combine_chunks(), 0)
            )
        return Table(columns, image_layout(columns))

    def categories_of(self, batches: Sequence[pa.RecordBatch]) -> Table:
        """Return the categories that the annotations refer to, named by their ids."""
        if not self._has("category_id"):
            return empty_categories()
        kind = self._kinds["category_id"]
        batches = batches or [_one_batch(self._schema.empty_table())]
        with _named(self._path, "category_id"):
            arrays = [without_null(batch["category_id"]) for batch in batches]
            ids = concatenate([_ids(array, kind) for array in arrays])
        values, _ = distinct(ids)
        columns: dict[str, Any] = {
            "id": values,
            "name": Texts.from_strings([str(value) for value in values.tolist()]),
            "supercategory": Texts.empty(len(values)),
            "isthing": np.ones(len(values), np.bool_),
        }
        return Table(columns, category_layout(columns))


def _has(schema: pa.Schema, name: str) -> bool:
    """Return whether there is a column or, for a name with a dot, a field of a column."""
    column, _, field = name.partition(".")
    if column not in schema.names:
        return False
    kind = schema.field(column).type
    return not field or (pa.types.is_struct(kind) and kind.get_field_index(field) >= 0)


def _kind_of_ids(path: str, schema: pa.Schema, name: str) -> str:
    kind = schema.field(name).type
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    if pa.types.is_integer(kind):
        return "integer"
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return "text"
    if pa.types.is_floating(kind) or pa.types.is_null(kind):
        return "integer"  # as pandas writes integers beside missing ones
    raise DatasetError(path, f"expected integers or strings, got {kind}", f"column {name}")


def in_file_order(table: Table, order: Callable[[], NDArray[np.int64]]) -> Table:
    """Return a table whose columns are sorted lazily."""
    cached = lru_cache(1)(order)
    columns: dict[str, Any] = {
        name: partial(lambda name: table[name][cached()], name) for name in table.names
    }
    return Table(columns, lambda: table.layout.take(cached()), len(table))


def order_of(path: str, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the order that brings annotations back into the order of the file converted."""
    order = np.argsort(rows, kind="stable")
    if not np.array_equal(rows[order], np.arange(len(rows))):
        raise DatasetError(path, "json.row: expected each row once")
    return order
