"""Time and memory depend on inputs and outputs: not on image sizes, nor on squares of anything."""

from __future__ import annotations

import importlib
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.exact import squared_distance

import segcore as sc
from segcore._rings import simplify

suppression = importlib.import_module("segcore.ops.suppression")

WIDE, HIGH = (2, 2**45), (2**45, 2)


def seconds(call) -> float:
    """Measure the fastest of several calls."""
    times = []
    for _ in range(5):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return min(times)


def comb(teeth: int) -> np.ndarray:
    """Draw the outline of a comb."""
    x = np.repeat(np.arange(2 * teeth), 2)
    y = np.tile([0, 9, 9, 0], teeth)
    return np.concatenate([np.stack([x, y], 1), [[2 * teeth, 12], [0, 12]]])


def staircase(steps: int) -> np.ndarray:
    corners = np.repeat(np.arange(steps + 1), 2)
    return np.concatenate([np.stack([corners[1:], corners[:-1]], 1), [[0, steps]]])


# -- simplified outlines --------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [comb, staircase])
@pytest.mark.parametrize("tolerance", [0.4, 1])
def test_simplification_measures_few_points(monkeypatch, shape, tolerance):
    measured = 0
    measure = simplify.squared_distance

    def counted(points, a, b):
        nonlocal measured
        measured += len(points)
        return measure(points, a, b)

    monkeypatch.setattr(simplify, "squared_distance", counted)
    ring = shape(1000)
    simplify.simplify(ring, np.array([0, len(ring)]), tolerance)
    assert measured <= len(ring) * (9 * np.ceil(np.log2(len(ring))) + 2)


@pytest.mark.parametrize("patience", [0, 1, 8])
@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 9)), min_size=3, max_size=60),
    st.floats(0.1, 4),
)
def test_any_split_stays_within_the_tolerance(patience, points, tolerance):
    ring = np.array(points, np.int64)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(simplify, "_PATIENCE", patience)
        found, _ = simplify.simplify(ring, np.array([0, len(ring)]), tolerance)
    closed = [*found, found[0]]
    line = 0
    for point in ring:  # in order, each lies near a line
        while line < len(found) and (
            float(squared_distance(point, closed[line], closed[line + 1])) > tolerance**2 + 1e-9
        ):
            line += 1
        assert line < len(found)


# -- holes ----------------------------------------------------------------------------------------


def row_of_holes(count: int) -> sc.Masks:
    x = np.arange(1, 2 * count, 2)
    corners = np.stack([x, np.ones_like(x), x + 1, np.full_like(x, 2)], 1)
    return ~sc.Masks.from_boxes(corners, (3, 2 * count + 1)).union()


def test_holes_are_filled_in_linear_time():
    few, many = (row_of_holes(count).to_polygons() for count in (200, 3200))
    assert sc.Masks.from_polygons(many) == row_of_holes(3200)
    fast, slow = (seconds(lambda p=p: sc.Masks.from_polygons(p)) for p in (few, many))
    assert slow < 64 * fast + 0.02  # 16 times as many


@pytest.mark.parametrize("tolerance", [0, 1, 2.5])
@pytest.mark.parametrize("connectivity", [4, 8])
def test_bridged_or_not_the_same_is_filled(connectivity, tolerance):
    """Simplified parts may overlap; they are united, not subtracted from each other."""
    masks = sc.Masks.from_dense(np.random.default_rng(1).random((12, 25, 31)) > 0.35)
    polygons = masks.to_polygons(connectivity, tolerance)
    filled = sc.Masks.from_polygons(polygons)
    assert filled == sc.Masks.from_polygons(polygons.to_coco(), masks.size)
    assert (filled == masks) == (tolerance == 0)


# -- images that are large in one direction -------------------------------------------------------


