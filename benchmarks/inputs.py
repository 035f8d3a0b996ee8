"""The inputs of every benchmark: made from fixed seeds, or read from SEGCORE_TEST_DATA.

``Inputs(quick=True)`` gives the same kinds of input at a size for which a test has time.
"""

from __future__ import annotations

import json
import os
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

TEST_DATA = "SEGCORE_TEST_DATA"


def blobs(count: int, height: int, width: int, seed: int = 1) -> NDArray[np.bool_]:
    """Draw one wobbly ellipse a mask, (N, H, W): about 700 counts each at 1080 x 1920.

    The outline waves with up to seven periods, so that some columns have several runs.
    """
    rng = np.random.default_rng(seed)
    masks = np.zeros((count, height, width), bool)
    for mask in masks:
        radius = height * rng.uniform(0.06, 0.24)
        aspect = rng.uniform(0.6, 1.6)
        cy, cx = rng.uniform(0.1, 0.9, 2) * (height, width)
        reach_y, reach_x = int(1.3 * radius / aspect) + 2, int(1.3 * radius * aspect) + 2
        top, bottom = max(int(cy) - reach_y, 0), min(int(cy) + reach_y, height)
        left, right = max(int(cx) - reach_x, 0), min(int(cx) + reach_x, width)
        y, x = np.ogrid[top:bottom, left:right]
        dy = ((y - cy) * aspect).astype(np.float32)
        dx = ((x - cx) / aspect).astype(np.float32)
        angle = np.arctan2(dy, dx)
        outline = np.full_like(angle, radius)
        periods, phases = rng.integers(2, 8, 3).tolist(), rng.uniform(0, 2 * np.pi, 3).tolist()
        for period, phase in zip(periods, phases, strict=True):
            outline += 0.1 * radius * np.sin(period * angle + phase)
        mask[top:bottom, left:right] = np.hypot(dy, dx) < outline
    return masks


def stars(count: int, vertices: int, height: int, width: int) -> list[NDArray[np.float64]]:
    """Draw polygons, (vertices, 2) arrays of x and y: star-shaped, with a smooth random outline."""
    rng = np.random.default_rng(2)
    angle = np.linspace(0, 2 * np.pi, vertices, endpoint=False)
    polygons = []
    for _ in range(count):
        radius = height * rng.uniform(0.06, 0.24) * (1 + 0.2 * np.sin(rng.integers(2, 8) * angle))
        cy, cx = rng.uniform(0.25, 0.75, 2) * (height, width)
        points = np.stack([cx + radius * np.cos(angle), cy + radius * np.sin(angle)], axis=1)
        polygons.append(np.round(points, 2))
    return polygons


def paint(masks: NDArray[np.bool_], dtype: type[np.integer[Any]]) -> NDArray[Any]:
    """Paint mask ``i`` as ``i + 1`` into a C-order label map, later masks over earlier ones."""
    labels = np.zeros(masks.shape[1:], dtype)
    for value, mask in enumerate(masks, 1):
        labels[mask] = value
    return labels


def cells(rows: int, columns: int, height: int, width: int) -> NDArray[np.uint32]:
    """Draw a label map of discs that do not touch, as of cells in a microscope: 1, 2, 3, ..."""
    y, x = np.ogrid[:height, :width]
    row, column = y * rows // height, x * columns // width
    dy = (y + 0.5) * rows / height - row - 0.5
    dx = (x + 0.5) * columns / width - column - 0.5
    return np.where(np.hypot(dy, dx) < 0.45, row * columns + column + 1, 0).astype(np.uint32)


