"""Make coco.json, with pycocotools: what it says of masks, polygons, boxes and pairs of masks.

    python tests/golden/make.py

malformed.json is written by hand: pycocotools crashes or lies where segcore must raise.
"""

from __future__ import annotations

import json
import warnings
from itertools import pairwise
from pathlib import Path

import numpy as np

FILE = Path(__file__).with_name("coco.json")


def masks() -> list[np.ndarray]:
    """Draw small masks of every character, and a few larger ones."""
    rng = np.random.default_rng(2014)
    drawn = []
    for size in ((1, 1), (1, 7), (7, 1), (3, 5), (8, 8), (16, 17), (33, 32), (65, 64)):
        y, x = np.mgrid[: size[0], : size[1]]
        ellipse = (y - size[0] / 2) ** 2 + (x - size[1] / 2) ** 2 < min(size) ** 2 / 6
        drawn += [
            np.zeros(size, bool),
            np.ones(size, bool),
            (x + y) % 2 == 0,
            x // 2 % 2 == 1,
            y % 3 == 0,
            ellipse,
            ~ellipse,
            rng.random(size) < 0.2,
            rng.random(size) < 0.8,
        ]
    return drawn


def rings() -> list[tuple[tuple[int, int], list[list[float]]]]:
    """Draw polygons, as (size, rings): inside, outside, thin, tiny, with ties, in pieces."""
    rng = np.random.default_rng(2017)
    drawn = []
    for size in ((1, 1), (2, 3), (5, 5), (30, 40), (64, 65)):
        scale = np.array([size[1], size[0]], float)
        for n in (3, 4, 5, 9):
            unit = rng.random((n, 2))
            angles = np.linspace(0, 2 * np.pi, n, endpoint=False)
            circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
            ways = [
                unit * scale,
                3 * unit * scale - scale,
                np.floor(unit * (scale + 2) - 1),
                np.round(unit * scale * 10) / 10,
                np.round(unit * scale * 2) / 2,
                unit * [0.6, 1] * scale,
                unit * 0.9 + scale / 2,
                circle * scale / 2.5 + scale / 2,
                circle * [1e4, 0.3] + scale / 2,
            ]
            drawn += [(size, [way.ravel().round(3).tolist()]) for way in ways]
            drawn.append((size, [way.ravel().round(3).tolist() for way in ways[:4]]))
    return drawn


def boxes() -> list[tuple[tuple[int, int], list[float]]]:
    """Draw boxes, as (size, x y width height)."""
    rng = np.random.default_rng(2020)
    corner, extent = rng.uniform(-5, 40, (60, 2)), rng.uniform(0, 30, (60, 2))
    some = np.round(np.concatenate([corner, extent], axis=1), 1).tolist()
    special = [[0.5, 0.5, 1, 1], [0, 0, 40, 30], [0, 0, 0, 0], [3, 3, 0, 5], [39, 29, 1, 1]]
    return [((30, 40), box) for box in [*some, *special]]


def golden() -> dict[str, list]:
    """Ask pycocotools."""
    from pycocotools import mask as coco

    drawn = masks()
    rles = [coco.encode(np.asfortranarray(mask, np.uint8)) for mask in drawn]
    neighbours = [(a, b) for a, b in pairwise(rles) if a["size"] == b["size"]]
    return {
        "masks": [
            {
                **json_ready(rle),
                "pixels": ["".join("01"[pixel] for pixel in row) for row in mask.astype(int)],
                "area": int(coco.area(rle)),
                "bbox": [int(number) for number in coco.toBbox(rle)],
            }
            for mask, rle in zip(drawn, rles, strict=True)
        ],
        "polygons": [
            {**json_ready(coco.merge(coco.frPyObjects(polygon, *size))), "rings": polygon}
            for size, polygon in rings()
        ],
        "boxes": [
            {**json_ready(coco.frPyObjects(np.array([box], float), *size)[0]), "bbox": box}
            for size, box in boxes()
        ],
        "pairs": [
            {
                "size": a["size"],
                "a": a["counts"].decode(),
                "b": b["counts"].decode(),
                "union": coco.merge([a, b])["counts"].decode(),
                "intersection": coco.merge([a, b], True)["counts"].decode(),
                "iou": float(coco.iou([a], [b], [0])[0, 0]),
            }
            for a, b in neighbours
        ],
    }


def json_ready(rle: dict) -> dict:
    return {"size": list(rle["size"]), "counts": rle["counts"].decode()}


def text() -> str:
    """Lay the golden answers out with one item a line."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pycocotools warns under NumPy 2
        parts = golden()
    groups = []
    for name, items in parts.items():
        lines = ",\n".join(f"  {json.dumps(item)}" for item in items)
        groups.append(f'"{name}": [\n{lines}\n]')
    return "{\n" + ",\n".join(groups) + "\n}\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
