"""Boundaries, components, holes and outlines, beside OpenCV and others."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

import segcore as sc

from ...inputs import Inputs, rough
from ..forms import Forms, counts_of_masks, counts_of_rlemasks
from ..libraries import load
from ..row import PIPELINES, row
from ..timing import SEGCORE, Contender

OPENCV = "opencv-python-headless"
SMALL = 1000  # pixels of a hole


def opencv() -> ModuleType | None:
    """Give OpenCV on one thread, if it is installed. It takes and gives dense masks."""
    cv2 = load("cv2")
    if cv2:
        cv2.setNumThreads(1)
    return cv2


def counts_of_dense(masks: Any) -> list[bytes]:
    return counts_of_masks(sc.Masks.from_dense(np.array(masks)))


@row("boundary IoU 100 x 100: blobs", table=PIPELINES)
def boundary_iou(inputs: Inputs) -> Iterator[Contender]:
    """Of bands of 2 % of the diagonal; faster-coco-eval from and to strings."""
    forms = Forms.of_dense(inputs.blobs)
    yield Contender(SEGCORE, lambda: sc.boundary_iou(forms.masks, forms.masks), np.asarray)
    if module := load("faster_coco_eval.core.mask"):

        def of_strings() -> Any:
            bands = module._mask.toBoundary(forms.rles, 0.02)
            return module.iou(bands, bands, [0] * len(bands))

        yield Contender("faster-coco-eval", of_strings, np.asarray, "toBoundary, iou")


def dilate(inputs: Inputs, distance: int, shape: str) -> Iterator[Contender]:
    forms, images = Forms.of_dense(inputs.blobs), inputs.blobs.view(np.uint8)
    side = 2 * distance + 1
    yield Contender(SEGCORE, lambda: sc.dilate(forms.masks, distance, shape), counts_of_masks)
    if cv2 := opencv():
        element = np.ones((side, side), np.uint8)
        if shape == "disc":
            y, x = np.ogrid[-distance : distance + 1, -distance : distance + 1]
            element = (np.hypot(y, x) <= distance).astype(np.uint8)
        yield Contender(
            OPENCV, lambda: [cv2.dilate(image, element) for image in images], counts_of_dense
        )
    if load("rlemasklib") and shape == "square":  # it has other discs
        yield Contender(
            "rlemasklib",
            lambda: [mask.dilate(shape, side) for mask in forms.rlemasks],
            counts_of_rlemasks,
            "RLEMask.dilate",
        )


@row("dilate 100 by a square, 10 pixels", table=PIPELINES)
def dilate_by_square(inputs: Inputs) -> Iterator[Contender]:
    """From what every library has: masks, or dense arrays."""
    return dilate(inputs, 10, "square")


@row("dilate 100 by a square, 40 pixels", table=PIPELINES)
def dilate_far(inputs: Inputs) -> Iterator[Contender]:
    """The same, farther."""
    return dilate(inputs, 40, "square")


@row("dilate 100 by a disc, 10 pixels", table=PIPELINES)
def dilate_by_disc(inputs: Inputs) -> Iterator[Contender]:
    """The same, as far in all directions."""
    return dilate(inputs, 10, "disc")


def components(dense: NDArray[np.bool_]) -> Iterator[Contender]:
    forms, images = Forms.of_dense(dense), dense.view(np.uint8)
    yield Contender(SEGCORE, forms.masks.components, lambda parts: len(parts[0]))
    if cv2 := opencv():
        yield Contender(
            OPENCV,
            lambda: [cv2.connectedComponents(image, connectivity=8) for image in images],
            lambda found: sum(count - 1 for count, _ in found),
            "connectedComponents",
        )
    if load("rlemasklib"):
        yield Contender(
            "rlemasklib",
            lambda: [mask.connected_components(connectivity=8) for mask in forms.rlemasks],
            lambda found: sum(map(len, found)),
            "RLEMask.connected_components",
        )


@row("components of 100: blobs", table=PIPELINES)
def components_of_blobs(inputs: Inputs) -> Iterator[Contender]:
    """Eight neighbours each; the answers that are compared are the numbers of components."""
    return components(inputs.blobs)


@row("components of one mask: noise", table=PIPELINES)
def components_of_noise(inputs: Inputs) -> Iterator[Contender]:
    """The same of a mask where runs are short."""
    return components(inputs.noise[None])


@row("fill all holes of blobs with 30 each", table=PIPELINES)
def fill_holes(inputs: Inputs) -> Iterator[Contender]:
    """OpenCV floods the background from a border; what stays dry is filled."""
    forms = Forms.of_dense(inputs.holed_blobs)
    padded = np.pad(inputs.holed_blobs.view(np.uint8), ((0, 0), (1, 1), (1, 1)))
    yield Contender(SEGCORE, lambda: sc.fill_holes(forms.masks), counts_of_masks)
    if cv2 := opencv():

        def flooded() -> list[Any]:
            found = []
            for image in padded.copy():
                cv2.floodFill(image, None, (0, 0), 2)
                found.append(image[1:-1, 1:-1] != 2)
            return found

        yield Contender(OPENCV, flooded, counts_of_dense, "floodFill")


@row(f"fill holes of fewer than {SMALL} pixels", table=PIPELINES)
def fill_small_holes(inputs: Inputs) -> Iterator[Contender]:
    """Of the same masks, none at the edge: there rlemasklib also fills what the edge cuts off."""
    forms = Forms.of_dense(inputs.holed_blobs)
    yield Contender(SEGCORE, lambda: sc.fill_holes(forms.masks, SMALL - 1), counts_of_masks)
    if load("rlemasklib"):
        yield Contender(
            "rlemasklib",
            lambda: [mask.fill_small_holes(min_size=SMALL) for mask in forms.rlemasks],
            counts_of_rlemasks,
            "RLEMask.fill_small_holes",
        )


def outline(dense: NDArray[np.bool_]) -> Iterator[Contender]:
    masks, images = sc.Masks.from_dense(dense), dense.view(np.uint8)
    yield Contender(SEGCORE, masks.to_polygons, lambda polygons: len(polygons.parent))
    if cv2 := opencv():
        how = cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE
        yield Contender(
            OPENCV,
            lambda: [cv2.findContours(image, *how)[0] for image in images],
            lambda found: sum(map(len, found)),
            "findContours",
        )


@row("polygons of 10 blobs of 3024 x 4032", table=PIPELINES)
def outline_of_blobs(inputs: Inputs) -> Iterator[Contender]:
    """From masks, or dense arrays; the answers that are compared are the numbers of rings."""
    return outline(inputs.photograph_blobs)


@row("polygons of 10 blobs of 3024 x 4032, rough edges", table=PIPELINES)
def outline_of_rough_blobs(inputs: Inputs) -> Iterator[Contender]:
    """The same with edges as noisy predictions have them."""
    return outline(rough(inputs.photograph_blobs))
