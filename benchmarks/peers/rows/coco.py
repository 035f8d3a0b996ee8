"""COCO's dicts in, or out, from or to each library's own form."""

from __future__ import annotations

from collections.abc import Iterator

import segcore as sc

from ...inputs import Inputs
from ..forms import Forms, counts_of_masks, counts_of_rlemasks, counts_of_rles
from ..libraries import load
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
