"""Tables: columns of equal length, and the JSON members that are not columns."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segcore.data.columns.checks import check_lengths, distinct, read_only
from segcore.data.columns.segmentations import Segmentations
from segcore.data.columns.texts import Texts

Column: TypeAlias = NDArray[Any] | Texts | Segmentations

UNKNOWN = 0xFF
"""Index of an unknown member in a shape."""
PLAIN, FRACTION, BOOLEAN, NULL, ODD, MISSING = 0, 1, 2, 0x20, 0x21, 0xFE
"""Forms of a member: as its column has it; a number with a fraction or an exponent; true or false;
null; another JSON value, whose text is kept; not there."""


@dataclass(frozen=True, eq=False)
class Layout:
    """How the rows of a table are written in JSON, to write them again unchanged.

    Attributes
    ----------
    names : tuple of str
        Name of each known member.
    shapes : list of bytes
        Distinct sequences of members: two bytes per member, its index and its form.
    shape_ids : numpy.ndarray
        Shape of each row: uint32, shape (N,).
    extra : Texts
        Unknown members of each row, as in a JSON object: ``"name":value,...``.
    positions : numpy.ndarray
        Byte offset of each row in the file: int64, shape (N,).
    odd_rows, odd_columns, odd : numpy.ndarray, numpy.ndarray, Texts
        Values that do not fit their column: row, index of the member, and JSON text, sorted by row.
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
        """Return the layout with a member added at the end of all rows that lack it."""
        index = self.names.index(name)
        shapes = [
            shape if index in shape[0::2] else shape + bytes((index, PLAIN))
            for shape in self.shapes
        ]
        return replace(self, shapes=shapes)

    def with_extra(self, extra: Texts) -> Layout:
        """Return the layout with an unknown member at the end of all rows where `extra` has one."""
        has_extra = extra.lengths > 0
        shapes = [*self.shapes, *(shape + bytes((UNKNOWN, PLAIN)) for shape in self.shapes)]
        shape_ids = self.shape_ids + (len(self.shapes) * has_extra).astype(np.uint32)
        return replace(self, shapes=shapes, shape_ids=shape_ids, extra=extra)

    def odd_values(self, name: str) -> dict[int, Any]:
        """Return the odd values of a member by row."""
        of_member = np.flatnonzero(self.odd_columns == self.names.index(name))
        return {int(self.odd_rows[i]): json.loads(self.odd.raw(int(i))) for i in of_member.tolist()}

    def take(self, rows: NDArray[np.int64] | slice) -> Layout:
        """Return the layout of the given rows."""
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

    def compact(self) -> Layout:
        """Return the layout with the shapes that its rows have: of a file, there may be many."""
        used, shape_ids = distinct(self.shape_ids)
        shapes = [self.shapes[shape] for shape in used.tolist()]
        return replace(self, shapes=shapes, shape_ids=shape_ids.astype(np.uint32))

    def with_plain(self, name: str) -> Layout:
        """Return the layout with the form of a member set to PLAIN in all rows that have it."""
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

    def with_odd(self, name: str, rows: NDArray[np.int64], values: Sequence[Any]) -> Layout:
        """Return the layout with values of a member in some rows that its column cannot hold."""
        index = self.names.index(name)
        shapes, shape_ids = list(self.shapes), self.shape_ids.copy()
        for old in distinct(shape_ids[rows])[0].tolist():
            members = zip(shapes[old][0::2], shapes[old][1::2], strict=True)
            changed = ((member, ODD if member == index else form) for member, form in members)
            shape_ids[rows[self.shape_ids[rows] == old]] = len(shapes)
            shapes.append(bytes(byte for pair in changed for byte in pair))
        texts = Texts.from_strings([json.dumps(value) for value in values])
        odd_rows = np.concatenate([self.odd_rows, rows])
        order = np.argsort(odd_rows, kind="stable")
        return replace(
            self,
            shapes=shapes,
            shape_ids=shape_ids,
            odd_rows=odd_rows[order],
            odd_columns=np.concatenate([self.odd_columns, np.full(len(rows), index)])[order],
            odd=Texts.concatenate([self.odd, texts])[order],
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


def _compact(column: Column) -> Column | Callable[[], Column]:
    """Return what is pickled of a column: one that repeats a value in no memory stays so."""
    if isinstance(column, np.ndarray) and column.size and not any(column.strides):
        return partial(np.broadcast_to, column.flat[0], column.shape)
    return column


def members_text(members: dict[str, Any]) -> bytes:
    """Return members as they would stand in a JSON object, for `Layout.extra`."""
    text = json.dumps(members, ensure_ascii=False, separators=(",", ":"))
    return text[1:-1].encode("utf-8", "surrogatepass")


def concatenate(parts: Sequence[Any]) -> Any:
    """Concatenate the parts of a column; a single part is not copied."""
    if len(parts) == 1:
        return parts[0]
    of_arrays = isinstance(parts[0], np.ndarray)
    return np.concatenate(parts) if of_arrays else type(parts[0]).concatenate(parts)


class Table:
    """Table of named columns of the same length.

    ``table[name]`` returns a column: a NumPy array, a :class:`Texts` or a :class:`Segmentations`.
    ``len(table)`` is the number of rows N, and ``name in table`` tests for a column. Tables are
    immutable.

    Parameters
    ----------
    columns : mapping of str to column or callable
        Columns of N rows each, by name. A callable without arguments returns the column, and is
        called when the column is first accessed.
    layout : Layout or callable
        How the rows are written in JSON, or a callable that returns it.
    count : int, optional
        Number of rows N. By default, that of `layout`.

    Raises
    ------
    ValueError
        If a column does not have N rows.

    Examples
    --------
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
        self._columns: dict[str, Any] = {
            name: read_only(column) if isinstance(column, np.ndarray) else column
            for name, column in columns.items()
        }
        self._layout: Any = layout
        self._count = len(self.layout.shape_ids) if count is None else count
        lengths = {n: len(c) for n, c in self._columns.items() if not callable(c)}
        check_lengths(lengths, self._count)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle all columns, including those that have not been accessed yet."""
        columns = {name: _compact(self[name]) for name in self.names}
        return Table, (columns, self.layout, len(self))

    def __getitem__(self, name: str) -> Any:
        """Return a column: an array, `Texts` or `Segmentations`. KeyError if there is none."""
        if name not in self._columns:
            raise KeyError(f"no column {name!r}; there are {', '.join(self._columns)}")
        column = self._columns[name]
        if callable(column):
            column = column()
            column = read_only(column) if isinstance(column, np.ndarray) else column
            self._columns[name] = column
        return column

    @property
    def layout(self) -> Layout:
        """How the rows are written in JSON: the order of their fields, and the unknown fields.

        :func:`segcore.data.write` uses it to write the rows unchanged. Its content may change
        between versions.
        """
        if callable(self._layout):
            self._layout = self._layout()
        layout: Layout = self._layout
        return layout

    def offset(self, row: int) -> int:
        """Return the byte at which a row starts in its JSON file; -1 if it is unknown."""
        return -1 if callable(self._layout) else int(self._layout.positions[row])

    @property
    def names(self) -> list[str]:
        """Names of the columns: list of str."""
        return list(self._columns)

    def __len__(self) -> int:
        """Return the number of rows."""
        return self._count

    def __contains__(self, name: object) -> bool:
        return name in self._columns

    def __repr__(self) -> str:
        return f"Table({len(self)} rows: {', '.join(self._columns)})"

    def extra(self, row: int) -> dict[str, Any]:
        """Return the JSON fields of a row that are not columns.

        Parameters
        ----------
        row : int
            Index of the row.

        Returns
        -------
        dict
            Values of the fields, by name, as ``json.loads`` returns them.

        Raises
        ------
        IndexError
            If `row` is out of range.
        """
        members: dict[str, Any] = json.loads(b"{" + self.layout.extra.raw(row) + b"}")
        return members

    def take(self, rows: NDArray[np.int64] | slice) -> Table:
        """Return a table of the given rows. Columns that have not been accessed are not loaded.

        Parameters
        ----------
        rows : numpy.ndarray or slice
            Indices of the rows: int64, or a slice.

        Returns
        -------
        Table

        Raises
        ------
        IndexError
            If an index is out of range.

        Examples
        --------
        >>> import numpy as np, segcore as sc
        >>> images = [{"id": i, "height": 2, "width": 3} for i in (7, 8, 9)]
        >>> ds = sc.data.from_coco({"images": images, "annotations": []})
        >>> ds.images.take(np.array([2, 0]))["id"]
        array([9, 7])
        """
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
        """Return a table with some columns replaced, or added.

        Parameters
        ----------
        **columns : numpy.ndarray, Texts or Segmentations
            New columns of N rows, by name. The fields that are written to JSON stay the same.

        Returns
        -------
        Table

        Raises
        ------
        ValueError
            If a column does not have N rows.
        """
        return Table({**self._columns, **columns}, self._layout, len(self))

    def with_members(self, *names: str) -> Table:
        """Return a table that also writes fields to JSON in the rows that did not have them.

        Parameters
        ----------
        *names : str
            Names of the fields. ``category_id`` and ``score`` are only added if no row lacks a
            value.

        Returns
        -------
        Table
        """
        return self.with_these_members(self.members_to_add(*names))

    def members_to_add(self, *names: str) -> list[str]:
        """Return which of these fields :meth:`with_members` adds."""
        forms = self.layout.forms
        return [n for n in names if (forms(n) == MISSING).any() and self._has(n)]

    def with_these_members(self, names: Sequence[str]) -> Table:
        """Return a table that writes these fields to JSON in all rows."""
        layout = self.layout
        for name in names:
            layout = layout.with_member(name)
        return Table(self._columns, layout, len(self)) if names else self

    def _has(self, name: str) -> bool:
        if name == "category_id":
            return bool((self["category"] >= 0).all())
        return name != "score" or not bool(np.isnan(self["score"]).any())

    def with_ids(self, ids: NDArray[np.int64]) -> Table:
        """Return a table with the column ``id`` replaced. The ids are written to JSON as integers.

        Parameters
        ----------
        ids : numpy.ndarray
            New ids: int64, shape (N,).

        Returns
        -------
        Table

        Raises
        ------
        ValueError
            If `ids` does not have shape (N,).
        """
        return Table({**self._columns, "id": ids}, self.layout.with_plain("id"))

    @classmethod
    def concatenate(cls, tables: Sequence[Table]) -> Table:
        """Concatenate the rows of tables with the same columns.

        Parameters
        ----------
        tables : sequence of Table
            At least one table.

        Returns
        -------
        Table

        Raises
        ------
        ValueError
            If the columns differ.
        """
        for index, table in enumerate(tables):
            for expected, found in (
                (tables[0].names, table.names),
                (list(tables[0].layout.names), list(table.layout.names)),
            ):
                if expected != found:
                    raise ValueError(
                        f"tables: expected the columns {expected}, got {found} in table {index}"
                    )
        columns: dict[str, Column] = {}
        for name in tables[0].names:
            columns[name] = concatenate([table[name] for table in tables])
        return cls(columns, Layout.concatenate([table.layout for table in tables]))
