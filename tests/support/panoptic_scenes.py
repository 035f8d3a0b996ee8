"""Random pairs of panoptic maps, true and predicted, with all that the rule of PQ looks at."""

from __future__ import annotations

from typing import Any

import numpy as np

CATEGORIES = [
    {"id": 1, "isthing": 1, "name": "cat"},
    {"id": 44, "isthing": 1, "name": "dog"},
    {"id": 7, "isthing": 1, "name": "never seen"},
    {"id": 200, "isthing": 0, "name": "sky"},
    {"id": 100, "isthing": 0, "name": "grass"},
]
SEEN = [1, 44, 200, 100]


def scene(
    rng: np.random.Generator, size: tuple[int, int] = (48, 64)
) -> tuple[np.ndarray, list[dict[str, Any]], np.ndarray, list[dict[str, Any]]]:
    """Give a true map with its segments, and a prediction made of it.

    There are crowds, true segments that are hidden or have a wrong area, true labels that are not
    listed, void on both sides, and predictions that are moved, split, dropped and made up.
    """
    height, width = size
    truth = np.zeros(size, np.int32)
    ids = rng.choice(np.arange(1, 2**24), 60, replace=False)
    ids = iter(ids.tolist())
    entries = []
    for _ in range(rng.integers(1, 14)):
        y, x = rng.integers(0, height - 8), rng.integers(0, width - 8)
        number = next(ids)
        truth[y : y + rng.integers(4, 30), x : x + rng.integers(4, 30)] = number
        entries.append({"id": number, "category_id": int(rng.choice(SEEN))})
    true_segments = []
    for entry in entries:
        area = int(np.count_nonzero(truth == entry["id"]))
        if rng.random() < 0.15:
            area = max(1, int(area * rng.uniform(0.7, 1.3)))
        if rng.random() < 0.93:
            crowd = int(rng.random() < 0.2)
            true_segments.append({**entry, "iscrowd": crowd, "area": max(area, 1)})

    found = np.zeros(size, np.int32)
    segments = []

    def add(mask: np.ndarray, category: int) -> None:
        number = next(ids)
        found[mask] = number
        segments.append({"id": number, "category_id": category})

    for entry in entries:
        mask = truth == entry["id"]
        kind = rng.random()
        if kind < 0.15:
            continue
        moved = np.roll(mask, rng.integers(0, 3), axis=rng.integers(0, 2))
        if kind < 0.75:
            category = entry["category_id"] if rng.random() < 0.9 else int(rng.choice(SEEN))
            add((mask, moved, mask & moved, mask | moved)[rng.integers(0, 4)], category)
        else:
            left = np.arange(width) < rng.integers(0, width)
            add(mask & left, entry["category_id"])
            add(mask & ~left, entry["category_id"])
    for _ in range(rng.integers(0, 4)):
        y, x = rng.integers(0, height), rng.integers(0, width)
        mask = np.zeros(size, bool)
        mask[y : y + 9, x : x + 9] = True
        add(mask, int(rng.choice(SEEN)))
    y, x = rng.integers(0, height), rng.integers(0, width)
    found[y : y + 6, x : x + 6] = 0
    segments = [each for each in segments if np.any(found == each["id"])]
    order = rng.permutation(len(segments))
    return truth, true_segments, found, [segments[i] for i in order]
