"""JSON files of other tools, which are small: one image or one task list each."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from segcore.data.errors import DatasetError
from segcore.data.files.kinds import look_of


def read_json(path: Path) -> Any:
    """Return the document in a JSON file.

    Raises
    ------
    DatasetError
        If the file is not valid JSON. The message tells which other format it looks like.
    OSError
        If the file cannot be read.
    """
    data = path.read_bytes()
    try:
        return json.loads(data, object_pairs_hook=_unique)
    except RecursionError as error:
        raise DatasetError(path, "its JSON is nested too deeply") from error
    except _DuplicateKeyError as error:
        raise DatasetError(path, str(error)) from error
    except ValueError as error:  # not JSON, or not Unicode
        raise DatasetError(path, f"not JSON: {_reason(data, error)}") from error


class _DuplicateKeyError(ValueError):
    """An object has a key twice, so its value is ambiguous."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        [(repeated, _)] = Counter(key for key, _ in pairs).most_common(1)
        raise _DuplicateKeyError(f"the key {json.dumps(repeated)} occurs twice in one object")
    return found


def _reason(data: bytes, error: ValueError) -> str:
    if kind := look_of(data):
        return f"it looks like {kind}"
    if "4300" in str(error):
        return "an integer has more than 4300 digits"
    return str(error)
