"""Pairs of masks that overlap, and intersections with chosen masks of another batch."""

from __future__ import annotations

import numpy as np
import pytest
from support.util import patterns

import segcore as sc
from segcore.ops import pairs
from segcore.ops.pairs import intersect_each, overlapping_pairs


def scattered(count: int, size: tuple[int, int], seed: int) -> sc.Masks:
    """Draw boxes of all scales, some of them empty."""
    rng = np.random.default_rng(seed)
    side = max(size) * rng.random((count, 2)) ** 4
    corner = rng.random((count, 2)) * size[::-1]
    return sc.Masks.from_boxes(np.concatenate([corner, corner + side], axis=1).round(), size)


def check(a: sc.Masks, b: sc.Masks) -> None:
    dense = sc.intersection_area(a, b)
    i, j, area = overlapping_pairs(a, b)
    rows, columns = np.nonzero(dense)
    assert np.array_equal(i, rows)
    assert np.array_equal(j, columns)
    assert np.array_equal(area, dense[rows, columns])


@pytest.mark.parametrize("counts", [(0, 0), (0, 3), (3, 0), (1, 1), (700, 300), (300, 1100)])
def test_pairs_are_those_of_the_dense_matrix(counts):
    a, b = (scattered(count, (90, 200), count) for count in counts)
    check(a, b)


def test_pairs_in_small_blocks(monkeypatch):
    monkeypatch.setattr(pairs, "_BLOCK", 5)
    monkeypatch.setattr(pairs, "_MAX_PAIRS", 300)
    check(scattered(120, (60, 40), 1), scattered(110, (60, 40), 2))


def test_pairs_of_noise():
    noise = sc.Masks.from_dense(patterns(17, 33))
    check(noise, noise[::-1])


def test_pairs_on_a_canvas_beyond_32_bits():
    size = (2**20, 2**20)
    boxes = np.array([[0, 0, 9, 9], [2**19, 2**19, 2**19 + 5, 2**20], [5, 5, 12, 7]], float)
    a = sc.Masks.from_boxes(boxes, size)
    check(a, a)


@pytest.mark.parametrize("size", [(17, 33), (1, 9), (64, 3), (5, 0)])
def test_intersect_each_is_the_intersection_of_gathered_masks(size):
    masks = sc.Masks.from_dense(patterns(*size))
    rng = np.random.default_rng(3)
    for _ in range(20):
        chosen = masks[rng.integers(0, len(masks), 60)]
        index = rng.integers(0, len(masks), 60)
        assert intersect_each(chosen, masks, index) == chosen & masks[index]


def test_intersect_each_of_boxes_and_a_wall_with_windows():
    size = (300, 400)
    windows = scattered(500, size, 4)
    wall = ~windows.union()
    index = np.zeros(500, np.int64)
    assert intersect_each(windows, wall, index).area.sum() == 0
    grown = sc.dilate(windows, 2)
    assert intersect_each(grown, wall, index) == grown & wall
    assert intersect_each(grown[:0], wall, index[:0]) == grown[:0]
    huge = sc.Masks.from_boxes([[0, 0, 2**20, 2**20]], (2**20, 2**20))
    few = sc.Masks.from_boxes([[7, 7, 9, 9]], huge.size)
    assert intersect_each(few, huge, index[:1]) == few
    assert intersect_each(huge, few, index[:1]) == few
