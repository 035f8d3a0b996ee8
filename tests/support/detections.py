"""Small random data sets of instances with detections, of every kind that changes a score."""

from __future__ import annotations

from typing import Any

import numpy as np

import segcore as sc

SIZE = 40, 60
AREAS = (10, 1023.9, 1024, 1025, 9216, 9217)
"""Areas at the limits of COCO's ranges: an annotation need not have the area of its mask."""


def data_set(seed: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return a COCO document, and results with masks and boxes, whose scores have ties.

    Some objects are crowds, empty or of id 0; some images and categories have none.
    """
    rng = np.random.default_rng(seed)
    images = rng.choice(1000, int(rng.integers(1, 6)), replace=False).tolist()
    categories = sorted(rng.choice(50, int(rng.integers(1, 4)), replace=False).tolist())
    ids = (rng.permutation(200) + int(rng.integers(0, 2))).tolist()
    annotations: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    for image in images:
        for _ in range(int(rng.integers(0, 7))):
            x, y, width, height = rng.integers(0, [50, 30, 50, 40]).tolist()
            true = _object(x, y, width, height)
            area = true["area"] if rng.random() < 0.7 else float(rng.choice(AREAS))
            category = int(rng.choice(categories))
            annotations.append(
                true
                | {"id": ids[len(annotations)], "image_id": image, "category_id": category}
                | {"iscrowd": int(rng.random() < 0.2), "area": area}
            )
            for _ in range(int(rng.integers(0, 4))):
                found = np.maximum(
                    np.add(rng.integers(-3, 4, 4), [x, y, width, height]), 0
                ).tolist()
                score = float(rng.choice([0.1, 0.5, 0.5, 0.9, rng.random()]))
                given = int(rng.choice(categories)) if rng.random() < 0.2 else category
                result = _object(*found) | {"image_id": image, "category_id": given, "score": score}
                del result["area"]
                results.append(result)
    document = {
        "images": [{"id": image, "height": SIZE[0], "width": SIZE[1]} for image in images],
        "annotations": annotations,
        "categories": [{"id": category, "name": str(category)} for category in categories],
    }
    return document, [results[index] for index in rng.permutation(len(results)).tolist()]


def _object(x: int, y: int, width: int, height: int) -> dict[str, Any]:
    pixels = np.zeros(SIZE, np.bool_)
    pixels[y : y + height, x : x + width] = True
    [rle] = sc.Masks.from_dense(pixels).to_coco()
    box = [float(value) for value in (x, y, width, height)]
    return {"segmentation": rle, "bbox": box, "area": float(pixels.sum())}
