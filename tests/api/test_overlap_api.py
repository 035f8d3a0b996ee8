"""Areas and ratios of all pairs of masks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import two_dense
from support.util import Pycocotools

import segcore as sc


def counted(a, b):
    return np.array([[np.sum(x & y) for y in b] for x in a], np.int64).reshape(len(a), len(b))


def divided(over, under):
    with np.errstate(invalid="ignore"):
        return np.where(under == 0, 0.0, over / under)


@given(two_dense())
def test_all_pairs(batches):
    a, b = batches
    masks = sc.Masks.from_dense(a), sc.Masks.from_dense(b)
    common = counted(a, b)
    a_area = a.sum(axis=(1, 2))[:, None]
    b_area = b.sum(axis=(1, 2))[None]
    np.testing.assert_array_equal(sc.intersection_area(*masks), common)
    np.testing.assert_array_equal(sc.iou(*masks), divided(common, a_area + b_area - common))
    np.testing.assert_array_equal(sc.dice(*masks), divided(2 * common, a_area + b_area))
    np.testing.assert_array_equal(sc.containment(*masks), divided(common, a_area + 0 * b_area))
    crowd = np.arange(len(b)) % 2 == 1
    expected = divided(common, np.where(crowd, a_area, a_area + b_area - common))
    for flags in (crowd, crowd.tolist(), crowd.astype(np.uint8), crowd.astype(">i4")):
        np.testing.assert_array_equal(sc.iou(*masks, crowd=flags), expected)


@pytest.mark.parametrize("function", [sc.intersection_area, sc.iou, sc.dice, sc.containment])
def test_results(function):
    a = sc.Masks.from_boxes([[0, 0, 2, 2], [1, 1, 4, 4]], (4, 4))
    b = sc.Masks.from_boxes([[0, 0, 2, 2]] * 3, (4, 4))
    result = function(a, b)
    assert result.shape == (2, 3)
    assert result.dtype == (np.int64 if function is sc.intersection_area else np.float64)
    assert result.flags.c_contiguous
    assert function(a[:0], b).shape == (0, 3)
    assert function(a, b[:0]).shape == (2, 0)


@pytest.mark.parametrize("function", [sc.iou, sc.dice, sc.containment])
def test_empty_masks_have_no_overlap(function):
    empty = sc.Masks([], [0, 0], (4, 4))
    full = sc.Masks([0], [0, 1], (4, 4))
    assert function(empty, empty).tolist() == [[0.0]]
    assert function(empty, full).tolist() == [[0.0]]
    assert function(full, empty).tolist() == [[0.0]]
    assert sc.iou(empty, empty, crowd=[True]).tolist() == [[0.0]]


def test_the_largest_masks():
    full = sc.Masks([0], [0, 1], (2**29, 2**29))
    for function in (sc.iou, sc.dice, sc.containment):
        assert function(full, full).tolist() == [[1.0]]
    assert sc.intersection_area(full, full).tolist() == [[2**58]]


def test_iou_of_pycocotools():
    mask = Pycocotools()
    rng = np.random.default_rng(1)
    a = sc.Masks.from_dense(rng.random((9, 31, 47)) < 0.3)
    b = sc.Masks.from_dense(rng.random((8, 31, 47)) < 0.6)
    crowd = rng.random(8) < 0.5
    expected = mask.iou(a.to_coco(), b.to_coco(), crowd.astype(np.uint8))
    np.testing.assert_array_equal(sc.iou(a, b, crowd), expected)


@pytest.mark.parametrize("function", [sc.intersection_area, sc.iou, sc.dice, sc.containment])
def test_other_sizes_and_things_are_refused(function):
    a, b = sc.Masks([], [0, 0], (4, 6)), sc.Masks([], [0, 0], (6, 4))
    with pytest.raises(ValueError, match=r"the same image size, got \(4, 6\) and \(6, 4\)"):
        function(a, b)
    with pytest.raises(ValueError, match=r"^b: .* boxes of the shape \(N, 4\), got .*\(1, 4, 6\)"):
        function(a, np.zeros((1, 4, 6)))
    with pytest.raises(TypeError, match=r"^a: expected Masks or boxes, got str"):
        function("masks", a)
    with pytest.raises(TypeError, match=r"^b: expected Masks or boxes, got ndarray"):
        function(a, np.zeros((6, 4), bool))
    with pytest.raises(TypeError, match=r"^a, b: expected at least one Masks"):
        function([[0, 0, 1, 1]], np.zeros((1, 4)))
    with pytest.raises(ValueError, match="box 0: expected x0 y0 x1 y1 with x0 <= x1"):
        function(a, [[3, 0, 1, 1]])
    with pytest.raises(ValueError, match=r"mask 0: coordinate 0 is not a finite number"):
        function(a, [[np.nan, 0, 1, 1]])


@pytest.mark.parametrize("function", [sc.intersection_area, sc.iou, sc.dice, sc.containment])
def test_boxes_are_filled_in_the_size_of_the_masks(function):
    rng = np.random.default_rng(0)
    masks = sc.Masks.from_dense(rng.random((5, 31, 47)) < 0.5)
    boxes = np.sort(rng.uniform(-5, 50, (7, 2, 2)), axis=1).reshape(7, 4)
    boxes[0], boxes[1] = [0, 0, 47, 31], [3, 3, 3, 9]
    filled = sc.Masks.from_boxes(boxes, masks.size)
    for each in (
        boxes,
        boxes.tolist(),
        boxes.astype(">f4").astype(float),
        np.asfortranarray(boxes),
    ):
        expected = sc.Masks.from_boxes(each, masks.size)
        np.testing.assert_array_equal(function(each, masks), function(expected, masks))
        np.testing.assert_array_equal(function(masks, each), function(masks, expected))
    np.testing.assert_array_equal(function(boxes, masks), function(filled, masks))
    assert function(masks, []).shape == (5, 0)
    assert function(np.empty((0, 4)), masks).shape == (0, 5)
    crowd = np.arange(7) % 2 == 0
    np.testing.assert_array_equal(sc.iou(masks, boxes, crowd), sc.iou(masks, filled, crowd))


@given(two_dense(), st.sampled_from([0, 0.01, 0.25, 1 / 3, 0.5, 0.75, 1, np.float32(0.5)]))
def test_min_iou(batches, min_iou):
    a, b = (sc.Masks.from_dense(each) for each in batches)
    for crowd in (None, np.arange(len(b)) % 2 == 1):
        whole = sc.iou(a, b, crowd)
        result = sc.iou(a, b, crowd, min_iou=min_iou)
        np.testing.assert_array_equal(result, np.where(whole < min_iou, 0.0, whole))
        assert result.dtype == np.float64


def test_min_iou_where_most_masks_lie_apart():
    rng = np.random.default_rng(0)
    corners = rng.integers(0, 2000, (300, 2))
    boxes = np.concatenate([corners, corners + rng.integers(1, 60, (300, 2))], axis=1)
    a = sc.Masks.from_boxes(boxes, (1900, 2000))
    b = sc.Masks.from_boxes(boxes + rng.integers(-5, 5, boxes.shape) // 4, (1900, 2000))
    common, a_area, b_area = sc.intersection_area(a, b), a.area[:, None], b.area
    whole = sc.iou(a, b)
    np.testing.assert_array_equal(whole, divided(common, a_area + b_area - common))
    np.testing.assert_array_equal(sc.dice(a, b), divided(2 * common, a_area + b_area))
    assert 100 < np.count_nonzero(whole) < whole.size / 8
    for min_iou in (0.1, 0.5, 0.9):
        np.testing.assert_array_equal(sc.iou(a, b, min_iou=min_iou), whole * (whole >= min_iou))
    crowd = rng.random(300) < 0.5
    crowded = divided(common, np.where(crowd, a_area, a_area + b_area - common))
    np.testing.assert_array_equal(sc.iou(a, b, crowd), crowded)
    np.testing.assert_array_equal(sc.iou(a, b, crowd, min_iou=0.5), crowded * (crowded >= 0.5))


@pytest.mark.parametrize(
    ("min_iou", "error", "message"),
    [
        (-0.1, ValueError, "min_iou: expected a number from 0 to 1, got -0.1"),
        (1.1, ValueError, "min_iou: expected a number from 0 to 1, got 1.1"),
        (50, ValueError, "min_iou: expected a number from 0 to 1, got 50"),
        (np.nan, ValueError, "min_iou: expected a finite number"),
        (10**400, ValueError, "min_iou: expected a finite number"),
        ("0.5", TypeError, "min_iou: expected a number, got str"),
        (True, TypeError, "min_iou: expected a number, got bool"),
    ],
)
def test_min_iou_is_a_fraction(min_iou, error, message):
    masks = sc.Masks([], [0, 0, 0], (4, 6))
    with pytest.raises(error, match=message):
        sc.iou(masks, masks, min_iou=min_iou)


@pytest.mark.parametrize("crowd", [[True], [True] * 3, [[True, False]], 1])
def test_crowds_are_one_a_mask(crowd):
    masks = sc.Masks([], [0, 0, 0], (4, 6))
    with pytest.raises(ValueError, match="crowd: expected"):
        sc.iou(masks, masks, crowd)


def test_crowds_are_bools():
    masks = sc.Masks([], [0, 0, 0], (4, 6))
    with pytest.raises(TypeError, match="crowd: expected bools, got float64"):
        sc.iou(masks, masks, [0.0, 1.0])
    with pytest.raises(ValueError, match="crowd: expected bools, or zeros and ones, got 2"):
        sc.iou(masks, masks, [0, 2])
    assert sc.iou(masks, masks[:0], []).shape == (2, 0)
