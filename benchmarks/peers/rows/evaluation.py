"""COCOeval on real annotations, with the mask functions of each drop-in."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from segcore.compat.pycocotools import mask as compat

from ...evaluation import Evaluation, flat
from ...inputs import TEST_DATA, Inputs
from ..forms import counts_of_rles
from ..libraries import drop_ins
from ..row import Bar, Skip
from ..timing import SEGCORE, Contender
from .drop_in import drop_in


def evaluation(inputs: Inputs) -> Evaluation:
    """Read the sample."""
    folder = os.environ.get(TEST_DATA)
    if not folder:
        raise Skip(f"set {TEST_DATA} to the folder of the real data")
    return Evaluation(Path(folder), images=20 if inputs.quick else None)


def libraries() -> Iterator[tuple[str, Any]]:
    """Give the modules that have the functions of ``pycocotools.mask``, segcore's last."""
    yield from drop_ins().items()
    yield SEGCORE, compat


@drop_in("drop-in: COCOeval's calls of iou", Bar("pycocotools", 5))
def evaluation_iou_calls(inputs: Inputs) -> Iterator[Contender]:
    """All calls that computeIoU makes for 100 images and 80 classes: 390, most of few masks."""
    calls = evaluation(inputs).iou_calls()
    for name, module in libraries():
        yield Contender(
            name, lambda iou=module.iou: [iou(*arguments) for arguments in calls], flat, "iou"
        )


@drop_in("drop-in: COCOeval.computeIoU")
def evaluation_compute_iou(inputs: Inputs) -> Iterator[Contender]:
    """The same calls, with what COCOeval does round them in Python, which no drop-in can change."""
    sample = evaluation(inputs)
    for name, module in libraries():
        yield Contender(
            name,
            lambda module=module: sample.compute_ious(module),
            flat,
            "iou in COCOeval.computeIoU",
        )


@drop_in("drop-in: COCO.annToRLE of 839")
def evaluation_strings(inputs: Inputs) -> Iterator[Contender]:
    """Polygons and run lengths of 839 annotations, each by itself, as COCO.annToRLE does it."""
    sample = evaluation(inputs)
    for name, module in libraries():
        yield Contender(
            name,
            lambda module=module: sample.strings(module),
            counts_of_rles,
            "frPyObjects, merge",
        )
