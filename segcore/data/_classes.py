"""``classes.json``: what the values in a folder of semantic maps mean."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from segcore.data._fields import Id, as_integer, read_text
from segcore.data._json_file import read_json
from segcore.data._problems import BadInput

CLASSES = "classes.json"


@dataclass(frozen=True)
class Class:
    """A class of the maps; the background has no category."""

    index: int
    category_id: Id | None
    name: str


def read_classes(folder: Path) -> dict[int, Class]:
    """Read what ``segcore semantic`` wrote into a folder, by index; nothing if it did not."""
    path = folder / CLASSES
    if not path.exists():
        return {}
    document = read_json(path)
    try:
        classes = [
            Class(
                as_integer(each["index"]),
                as_integer(each["category_id"]),
                read_text(each, "name", each["index"]),
            )
            for each in document["classes"]
        ]
    except (TypeError, KeyError, ValueError) as error:
        raise BadInput(f"{path}: expected what segcore semantic writes") from error
    good = [c for c in classes if type(c.index) is int and 0 <= c.index < 2**16]
    if not classes or len(good) < len(classes):
        raise BadInput(f"{path}: expected classes with an index from 0 to 65535")
    for each in classes:
        if type(each.category_id) not in (int, str, type(None)):
            raise BadInput(f"{path}: class {each.index}: its category_id is no integer or text")
    for key in ("index", "category_id"):
        values = [value for c in classes if (value := getattr(c, key)) is not None]
        if len(set(values)) < len(values):
            raise BadInput(f"{path}: several classes have the same {key}")
    return {each.index: each for each in classes}
