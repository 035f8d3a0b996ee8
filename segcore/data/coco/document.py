"""COCO documents in memory, as dicts and lists, to tables."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from segcore.data.coco.object_table import ObjectTable, plain, plain_name, text_of
from segcore.data.coco.stream import NO_ARRAY
from segcore.data.columns.layouts import Fields
from segcore.data.errors import DatasetError
from segcore.formats import coco

PEEK = 1000
"""Number of annotations by which a panoptic document is recognized."""


class Document:
    """A document that is read once, from its beginning to its end, as a `Stream` is.

    Each method takes the next value, and returns what the method of `Stream` would return for the
    document written as JSON.
    """

    path = ""

    def __init__(self, document: Any) -> None:
        self.repeated: list[str] = []
        self._next = document

    def enter(self) -> str:
        """Enter the outermost value: "{", or "[", which is not taken."""
        if isinstance(self._next, dict):
            return "{"
        if isinstance(self._next, (list, tuple)):
            return "["
        plain(self._next)  # raises TypeError for what JSON does not have
        raise DatasetError(self.path, "not JSON: expected an object or an array")

    def names(self) -> Iterator[str]:
        """Yield the name of each member of the outermost object; the caller takes its value."""
        for name, value in list(self._next.items()):
            self._next = value
            yield plain_name(name)

    def is_panoptic(self) -> bool:
        """Return whether the annotations that follow have segments, as panoptic ones do."""
        annotations = self._next if isinstance(self._next, (list, tuple)) else ()
        first = islice(annotations, PEEK)
        return any(isinstance(item, dict) and "segments_info" in item for item in first)

    def value(self) -> bytes:
        """Take a value and return its text."""
        return text_of(self._plain())

    def rows(self, fields: Fields, item: str) -> dict[str, Any]:
        """Take an array of objects and return it as columns."""
        is_array = isinstance(self._next, (list, tuple))
        items = list(self._next) if is_array else self._plain()
        if not isinstance(items, list):
            raise DatasetError(self.path, NO_ARRAY, item)
        return self._columns(fields, items, item)

    def row(self, fields: Fields, item: str) -> dict[str, Any]:
        """Take one object and return it as columns of one row."""
        return self._columns(fields, [self._next], item)

    def end(self) -> None:
        """Do nothing: nothing can follow."""

    def _plain(self) -> Any:
        try:
            return plain(self._next)
        except (ValueError, RecursionError) as error:
            raise DatasetError(self.path, str(error)) from None

    def _columns(self, fields: Fields, items: list[Any], name: str) -> dict[str, Any]:
        table = ObjectTable(fields)
        try:
            coco.read_rows(table, items, plain)
        except TypeError as error:
            error.add_note(f"{name}[{len(table)}]")
            raise
        except (ValueError, RecursionError) as error:
            raise DatasetError(self.path, str(error), f"{name}[{len(table)}]") from None
        return table.columns()
