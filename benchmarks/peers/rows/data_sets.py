"""Files of data sets."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import segcore as sc

from ...conversion import HEIGHT, WIDTH, generate
from ...data_sets import Results, folder
from ...inputs import TEST_DATA, Inputs
from ..libraries import load
from ..row import Bar, Skip, row
from ..timing import SEGCORE, Contender


@row("Results file to masks: 1,000 images", Bar("json", 5), every_backend=False)
def read_results(inputs: Inputs) -> Iterator[Contender]:
    """A file of 86 detections per image, read with its images, and the masks of every image.

    For json and orjson, `Masks.from_coco` makes the masks of the parsed objects.
    """
    if inputs.real is None:
        raise Skip(f"{TEST_DATA} is not set")
    results = Results.made(inputs.real[0] + inputs.real[1], images=10 if inputs.quick else 1000)

    def parsed(loads: Callable[[bytes], Any]) -> list[sc.Masks]:
        by_image: dict[int, list[Any]] = {}
        for detection in loads(results.path.read_bytes()):
            by_image.setdefault(detection["image_id"], []).append(detection["segmentation"])
        return [sc.Masks.from_coco(segmentations) for segmentations in by_image.values()]

    for name in ("json", "orjson"):
        if library := load(name):
            yield Contender(name, lambda loads=library.loads: parsed(loads), areas, "from_coco")
    yield Contender(SEGCORE, lambda: [s.masks for s in results.read()], areas, "data.read")


@row("Masks of a results file in memory: 1,000 images", every_backend=False)
def masks_of_results(inputs: Inputs) -> Iterator[Contender]:
    """The masks of every image, of a data set and of the objects of json, which are read before."""
    if inputs.real is None:
        raise Skip(f"{TEST_DATA} is not set")
    results = Results.made(inputs.real[0] + inputs.real[1], images=10 if inputs.quick else 1000)
    dataset = results.read()
    by_image: dict[int, list[Any]] = {}
    for detection in json.loads(results.path.read_bytes()):
        by_image.setdefault(detection["image_id"], []).append(detection["segmentation"])
    objects = list(by_image.values())
    yield Contender("json", lambda: list(map(sc.Masks.from_coco, objects)), areas, "from_coco")
    yield Contender(SEGCORE, lambda: [s.masks for s in dataset], areas, "Sample.masks")


@row("Instances file of polygons to masks: 1,000 images", every_backend=False)
def read_polygons(inputs: Inputs) -> Iterator[Contender]:
    """A file of 7 annotations per image, 99 % of them polygons, and the masks of every image."""
    yield from _instances(inputs, None)


@row("Instances file with white space to masks: 1,000 images", every_backend=False)
def read_indented(inputs: Inputs) -> Iterator[Contender]:
    """The same file as json writes it with an indent of 1: a line per number."""
    yield from _instances(inputs, 1)


def _instances(inputs: Inputs, indent: int | None) -> Iterator[Contender]:
    images = 10 if inputs.quick else 1000
    path = folder() / f"instances_{images}_{indent}.json"
    generate(path, images)
    if indent is not None:
        path.write_text(json.dumps(json.loads(path.read_bytes()), indent=indent))

    def parsed(loads: Callable[[bytes], Any]) -> list[sc.Masks]:
        by_image: dict[int, list[Any]] = {}
        for annotation in loads(path.read_bytes())["annotations"]:
            by_image.setdefault(annotation["image_id"], []).append(annotation["segmentation"])
        return [sc.Masks.from_coco(s, (HEIGHT, WIDTH)) for s in by_image.values()]

    for name in ("json", "orjson"):
        if library := load(name):
            yield Contender(name, lambda loads=library.loads: parsed(loads), areas, "from_coco")
    yield Contender(SEGCORE, lambda: [s.masks for s in sc.data.read(path)], areas, "data.read")


def areas(masks: list[sc.Masks]) -> Any:
    """Return the areas of all masks, image by image."""
    return np.concatenate([batch.area for batch in masks])
