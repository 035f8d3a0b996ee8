"""Overlaps, set operations and polygons, from masks that every library has in its own form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import segcore as sc

from ...inputs import TEST_DATA, Inputs
from ..forms import (
    Forms,
    counts_of_masks,
    counts_of_rlemasks,
    counts_of_rles,
)
from ..libraries import drop_ins, load
from ..row import BEST_PEER, Bar, Skip, row
from ..timing import SEGCORE, Contender


def iou(a: Forms, b: Forms) -> Iterator[Contender]:
    """IoU of all pairs."""
    crowd = [0] * len(b.rles)
    for name, module in drop_ins().items():
        yield Contender(
            name, lambda iou=module.iou: iou(a.rles, b.rles, crowd), lambda x: x, "iou, parsing"
        )
    yield from iou_of_rle_objects(a, b)
    if rlemasklib := load("rlemasklib"):
        yield Contender(
            "rlemasklib",
            lambda: rlemasklib.RLEMask.iou_matrix(a.rlemasks, b.rlemasks),
            lambda x: x,
            "RLEMask.iou_matrix",
        )
    yield Contender(SEGCORE, lambda: sc.iou(a.masks, b.masks), lambda x: x, "iou")


def iou_of_rle_objects(a: Forms, b: Forms) -> Iterator[Contender]:
    """IoU of faster-coco-eval's parsed masks, of its extension module."""
    core = load("faster_coco_eval.mask_api_new_cpp")
    if core is None:
        return
    sizes = len(a.rles), len(b.rles)
    dt, gt = (
        [core.rleFrString(each["counts"], *each["size"]) for each in form.rles] for form in (a, b)
    )
    crowd = [0] * sizes[1]
    yield Contender(
        "faster-coco-eval",
        lambda: core.rleIou(dt, gt, *sizes, crowd),
        lambda x: np.reshape(x, sizes),
        "mask_api_new_cpp.rleIou",
    )


@row("IoU 100 x 100: blobs", Bar(BEST_PEER, 8))
def iou_blobs(inputs: Inputs) -> Iterator[Contender]:
    """From what every library has: segcore's batches, rlemasklib's and faster-coco-eval's objects.

    pycocotools, hotcoco and ultrafast-pycocotools have no parsed form, so they parse.
    """
    return iou(Forms.of_dense(inputs.blobs), Forms.of_dense(inputs.other_blobs))


@row("IoU 100 x 100: COCO's masks of 480 x 640", Bar(BEST_PEER, 5))
def iou_real(inputs: Inputs) -> Iterator[Contender]:
    """Results and ground truth of COCO val2014, from what every library has, as above."""
    if inputs.real is None:
        raise Skip(f"set {TEST_DATA} to the folder of the real data")
    found, truths = inputs.real
    return iou(Forms(found), Forms(truths))


@row("union of 100", Bar(BEST_PEER, 3))
def union(inputs: Inputs) -> Iterator[Contender]:
    """All masks to one, from what every library has; the drop-ins parse and write strings."""
    forms = Forms.of_dense(inputs.blobs)
    for name, module in drop_ins().items():
        yield Contender(
            name, lambda merge=module.merge: [merge(forms.rles)], counts_of_rles, "merge"
        )
    if rlemasklib := load("rlemasklib"):
        yield Contender(
            "rlemasklib",
            lambda: [rlemasklib.RLEMask.union(forms.rlemasks)],
            counts_of_rlemasks,
            "RLEMask.union",
        )
    yield Contender(SEGCORE, forms.masks.union, counts_of_masks)


@row("area and boxes of 100")
def measure(inputs: Inputs) -> Iterator[Contender]:
    """Both, from what every library has; the drop-ins parse."""

    def of_xywh(result: tuple[Any, Any]) -> tuple[Any, Any]:
        area, boxes = (np.asarray(each, np.int64) for each in result)
        return area, np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)

    forms = Forms.of_dense(inputs.blobs)
    for name, module in drop_ins().items():
        yield Contender(
            name,
            lambda module=module: (module.area(forms.rles), module.toBbox(forms.rles)),
            of_xywh,
            "area, toBbox",
        )
    if load("rlemasklib"):
        yield Contender(
            "rlemasklib",
            lambda: ([m.area() for m in forms.rlemasks], [m.bbox() for m in forms.rlemasks]),
            of_xywh,
            "RLEMask.area, RLEMask.bbox",
        )
    yield Contender(SEGCORE, lambda: (forms.masks.area, forms.masks.boxes), lambda x: x)


@row("100 polygons of 64 vertices", Bar(BEST_PEER, 3))
def polygons(inputs: Inputs) -> Iterator[Contender]:
    """Rasterize to the same pixels. Lists for those that take lists, arrays for the others."""
    size = inputs.height, inputs.width
    for name, module in drop_ins().items():
        yield Contender(
            name,
            lambda rasterize=module.frPyObjects: rasterize(inputs.polygon_lists, *size),
            counts_of_rles,
            "frPyObjects",
        )
    if rlemasklib := load("rlemasklib"):
        yield Contender(
            "rlemasklib",
            lambda: [rlemasklib.RLEMask.from_polygon(each, size) for each in inputs.polygons],
            counts_of_rlemasks,
            "RLEMask.from_polygon",
        )
    for how, rings in (("arrays", inputs.polygons), ("lists", inputs.polygon_lists)):
        yield Contender(
            SEGCORE,
            lambda rings=rings: sc.Masks.from_polygons(rings, size),
            counts_of_masks,
            f"from_polygons of {how}",
        )
