"""COCO's dicts in, or out: the work of a drop-in, strings parsed and written by everyone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

import segcore as sc

from ...inputs import Inputs
from ..forms import (
    Forms,
    counts_of_masks,
    counts_of_rlemasks,
    counts_of_rles,
    dense_of_interleaved,
)
from ..libraries import drop_ins, load
from ..row import row
from ..timing import EXPECTED, SEGCORE, Contender


@row("COCO dicts: parse 100")
def parse(inputs: Inputs) -> Iterator[Contender]:
    """Strings to the library's own form. The drop-ins' only parsed results are areas."""
    forms = Forms.of_dense(inputs.blobs)
    rlemasklib = load("rlemasklib")
    core = load("faster_coco_eval.mask_api_new_cpp")
    yield Contender(EXPECTED, lambda: forms.rles, counts_of_rles)
    yield Contender(SEGCORE, lambda: sc.Masks.from_coco(forms.rles), counts_of_masks)
    if rlemasklib:
        yield Contender(
            "rlemasklib",
            lambda: [rlemasklib.RLEMask.from_dict(rle) for rle in forms.rles],
            counts_of_rlemasks,
            "RLEMask.from_dict",
        )
    if core:
        yield Contender(
            "faster-coco-eval",
            lambda: [core.rleFrString(rle["counts"], *rle["size"]) for rle in forms.rles],
            lambda masks: [core.rleToString(mask) for mask in masks],
            "mask_api_new_cpp.rleFrString",
        )


@row("COCO dicts: write 100")
def write(inputs: Inputs) -> Iterator[Contender]:
    """The library's own form to dicts with strings."""
    forms = Forms.of_dense(inputs.blobs)
    yield Contender(EXPECTED, lambda: forms.rles, counts_of_rles)
    yield Contender(SEGCORE, forms.masks.to_coco, counts_of_rles)
    if load("rlemasklib"):
        yield Contender(
            "rlemasklib",
            lambda: [mask.to_dict() for mask in forms.rlemasks],
            counts_of_rles,
            "RLEMask.to_dict",
        )


@row("COCO dicts: encode (H, W, N), Fortran order")
def encode_dicts(inputs: Inputs) -> Iterator[Contender]:
    """A dense array to dicts with strings."""
    dense = inputs.blobs_interleaved
    for name, module in drop_ins().items():
        yield Contender(name, lambda encode=module.encode: encode(dense), counts_of_rles, "encode")
    if rlemasklib := load("rlemasklib"):
        yield Contender("rlemasklib", lambda: rlemasklib.encode(dense), counts_of_rles, "encode")
    yield Contender(
        SEGCORE,
        lambda: sc.Masks.from_dense(dense.transpose(2, 0, 1)).to_coco(),
        counts_of_rles,
        "from_dense, to_coco",
    )


@row("COCO dicts: decode")
def decode_dicts(inputs: Inputs) -> Iterator[Contender]:
    """Dicts with strings to a fresh dense array, in the layout that each library makes."""
    forms = Forms.of_dense(inputs.blobs)
    for name, module in drop_ins().items():
        yield Contender(
            name, lambda decode=module.decode: decode(forms.rles), dense_of_interleaved, "decode"
        )
    if rlemasklib := load("rlemasklib"):
        yield Contender(
            "rlemasklib", lambda: rlemasklib.decode(forms.rles), dense_of_interleaved, "decode"
        )
    yield Contender(
        SEGCORE,
        lambda: sc.Masks.from_coco(forms.rles).to_dense(),
        lambda dense: dense.view(np.uint8),
        "from_coco, to_dense",
    )


@row("COCO dicts: IoU 100 x 100")
def iou_dicts(inputs: Inputs) -> Iterator[Contender]:
    """Dicts with strings to the matrix of IoU; every string is parsed once."""
    a, b = Forms.of_dense(inputs.blobs), Forms.of_dense(inputs.other_blobs)
    crowd = [0] * len(b.rles)
    for name, module in drop_ins().items():
        yield Contender(name, lambda iou=module.iou: iou(a.rles, b.rles, crowd), lambda x: x, "iou")
    if rlemasklib := load("rlemasklib"):
        of_dict = rlemasklib.RLEMask.from_dict
        yield Contender(
            "rlemasklib",
            lambda: rlemasklib.RLEMask.iou_matrix(
                [of_dict(rle) for rle in a.rles], [of_dict(rle) for rle in b.rles]
            ),
            lambda x: x,
            "RLEMask.from_dict, RLEMask.iou_matrix",
        )
    yield Contender(
        SEGCORE,
        lambda: sc.iou(sc.Masks.from_coco(a.rles), sc.Masks.from_coco(b.rles)),
        lambda x: x,
        "from_coco, iou",
    )


@row("COCO dicts: 100 polygons of 64 vertices")
def polygon_dicts(inputs: Inputs) -> Iterator[Contender]:
    """Flat lists of coordinates, as files hold them, to dicts with strings."""
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
            lambda: [
                rlemasklib.RLEMask.from_polygon(each, size).to_dict()
                for each in inputs.polygon_lists
            ],
            counts_of_rles,
            "RLEMask.from_polygon, RLEMask.to_dict",
        )
    yield Contender(
        SEGCORE,
        lambda: sc.Masks.from_polygons(inputs.polygon_lists, size).to_coco(),
        counts_of_rles,
        "from_polygons, to_coco",
    )
