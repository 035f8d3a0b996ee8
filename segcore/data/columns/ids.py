"""Ids of images, categories and annotations: integers, or objects if some are strings."""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore.data.columns.fields import other_form


class Ids:
    """Find the rows of ids. The number 1 is also found as the text "1", and the other way round.

    Parameters
    ----------
    values : numpy.ndarray
        Different ids: int64 or objects.
    """

    def __init__(self, values: NDArray[Any]) -> None:
        self._values = values

    def find(self, ids: NDArray[Any]) -> NDArray[np.int64]:
        """Return the row of each id, -1 if there is none."""
        if object in (ids.dtype, self._values.dtype):
            return np.array([self._row(value) for value in ids.tolist()], np.int64)
        if not len(self._values):
            return np.full(len(ids), -1, np.int64)
        if self._row_of_id is not None:
            found: NDArray[np.int64] = self._row_of_id.take(
                ids - self._values.min() + 1, mode="clip"
            )
            return found
        places = np.searchsorted(self._values, ids, sorter=self._order)
        rows = self._order[np.minimum(places, len(self._values) - 1)]
        return np.where(self._values[rows] == ids, rows, -1)

    def _row(self, value: Any) -> int:
        row = self._index.get(value)
        return self._index.get(other_form(value), -1) if row is None else row

    @cached_property
    def _row_of_id(self) -> NDArray[np.int64] | None:
        """Rows of consecutive ids, between two -1 for all others; None if ids are far apart."""
        least, greatest = int(self._values.min()), int(self._values.max())
        if greatest - least >= 4 * len(self._values) + 1024:
            return None
        rows = np.full(greatest - least + 3, -1, np.int64)
        rows[self._values - least + 1] = np.arange(len(self._values))
        return rows

    @cached_property
    def _order(self) -> NDArray[np.int64]:
        return np.argsort(self._values, kind="stable")

    @cached_property
    def _index(self) -> dict[Any, int]:
        return {value: row for row, value in enumerate(self._values.tolist())}


def is_text(ids: NDArray[Any]) -> bool:
    """Return whether all ids are strings, so that they can be stored as they are."""
    return ids.dtype == object and all(
        isinstance(value, str) and value.isprintable() for value in ids.tolist()
    )


def as_text(ids: NDArray[Any]) -> list[str]:
    """Return ids of mixed types as JSON."""
    return [json.dumps(value) for value in ids.tolist()]


def kind_of_ids(ids: NDArray[Any]) -> str:
    """Return how ids are stored: as integers, as strings, or, if there are both, as JSON."""
    return "integer" if ids.dtype != object else "text" if is_text(ids) else "json"


def as_stored(ids: NDArray[Any], kind: str) -> NDArray[Any] | list[str]:
    """Return ids as they are stored."""
    return as_text(ids) if kind == "json" else ids


def sorted_ids(ids: NDArray[Any]) -> NDArray[np.int64]:
    """Return the rows in the order of the ids: by number, or as text."""
    if ids.dtype != object:
        return np.argsort(ids, kind="stable")
    texts = as_stored(ids, kind_of_ids(ids))
    return np.array(sorted(range(len(ids)), key=texts.__getitem__), np.int64)
