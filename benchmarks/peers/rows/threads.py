"""Two threads of segcore against one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

import segcore as sc

from ...inputs import Inputs
from ..forms import Forms, counts_of_masks, counts_of_rles, taken
from ..row import ONE_THREAD, THREADS, Bar, row
from ..timing import SEGCORE, Contender

NAMES = {1: ONE_THREAD, 2: SEGCORE}


def on_threads(run: Callable[[], Any], answer: Callable[[Any], Any]) -> Iterator[Contender]:
    """Run with one thread and with two, changed in the timing: it takes no time."""

    def with_threads(count: int) -> Any:
        sc.set_num_threads(count)
        try:
            return run()
        finally:
            sc.set_num_threads(1)

    for count, name in NAMES.items():
        yield Contender(name, partial(with_threads, count), answer, f"{count} threads")


@row("encode (N, H, W) bool, C order", table=THREADS)
def encode_on_threads(inputs: Inputs) -> Iterator[Contender]:
    """Bound by memory where one core can read as fast as two."""
    return on_threads(lambda: sc.Masks.from_dense(inputs.blobs), counts_of_masks)


@row("decode into the caller's (N, H, W), C order", table=THREADS)
def decode_on_threads(inputs: Inputs) -> Iterator[Contender]:
    """Bound by memory where one core can write as fast as two."""
    masks = Forms.of_dense(inputs.blobs).masks
    out = np.ones(inputs.blobs.shape, bool)
    return on_threads(lambda: masks.to_dense(out=out), taken)


@row("IoU 100 x 100: blobs", Bar(ONE_THREAD, 1.6), table=THREADS)
def iou_on_threads(inputs: Inputs) -> Iterator[Contender]:
    """From batches."""
    a, b = Forms.of_dense(inputs.blobs).masks, Forms.of_dense(inputs.other_blobs).masks
    return on_threads(lambda: sc.iou(a, b), np.asarray)


@row("IoU 300 x 300: blobs", Bar(ONE_THREAD, 1.6), table=THREADS)
def iou_of_many_on_threads(inputs: Inputs) -> Iterator[Contender]:
    """The same masks three times over: more work for the same start."""
    a, b = Forms.of_dense(inputs.blobs).masks, Forms.of_dense(inputs.other_blobs).masks
    a, b = sc.Masks.concatenate([a] * 3), sc.Masks.concatenate([b] * 3)
    return on_threads(lambda: sc.iou(a, b), np.asarray)


@row("100 polygons of 64 vertices", Bar(ONE_THREAD, 1.6), table=THREADS)
def polygons_on_threads(inputs: Inputs) -> Iterator[Contender]:
    """From arrays."""
    size = inputs.height, inputs.width
    return on_threads(lambda: sc.Masks.from_polygons(inputs.polygons, size), counts_of_masks)


@row("500 polygons of 64 vertices", Bar(ONE_THREAD, 1.6), table=THREADS)
def many_polygons_on_threads(inputs: Inputs) -> Iterator[Contender]:
    """The same polygons five times over."""
    size = inputs.height, inputs.width
    return on_threads(lambda: sc.Masks.from_polygons(inputs.polygons * 5, size), counts_of_masks)


@row("parse and write 100 COCO dicts", table=THREADS)
def coco_on_threads(inputs: Inputs) -> Iterator[Contender]:
    """With the walk of the Python objects, which is one thread's work."""
    rles = Forms.of_dense(inputs.blobs).rles
    return on_threads(lambda: sc.Masks.from_coco(rles).to_coco(), counts_of_rles)
