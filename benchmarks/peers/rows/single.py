"""One small mask a call: what a call costs beside its work."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

import segcore as sc

from ...inputs import Inputs
from ..forms import Forms, counts_of_rle
from ..libraries import drop_ins, load
from ..row import row
from ..timing import SEGCORE, Contender
from .dense import encode_one


@row("one call: encode 1 x 1")
def encode_one_pixel(inputs: Inputs) -> Iterator[Contender]:
    """The smallest mask."""
    return (each for each in encode_one(inputs.one_pixel) if each.answer)


@row("one call: encode 28 x 28")
def encode_tiny(inputs: Inputs) -> Iterator[Contender]:
    """A mask as a Mask R-CNN head emits it, C order."""
    return (each for each in encode_one(inputs.tiny) if each.answer)


@row("one call: decode 28 x 28")
def decode_tiny(inputs: Inputs) -> Iterator[Contender]:
    """To a fresh array, from what every library has; the drop-ins parse."""
    forms = Forms.of_dense(inputs.tiny[None])
    [rle] = forms.rles
    for name, module in drop_ins().items():
        yield Contender(name, lambda decode=module.decode: decode(rle), np.asarray, "decode")
    if load("rlemasklib"):
        [mask] = forms.rlemasks
        yield Contender("rlemasklib", mask.to_array, np.asarray, "RLEMask.to_array")
    yield Contender(SEGCORE, forms.masks.to_dense, lambda dense: dense[0])


@row("one call: IoU of two 28 x 28")
def iou_tiny(inputs: Inputs) -> Iterator[Contender]:
    """Of one pair, from what every library has; the drop-ins parse."""
    forms = Forms.of_dense(inputs.tiny[None])
    for name, module in drop_ins().items():
        yield Contender(
            name, lambda iou=module.iou: iou(forms.rles, forms.rles, [0]), np.asarray, "iou"
        )
    if load("rlemasklib"):
        [mask] = forms.rlemasks
        yield Contender(
            "rlemasklib", lambda: mask.iou(mask), lambda x: np.array([[x]]), "RLEMask.iou"
        )
    yield Contender(SEGCORE, lambda: sc.iou(forms.masks, forms.masks), np.asarray)


@row("one call: COCO dict to COCO dict, 28 x 28")
def round_trip_tiny(inputs: Inputs) -> Iterator[Contender]:
    """Parse one string and write it again; the drop-ins unite the mask with itself."""
    forms = Forms.of_dense(inputs.tiny[None])
    [rle] = forms.rles
    for name, module in drop_ins().items():
        yield Contender(
            name, lambda merge=module.merge: merge([rle, rle]), counts_of_rle, "merge([rle, rle])"
        )
    if rlemasklib := load("rlemasklib"):
        yield Contender(
            "rlemasklib",
            lambda: rlemasklib.RLEMask.from_dict(rle).to_dict(),
            counts_of_rle,
            "RLEMask.from_dict, RLEMask.to_dict",
        )
    yield Contender(
        SEGCORE,
        lambda: sc.Masks.from_coco([rle]).to_coco()[0],
        counts_of_rle,
        "from_coco, to_coco",
    )
