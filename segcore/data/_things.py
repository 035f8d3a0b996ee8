"""Which categories are things, whose objects can be counted; the others are stuff."""

from __future__ import annotations

from pathlib import Path

from segcore.data._coco_file import Category, Dataset
from segcore.data._fields import Id
from segcore.data._problems import BadInput

COCO_THINGS = frozenset(
    [
        "person",
        "bicycle",
        "car",
        "motorcycle",
        "airplane",
        "bus",
        "train",
        "truck",
        "boat",
        "traffic light",
        "fire hydrant",
        "stop sign",
        "parking meter",
        "bench",
        "bird",
        "cat",
        "dog",
        "horse",
        "sheep",
        "cow",
        "elephant",
        "bear",
        "zebra",
        "giraffe",
        "backpack",
        "umbrella",
        "handbag",
        "tie",
        "suitcase",
        "frisbee",
        "skis",
        "snowboard",
        "sports ball",
        "kite",
        "baseball bat",
        "baseball glove",
        "skateboard",
        "surfboard",
        "tennis racket",
        "bottle",
        "wine glass",
        "cup",
        "fork",
        "knife",
        "spoon",
        "bowl",
        "banana",
        "apple",
        "sandwich",
        "orange",
        "broccoli",
        "carrot",
        "hot dog",
        "pizza",
        "donut",
        "cake",
        "chair",
        "couch",
        "potted plant",
        "bed",
        "dining table",
        "toilet",
        "tv",
        "laptop",
        "mouse",
        "remote",
        "keyboard",
        "cell phone",
        "microwave",
        "oven",
        "toaster",
        "sink",
        "refrigerator",
        "book",
        "clock",
        "vase",
        "scissors",
        "teddy bear",
        "hair drier",
        "toothbrush",
    ]
)
"""COCO's 80 things. Its other categories are stuff."""

_NAMED = 8
"""How many categories a note names."""


def find_things(
    path: Path, dataset: Dataset, frame: Path | None, names: tuple[str, ...]
) -> tuple[set[Id], str | None]:
    """Return the ids of the categories that are things, and a note of what was assumed.

    Those are the ones of ``names``, if there are any. Otherwise the categories say so themselves
    ("isthing"); where they do not, they are COCO's 80 things if all of these are among the names,
    or else the categories that the truth has annotations of.

    Parameters
    ----------
    path : Path
        The annotations.
    dataset : Dataset
        What is in the file.
    frame : Path, optional
        The truth, if ``path`` holds COCO's results for it.
    names : tuple of str
        Names or ids of categories, one or several in each, separated by commas.
    """
    categories = dataset.categories
    if names:
        return _named(categories, names), None
    unknown = [category for category in categories if category.isthing is None]
    things = {category.id for category in categories if category.isthing}
    if not unknown:
        return things, None
    if {category.name for category in categories} >= COCO_THINGS:
        assumed = [category for category in unknown if category.name in COCO_THINGS]
        reason = "as in COCO"
    else:
        seen = _annotated(path, dataset, frame)
        assumed = [category for category in unknown if category.id in seen]
        reason = f"because {frame or path} has annotations of them"
    listed = ", ".join(category.name for category in assumed[:_NAMED]) or "none"
    if len(assumed) > _NAMED:
        listed += f" and {len(assumed) - _NAMED} more"
    note = (
        f'{len(unknown)} categories do not have "isthing". Assumed to be things, {reason}: '
        f"{listed} (--things says otherwise)"
    )
    return things | {category.id for category in assumed}, note


def _annotated(path: Path, dataset: Dataset, frame: Path | None) -> set[Id]:
    """Return the ids of the categories that the truth has annotations of."""
    seen = dataset.truth_categories
    if seen is None:
        return {a.category.id for picture in dataset.pictures for a in picture.annotations}
    if not seen:
        raise BadInput(
            f'{path}: its categories do not have "isthing", and {frame} has no annotations that '
            "tell; name the things with --things"
        )
    return set(seen)


def _named(categories: list[Category], names: tuple[str, ...]) -> set[Id]:
    by_name: dict[str, set[Id]] = {}
    for category in categories:
        for key in (category.name, str(category.id)):
            by_name.setdefault(key, set()).add(category.id)
    found: set[Id] = set()
    for text in names:
        for name in [text] if text in by_name else text.split(","):
            if name.strip() not in by_name:
                raise BadInput(f"--things: there is no category {name.strip()!r}")
            found |= by_name[name.strip()]
    return found
