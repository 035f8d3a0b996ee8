"""Categories that are things, whose objects are counted; the others are stuff."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from segcore.data.columns.fields import Id
from segcore.data.errors import DatasetError
from segcore.data.per_image.instance_set import Category, InstanceSet

_THINGS = (
    "person, bicycle, car, motorcycle, airplane, bus, train, truck, boat, traffic light, "
    "fire hydrant, stop sign, parking meter, bench, bird, cat, dog, horse, sheep, cow, elephant, "
    "bear, zebra, giraffe, backpack, umbrella, handbag, tie, suitcase, frisbee, skis, snowboard, "
    "sports ball, kite, baseball bat, baseball glove, skateboard, surfboard, tennis racket, "
    "bottle, wine glass, cup, fork, knife, spoon, bowl, banana, apple, sandwich, orange, "
    "broccoli, carrot, hot dog, pizza, donut, cake, chair, couch, potted plant, bed, "
    "dining table, toilet, tv, laptop, mouse, remote, keyboard, cell phone, microwave, oven, "
    "toaster, sink, refrigerator, book, clock, vase, scissors, teddy bear, hair drier, toothbrush"
)
COCO_THINGS = frozenset(_THINGS.split(", "))
"""The names of COCO's 80 things. Its other categories are stuff."""

_SHOWN = 8
"""The number of categories that a note names."""


def find_things(
    path: Path, dataset: InstanceSet, dataset_path: Path | None, names: tuple[str, ...]
) -> tuple[set[Id], str | None]:
    """Return the ids of the categories that are things, and a note about what was assumed.

    These are the categories in ``names``, if any are given. Otherwise "isthing" decides. Categories
    without it are things if they have the name of a COCO thing, provided that the data set has all
    80 of them, or else if the truth has annotations of them.

    Parameters
    ----------
    path : Path
        The file of the annotations.
    dataset : InstanceSet
        The content of the file.
    dataset_path : Path, optional
        The truth, if ``path`` holds COCO results.
    names : tuple of str
        Names or ids of categories; each item may hold several, separated by commas.

    Raises
    ------
    DatasetError
        If a name is unknown, or nothing tells which categories are things.
    """
    categories = dataset.categories
    if names:
        return _by_name(categories, names), None
    unknown = [category for category in categories if category.isthing is None]
    things = {category.id for category in categories if category.isthing}
    if not unknown:
        return things, None
    if {category.name for category in categories} >= COCO_THINGS:
        assumed = [category for category in unknown if category.name in COCO_THINGS]
        reason = "as in COCO"
    else:
        occurring = _occurring(path, dataset, dataset_path)
        assumed = [category for category in unknown if category.id in occurring]
        reason = f"because {dataset_path or path} has annotations of them"
    listed = ", ".join(category.name for category in assumed[:_SHOWN]) or "none"
    if len(assumed) > _SHOWN:
        listed += f" and {len(assumed) - _SHOWN} more"
    missing = "category does" if len(unknown) == 1 else "categories do"
    note = (
        f'{len(unknown):,} {missing} not have "isthing". Assumed to be things, {reason}: {listed} '
        "(--things overrides this)"
    )
    return things | {category.id for category in assumed}, note


def _occurring(path: Path, dataset: InstanceSet, dataset_path: Path | None) -> set[Id]:
    """Return the ids of the categories that the truth has annotations of."""
    rows = np.unique((dataset.truth or dataset.dataset).annotations["category"])
    occurring = dataset.ids_of(rows)
    if dataset.truth is not None and not occurring:
        raise DatasetError(
            path,
            f'its categories do not have "isthing", and {dataset_path} has no annotations '
            "to infer it from; name the things (--things)",
        )
    return occurring


def _by_name(categories: list[Category], names: tuple[str, ...]) -> set[Id]:
    by_name: dict[str, set[Id]] = {}
    for category in categories:
        for key in (category.name, str(category.id)):
            by_name.setdefault(key, set()).add(category.id)
    found: set[Id] = set()
    for text in names:
        for name in [text] if text in by_name else text.split(","):
            if name.strip() not in by_name:
                raise DatasetError("", f"--things: there is no category {name.strip()!r}")
            found |= by_name[name.strip()]
    return found
