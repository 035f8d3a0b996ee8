"""Crops, flips, rotations, resizing and affine maps, beside rlemasklib and OpenCV."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

import segcore as sc

from ...inputs import Inputs
from ..forms import Forms, counts_of_masks, counts_of_rlemasks
from ..libraries import load
from ..row import PIPELINES, row
from ..timing import SEGCORE, Contender
from .regions import OPENCV, counts_of_dense, opencv

SIDE = 640
ROTATION = np.array([[math.cos(0.5), -math.sin(0.5), 300], [math.sin(0.5), math.cos(0.5), -200]])


def moves(
    inputs: Inputs, ours: Callable[[sc.Masks], sc.Masks], theirs: Callable[[Any], Any], name: str
) -> Iterator[Contender]:
    """Compare a move of the blobs, mask by mask in rlemasklib."""
    forms = Forms.of_dense(inputs.blobs)
    yield Contender(SEGCORE, lambda: ours(forms.masks), counts_of_masks)
    if load("rlemasklib"):
        yield Contender(
            "rlemasklib",
            lambda: [theirs(mask) for mask in forms.rlemasks],
            counts_of_rlemasks,
            f"RLEMask.{name}",
        )


@row("flip 100 left to right", table=PIPELINES)
def flip_horizontal(inputs: Inputs) -> Iterator[Contender]:
    """From masks to masks, as in the rows below."""
    return moves(inputs, sc.Masks.flip_horizontal, lambda mask: mask.fliplr(), "fliplr")


@row("flip 100 upside down", table=PIPELINES)
def flip_vertical(inputs: Inputs) -> Iterator[Contender]:
    """The same, in the other direction."""
    return moves(inputs, sc.Masks.flip_vertical, lambda mask: mask.flipud(), "flipud")


@row("rotate 100 by a quarter turn", table=PIPELINES)
def rot90(inputs: Inputs) -> Iterator[Contender]:
    """Counterclockwise."""
    return moves(inputs, sc.Masks.rot90, lambda mask: mask.rot90(1), "rot90")


@row("transpose 100", table=PIPELINES)
def transpose(inputs: Inputs) -> Iterator[Contender]:
    """Rows become columns."""
    return moves(inputs, sc.Masks.transpose, lambda mask: mask.transpose(), "transpose")


@row("crop 100 to a quarter", table=PIPELINES)
def crop(inputs: Inputs) -> Iterator[Contender]:
    """One box for all."""
    height, width = inputs.blobs.shape[1:]
    x, y, w, h = width // 4, height // 4, width // 2, height // 2
    return moves(
        inputs,
        lambda masks: masks.crop((x, y, x + w, y + h)),
        lambda mask: mask.crop([x, y, w, h]),
        "crop",
    )


@row("pad 100", table=PIPELINES)
def pad(inputs: Inputs) -> Iterator[Contender]:
    """On all four sides."""
    return moves(
        inputs,
        lambda masks: masks.pad(left=20, top=10, right=20, bottom=20),
        lambda mask: mask.pad(10, 20, 20, 20),
        "pad",
    )


@row("translate 100", table=PIPELINES)
def translate(inputs: Inputs) -> Iterator[Contender]:
    """Right and down, in an image of the same size."""
    return moves(
        inputs,
        lambda masks: masks.translate(20, 10),
        lambda mask: mask.shift([10, 20]),
        "shift",
    )


def resized(inputs: Inputs, masks: NDArray[np.bool_]) -> Iterator[Contender]:
    """Resize to a square by the nearest pixel; the answers compared are the numbers of masks."""
    forms, images = Forms.of_dense(masks), masks.view(np.uint8)
    yield Contender(SEGCORE, lambda: forms.masks.resize((SIDE, SIDE)), len)
    if load("rlemasklib"):
        yield Contender(
            "rlemasklib",
            lambda: [mask.resize([SIDE, SIDE]) for mask in forms.rlemasks],
            len,
            "RLEMask.resize",
        )
    if cv2 := opencv():
        yield Contender(
            OPENCV,
            lambda: [cv2.resize(i, (SIDE, SIDE), interpolation=cv2.INTER_NEAREST) for i in images],
            len,
            "resize",
        )


@row(f"resize 100 to {SIDE} x {SIDE}", table=PIPELINES)
def resize(inputs: Inputs) -> Iterator[Contender]:
    """By the nearest pixel. rlemasklib takes another one, so the answers are not compared."""
    return resized(inputs, inputs.blobs)


@row(f"resize noise to {SIDE} x {SIDE}", table=PIPELINES)
def resize_noise(inputs: Inputs) -> Iterator[Contender]:
    """The same of a mask where runs are short."""
    return resized(inputs, inputs.noise[None])


@row("rotate 100 by 29 degrees", table=PIPELINES)
def affine(inputs: Inputs) -> Iterator[Contender]:
    """An affine map, by the nearest pixel. Positions are rounded differently: not compared."""
    forms, images = Forms.of_dense(inputs.blobs), inputs.blobs.view(np.uint8)
    height, width = inputs.blobs.shape[1:]
    yield Contender(SEGCORE, lambda: forms.masks.affine(ROTATION), len)
    if load("rlemasklib"):
        matrix = ROTATION.astype(np.float32)
        yield Contender(
            "rlemasklib",
            lambda: [mask.warp_affine(matrix, [height, width]) for mask in forms.rlemasks],
            len,
            "RLEMask.warp_affine",
        )
    if cv2 := opencv():
        yield Contender(
            OPENCV,
            lambda: [
                cv2.warpAffine(image, ROTATION, (width, height), flags=cv2.INTER_NEAREST)
                for image in images
            ],
            len,
            "warpAffine",
        )


@row(f"decode 100 to {SIDE} x {SIDE}", table=PIPELINES)
def decode_resized(inputs: Inputs) -> Iterator[Contender]:
    """From masks to a dense array; the other way decodes them whole, then resizes each."""
    forms = Forms.of_dense(inputs.blobs)
    yield Contender(
        SEGCORE, lambda: forms.masks.to_dense(np.uint8, size=(SIDE, SIDE)), counts_of_dense
    )
    if cv2 := opencv():

        def whole() -> list[Any]:
            dense = forms.masks.to_dense(np.uint8)
            return [
                cv2.resize(mask, (SIDE, SIDE), interpolation=cv2.INTER_NEAREST) for mask in dense
            ]

        yield Contender(OPENCV, whole, counts_of_dense, "resize")
