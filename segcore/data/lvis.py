"""Categories in LVIS files: their frequencies, and those listed for each image."""

from __future__ import annotations

from typing import Any

from segcore._input.arrays import described
from segcore.data.columns.fields import as_integer, other_form
from segcore.data.dataset import Dataset
from segcore.data.errors import DatasetError
from segcore.metrics.average_precision import FREQUENCIES

NEGATIVE = "neg_category_ids"
"""Name of the list of categories that are known to be absent from an image."""
INCOMPLETE = "not_exhaustive_category_ids"
"""Name of the list of categories whose objects in an image are not all annotated."""


def listed_categories(dataset: Dataset, image: int, name: str) -> list[int]:
    """Return the category ids in a list of an image; empty if the list is missing or null.

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
        detail = f"{name}: expected a list of category ids, got {described(listed)}"
        raise DatasetError(dataset.source, detail, f"image {image_ids[image]}")
    return [key for key in ids if key is not None]


def frequencies(dataset: Dataset) -> dict[Any, str]:
    """Return the known frequencies of categories, "r", "c" or "f", by category id.

    Raises
    ------
    DatasetError
        If a frequency has another value.
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
    """Return a category id as an integer; None unless it is an integer of at most 64 bits."""
    number = other_form(value) if isinstance(value, str) else as_integer(value)
    if isinstance(number, bool) or not isinstance(number, int):
        return None
    return number if -(2**63) <= number < 2**63 else None
