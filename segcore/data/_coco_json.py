"""COCO's JSON files: instances, results, LVIS, and SA-1B's file per image."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from segcore._input.arrays import described
from segcore.data._columns import is_among
from segcore.data._dataset import Dataset
from segcore.data._errors import DatasetError
from segcore.data._ids import Ids
from segcore.data._segmentations import COUNTS, STRING, Segmentations
from segcore.data._stream import Fields, Progress, Stream, open_binary
from segcore.data._table import BOOLEAN, FRACTION, MISSING, NULL, ODD, PLAIN, Layout, Table
from segcore.data._texts import Texts

IMAGES: Fields = [
    ("id", "integer"),
    ("file_name", "text"),
    ("height", "integer"),
    ("width", "integer"),
]
CATEGORIES = [
    ("id", "integer"),
    ("name", "text"),
    ("supercategory", "text"),
    ("isthing", "integer"),
]
ANNOTATIONS = [
    ("segmentation", "segmentation"),
    ("area", "number"),
    ("iscrowd", "integer"),
    ("image_id", "integer"),
    ("bbox", "box"),
    ("category_id", "integer"),
    ("id", "integer"),
    ("score", "number"),
]
SEGMENTS = [
    ("id", "integer"),
    ("category_id", "integer"),
    ("iscrowd", "integer"),
    ("area", "number"),
    ("bbox", "box"),
]
IMAGE: Fields = [("image_id", "integer"), *IMAGES[1:]]
"""The single image of a file of SA-1B."""
ENTRIES: Fields = [("image_id", "integer"), ("file_name", "text"), ("segments_info", SEGMENTS)]
"""The annotations of a panoptic file: one per image."""
PEEK = 1 << 16
_PANOPTIC = b'"segments_info"'
TABLES: dict[str, Fields] = {"images": IMAGES, "categories": CATEGORIES, "annotations": ANNOTATIONS}


def read_coco(
    path: str | os.PathLike[str],
    dataset: Dataset | None = None,
    *,
    skip_invalid: bool = False,
    progress: Progress | None = None,
) -> Dataset:
    """Read a COCO instances or LVIS file, or a list of results."""
    file, size = open_binary(path)
    with file:
        return read_stream(os.fspath(path), file, size, dataset, skip_invalid, progress)


def read_stream(
    name: str,
    file: BinaryIO,
    size: int | None,
    dataset: Dataset | None = None,
    skip_invalid: bool = False,
    progress: Progress | None = None,
) -> Dataset:
    """Read an open file; `name` is for error messages."""
    raw, members = read_tables(Stream(name, file, progress, size))
    reader = Reader(name, raw, skip_invalid)
    if members is None:
        return reader.results(dataset)
    if dataset is not None:
        raise DatasetError(name, "expected a list of results, as dataset= was passed, got a dict")
    if "annotations" in raw and "segments_info" in raw["annotations"]["columns"]:
        from segcore.data._panoptic import panoptic_dataset

        return panoptic_dataset(reader, members)
    if "masklet" in dict(members):
        from segcore.data._sa_v import video_dataset

        return video_dataset(name, members)
    if "image" in raw and "annotations" in raw:
        return reader.single_image(members)
    return reader.instances(members)


def read_tables(
    stream: Stream,
) -> tuple[dict[str, Any], list[tuple[str, bytes | None]] | None]:
    """Return the raw tables, and the members of the outermost object (None for a list)."""
    if stream.enter() == "[":
        raw = {"annotations": stream.rows(ANNOTATIONS, "")}
        stream.end()
        return raw, None
    raw = {}
    members: dict[str, bytes | None] = {}
    for name in stream.names():
        fields = TABLES.get(name)
        if name == "annotations" and _PANOPTIC in stream.ahead(PEEK):
            fields = ENTRIES
        if fields is not None:
            raw[name] = stream.rows(fields, name)
            members[name] = None
        elif name == "image":
            raw[name] = stream.row(IMAGE, name)
            members[name] = None
        else:
            members[name] = stream.value()
    stream.end()
    return raw, list(members.items())


class Reader:
    """Turns raw tables into a data set; collects what is invalid."""

    def __init__(self, path: str, raw: dict[str, Any], skip_invalid: bool) -> None:
        self.path = path
        self.raw = raw
        self._skip_invalid = skip_invalid
        self.skipped: list[str] = []

    def instances(self, members: list[tuple[str, bytes | None]]) -> Dataset:
        """Make the data set of a file with images, annotations and categories."""
        for name in ("images", "annotations"):
            if name not in self.raw:
                found = ", ".join(json.dumps(member) for member, _ in members[:8])
                raise DatasetError(
                    self.path, f'expected the members "images" and "annotations", got {found}'
                )
        return self._dataset(self.images(), self.categories(), members)

    def single_image(self, members: list[tuple[str, bytes | None]]) -> Dataset:
        """Make the data set of a file of SA-1B: one image, without categories."""
        images = self.images("image", IMAGE)
        if not len(images):
            raise DatasetError(self.path, self.skipped[0])
        return self._dataset(images, empty_categories(), members)

    def results(self, dataset: Dataset | None) -> Dataset:
        """Make the data set of a list of results, whose images are those of another data set."""
        if dataset is None:
            images, categories = self._images_of_results(), self._categories_of_results()
        else:
            images, categories = dataset.images, dataset.categories
        return self._dataset(images, categories, [])

    def _dataset(
        self, images: Table, categories: Table, members: list[tuple[str, bytes | None]]
    ) -> Dataset:
        annotations = self._annotations(images, categories)
        return Dataset(
            images,
            categories,
            annotations,
            members=members,
            skipped=self.skipped,
            source=self.path,
        )

    # -- images and categories --------------------------------------------------------------------

    def images(self, name: str = "images", fields: Fields = IMAGES) -> Table:
        """Return the images."""
        column = RawTable(self.raw[name], fields, name)
        ids = column.ids(fields[0][0])
        _check_repeated(column, ids, "id")
        for side in ("height", "width"):
            column.check_integers(side, 1, "a number of pixels", required=False)
        column.check_texts("file_name")
        names = column.columns["file_name"]
        columns = {
            "id": ids,
            "file_name": _names_from_addresses(names, column.layout),
            "height": column.columns["height"],
            "width": column.columns["width"],
        }
        return self._kept(column, columns)

    def categories(self) -> Table:
        """Return the categories."""
        if "categories" not in self.raw:
            return empty_categories()
        column = RawTable(self.raw["categories"], CATEGORIES, "categories")
        ids = column.ids("id")
        _check_repeated(column, ids, "id")
        column.check_texts("name")
        column.check_integers("isthing", 0, "0 or 1", required=False, greatest=1)
        things = column.columns["isthing"].copy()
        things[is_among(column.layout.forms("isthing"), (MISSING, NULL))] = 1
        columns = {
            "id": ids,
            "name": column.columns["name"],
            "supercategory": column.columns["supercategory"],
            "isthing": things != 0,
        }
        return self._kept(column, columns)

    def _images_of_results(self) -> Table:
        """List the images that results refer to, with the sizes of their first RLE."""
        column = RawTable(self.raw["annotations"], ANNOTATIONS, "")
        ids = column.ids("image_id")
        values, rows = first_rows(ids)
        segmentations = column.columns["segmentation"]
        sizes = np.zeros((2, len(values)), np.int64)
        is_rle = is_among(segmentations.kinds, (STRING, COUNTS))
        with_size = np.flatnonzero(is_rle)[::-1]  # backwards: the first one is written last
        sizes[:, rows[with_size]] = (
            segmentations.heights[with_size],
            segmentations.widths[with_size],
        )
        columns: dict[str, Any] = {
            "id": values,
            "file_name": Texts.empty(len(values)),
            "height": sizes[0],
            "width": sizes[1],
        }
        return Table(columns, image_layout(columns))

    def _categories_of_results(self) -> Table:
        column = RawTable(self.raw["annotations"], ANNOTATIONS, "")
        ids, _ = first_rows(column.ids("category_id", required=False))
        is_string = [isinstance(value, str) for value in ids.tolist()]
        order = sorted(range(len(ids)), key=lambda row: (is_string[row], ids[row]))
        values = ids[np.array(order, np.int64)]
        columns: dict[str, Any] = {
            "id": values,
            "name": Texts.from_strings([str(value) for value in values.tolist()]),
            "supercategory": Texts.empty(len(values)),
            "isthing": np.ones(len(values), np.bool_),
        }
        return Table(columns, category_layout(columns))

    # -- annotations ------------------------------------------------------------------------------

    def _annotations(self, images: Table, categories: Table) -> Table:
        column = RawTable(self.raw["annotations"], ANNOTATIONS, "annotations")
        raw = column.columns
        image = np.zeros(len(column), np.int64)
        if "image" not in self.raw:
            image = column.lookup("image_id", images["id"], "an image")
            column.forget("image_id")
        category = np.full(len(column), -1, np.int64)
        if len(categories):
            category = column.lookup("category_id", categories["id"], "a category")
            column.forget("category_id")
        column.check_integers("iscrowd", 0, "0 or 1", required=False, greatest=1)
        column.check_numbers("score")
        ids: Any = column.ids("id", required=False)
        if (column.forms("id") == MISSING).all():
            count = len(column)
            ids = lambda: np.arange(1, count + 1)  # noqa: E731
        columns: dict[str, Any] = {
            "image": image,
            "category": category,
            "id": ids,
            "iscrowd": raw["iscrowd"] != 0,
            "score": raw["score"],
            "area": raw["area"],
            "bbox": raw["bbox"],
            "segmentation": raw["segmentation"],
        }
        if not len(categories):
            columns["category_id"] = raw["category_id"]  # there are no rows to refer to
        return self._kept(column, columns)

    def _kept(self, column: RawTable, columns: dict[str, Any]) -> Table:
        """Return the valid rows; raise the first error unless invalid rows are skipped."""
        table = Table(columns, column.layout)
        good = self.valid(column)
        return table if good.all() else table.take(np.flatnonzero(good))

    def valid(self, column: RawTable) -> NDArray[np.bool_]:
        """Return which rows are valid; raise the first error unless invalid rows are skipped."""
        good = np.ones(len(column), np.bool_)
        for row, detail in sorted(column.invalid.items()):
            position = int(column.layout.positions[row])
            error = DatasetError(self.path, detail, column.item(row), position)
            if not self._skip_invalid:
                raise error
            self.skipped.append(str(error))
            good[row] = False
        return good


class RawTable:
    """A table as the reader of JSON returns it, and what is invalid in it."""

    def __init__(self, raw: dict[str, Any], fields: Sequence[tuple[str, str]], name: str) -> None:
        self.columns: dict[str, Any] = {
            field: _column(raw["columns"][field], kind) for field, kind in fields
        }
        self.layout = Layout(
            tuple(field for field, _ in fields),
            raw["shapes"],
            raw["shape_ids"],
            Texts(*raw["extra"]),
            raw["positions"],
            raw["odd_rows"],
            raw["odd_columns"],
            Texts(*raw["odd"]),
        )
        self._raw = raw["columns"]
        self.invalid: dict[int, str] = {}
        self._forms: dict[str, NDArray[np.uint8]] = {}
        self._odd_values: dict[str, dict[int, Any]] = {}
        self.item: Callable[[int], str] = lambda row: f"{name}[{row}]"

    def __len__(self) -> int:
        return len(self.layout.shape_ids)

    def forget(self, name: str) -> None:
        """Free the memory of a column that is no longer needed."""
        del self.columns[name], self._raw[name]

    def forms(self, name: str) -> NDArray[np.uint8]:
        """Return the form of a member in each row. It is found once: each error asks for it."""
        if name not in self._forms:
            self._forms[name] = self.layout.forms(name)
        return self._forms[name]

    def odd_values(self, name: str) -> dict[int, Any]:
        """Return the odd values of a member by row, which are found once, too."""
        if name not in self._odd_values:
            self._odd_values[name] = self.layout.odd_values(name)
        return self._odd_values[name]

    def refuse(self, rows: Any, name: str, detail: Callable[[int], str]) -> None:
        """Note that rows are invalid; the first reason counts."""
        for row in np.asarray(rows).tolist():
            self.invalid.setdefault(row, f"{name}: {detail(row)}")

    def got(self, name: str, row: int) -> str:
        """Describe the value of a member for an error message."""
        form = int(self.forms(name)[row])
        if form == MISSING:
            return "none"
        if form == NULL:
            return "null"
        if form == ODD:
            return described(self.odd_values(name)[row])
        value = self.columns[name][row]
        return str(bool(value)) if form == BOOLEAN else str(value)

    def ids(self, name: str, required: bool = True) -> NDArray[Any]:
        """Return ids: int64, or objects if some are strings."""
        forms = self.forms(name)
        ids: NDArray[Any] = self.columns[name]
        allowed = [PLAIN, FRACTION] + ([] if required else [MISSING, NULL])
        strings = {}
        if (forms == ODD).any():
            odd = self.odd_values(name)
            strings = {row: value for row, value in odd.items() if isinstance(value, (str, int))}
            ids = ids.astype(object)
            for row, value in strings.items():
                ids[row] = value
        bad = np.flatnonzero(~is_among(forms, allowed))
        bad = bad[[row not in strings for row in bad.tolist()]] if len(bad) else bad
        self.refuse(
            bad, name, lambda row: f"expected an integer or a string, got {self.got(name, row)}"
        )
        return ids

    def lookup(self, name: str, targets: Any, what: str) -> NDArray[np.int64]:
        """Return the row of the image or category that each id refers to."""
        ids = self.ids(name)
        rows = Ids(targets).find(ids)
        self.refuse(
            np.flatnonzero(rows < 0),
            name,
            lambda row: f"expected the id of {what}, got {self.got(name, row)}",
        )
        return rows

    def check_integers(
        self, name: str, least: int, what: str, required: bool, greatest: int | None = None
    ) -> None:
        """Refuse rows whose integer is missing or out of range."""
        forms, values = self.forms(name), self.columns[name]
        there = is_among(forms, (PLAIN, FRACTION) + ((BOOLEAN,) if greatest == 1 else ()))
        good = there & (values >= least) & (values <= (greatest or np.iinfo(np.int64).max))
        if not required:
            good |= is_among(forms, (MISSING, NULL))
        self.refuse(
            np.flatnonzero(~good), name, lambda row: f"expected {what}, got {self.got(name, row)}"
        )

    def check_numbers(self, name: str) -> None:
        """Refuse rows whose number is of another type."""

        def detail(row: int) -> str:
            is_large = type(self.odd_values(name)[row]) is int
            what = "an integer from -2**53 to 2**53" if is_large else "a number"
            return f"expected {what}, got {self.got(name, row)}"

        self.refuse(np.flatnonzero(self.forms(name) == ODD), name, detail)

    def check_texts(self, name: str) -> None:
        """Refuse rows whose string is of another type."""
        bad = np.flatnonzero(self.forms(name) == ODD)
        self.refuse(bad, name, lambda row: f"expected a string, got {self.got(name, row)}")


def _column(values: Any, kind: str) -> Any:
    if kind == "segmentation":
        return Segmentations.unchecked(*values)
    return Texts(*values) if kind == "text" else values


def first_rows(ids: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the different ids in the order in which they come, and which one each row has."""
    index: dict[Any, int] = {}
    rows = np.array([index.setdefault(value, len(index)) for value in ids.tolist()], np.int64)
    return np.array(list(index), ids.dtype), rows


