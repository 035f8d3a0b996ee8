"""Panoptic maps of a data set's images: rules, composition and COCO's description."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._publish import FolderWriter
from segcore.data.columns.fields import Id, describe
from segcore.data.errors import DatasetError
from segcore.data.files.pngs import id_png
from segcore.data.per_image.images import DatasetImage
from segcore.data.per_image.instance_set import Instances, InstanceSet
from segcore.data.per_image.stuff_maps import StuffMaps
from segcore.data.problems import Problems
from segcore.maps.panoptic import Panoptic, PanopticRules, compose_panoptic
from segcore.maps.semantic import painting_order
from segcore.masks import Masks

MAPS = "panoptic/"
"""The folder of the PNGs."""


def check_categories(dataset: InstanceSet) -> None:
    """Raise DatasetError unless all category ids are numbers."""
    for category in dataset.categories:
        if not isinstance(category.id, int):
            raise DatasetError(
                "",
                f"category {describe(category.id)}: the panoptic format needs integer category ids",
            )


def panoptic_rules(
    path: Path,
    dataset: InstanceSet,
    preset: str,
    changes: dict[str, Any],
    priority: str | None,
) -> tuple[PanopticRules, str | None]:
    """Return the rules for a data set, and the priority of annotations without scores.

    Annotations without scores, such as truth, are dropped only as far as `changes` require it.

    Parameters
    ----------
    path : Path
        The file of the annotations.
    dataset : InstanceSet
        The content of the file.
    preset : str
        Name of the rules, as in :meth:`segcore.PanopticRules.preset`.
    changes : dict
        Changes of the rules.
    priority : str, optional
        The annotation that wins where several overlap. Defaults to the score; without scores, to
        the smallest.

    Raises
    ------
    DatasetError
        If `priority` or a score threshold does not fit the annotations, or a rule is invalid.
    """
    scored = dataset.has_scores
    if scored and priority not in (None, "score"):
        raise DatasetError(
            "",
            f"--priority {priority}: the annotations of {path} have scores, which decide instead",
        )
    if not scored:
        for option, given in {
            "--score": "score_threshold" in changes,
            "--priority score": priority == "score",
        }.items():
            if given:
                raise DatasetError(option, f"the annotations of {path} have no scores")
        # The order of painting is passed as "scores".
        keep_all = {"score_threshold": None, "max_taken": None, "stuff_area": 0}
        changes = {**keep_all, "order": "score", **changes}
    # The format has 0 for pixels without a segment, and no segments without pixels.
    form = {"void": 0, "stuff_ignore": (), "relist_fused": False, "keep_hidden": False}
    try:
        rules = PanopticRules.preset(preset, **changes, **form, keep_empty=False)
    except ValueError as error:
        raise DatasetError("", str(error)) from error
    return rules, None if scored else priority or "smallest"


def check_segment_ids(dataset: InstanceSet, things: set[int], rules: PanopticRules) -> None:
    """Raise DatasetError if the rules would give a category the segment id 0, or one of another."""
    if rules.ids == "count":
        return
    for category in dataset.categories:
        least = 0 if category.id in things else 1
        if not least <= int(category.id) < rules.divisor:
            raise DatasetError(
                "",
                f"category {category.id}: with these rules, segment ids consist of the category id "
                f"and a multiple of {rules.divisor}, so it must be from {least} to "
                f"{rules.divisor - 1}; choose other rules",
            )


def panoptic_map(
    image: DatasetImage,
    instances: Instances,
    class_ids: NDArray[np.int64],
    *,
    stuff_maps: StuffMaps | None,
    things: set[int],
    rules: PanopticRules,
    priority: str | None,
) -> Panoptic:
    """Compose the panoptic map of an image.

    Parameters
    ----------
    image : DatasetImage
        The image.
    instances : Instances
        Its N annotations.
    class_ids : numpy.ndarray
        The id of the category of each: shape (N,).
    stuff_maps : StuffMaps, optional
        The stuff between the instances.
    things : set of int
        Ids of the categories that are things.
    rules, priority
        As returned by `panoptic_rules`.

    Raises
    ------
    DatasetError
        If the map cannot be composed.
    """
    scores = instances.scores if priority is None else _painting_ranks(instances, priority)
    stuff: tuple[Masks, list[Any]] | None = None
    if stuff_maps is not None:
        categories, regions = stuff_maps.masks(image)
        stuff = regions, [category.id for category in categories]
    try:
        return compose_panoptic(
            instances.masks, class_ids, scores, stuff=stuff, things=sorted(things), rules=rules
        )
    except ValueError as error:
        raise DatasetError(image.label, f"{error}") from error


def _painting_ranks(instances: Instances, priority: str) -> NDArray[np.float64]:
    """Return the rank of each mask in painting order: crowds first, the others by priority."""
    masks, crowd = instances.masks, instances.iscrowd
    rest = np.flatnonzero(~crowd)
    order = np.concatenate([np.flatnonzero(crowd), rest[painting_order(masks[rest], priority)]])
    ranks = np.empty(len(masks))
    ranks[order] = np.arange(len(masks))
    return ranks


_DROPPED = {
    "score": ("below the score of the rules", "--score"),
    "overlap": ("too much covered by better ones", "--overlap"),
    "hidden": ("hidden by others", "--priority decides which one is in front"),
    "class": ("without a thing class in the semantic map", ""),
    "area": ("with too few visible pixels for stuff", "--stuff-area"),
}
"""What is said of each reason to drop an annotation, and the option that changes it. Empty masks
are counted when they are read."""


def count_dropped(
    image: DatasetImage,
    result: Panoptic,
    instances: Instances,
    has_stuff_maps: bool,
    problems: Problems,
) -> None:
    """Count the annotations that are not in a panoptic map, and the pixels that are covered.

    Stuff of maps lies below the annotations, so that its covered pixels are not counted.
    """
    for item in result.dropped:
        if item["reason"] in _DROPPED:
            is_annotation = item["isthing"] or not has_stuff_maps
            what = "annotation" if is_annotation else "stuff region"
            name = f"annotation {instances.ids[item['source']]} of " if is_annotation else ""
            why, option = _DROPPED[item["reason"]]
            problems.leave_out(what, why, 1, f"{name}{image.label}", option)
    option = _DROPPED["hidden"][1]
    for segment in result.segments:
        if segment["isthing"] or not has_stuff_maps:
            covered = segment["area_before"] - segment["area"]
            first = f"annotation {instances.ids[segment['sources'][0]]} of {image.label}"
            problems.leave_out("pixel", "covered by other annotations", covered, first, option)


def describe_segments(
    image: DatasetImage, result: Panoptic, instances: Instances
) -> dict[str, Any]:
    """Return COCO's description of an image's panoptic map, with the scores of things added."""
    segments = []
    for segment in result.segments:
        source = segment["sources"][0] if segment["isthing"] else None
        described = {
            "id": segment["id"],
            "category_id": segment["category_id"],
            "iscrowd": int(source is not None and instances.iscrowd[source]),
            "bbox": segment["bbox"],
            "area": segment["area"],
        }
        if source is not None and not np.isnan(instances.scores[source]):
            described["score"] = segment["score"]
        segments.append(described)
    return {"image_id": image.id, "file_name": image.map_name, "segments_info": segments}


@dataclass(frozen=True)
class ComposedMaps:
    """The JSON of the maps of some images, what is counted in them, and the PNGs not written.

    ``segments``, ``pixels`` and ``images`` are counts by category id.
    """

    pngs: list[bytes | None]
    entries: list[str]
    segments: Counter[Id]
    pixels: Counter[Id]
    images: Counter[Id]
    problems: Problems
    num_annotations: int


@dataclass(frozen=True)
class PanopticComposer:
    """Composes the maps of some images: a job, see :func:`segcore.distributed.run`.

    Attributes
    ----------
    stuff_maps, things, rules, priority
        As for `panoptic_map`.
    text : dict of str to str
        Keywords of the PNGs and their texts.
    files : FolderWriter
        Writes the PNGs into the folder `MAPS`.
    """

    stuff_maps: StuffMaps | None
    things: set[int]
    rules: PanopticRules
    priority: str | None
    text: dict[str, str]
    files: FolderWriter

    def __call__(self, source: InstanceSet) -> ComposedMaps:
        """Write the maps of all images of `source`."""
        category_ids = np.array([0, *(c.id for c in source.categories)], np.int64)
        found = ComposedMaps([], [], Counter(), Counter(), Counter(), Problems(skip=True), 0)
        num_annotations = 0
        for image, instances in source.read_all():
            result = panoptic_map(
                image,
                instances,
                category_ids[instances.category],
                stuff_maps=self.stuff_maps,
                things=self.things,
                rules=self.rules,
                priority=self.priority,
            )
            try:
                png = id_png(result.ids, result.masks, self.text)
            except ValueError as error:
                raise DatasetError(image.label, str(error)) from error
            found.pngs.append(self.files.write(MAPS + image.map_name, png))
            entry = describe_segments(image, result, instances)
            found.entries.append(json.dumps(entry, ensure_ascii=False))
            for segment in entry["segments_info"]:
                found.segments[segment["category_id"]] += 1
                found.pixels[segment["category_id"]] += segment["area"]
            found.images.update({s["category_id"] for s in entry["segments_info"]})
            found.problems.add(instances.problems)
            has_stuff_maps = self.stuff_maps is not None
            count_dropped(image, result, instances, has_stuff_maps, found.problems)
            num_annotations += len(instances)
        return replace(found, num_annotations=num_annotations)


def image_entries(dataset: InstanceSet) -> Iterator[str]:
    """Yield the images of a panoptic file, as JSON."""
    for image in dataset.images:
        height, width = image.size
        entry = {"id": image.id, "file_name": image.name, "height": height, "width": width}
        yield json.dumps(entry, ensure_ascii=False)


def category_entries(dataset: InstanceSet, things: set[int]) -> Iterator[str]:
    """Yield the categories of a panoptic file, as JSON."""
    for c in dataset.categories:
        entry = {"id": c.id, "name": c.name, "isthing": int(c.id in things)}
        yield json.dumps(entry, ensure_ascii=False)
