"""Validated fields of JSON objects."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, TypeVar

Id = int | str
Value = TypeVar("Value")

MAX_PIXELS = 2**30
"""Maximum number of pixels of an image. Larger sizes are refused as mistakes in the file."""

MAX_EXACT = 2**53
"""From here on, a float does not represent every integer."""


def read_id(item: object, key: str) -> Id:
    """Return an id: an integer, a float that equals one, or text. ValueError for anything else."""
    if not isinstance(item, dict):
        raise ValueError(f"expected a JSON object, but this is {describe(item)}")
    value = as_integer(item.get(key))
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError(f'its "{key}" is {describe(value)}, expected an integer or text')
    return value


def read_integer_id(item: object, key: str) -> int:
    """Return an id that must be an integer."""
    value = read_id(item, key)
    if isinstance(value, str):
        raise ValueError(f'its "{key}" is {describe(value)}, expected an integer')
    return value


def read_flag(item: dict[str, Any], key: str, default: int | None = 0) -> int | None:
    """Return a flag: 0, 1 or a boolean; ``default`` if it is missing or null."""
    value = item.get(key)
    if value is None:
        return default
    if value not in (0, 1):
        raise ValueError(f'its "{key}" is {describe(value)}, expected 0 or 1')
    return int(value)


def read_text(item: dict[str, Any], key: str, default: object) -> str:
    """Return text, or a number as text; ``default`` if it is missing or null."""
    value = item.get(key)
    if value is None:
        value = default
    if not isinstance(value, str | int | float):
        raise ValueError(f'its "{key}" is {describe(value)}, expected text')
    return str(value)


def read_size(item: dict[str, Any]) -> tuple[int, int]:
    """Return height and width: positive integers, or floats that equal integers."""
    height, width = (_positive(item, key) for key in ("height", "width"))
    return height, width


def _positive(item: dict[str, Any], key: str) -> int:
    value = as_integer(item.get(key))
    if type(value) is not int or value < 1:
        raise ValueError(f'its "{key}" is {describe(value)}, expected a positive integer')
    return value


def read_score(item: dict[str, Any]) -> float:
    """Return a score: a finite number."""
    score = item.get("score")
    if isinstance(score, bool) or not isinstance(score, int | float) or not _is_finite(score):
        raise ValueError(f'its "score" is {describe(score)}, expected a finite number')
    return float(score)


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer too large for a float
        return False


def as_integer(value: Any) -> Any:
    """Convert floats that equal integers, as pandas writes them; return other values unchanged."""
    if isinstance(value, float) and value.is_integer() and abs(value) < MAX_EXACT:
        return int(value)
    return value


def find_id(table: Mapping[Id, Value], key: Id) -> Id | None:
    """Return the id in a table that means the same as ``key``, or None.

    This is ``key`` itself, or else 1 for "1" and "1" for 1. `add_id` makes sure that a table does
    not have both forms.
    """
    if key in table:
        return key
    other = other_form(key)
    return other if other is not None and other in table else None


def other_form(key: Id) -> Id | None:
    """Return a number for text such as "12" and text for a number; None for other text."""
    if isinstance(key, int):
        return str(key)
    return int(key) if re.fullmatch(r"0|-?[1-9][0-9]{0,4000}", key) else None


def add_id(table: dict[Id, Value], key: Id, value: Value) -> None:
    """Add an item to a table. ValueError if the id is there already, as a number or as text."""
    if (other := find_id(table, key)) is not None:
        also = "" if type(other) is type(key) else f", as {other!r} and as {key!r}"
        raise ValueError(f"its id occurs twice{also}")
    table[key] = value


def name_item(kind: str, item: object, index: int) -> str:
    """Name an item by its id, or by its index if it has none."""
    key = item.get("id") if isinstance(item, dict) else None
    if isinstance(key, int | str):
        return f"{kind} {describe(key)}"
    return f"{kind} at index {index} (it has no id)"


def describe(value: object) -> str:
    """Describe a JSON value in a few characters."""
    match value:
        case None:
            return "missing or null"
        case bool() | int() | float():
            return _short(str(value))
        case str():
            return _short(json.dumps(value, ensure_ascii=False))
        case list():
            return "a list"
        case _:
            return "an object"


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "..."
