"""A table as the reader of JSON returns it, and what is invalid in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._input.arrays import described
from segcore.data.columns.checks import are_distinct, is_among
from segcore.data.columns.fields import MAX_EXACT
from segcore.data.columns.ids import Ids
from segcore.data.columns.segmentations import Segmentations
from segcore.data.columns.table import BOOLEAN, FRACTION, MISSING, NULL, ODD, PLAIN, Layout
from segcore.data.columns.texts import Texts


class RawTable:
    """Columns, their forms in the file, and the rows that are invalid with the reasons."""

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
        self.offset: Callable[[int], int] = lambda row: int(self.layout.positions[row])

    def __len__(self) -> int:
        return len(self.layout.shape_ids)

    def id(self, row: int) -> int | str | None:
        """Return the id of a row, or None if it has none."""
        if "id" not in self.columns:
            return None
        form = int(self.forms("id")[row])
        value = self.odd_values("id")[row] if form == ODD else self.columns["id"][row]
        if form in (MISSING, NULL, BOOLEAN) or not isinstance(value, (str, int, np.integer)):
            return None
        return value if isinstance(value, str) else int(value)

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
        value = value.tolist() if isinstance(value, np.ndarray) else value
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
        inexact = (forms == FRACTION) & (np.abs(self.columns[name]) >= MAX_EXACT)
        bad = np.flatnonzero(~is_among(forms, allowed) | inexact)
        bad = bad[[row not in strings for row in bad.tolist()]] if len(bad) else bad
        self.refuse(
            bad, name, lambda row: f"expected an integer or a string, got {self.got(name, row)}"
        )
        return ids

    def lookup(
        self, name: str, targets: Any, what: str, skipped: NDArray[Any] | None = None
    ) -> NDArray[np.int64]:
        """Return the row of the image or category that each id refers to.

        It is -1 for ids that are in `skipped`; other unknown ids are refused.
        """
        ids = self.ids(name)
        rows = Ids(targets).find(ids)
        unknown = np.flatnonzero(rows < 0)
        if skipped is not None and len(skipped) and len(unknown):
            unknown = unknown[Ids(skipped).find(ids[unknown]) < 0]
        self.refuse(
            unknown,
            name,
            lambda row: f"expected the id of {what}, got {self.got(name, row)}",
        )
        if np.asarray(targets).dtype == object:
            self._keep_numbers(name, targets, rows)
        return rows

    def _keep_numbers(self, name: str, targets: Any, rows: NDArray[np.int64]) -> None:
        """Note the numbers that refer to ids that are text, so that they are written again."""
        forms = self.forms(name)
        numbers = np.flatnonzero(is_among(forms, (PLAIN, FRACTION)) & (rows >= 0))
        numbers = numbers[[isinstance(targets[row], str) for row in rows[numbers].tolist()]]
        if not len(numbers):
            return
        values = self.columns[name][numbers].tolist()
        is_float = (forms[numbers] == FRACTION).tolist()
        given = [float(v) if f else v for v, f in zip(values, is_float, strict=True)]
        self.layout = self.layout.with_odd(name, numbers, given)
        self._forms.pop(name)
        self._odd_values.pop(name, None)

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
        """Refuse rows whose value is NaN or not a number."""

        def detail(row: int) -> str:
            is_large = type(self.odd_values(name).get(row)) is int
            what = "an integer from -2**53 to 2**53" if is_large else "a number"
            return f"expected {what}, got {self.got(name, row)}"

        forms = self.forms(name)
        is_nan = np.isnan(self.columns[name]) & (forms == FRACTION)
        self.refuse(np.flatnonzero(is_nan | (forms == ODD)), name, detail)

    def check_measures(self, name: str) -> None:
        """Refuse rows whose area or box is not finite; null and ``[]`` mean that there is none.

        Integers that no float equals are rounded to the nearest float.
        """
        values = self.columns[name]
        if np.isfinite(values).all():
            return
        forms = self.forms(name)
        is_bad = ~is_among(forms, (MISSING, NULL))
        count = 4 if values.ndim == 2 else 1
        is_bad[is_bad] = ~np.isfinite(values[is_bad]).reshape(-1, count).all(axis=1)
        for row in np.flatnonzero(is_bad & (forms == ODD)).tolist():
            value = self.odd_values(name)[row]
            numbers = _numbers(value, count)
            if numbers is not None:
                values = self.columns[name] = values.copy() if values is self._raw[name] else values
                values[row] = numbers
            is_bad[row] = numbers is None and not (name == "bbox" and value == [])
        what = "a finite number" if count == 1 else "4 finite numbers"
        self.refuse(
            np.flatnonzero(is_bad), name, lambda row: f"expected {what}, got {self.got(name, row)}"
        )

    def names(self, name: str) -> Texts:
        """Return strings; numbers become text, and other values are refused."""
        texts: Texts = self.columns[name]
        odd = self.odd_values(name)
        numbers = {
            row: str(value)
            for row, value in odd.items()
            if isinstance(value, (int, float)) and not isinstance(value, bool)
        }
        bad = sorted(odd.keys() - numbers.keys())
        self.refuse(bad, name, lambda row: f"expected a string, got {self.got(name, row)}")
        if not numbers:
            return texts
        return Texts.from_strings([numbers.get(row, text) for row, text in enumerate(texts)])

    def check_texts(self, name: str) -> None:
        """Refuse rows whose string is of another type."""
        bad = np.flatnonzero(self.forms(name) == ODD)
        self.refuse(bad, name, lambda row: f"expected a string, got {self.got(name, row)}")


def _numbers(value: Any, count: int) -> Any:
    """Return a number, or a list of them, as finite floats; None for other values."""
    items = value if count > 1 else [value]
    if not isinstance(items, list) or len(items) != count:
        return None
    if any(isinstance(item, bool) or not isinstance(item, (int, float)) for item in items):
        return None
    try:
        numbers = np.array([float(item) for item in items])
    except OverflowError:
        return None
    if not np.isfinite(numbers).all():
        return None
    return numbers if count > 1 else numbers[0]


def _column(values: Any, kind: str) -> Any:
    if kind == "segmentation":
        is_column = isinstance(values, Segmentations)
        return values if is_column else Segmentations.unchecked(*values)
    return Texts(*values) if kind == "text" else values


def first_rows(ids: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the different ids in the order in which they come, and which one each row has."""
    index: dict[Any, int] = {}
    rows = np.array([index.setdefault(value, len(index)) for value in ids.tolist()], np.int64)
    return np.array(list(index), ids.dtype), rows


def check_repeated(column: RawTable, ids: NDArray[Any], name: str) -> None:
    """Refuse ids that occurred before in a valid row."""
    if ids.dtype != object and are_distinct(ids):
        return
    seen: set[Any] = set()
    for row, value in enumerate(ids.tolist()):
        if row in column.invalid:
            continue
        if value in seen:
            column.refuse([row], name, lambda row: f"{column.got(name, row)} occurs twice")
        seen.add(value)
