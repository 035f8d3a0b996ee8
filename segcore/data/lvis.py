"""What files of LVIS say of categories: how frequent they are, and what is annotated where."""

from __future__ import annotations

from typing import Any

from segcore._input.arrays import described
from segcore.data.columns.fields import as_integer, other_form
from segcore.data.dataset import Dataset
from segcore.data.errors import DatasetError
from segcore.metrics.average_precision import FREQUENCIES

NEGATIVE = "neg_category_ids"
"""Name of the list of the categories that are known to be absent from an image."""
INCOMPLETE = "not_exhaustive_category_ids"
"""Name of the list of the categories of which not all objects in an image are annotated."""


def listed_categories(dataset: Dataset, image: int, name: str) -> list[int]:
    """Return the ids in a list of an image; none if it is missing or null.

    Raises
    ------
    DatasetError
        If it is not a list of integers.
    """
    listed = dataset.images.extra(image).get(name)
    values = [] if listed is None else listed
    ids = [_integer(value) for value in values] if isinstance(values, list) else [None]
    if None in ids:
        image_ids: Any = dataset.images["id"]
        detail = f"{name}: expected a list of ids of categories, got {described(listed)}"
        raise DatasetError(dataset.source, detail, f"image {image_ids[image]}")
    return [key for key in ids if key is not None]


def frequencies(dataset: Dataset) -> dict[Any, str]:
    """Return the frequency of each category by id: "r", "c" or "f"; unknown ones are left out.

    Raises
    ------
    DatasetError
        If a frequency is another value.
    """
    found = {}
    for row, key in enumerate(dataset.categories["id"].tolist()):
        value = dataset.categories.extra(row).get("frequency")
        if value is None:
            continue
        if not isinstance(value, str) or value not in FREQUENCIES:
            detail = f'frequency: expected "r", "c" or "f", got {described(value)}'
            raise DatasetError(dataset.source, detail, f"category {key}")
        found[key] = value
    return found


def _integer(value: Any) -> int | None:
    """Return the id of a category that is an integer of 64 bits; None for other values."""
    number = other_form(value) if isinstance(value, str) else as_integer(value)
    if isinstance(number, bool) or not isinstance(number, int):
        return None
    return number if -(2**63) <= number < 2**63 else None
