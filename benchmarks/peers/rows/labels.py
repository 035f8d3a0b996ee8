"""Masks to a label map, and a label map to masks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

import segcore as sc

from ...inputs import Inputs
from ..forms import Forms, counts_of_masks, counts_of_rle, counts_of_rles
from ..libraries import load
from ..row import Bar, row
from ..timing import SEGCORE, Contender


def paint(inputs: Inputs, dtype: type[np.integer[Any]], direct: bool) -> Iterator[Contender]:
    """Paint mask ``i`` as ``i + 1`` into a new C-order label map.

    Where ``direct``, rlemasklib draws into a map of that dtype, which takes any labels.
    Otherwise it may take the way by uint8, for labels below 256.
    """
    forms = Forms.of_dense(inputs.blobs)
    shape = inputs.blobs.shape[1:]
    values = np.arange(1, len(inputs.blobs) + 1)

    def usual() -> NDArray[Any]:
        from pycocotools import mask as coco

        labels = np.zeros(shape, dtype, order="F")
        for value, rle in enumerate(forms.rles, 1):
            labels[coco.decode(rle).view(bool)] = value
        return np.ascontiguousarray(labels)

    def drawn(own: type[np.integer[Any]]) -> NDArray[Any]:
        labels = np.zeros(shape, own)
        for value, mask in enumerate(forms.rlemasks, 1):
            mask.decode_into(labels, value)
        return labels.astype(dtype, copy=False)

    yield Contender("pycocotools", usual, np.asarray, "decode and index, mask by mask")
    if rlemasklib := load("rlemasklib"):
        if direct:
            yield Contender("rlemasklib", lambda: drawn(dtype), np.asarray, "RLEMask.decode_into")
        else:
            yield Contender(
                "rlemasklib",
                lambda: drawn(np.uint8),
                np.asarray,
                "RLEMask.decode_into as uint8, cast",
            )
            yield Contender(
                "rlemasklib",
                lambda: rlemasklib.RLEMask.merge_to_label_map(forms.rlemasks).astype(
                    dtype, order="C"
                ),
                np.asarray,
                "RLEMask.merge_to_label_map, cast and copied to C order",
            )
    yield Contender(
        SEGCORE,
        lambda: sc.compose_semantic(forms.masks, values, priority="last", dtype=dtype),
        np.asarray,
        "compose_semantic",
    )


@row("100 masks to a label map: int32, any labels", Bar("rlemasklib", 15))
def paint_int32(inputs: Inputs) -> Iterator[Contender]:
    """From what every library has to a C-order map. rlemasklib draws mask by mask."""
    return paint(inputs, np.int32, direct=True)


@row("100 masks to a label map: int32, labels below 256")
def paint_int32_small(inputs: Inputs) -> Iterator[Contender]:
    """The same, where rlemasklib may draw as uint8 and cast, which is its fastest way."""
    return paint(inputs, np.int32, direct=False)


@row("100 masks to a label map: uint8", Bar("rlemasklib", 1))
def paint_uint8(inputs: Inputs) -> Iterator[Contender]:
    """The same as uint8, in C order too."""
    return paint(inputs, np.uint8, direct=False)


def split(labels: NDArray[Any]) -> Iterator[Contender]:
    """Split a C-order label map into one mask a label, without the background 0."""
    yield Contender("pycocotools", partial(_one_by_one, labels), counts_of_rles, "labels == i")
    if (rlemasklib := load("rlemasklib")) and labels.max() < 256:
        ways: dict[str, Callable[[], Any]] = {
            "": lambda: rlemasklib.RLEMask.from_label_map(labels),
            " of a uint8 copy": lambda: rlemasklib.RLEMask.from_label_map(labels.astype(np.uint8)),
        }
        for way, run in ways.items():
            yield Contender(
                "rlemasklib",
                run,
                lambda masks: [counts_of_rle(mask.to_dict()) for mask in masks.values()],
                f"RLEMask.from_label_map{way}",
            )
    yield Contender(
        SEGCORE,
        lambda: sc.Masks.from_label_map(labels),
        lambda result: counts_of_masks(result[1]),
        "from_label_map",
    )
    yield from split_to_strings(labels)


def split_to_strings(labels: NDArray[Any]) -> Iterator[Contender]:
    """Let fastlabelrle split, which has no form but strings, and takes unsigned integers."""
    fastlabelrle = load("fastlabelrle")
    if fastlabelrle and labels.dtype == np.uint32:
        yield Contender(
            "fastlabelrle",
            lambda: fastlabelrle.encode(labels),
            lambda result: [bytes(counts) for counts in result.counts],
            "encode, with strings",
        )


def _one_by_one(labels: NDArray[Any]) -> list[dict[str, Any]]:
    from pycocotools import mask as coco

    columns = np.asfortranarray(labels)
    ids = np.unique(columns)
    return [coco.encode((columns == i).view(np.uint8)) for i in ids[ids != 0]]


@row("label map to 100 masks: uint8", Bar("rlemasklib", 2))
def split_uint8(inputs: Inputs) -> Iterator[Contender]:
    """From a C-order map to what every library has, ids included."""
    return split(inputs.labels_uint8)


@row("label map to 100 masks: int32", Bar("rlemasklib", 2))
def split_int32(inputs: Inputs) -> Iterator[Contender]:
    """The same as int32, with labels below 256, which is what rlemasklib takes."""
    return split(inputs.labels_int32)


@row("label map 1024 x 1024 to 484 masks: uint32", Bar("fastlabelrle", 8))
def split_cells(inputs: Inputs) -> Iterator[Contender]:
    """Discs that do not touch. fastlabelrle (Python 3.12) writes strings, segcore a batch."""
    return split(inputs.cells)


@row("COCO dicts: label map 1024 x 1024 to 484 masks")
def split_cells_to_dicts(inputs: Inputs) -> Iterator[Contender]:
    """The same with strings for everyone."""
    labels = inputs.cells

    def to_dicts() -> list[dict[str, Any]]:
        _, masks = sc.Masks.from_label_map(labels)
        return masks.to_coco()

    yield Contender("pycocotools", partial(_one_by_one, labels), counts_of_rles, "labels == i")
    yield from split_to_strings(labels)
    yield Contender(SEGCORE, to_dicts, counts_of_rles, "from_label_map, to_coco")