@pytest.mark.parametrize("size", [WIDE, HIGH, (2, 2**33), (1, 2**50)])
def test_full_and_empty_masks_of_thin_images(size):
    full = ~sc.Masks([], [0, 0], size)
    empty = ~full
    for masks in (full, empty):
        for grown in (sc.dilate(masks, 3), sc.closing(masks, 2), sc.opening(masks, 1)):
            assert grown == masks
        assert sc.erode(masks, 1) == empty
        assert sc.erode(masks, 1, "disc", border_value=True) == masks
        assert sc.boundary(masks, 1) == masks
        assert sc.fill_holes(masks) == sc.remove_small(masks, 1) == sc.keep_largest(masks) == masks
        assert sc.thin_parts(masks, 3) == empty
        assert len(sc.holes(masks)[0]) == 0
        assert len(masks.components()[0]) == (masks == full)
    assert full.to_polygons().vertices.max() == max(size)


@pytest.mark.parametrize("size", [(3, 2**45), (2**45, 3), (2**28, 2**28)])
def test_specks_far_apart(size):
    height, width = size
    last = height * width - 1
    specks = sc.Masks([0, 1, last], [0, 3], size)
    assert sc.dilate(specks, 1).area[0] == 8
    assert sc.erode(specks, 1) == specks - specks
    assert sc.boundary(specks, 2) == specks
    assert sc.opening(specks, 1, "disc").area[0] == 0
    assert len(specks.components()[0]) == 2
    assert sc.fill_holes(specks) == specks
    assert sc.fill_holes(~specks).area[0] == last - 1
    assert sc.boundary_iou(specks, specks, 0).tolist() == [[1]]
    assert len(specks.to_polygons().parent) == 2


# -- suppression ----------------------------------------------------------------------------------


def scattered(count: int) -> sc.Masks:
    x = 3.0 * np.arange(count)
    return sc.Masks.from_boxes(np.stack([x, 0 * x, x + 2, 0 * x + 2], 1), (2, 3 * count))


def test_masks_that_cannot_meet_are_not_compared(monkeypatch):
    masks = scattered(6000)
    scores = np.linspace(1, 0.5, len(masks))
    compared = 0
    overlap = suppression.kernels.overlap

    def counted(a_ends, a_offsets, b_ends, b_offsets, *others):
        nonlocal compared
        compared += (len(a_offsets) - 1) * (len(b_offsets) - 1)
        return overlap(a_ends, a_offsets, b_ends, b_offsets, *others)

    monkeypatch.setattr(suppression, "kernels", SimpleNamespace(overlap=counted))
    monkeypatch.setattr(sys.modules["segcore.ops.overlap"], "kernels", suppression.kernels)
    assert sc.nms(masks, scores, 0.5).tolist() == list(range(len(masks)))
    assert sc.soft_nms(masks, scores)[0].tolist() == list(range(len(masks)))
    assert sc.matrix_nms(masks, scores).tolist() == scores.tolist()
    assert compared <= 600 * len(masks)


@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.booleans())
def test_groups_change_no_result(seed, count, classes):
    """Masks that form groups are suppressed as if there were none."""
    random = np.random.default_rng(seed)
    corner = random.integers(0, 28, (count, 2))
    boxes = np.concatenate([corner, corner + random.integers(0, 6, (count, 2))], axis=1)
    masks = sc.Masks.from_boxes(boxes, (30, 30))
    scores = random.integers(1, 9, count) / 9
    ids = random.integers(0, 3, count) if classes else None
    calls = (
        lambda: [sc.nms(masks, scores, t, ids, m) for t in (0, 0.3) for m in ("iou", "smaller")],
        lambda: sc.merge_duplicates(masks, scores, 0.2, ids)[::2],
        lambda: sc.soft_nms(masks, scores, 0.1, class_ids=ids),
        lambda: sc.soft_nms(masks, scores, decay="gaussian", class_ids=ids),
        lambda: [sc.matrix_nms(masks, scores, ids, kernel) for kernel in ("gaussian", "linear")],
    )
    for call in calls:
        expected = call()
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(suppression, "_MANY", 0)
            found = call()
        for one, other in zip(found, expected, strict=True):
            assert one.tolist() == other.tolist()
