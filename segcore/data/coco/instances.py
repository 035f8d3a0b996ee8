"""Data sets from the tables of COCO instances, LVIS, results and SA-1B files."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._input.warn import warn
from segcore._text import counted
from segcore.data.coco.raw_table import RawTable, check_repeated, first_rows
from segcore.data.columns.checks import is_among
from segcore.data.columns.layouts import (
    ANNOTATIONS,
    CATEGORIES,
    IMAGE,
    IMAGES,
    Fields,
    category_layout,
    empty_categories,
    image_layout,
)
from segcore.data.columns.segmentations import COUNTS, STRING
from segcore.data.columns.table import MISSING, NULL, ODD, Layout, Table
from segcore.data.columns.texts import Texts
from segcore.data.dataset import Dataset
from segcore.data.errors import DatasetError
from segcore.data.files.kinds import READABLE, kind_of_json


class Reader:
    """Turns raw tables into a data set; collects what is invalid."""

    def __init__(self, path: str, raw: dict[str, Any], skip_invalid: bool) -> None:
        self.path = path
        self.raw = raw
        self._skip_invalid = skip_invalid
        self.skipped_images: NDArray[Any] = np.empty(0, np.int64)
        self.skipped: list[str] = []

    def instances(self, members: list[tuple[str, bytes | None]]) -> Dataset:
        """Make the data set of a file with images, annotations and categories."""
        for name in ("images", "annotations"):
            if name not in self.raw:
                names = [member for member, _ in members]
                found = ", ".join(map(json.dumps, names[:8])) or "an empty object"
                detail = f'not COCO: expected "images" and "annotations", got {found}'
                if kind := kind_of_json(names):
                    detail = f"it looks like {kind[1]}; {READABLE}"
                raise DatasetError(self.path, detail)
        return self._dataset(self.images(), self.categories(), members)

    def single_image(self, members: list[tuple[str, bytes | None]]) -> Dataset:
        """Make the data set of a file of SA-1B: one image, without categories."""
        skip_invalid, self._skip_invalid = self._skip_invalid, False  # there is no other image
        images = self.images("image", IMAGE)
        self._skip_invalid = skip_invalid
        return self._dataset(images, empty_categories(), members)

    def results(self, dataset: Dataset | None) -> Dataset:
        """Make the data set of a list of results, whose images are those of another data set."""
        first = self.raw["annotations"]
        if len(first["shape_ids"]):
            names = json.loads(b"{" + Texts(*first["extra"]).raw(0) + b"}")
            if kind := kind_of_json(names, is_list=True):
                raise DatasetError(self.path, f"it looks like {kind[1]}; {READABLE}")
        if dataset is None:
            images, categories = self._images_of_results(), self._categories_of_results()
        else:
            images, categories = dataset.images, dataset.categories
            forms = RawTable(first, ANNOTATIONS, "").forms("category_id")
            if not len(categories) and (forms != MISSING).any():
                categories = self._categories_of_results()
        return self._dataset(images, categories, [], is_results=True)

    def _dataset(
        self,
        images: Table,
        categories: Table,
        members: list[tuple[str, bytes | None]],
        is_results: bool = False,
    ) -> Dataset:
        annotations = self._annotations(images, categories)
        return Dataset(
            images,
            categories,
            annotations,
            members=members,
            skipped=self.skipped,
            source=self.path,
            result_areas=_result_areas(annotations) if is_results else None,
        )

    # -- images and categories --------------------------------------------------------------------

    def images(self, name: str = "images", fields: Fields = IMAGES) -> Table:
        """Return the images."""
        column = RawTable(self.raw[name], fields, name)
        ids = column.ids(fields[0][0])
        check_repeated(column, ids, "id")
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
        table = self._kept(column, columns)
        if len(table) < len(column):
            self.skipped_images = ids[np.array(sorted(column.invalid), np.int64)]
        return table

    def categories(self) -> Table:
        """Return the categories."""
        if "categories" not in self.raw:
            return empty_categories()
        column = RawTable(self.raw["categories"], CATEGORIES, "categories")
        ids = column.ids("id")
        check_repeated(column, ids, "id")
        names = column.names("name")
        column.check_integers("isthing", 0, "0 or 1", required=False, greatest=1)
        things = column.columns["isthing"].copy()
        things[is_among(column.layout.forms("isthing"), (MISSING, NULL))] = 1
        columns = {
            "id": ids,
            "name": names,
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
        is_list = set(self.raw) == {"annotations"}
        column = RawTable(self.raw["annotations"], ANNOTATIONS, "" if is_list else "annotations")
        raw = column.columns
        column.check_numbers("score")
        self.check_measures(column)
        numbers = {name: _number_column(column, name) for name in ("score", "area", "bbox")}
        image = np.zeros(len(column), np.int64)
        if "image" not in self.raw:
            image = column.lookup("image_id", images["id"], "an image", self.skipped_images)
            column.forget("image_id")
        category = np.full(len(column), -1, np.int64)
        if len(categories):
            category = column.lookup("category_id", categories["id"], "a category")
            column.forget("category_id")
        column.check_integers("iscrowd", 0, "0 or 1", required=False, greatest=1)
        ids: Any = column.ids("id", required=False)
        if (column.forms("id") == MISSING).all():
            count = len(column)
            ids = lambda: np.arange(1, count + 1)  # noqa: E731
        columns: dict[str, Any] = {
            "image": image,
            "category": category,
            "id": ids,
            "iscrowd": raw["iscrowd"] != 0,
            **numbers,
            "segmentation": raw["segmentation"],
        }
        if not len(categories):
            columns["category_id"] = raw["category_id"]  # there are no rows to refer to
        column.forget("iscrowd")
        return self._kept(column, columns)

    def check_measures(self, column: RawTable) -> None:
        """Refuse areas and boxes that are not numbers; warn of negative ones, which are used."""
        for name, what in (("area", "a negative area"), ("bbox", "a negative width or height")):
            column.check_measures(name)
            values = column.columns[name]
            is_negative = (values if name == "area" else values[:, 2:]) < 0
            if is_negative.any():
                rows = np.flatnonzero(is_negative.reshape(len(values), -1).any(axis=1))
                row = int(rows[0])
                place = column.item(row), column.offset(row), column.id(row)
                first = DatasetError(self.path, f"{name}: {column.got(name, row)}", *place)
                warn(f"{first}, {what}, is used as it is ({counted(len(rows), 'such annotation')})")

    def _kept(self, column: RawTable, columns: dict[str, Any]) -> Table:
        """Return the valid rows; raise the first error unless invalid rows are skipped."""
        table = Table(columns, column.layout)
        good = self.valid(column)
        if "image" in columns and (gone := good & (columns["image"] < 0)).any():
            count = counted(int(gone.sum()), "annotation")
            self.skipped.append(f"{self.path}: {count} of images that were skipped")
            good &= ~gone
        return table if good.all() else table.take(np.flatnonzero(good))

    def valid(self, column: RawTable) -> NDArray[np.bool_]:
        """Return which rows are valid; raise the first error unless invalid rows are skipped."""
        good = np.ones(len(column), np.bool_)
        for row, detail in sorted(column.invalid.items()):
            place = column.item(row), column.offset(row), column.id(row)
            error = DatasetError(self.path, detail, *place)
            if not self._skip_invalid:
                raise error
            self.skipped.append(str(error))
            good[row] = False
        return good


def _result_areas(annotations: Table) -> str | None:
    """Return what areas of results are computed from; see ``Dataset.result_areas``."""
    if not len(annotations):
        return None
    has_box = annotations.layout.take(slice(0, 1)).forms("bbox")[0] not in (MISSING, NULL, ODD)
    return "box" if has_box else "mask"


def _number_column(column: RawTable, name: str) -> Any:
    """Return a column of numbers; if no row has the member, it takes no memory."""
    values = column.columns[name]
    if not len(column) or (column.forms(name) != MISSING).any():
        return values
    shape = values.shape
    column.forget(name)
    return np.broadcast_to(np.nan, shape)


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
