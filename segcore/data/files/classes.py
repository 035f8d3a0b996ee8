"""``classes.json``: the classes of a folder of semantic maps."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segcore.data.columns.fields import Id, as_integer
from segcore.data.errors import DatasetError

CLASSES = "classes.json"


@dataclass(frozen=True)
class MapClass:
    """A class of the maps: its pixel value ``index``. The background has no category."""

    index: int
    category_id: Id | None
    name: str


def read_classes(folder: Path) -> dict[int, MapClass]:
    """Return the classes that ``segcore semantic`` listed in a folder, by index.

    The result is empty if the folder has no ``classes.json``.
    """
    path = folder / CLASSES
    if not path.exists():
        return {}
    try:
        document = json.loads(path.read_bytes())
        classes = [
            MapClass(as_integer(item["index"]), as_integer(item["category_id"]), _name(item))
            for item in document["classes"]
        ]
    except (TypeError, KeyError, ValueError, RecursionError) as error:
        raise DatasetError(path, "expected a file as written by segcore semantic") from error
    good = [c for c in classes if type(c.index) is int and 0 <= c.index < 2**16]
    if not classes or len(good) < len(classes):
        raise DatasetError(path, "expected classes with an index from 0 to 65535")
    for c in classes:
        if type(c.category_id) not in (int, str, type(None)):
            raise DatasetError(
                path, f"class {c.index}: expected an integer or text as its category_id"
            )
    for key in ("index", "category_id"):
        values = [value for c in classes if (value := getattr(c, key)) is not None]
        if len(set(values)) < len(values):
            raise DatasetError(path, f"several classes have the same {key}")
    return {c.index: c for c in classes}


def _name(item: dict[str, Any]) -> str:
    """Return the name of a class: text, or a number as text; its index without a name."""
    name = item.get("name")
    if name is None:
        name = item["index"]
    if not isinstance(name, str | int | float):
        raise TypeError("expected text as the name")
    return str(name)
