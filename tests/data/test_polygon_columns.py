"""Polygons of some rows of a large column."""

import tracemalloc

import numpy as np

import segcore as sc
from segcore.data.columns.segmentations import POLYGON, Segmentations

RING = np.array([1, 1, 5, 1, 5, 4], np.float64)


def column(rings_per_row):
    """Return polygons of triangles, each of which is a pixel below the one before."""
    counts = np.asarray(rings_per_row, np.int64)
    total = int(counts.sum())
    shift = np.tile([0.0, 1.0], 3) * (np.arange(total) % 5)[:, None]
    none = np.zeros(len(counts), np.int64)
    return Segmentations(
        np.full(len(counts), POLYGON, np.uint8),
        *(none, none, np.cumsum(counts) - counts, counts),
        *(np.empty(0, np.uint8), np.empty(0, np.int64), 3 * np.arange(1, total + 1)),
        *((RING + shift).ravel(), np.ones(6 * total, np.uint8)),
    )


def test_masks_of_any_rows_are_those_of_their_rings():
    polygons = column([1, 3, 1, 2, 1, 4])
    size = (12, 12)
    for rows in ([0], [1], [5], [2, 3], [5, 0, 3], [1, 1], [0, 1, 2, 3, 4, 5], []):
        part = polygons[np.array(rows, np.int64)]
        expected = [polygons.value(row) for row in rows]
        found = part.masks(size)
        assert found == sc.Masks.from_coco(expected, size)
        assert [part.value(index) for index in range(len(rows))] == expected


def test_memory_for_some_rows_does_not_depend_on_the_column():
    polygons = column(np.ones(200_000, np.int64))
    part = polygons[150_000:150_007]
    tracemalloc.start()
    try:
        masks = part.masks((12, 12))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(masks) == 7
    assert peak < 100_000
