"""Values of JSON: ids, integers, and their description in messages."""

from __future__ import annotations

import json
import re
from typing import Any

Id = int | str

MAX_PIXELS = 2**30
"""Maximum number of pixels of an image. Larger sizes are refused as mistakes in the file."""

MAX_EXACT = 2**53
"""From here on, a float does not represent every integer."""


def as_integer(value: Any) -> Any:
    """Convert floats that equal integers, as pandas writes them; return other values unchanged."""
    if isinstance(value, float) and value.is_integer() and abs(value) < MAX_EXACT:
        return int(value)
    return value


def other_form(key: Id) -> Id | None:
    """Return a number for text such as "12" and text for a number; None for other text."""
    if isinstance(key, int):
        return str(key) if abs(key) < 10**4000 else None
    return int(key) if re.fullmatch(r"0|-?[1-9][0-9]{0,3999}", key) else None


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
