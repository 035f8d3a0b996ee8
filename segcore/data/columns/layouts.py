"""The members of COCO's JSON objects, and layouts of tables that do not come from JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segcore.data.columns.checks import distinct
from segcore.data.columns.table import FRACTION, PLAIN, Layout, Table
from segcore.data.columns.texts import Texts

Fields: TypeAlias = "list[tuple[str, Any]]"

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


def annotation_layout(columns: dict[str, Any], as_integers: bool = False) -> Layout:
    """Return the layout in which annotations are written: areas and boxes as integers or floats."""
    there = {
        "segmentation": columns["segmentation"].kinds > 0,
        "score": ~np.isnan(columns["score"]),
        "area": ~np.isnan(columns["area"]),
        "bbox": ~np.isnan(columns["bbox"]).any(axis=1),
        "category_id": columns["category"] >= 0,
    }
    return _layout(ANNOTATIONS, columns, there, as_integers)


def _layout(
    fields: Sequence[tuple[str, str]],
    columns: dict[str, Any],
    there: dict[str, NDArray[np.bool_]],
    as_integers: bool = False,
) -> Layout:
    """Return a layout with the members that are there in each row, in the order of the fields."""
    count = len(columns["id"])
    presence = np.zeros(count, np.int64)
    for bit, (name, _) in enumerate(fields):
        presence |= there.get(name, np.ones(count, np.bool_)).astype(np.int64) << bit
    values, shape_ids = distinct(presence)
    forms = {"box": 0b1111} if as_integers else {"number": FRACTION}
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
