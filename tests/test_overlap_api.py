"""Areas and ratios of all pairs of masks."""

import numpy as np
import pytest
from _util import Pycocotools
from hypothesis import given
from strategies import two_dense

import segcore as sc
from segcore import overlap


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
    np.testing.assert_array_equal(sc.intersection(*masks), common)
    np.testing.assert_array_equal(sc.iou(*masks), divided(common, a_area + b_area - common))
    np.testing.assert_array_equal(sc.dice(*masks), divided(2 * common, a_area + b_area))
    np.testing.assert_array_equal(sc.containment(*masks), divided(common, a_area + 0 * b_area))
    crowd = np.arange(len(b)) % 2 == 1
    expected = divided(common, np.where(crowd, a_area, a_area + b_area - common))
    for flags in (crowd, crowd.tolist(), crowd.astype(np.uint8), crowd.astype(">i4")):
        np.testing.assert_array_equal(sc.iou(*masks, crowd=flags), expected)


@pytest.mark.parametrize("function", [sc.intersection, sc.iou, sc.dice, sc.containment])
def test_results(function):
    a = sc.Masks.from_boxes([[0, 0, 2, 2], [1, 1, 4, 4]], (4, 4))
    b = sc.Masks.from_boxes([[0, 0, 2, 2]] * 3, (4, 4))
    result = function(a, b)
    assert result.shape == (2, 3)
    assert result.dtype == (np.int64 if function is sc.intersection else np.float64)
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


@pytest.mark.parametrize("function", [sc.iou, sc.dice, sc.containment])
def test_blocks_make_no_difference(function, monkeypatch):
    rng = np.random.default_rng(0)
    a = sc.Masks.from_dense(rng.random((9, 8, 9)) < 0.5)
    b = sc.Masks.from_dense(rng.random((7, 8, 9)) < 0.5)
    whole = function(a, b)
    for block in (1, 7, 15, 62, 63):
        monkeypatch.setattr(overlap, "_BLOCK", block)
        np.testing.assert_array_equal(function(a, b), whole)


def test_the_largest_masks():
    full = sc.Masks([0], [0, 1], (2**29, 2**29))
    for function in (sc.iou, sc.dice, sc.containment):
        assert function(full, full).tolist() == [[1.0]]
    assert sc.intersection(full, full).tolist() == [[2**58]]


def test_iou_of_pycocotools():
    mask = Pycocotools()
    rng = np.random.default_rng(1)
    a = sc.Masks.from_dense(rng.random((9, 31, 47)) < 0.3)
    b = sc.Masks.from_dense(rng.random((8, 31, 47)) < 0.6)
    crowd = rng.random(8) < 0.5
    expected = mask.iou(a.to_coco(), b.to_coco(), crowd.astype(np.uint8))
    np.testing.assert_array_equal(sc.iou(a, b, crowd), expected)


@pytest.mark.parametrize("function", [sc.intersection, sc.iou, sc.dice, sc.containment])
def test_other_sizes_and_things_are_refused(function):
    a, b = sc.Masks([], [0, 0], (4, 6)), sc.Masks([], [0, 0], (6, 4))
    with pytest.raises(ValueError, match=r"one size, got \(4, 6\) and \(6, 4\)"):
        function(a, b)
    with pytest.raises(TypeError, match="expected Masks, got ndarray"):
        function(a, np.zeros((1, 4, 6)))
    with pytest.raises(TypeError, match="expected Masks, got list"):
        function([], a)


@pytest.mark.parametrize("crowd", [[True], [True] * 3, [[True, False]], 1])
def test_crowds_are_one_a_mask(crowd):
    masks = sc.Masks([], [0, 0, 0], (4, 6))
    with pytest.raises(ValueError, match="crowd: expected"):
        sc.iou(masks, masks, crowd)


def test_crowds_are_bools():
    masks = sc.Masks([], [0, 0, 0], (4, 6))
    with pytest.raises(TypeError, match="crowd: expected bools, got float64"):
        sc.iou(masks, masks, [0.0, 1.0])
    with pytest.raises(ValueError, match=r"crowd: .* other numbers"):
        sc.iou(masks, masks, [0, 2])
    assert sc.iou(masks, masks[:0], []).shape == (2, 0)