def rough(masks: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Shift each row by up to two pixels, as noisy predictions have edges."""
    rng = np.random.default_rng(0)
    ragged = masks.copy()
    for mask in ragged:
        for y in np.flatnonzero(mask.any(axis=1)):
            mask[y] = np.roll(mask[y], rng.integers(-2, 3))
    return ragged


def punched(masks: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Punch holes of 5 x 5 pixels, thirty per mask."""
    rng = np.random.default_rng(0)
    holed = masks.copy()
    for mask in holed:
        places = np.argwhere(mask)
        for y, x in places[rng.integers(0, len(places), 30)]:
            mask[y : y + 5, x : x + 5] = False
    return holed


class Inputs:
    """The inputs, each made when it is first asked for.

    They are writable, because some peers take no other arrays; nobody writes to them.
    """

    def __init__(self, quick: bool = False) -> None:
        self.quick = quick
        self.count, self.height, self.width = (4, 67, 131) if quick else (100, 1080, 1920)
        self.side = 65 if quick else 4000
        self.cell_rows, self.cell_side = (4, 64) if quick else (22, 1024)
        self.real_count = 10 if quick else 100

    @cached_property
    def blobs(self) -> NDArray[np.bool_]:
        """A batch of blobs, (N, H, W) in C order."""
        return blobs(self.count, self.height, self.width)

    @cached_property
    def blobs_interleaved(self) -> NDArray[np.uint8]:
        """The same batch as pycocotools takes it: (H, W, N) uint8 in Fortran order."""
        return np.asfortranarray(self.blobs.transpose(1, 2, 0)).view(np.uint8)

    @cached_property
    def holed_blobs(self) -> NDArray[np.bool_]:
        """Blobs with 30 holes each, without those at the edge of the image."""
        holed = punched(self.blobs)
        at_edge = holed[:, [0, -1]].any((1, 2)) | holed[:, :, [0, -1]].any((1, 2))
        return holed[~at_edge]

    @cached_property
    def photograph_blobs(self) -> NDArray[np.bool_]:
        """Ten blobs at the size of a photograph, 3024 x 4032."""
        return blobs(10, *((67, 131) if self.quick else (3024, 4032)))

    @cached_property
    def other_blobs(self) -> NDArray[np.bool_]:
        """A second batch, to intersect the first with."""
        return blobs(self.count, self.height, self.width, seed=3)

    @cached_property
    def noise(self) -> NDArray[np.bool_]:
        """One mask, (H, W) in C order, every pixel a coin toss."""
        return np.random.default_rng(4).random((self.height, self.width)) < 0.5

    @cached_property
    def vertical_stripes(self) -> NDArray[np.bool_]:
        """Columns of one pixel's width, foreground and background in turn."""
        return np.tile(np.arange(self.side) % 2 == 1, (self.side, 1))

    @cached_property
    def horizontal_stripes(self) -> NDArray[np.bool_]:
        """Rows of one pixel's height: every pixel is a run of its own."""
        return np.ascontiguousarray(self.vertical_stripes.T)

    @cached_property
    def empty(self) -> NDArray[np.bool_]:
        """No foreground."""
        return np.zeros((self.height, self.width), bool)

    @cached_property
    def full(self) -> NDArray[np.bool_]:
        """No background."""
        return np.ones((self.height, self.width), bool)

    @cached_property
    def one_pixel(self) -> NDArray[np.bool_]:
        """The smallest mask, 1 x 1 and foreground."""
        return np.ones((1, 1), bool)

    @cached_property
    def tiny(self) -> NDArray[np.bool_]:
        """A mask as a Mask R-CNN head emits it, 28 x 28."""
        return blobs(1, 28, 28)[0]

    @cached_property
    def polygons(self) -> list[NDArray[np.float64]]:
        """Polygons of 64 vertices, each (64, 2)."""
        return stars(self.count, 64, self.height, self.width)

    @cached_property
    def polygon_lists(self) -> list[list[float]]:
        """The same polygons as COCO stores them: flat lists of x and y."""
        return [polygon.ravel().tolist() for polygon in self.polygons]

    @cached_property
    def labels_uint8(self) -> NDArray[np.uint8]:
        """The blobs as a label map in C order: 1 to N, 0 for background."""
        return paint(self.blobs, np.uint8)

    @cached_property
    def labels_int32(self) -> NDArray[np.int32]:
        """The same label map as int32."""
        return self.labels_uint8.astype(np.int32)

    @cached_property
    def cells(self) -> NDArray[np.uint32]:
        """A label map with more labels than uint8 has: 484 discs in 1024 x 1024."""
        return cells(self.cell_rows, self.cell_rows, self.cell_side, self.cell_side)

    @cached_property
    def label_pairs(self) -> dict[str, tuple[NDArray[Any], NDArray[Any]]]:
        """Pairs of label maps to be compared, truth and prediction, by name."""
        rng = np.random.default_rng(6)
        side, boxes = (65, 20) if self.quick else (1024, 800)
        classes = paint(blobs(19, side, side, seed=7), np.uint8)
        mistaken = classes.copy()
        wrong = rng.random(classes.shape) < 0.1
        mistaken[wrong] = rng.integers(0, 19, np.count_nonzero(wrong), np.uint8)
        objects = np.zeros((side, side), np.int32)
        for value in range(1, boxes + 1):
            y, x = rng.integers(0, side, 2)
            half = rng.integers(side // 200 + 1, side // 17)
            objects[max(0, y - half) : y + half, max(0, x - half) : x + half] = value
        moved = np.roll(objects, (7, 9), (0, 1))
        colours = rng.integers(0, 2**24, boxes + 1)
        noise = rng.integers(0, 21, (2, side, side), np.uint8)
        return {
            "classes": (classes, np.roll(classes, (7, 9), (0, 1))),
            "classes, noisy": (classes, mistaken),
            "objects": (objects, moved),
            "objects, RGB ids": (colours[objects], colours[moved]),
            "noise": (noise[0], noise[1]),
            "constant": (np.zeros_like(objects), np.full_like(objects, 7)),
        }

    @cached_property
    def real(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]] | None:
        """Ground truth and results of COCO images of 480 x 640, up to 100 RLEs each.

        They come from several images: what counts here is their shape. None where there is no
        data.
        """
        folder = os.environ.get(TEST_DATA)
        if not folder:
            return None
        from pycocotools import mask as coco

        size = [480, 640]
        data = Path(folder) / "coco_val2014_100"
        truth = json.loads((data / "instances_val2014_100.json").read_text("utf-8"))
        found = json.loads((data / "instances_val2014_fakesegm100_results.json").read_text("utf-8"))
        images = {each["id"] for each in truth["images"] if [each["height"], each["width"]] == size}
        polygons = [
            each["segmentation"]
            for each in truth["annotations"]
            if each["image_id"] in images and not each["iscrowd"]
        ]
        truths = [coco.merge(coco.frPyObjects(each, *size)) for each in polygons[: self.real_count]]
        results = [
            {**each["segmentation"], "counts": each["segmentation"]["counts"].encode()}
            for each in found
            if each["segmentation"]["size"] == size
        ]
        return results[: self.real_count], truths

    @cached_property
    def real_polygons(self) -> list[tuple[list[list[float]], int, int]] | None:
        """The polygons of each annotation of LVIS and TACO, with its image's height and width.

        None where there is no data.
        """
        folder = os.environ.get(TEST_DATA)
        if not folder:
            return None
        found = []
        for name in ("lvis_val_100", "taco"):
            for path in sorted((Path(folder) / name).glob("*.json")):
                data = json.loads(path.read_text("utf-8"))
                sizes = {each["id"]: (each["height"], each["width"]) for each in data["images"]}
                found += [
                    (each["segmentation"], *sizes[each["image_id"]])
                    for each in data["annotations"]
                    if isinstance(each["segmentation"], list) and each["segmentation"]
                ]
        return found[: self.real_count] if self.quick else found