def _check_repeated(column: RawTable, ids: NDArray[Any], name: str) -> None:
    _, rows = first_rows(ids)
    if len(rows) and int(rows.max()) + 1 == len(rows):
        return
    seen: set[int] = set()
    for row, value in enumerate(rows.tolist()):
        if value in seen:
            column.refuse([row], name, lambda row: f"{ids[row]!r} occurs twice")
        seen.add(value)


def _names_from_addresses(names: Texts, layout: Layout) -> Texts:
    """Return file names; where there are none, as in LVIS, the end of ``coco_url``."""
    missing = np.flatnonzero(layout.forms("file_name") == MISSING)
    if not len(missing):
        return names
    found = names.tolist()
    for row in missing.tolist():
        extra = layout.extra.raw(row)
        if b'"coco_url"' in extra:
            address = json.loads(b"{" + extra + b"}").get("coco_url")
            found[row] = str(address).rsplit("/", 1)[-1]
    return Texts.from_strings(found)


# -- layouts of tables that do not come from JSON -------------------------------------------------


def image_layout(columns: dict[str, Any]) -> Layout:
    """Return the layout in which images are written."""
    return _layout(
        IMAGES, columns, {"height": columns["height"] > 0, "width": columns["width"] > 0}
    )


def category_layout(columns: dict[str, Any]) -> Layout:
    """Return the layout in which categories are written."""
    there = {
        "supercategory": columns["supercategory"].lengths > 0,
        "isthing": ~columns["isthing"],
    }
    return _layout(CATEGORIES, columns, there)


