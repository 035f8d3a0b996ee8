"""Tables: columns of equal length, and the JSON members that are not columns."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segcore.data._columns import check_lengths, read_only
from segcore.data._segmentations import Segmentations
from segcore.data._texts import Texts

Column: TypeAlias = NDArray[Any] | Texts | Segmentations

UNKNOWN = 0xFF
"""Index of an unknown member in a shape."""
PLAIN, FRACTION, BOOLEAN, NULL, ODD, MISSING = 0, 1, 2, 0x20, 0x21, 0xFE
"""Forms of a member: as its column has it; a number with a fraction or an exponent; true or false;
null; another JSON value, whose text is kept; not there."""


@dataclass(frozen=True, eq=False)
class Layout:
    """How the rows of a table were written in JSON.

    Attributes
    ----------
    names : tuple of str
        Name of each known member.
    shapes : list of bytes
        Different orders of members: for each member two bytes, its index and its form.
    shape_ids : numpy.ndarray
        Shape of each row: uint32, shape (N,).
    extra : Texts
        Unknown members of each row, as they would stand in an object: ``"name":value,...``.
    positions : numpy.ndarray
        Byte offset of each row in the file: int64, shape (N,).
    odd_rows, odd_columns, odd : numpy.ndarray, numpy.ndarray, Texts
        Values that do not fit their column: row, index of the member, and JSON text. Rows ascend.
    """

    names: tuple[str, ...]
    shapes: list[bytes]
    shape_ids: NDArray[np.uint32]
    extra: Texts
    positions: NDArray[np.int64]
    odd_rows: NDArray[np.int64]
    odd_columns: NDArray[np.int64]
    odd: Texts

    @classmethod
    def plain(cls, names: Sequence[str], count: int, shapes: list[bytes], ids: Any) -> Layout:
        """Return the layout of rows that have no unknown members and no odd values."""
        none = np.empty(0, np.int64)
        ids = np.asarray(ids, np.uint32)
        positions = np.full(count, -1, np.int64)
        return cls(
            tuple(names), shapes, ids, Texts.empty(count), positions, none, none, Texts.empty(0)
        )

    def forms(self, name: str) -> NDArray[np.uint8]:
        """Return the form of a member in each row: uint8, shape (N,)."""
        index = self.names.index(name)
        forms = np.full(len(self.shapes) + 1, MISSING, np.uint8)
        for i, shape in enumerate(self.shapes):
            for member, form in zip(shape[0::2], shape[1::2], strict=True):
                if member == index:
                    forms[i] = form
        return forms[self.shape_ids]

    def with_member(self, name: str) -> Layout:
        """Return the layout with a member at the end of the rows that do not have it."""
        index = self.names.index(name)
        shapes = [
            shape if index in shape[0::2] else shape + bytes((index, PLAIN))
            for shape in self.shapes
        ]
        return replace(self, shapes=shapes)

    def odd_values(self, name: str) -> dict[int, Any]:
        """Return the odd values of a member by row."""
        of_member = np.flatnonzero(self.odd_columns == self.names.index(name))
        return {int(self.odd_rows[i]): json.loads(self.odd.raw(int(i))) for i in of_member.tolist()}

    def take(self, rows: NDArray[np.int64] | slice) -> Layout:
        """Return the layout of some of the rows."""
        odd_rows, chosen = self.odd_rows[:0], self.odd_rows[:0]
        if len(self.odd_rows):
            if isinstance(rows, slice):
                rows = np.arange(*rows.indices(len(self.shape_ids)))
            first = np.searchsorted(self.odd_rows, rows, "left")
            counts = np.searchsorted(self.odd_rows, rows, "right") - first
            odd_rows = np.repeat(np.arange(len(rows)), counts)
            within = np.arange(len(odd_rows)) - np.repeat(np.cumsum(counts) - counts, counts)
            chosen = np.repeat(first, counts) + within
        return replace(
            self,
            shape_ids=self.shape_ids[rows],
            extra=self.extra[rows],
            positions=self.positions[rows],
            odd_rows=odd_rows,
            odd_columns=self.odd_columns[chosen],
            odd=self.odd[chosen],
        )

    def with_plain(self, name: str) -> Layout:
        """Return the layout with a member written as its column has it, if it is there."""
        index = self.names.index(name)
        kept = np.flatnonzero(self.odd_columns != index)
        return replace(
            self,
            shapes=[
                b"".join(
                    bytes((member, PLAIN if member == index else form))
                    for member, form in zip(shape[0::2], shape[1::2], strict=True)
                )
                for shape in self.shapes
            ],
            odd_rows=self.odd_rows[kept],
            odd_columns=self.odd_columns[kept],
            odd=self.odd[kept],
        )

    @classmethod
    def concatenate(cls, parts: Sequence[Layout]) -> Layout:
        """Concatenate the layouts of tables with the same members."""
        shapes: dict[bytes, int] = {}
        ids = []
        for part in parts:
            numbers = [shapes.setdefault(shape, len(shapes)) for shape in part.shapes]
            ids.append(np.array(numbers, np.uint32)[part.shape_ids])
        counts = np.cumsum([0, *(len(part.shape_ids) for part in parts)])
        return cls(
            parts[0].names,
            list(shapes),
            np.concatenate(ids),
            Texts.concatenate([part.extra for part in parts]),
            np.concatenate([part.positions for part in parts]),
            np.concatenate([p.odd_rows + c for p, c in zip(parts, counts[:-1], strict=True)]),
            np.concatenate([part.odd_columns for part in parts]),
            Texts.concatenate([part.odd for part in parts]),
        )


def members_text(members: dict[str, Any]) -> bytes:
    """Return members as they would stand in a JSON object, for `Layout.extra`."""
    text = json.dumps(members, ensure_ascii=False, separators=(",", ":"))
    return text[1:-1].encode("utf-8", "surrogatepass")


def concatenate(parts: Sequence[Any]) -> Any:
    """Concatenate parts of a column."""
    of_arrays = isinstance(parts[0], np.ndarray)
    return np.concatenate(parts) if of_arrays else type(parts[0]).concatenate(parts)


class Table:
    """Columns by name, all of the same length.

    >>> import segcore as sc
    >>> ds = sc.data.from_coco({"images": [{"id": 7, "height": 2, "width": 3}], "annotations": []})
    >>> ds.images["id"], len(ds.images)
    (array([7]), 1)
    """

    def __init__(
        self,
        columns: Mapping[str, Column | Callable[[], Column]],
        layout: Layout | Callable[[], Layout],
        count: int | None = None,
    ) -> None:
        """Create a table; functions are called when their column is first asked for."""
        self._columns: dict[str, Any] = {
            name: read_only(column) if isinstance(column, np.ndarray) else column
            for name, column in columns.items()
        }
        self._layout: Any = layout
        self._count = len(self.layout.shape_ids) if count is None else count
        lengths = {n: len(c) for n, c in self._columns.items() if not callable(c)}
        check_lengths(lengths, self._count)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle all columns, those that were not asked for before included."""
        return Table, ({name: self[name] for name in self.names}, self.layout, len(self))

    def __getitem__(self, name: str) -> Any:
        """Return a column: an array, `Texts` or `Segmentations`."""
        column = self._columns[name]
        if callable(column):
            column = self._columns[name] = column()
        return column

    @property
    def layout(self) -> Layout:
        """How the rows were written in JSON."""
        if callable(self._layout):
            self._layout = self._layout()
        layout: Layout = self._layout
        return layout

    @property
    def names(self) -> list[str]:
        """Names of the columns."""
        return list(self._columns)

    def __len__(self) -> int:
        """Return the number of rows."""
        return self._count

    def __contains__(self, name: object) -> bool:
        return name in self._columns

    def __repr__(self) -> str:
        return f"Table({len(self)} rows: {', '.join(self._columns)})"

    def extra(self, row: int) -> dict[str, Any]:
        """Return the JSON members of one row that are not columns."""
        members: dict[str, Any] = json.loads(b"{" + self.layout.extra.raw(row) + b"}")
        return members

    def take(self, rows: NDArray[np.int64] | slice) -> Table:
        """Return some of the rows. Columns that were not asked for are not read for it."""
        columns = {
            name: (lambda name=name: self[name][rows]) if callable(column) else column[rows]
            for name, column in self._columns.items()
        }
        layout: Any = self._layout
        layout = (lambda: self.layout.take(rows)) if callable(layout) else layout.take(rows)
        if isinstance(rows, slice):
            return Table(columns, layout, len(range(*rows.indices(len(self)))))
        return Table(columns, layout, len(rows))

    def replace(self, **columns: Column) -> Table:
        """Return the table with some columns replaced."""
        return Table({**self._columns, **columns}, self._layout, len(self))

    def with_members(self, *names: str) -> Table:
        """Return the table such that these members are written in every row, where they exist."""
        layout = self.layout
        for name in names:
            if (layout.forms(name) == MISSING).any() and self._has(name):
                layout = layout.with_member(name)
        return self if layout is self.layout else Table(self._columns, layout)

    def _has(self, name: str) -> bool:
        if name == "category_id":
            return bool((self["category"] >= 0).all())
        return name != "score" or not bool(np.isnan(self["score"]).any())

    def with_ids(self, ids: NDArray[np.int64]) -> Table:
        """Return the table with other ids, which are written as integers."""
        return Table({**self._columns, "id": ids}, self.layout.with_plain("id"))

    @classmethod
    def concatenate(cls, tables: Sequence[Table]) -> Table:
        """Concatenate tables with the same columns."""
        for index, table in enumerate(tables):
            if table.names != tables[0].names or table.layout.names != tables[0].layout.names:
                raise ValueError(
                    f"tables: expected the columns {tables[0].names}, got {table.names} in table "
                    f"{index}"
                )
        columns: dict[str, Column] = {}
        for name in tables[0].names:
            columns[name] = concatenate([table[name] for table in tables])
        return cls(columns, Layout.concatenate([table.layout for table in tables]))
