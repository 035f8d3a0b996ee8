"""``python -m benchmarks.scale --masks 1_000_000``: data sets of any size, and what they cost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

SIZE = (480, 640)
PER_IMAGE = 7
CATEGORIES = 80
SHAPES = 20_000
"""Number of different polygons in a generated data set of any size."""


def shapes(count: int = SHAPES, seed: int = 0) -> list[str]:
    """Return the members "segmentation", "area" and "bbox" of polygons like those of COCO, as JSON.

    Radii are between 6 and 180 pixels, most of them small, and rings have 8 to 60 points.
    """
    rng = np.random.default_rng(seed)
    height, width = SIZE
    texts = []
    for _ in range(count):
        points = int(rng.integers(8, 61))
        angles = np.sort(rng.random(points)) * 2 * np.pi
        radius = 6 * 30 ** rng.random()
        radii = radius * (1 + 0.25 * rng.standard_normal(points)).clip(0.3, 1.7)
        center = rng.random(2) * (width, height)
        x = (center[0] + radii * np.cos(angles)).clip(0, width).round(2)
        y = (center[1] + radii * np.sin(angles) * rng.uniform(0.5, 1.5)).clip(0, height).round(2)
        area = abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2
        box = [x.min(), y.min(), x.max() - x.min(), y.max() - y.min()]
        ring = np.stack([x, y], axis=1).ravel().tolist()
        members = {
            "segmentation": [ring],
            "area": round(float(area), 2),
            "bbox": [round(float(value), 2) for value in box],
        }
        texts.append(json.dumps(members)[1:-1])
    return texts


def write_instances(path: Path, masks: int, seed: int = 0) -> None:
    """Write a COCO instance file of `masks` annotations, `PER_IMAGE` per image."""
    pool = shapes()
    images = -(-masks // PER_IMAGE)
    with path.open("w") as file:
        file.write('{"images": [')
        file.writelines(_joined(_image(index) for index in range(images)))
        file.write('],\n"categories": ')
        categories = [{"id": n, "name": f"category {n}"} for n in range(1, CATEGORIES + 1)]
        file.write(json.dumps(categories))
        file.write(',\n"annotations": [')
        file.writelines(_joined(_annotations(pool, masks, seed)))
        file.write("]}\n")


def _image(index: int) -> str:
    name = f"{index + 1:012}.jpg"
    return f'{{"id": {index + 1}, "file_name": "{name}", "height": {SIZE[0]}, "width": {SIZE[1]}}}'


def _annotations(pool: list[str], masks: int, seed: int) -> Iterator[str]:
    rng = np.random.default_rng(seed)
    for start in range(0, masks, 10_000):
        count = min(10_000, masks - start)
        chosen = rng.integers(len(pool), size=count).tolist()
        categories = rng.integers(1, CATEGORIES + 1, size=count).tolist()
        for row, (shape, category) in enumerate(zip(chosen, categories, strict=True), start):
            yield (
                f'{{"id": {row + 1}, "image_id": {row // PER_IMAGE + 1}, '
                f'"category_id": {category}, "iscrowd": 0, {pool[shape]}}}'
            )


def _joined(items: Iterator[str]) -> Iterator[str]:
    for index, item in enumerate(items):
        yield (",\n" if index else "") + item
