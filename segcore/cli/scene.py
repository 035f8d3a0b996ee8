"""The scene of the demo: a furnished room, and how well its prediction fits it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore.masks import Masks
from segcore.ops.overlap import containment, iou

LOST = 0.5
"""Minimum IoU of a found object with a prediction, and minimum covered share of a found part."""


@dataclass(frozen=True)
class Scene:
    """The room: true and predicted annotations and masks, and the files."""

    documents: dict[str, str]
    size: tuple[int, int]
    classes: list[dict[str, Any]]
    true: list[dict[str, Any]]
    truth: Masks
    predicted: list[dict[str, Any]]
    prediction: Masks


@dataclass(frozen=True)
class Part:
    """A named part of an object, and the share of it that the object's prediction covers."""

    name: str
    pixels: int
    covered: float

    @property
    def lost(self) -> bool:
        """Whether the prediction lacks the part."""
        return self.covered < LOST


@dataclass(frozen=True)
class Match:
    """A true object, compared with the prediction of its class with the highest IoU."""

    name: str
    pixels: int
    iou: float
    score: float
    missed: int
    parts: list[Part]

    @property
    def lost(self) -> bool:
        """Whether no prediction matches the object."""
        return self.iou < LOST


def read_scene() -> Scene:
    """Read the room from the package."""
    folder = files("segcore.cli") / "scenes"
    names = ("room.json", "room-prediction.json")
    documents = {name: (folder / name).read_text(encoding="utf-8") for name in names}
    room, predicted = (json.loads(documents[name]) for name in names)
    image = room["images"][0]
    size = (image["height"], image["width"])
    return Scene(
        documents,
        size,
        room["categories"],
        room["annotations"],
        Masks.from_coco(room["annotations"], size),
        predicted,
        Masks.from_coco(predicted, size),
    )


def match_objects(scene: Scene) -> tuple[Masks, list[Match]]:
    """Return the best prediction of each true object, empty if it is lost, and the matches."""
    same_class = np.equal.outer(category_ids(scene.true), category_ids(scene.predicted))
    ious = iou(scene.truth, scene.prediction) * same_class
    best = ious.argmax(axis=1)
    best_iou = ious.max(axis=1)

    empty = Masks.from_polygons([[]], scene.size)
    choices = Masks.concatenate([scene.prediction, empty])
    found = choices[np.where(best_iou >= LOST, best, len(scene.prediction))]

    missed = (scene.truth - found).area
    matches = [
        Match(
            annotation["name"],
            int(scene.truth.area[i]),
            float(best_iou[i]),
            scene.predicted[best[i]]["score"],
            int(missed[i]),
            _parts(annotation["parts"], found[i], scene.size),
        )
        for i, annotation in enumerate(scene.true)
    ]
    return found, matches


def category_ids(items: list[dict[str, Any]]) -> NDArray[np.int64]:
    """Return the category ids of annotations."""
    return np.array([item["category_id"] for item in items], np.int64)


def _parts(parts: list[dict[str, Any]], found: Masks, size: tuple[int, int]) -> list[Part]:
    masks = Masks.from_coco(parts, size)
    covered = containment(masks, found)
    return [
        Part(part["name"], int(area), float(share))
        for part, area, share in zip(parts, masks.area, covered[:, 0], strict=True)
    ]