def annotation_layout(columns: dict[str, Any]) -> Layout:
    """Return the layout in which annotations are written."""
    there = {
        "segmentation": columns["segmentation"].kinds > 0,
        "score": ~np.isnan(columns["score"]),
        "area": ~np.isnan(columns["area"]),
        "bbox": ~np.isnan(columns["bbox"]).any(axis=1),
        "category_id": columns["category"] >= 0,
    }
    return _layout(ANNOTATIONS, columns, there)


def _layout(
    fields: Sequence[tuple[str, str]], columns: dict[str, Any], there: dict[str, NDArray[np.bool_]]
) -> Layout:
    """Return a layout with the members that are there in each row, in the order of the fields."""
    count = len(columns["id"])
    presence = np.zeros(count, np.int64)
    for bit, (name, _) in enumerate(fields):
        presence |= there.get(name, np.ones(count, np.bool_)).astype(np.int64) << bit
    values, shape_ids = np.unique(presence, return_inverse=True)
    forms = {"number": FRACTION}
    shapes = [
        bytes(
            byte
            for bit, (_, kind) in enumerate(fields)
            if value >> bit & 1
            for byte in (bit, forms.get(kind, PLAIN))
        )
        for value in values.tolist()
    ]
    return Layout.plain([name for name, _ in fields], count, shapes, shape_ids)


def empty_categories() -> Table:
    """Return a table without categories."""
    columns: dict[str, Any] = {
        "id": np.empty(0, np.int64),
        "name": Texts.empty(0),
        "supercategory": Texts.empty(0),
        "isthing": np.empty(0, np.bool_),
    }
    return Table(columns, category_layout(columns))
