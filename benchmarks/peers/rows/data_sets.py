"""Files of data sets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import segcore as sc

from ...data_sets import Results
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


def areas(masks: list[sc.Masks]) -> Any:
    """Return the areas of all masks, image by image."""
    return np.concatenate([batch.area for batch in masks])
