"""The functions of ``pycocotools.mask``, called alike in every library that stands in for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from segcore.compat.pycocotools import mask as compat

from ...inputs import TEST_DATA, Inputs
from ..forms import Forms, counts_of_rle, counts_of_rles, dense_of_interleaved
from ..libraries import drop_ins
from ..row import BEST_PEER, Bar, Skip, row
from ..timing import SEGCORE, Contender

ONE_CALL = (Bar("pycocotools", 1), Bar(BEST_PEER, 0.8))

drop_in = partial(row, every_backend=False)


def contenders(
    function: str, *arguments: Any, answer: Callable[[Any], Any] = np.asarray
) -> Iterator[Contender]:
    """Give the same call in every library."""
    for name, module in {**drop_ins(), SEGCORE: compat}.items():
        call = getattr(module, function)
        yield Contender(name, lambda call=call: call(*arguments), answer)


@drop_in("drop-in: encode 100", Bar("pycocotools", 5), Bar(BEST_PEER, 1))
def drop_in_encode(inputs: Inputs) -> Iterator[Contender]:
    """(H, W, N) uint8 in Fortran order to dicts."""
    return contenders("encode", inputs.blobs_interleaved, answer=counts_of_rles)


@drop_in("drop-in: decode 100", Bar("pycocotools", 5), Bar(BEST_PEER, 1))
def drop_in_decode(inputs: Inputs) -> Iterator[Contender]:
    """Dicts to a fresh (H, W, N) array."""
    rles = Forms.of_dense(inputs.blobs).rles
    return contenders("decode", rles, answer=dense_of_interleaved)


@drop_in("drop-in: IoU 100 x 100", Bar("pycocotools", 8), Bar(BEST_PEER, 3))
def drop_in_iou(inputs: Inputs) -> Iterator[Contender]:
    """Of dicts."""
    a, b = Forms.of_dense(inputs.blobs).rles, Forms.of_dense(inputs.other_blobs).rles
    return contenders("iou", a, b, [0] * len(b))


@drop_in("drop-in: merge 100", Bar(BEST_PEER, 3))
def drop_in_merge(inputs: Inputs) -> Iterator[Contender]:
    """Unite dicts."""
    return contenders("merge", Forms.of_dense(inputs.blobs).rles, answer=counts_of_rle)


@drop_in("drop-in: area of 100")
def drop_in_area(inputs: Inputs) -> Iterator[Contender]:
    """Of dicts."""
    return contenders("area", Forms.of_dense(inputs.blobs).rles)


@drop_in("drop-in: toBbox of 100")
def drop_in_boxes(inputs: Inputs) -> Iterator[Contender]:
    """Of dicts."""
    return contenders("toBbox", Forms.of_dense(inputs.blobs).rles)


@drop_in("drop-in: frPyObjects of 100 polygons of 64 vertices")
def drop_in_polygons(inputs: Inputs) -> Iterator[Contender]:
    """Flat lists of coordinates, as files hold them, to dicts."""
    size = inputs.height, inputs.width
    return contenders("frPyObjects", inputs.polygon_lists, *size, answer=counts_of_rles)


@drop_in("drop-in: frPyObjects of all polygons of LVIS and TACO", Bar(BEST_PEER, 3))
def drop_in_real_polygons(inputs: Inputs) -> Iterator[Contender]:
    """One call an annotation, 5,761 of them, of one ring or several."""
    annotations = inputs.real_polygons
    if annotations is None:
        raise Skip(f"set {TEST_DATA} to the folder of the real data")
    for name, module in {**drop_ins(), SEGCORE: compat}.items():
        yield Contender(
            name,
            lambda call=module.frPyObjects: [call(*each) for each in annotations],
            lambda answers: [counts_of_rles(each) for each in answers],
        )


@drop_in(
    "drop-in, one call: encode 28 x 28",
    Bar("pycocotools", 1),
    Bar(BEST_PEER, 0.8),
    every_backend=False,
)
def drop_in_encode_tiny(inputs: Inputs) -> Iterator[Contender]:
    """One mask as a Mask R-CNN head emits it."""
    dense = np.asfortranarray(inputs.tiny.view(np.uint8))
    return contenders("encode", dense, answer=counts_of_rle)


@drop_in(
    "drop-in, one call: decode 28 x 28",
    Bar("pycocotools", 1),
    Bar(BEST_PEER, 0.8),
    every_backend=False,
)
def drop_in_decode_tiny(inputs: Inputs) -> Iterator[Contender]:
    """One dict."""
    [rle] = Forms.of_dense(inputs.tiny[None]).rles
    return contenders("decode", rle)


@drop_in(
    "drop-in, one call: area of 28 x 28",
    Bar("pycocotools", 1),
    Bar(BEST_PEER, 0.8),
    every_backend=False,
)
def drop_in_area_tiny(inputs: Inputs) -> Iterator[Contender]:
    """One dict."""
    [rle] = Forms.of_dense(inputs.tiny[None]).rles
    return contenders("area", rle)


@drop_in(
    "drop-in, one call: toBbox of 28 x 28",
    Bar("pycocotools", 1),
    Bar(BEST_PEER, 0.8),
    every_backend=False,
)
def drop_in_box_tiny(inputs: Inputs) -> Iterator[Contender]:
    """One dict."""
    [rle] = Forms.of_dense(inputs.tiny[None]).rles
    return contenders("toBbox", rle)


@drop_in(
    "drop-in, one call: IoU of two 28 x 28",
    Bar("pycocotools", 1),
    Bar(BEST_PEER, 0.8),
    every_backend=False,
)
def drop_in_iou_tiny(inputs: Inputs) -> Iterator[Contender]:
    """Two lists of one dict each."""
    rles = Forms.of_dense(inputs.tiny[None]).rles
    return contenders("iou", rles, rles, [0])


@drop_in("drop-in, one call: merge two 28 x 28", Bar("pycocotools", 1))
def drop_in_merge_tiny(inputs: Inputs) -> Iterator[Contender]:
    """A list of two dicts."""
    rles = Forms.of_dense(inputs.tiny[None]).rles
    return contenders("merge", rles * 2, answer=counts_of_rle)


@drop_in("drop-in, one call: IoU of 5 x 7 boxes", Bar("pycocotools", 1))
def drop_in_box_iou(inputs: Inputs) -> Iterator[Contender]:
    """Lists of boxes x y width height."""
    boxes = np.random.default_rng(6).uniform(0, min(inputs.height, 100), (12, 4)).tolist()
    return contenders("iou", boxes[:5], boxes[5:], [0] * 7)
