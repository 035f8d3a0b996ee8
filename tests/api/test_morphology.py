"""Dilation, erosion, opening, closing, boundaries, and Boundary IoU."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import dense
from support.util import patterns, slow

import segcore as sc

SHAPES = ("square", "disc", "diamond")


def element(distance: int, shape: str) -> np.ndarray:
    y, x = np.ogrid[-distance : distance + 1, -distance : distance + 1]
    far = {"square": np.maximum(abs(x), abs(y)), "disc": np.hypot(x, y), "diamond": abs(x) + abs(y)}
    return far[shape] <= distance


def dilated(masks: np.ndarray, distance: int, shape: str, outside: bool = False) -> np.ndarray:
    """Unite all shifts of the masks, beyond whose edges everything is ``outside``."""
    _, height, width = masks.shape
    padding = ((0, 0), (distance, distance), (distance, distance))
    padded = np.pad(masks, padding, constant_values=outside)
    result = np.zeros_like(masks)
    for y, x in np.argwhere(element(distance, shape)):
        result |= padded[:, y : y + height, x : x + width]
    return result


def eroded(masks: np.ndarray, distance: int, shape: str, outside: bool) -> np.ndarray:
    return ~dilated(~masks, distance, shape, not outside)


def check(masks: np.ndarray, distance: int, shape: str) -> None:
    batch = sc.Masks.from_dense(masks)

    def same(result: sc.Masks, expected: np.ndarray) -> None:
        assert result == sc.Masks.from_dense(expected)

    same(sc.dilate(batch, distance, shape), dilated(masks, distance, shape))
    for outside in (False, True):
        expected = eroded(masks, distance, shape, outside)
        same(sc.erode(batch, distance, shape, border_value=outside), expected)
    opened = dilated(eroded(masks, distance, shape, True), distance, shape)
    same(sc.opening(batch, distance, shape), opened)
    closed = eroded(dilated(masks, distance, shape), distance, shape, True)
    same(sc.closing(batch, distance, shape), closed)
    assert not (opened & ~masks).any()
    assert not (masks & ~closed).any()
    if shape == "square":
        same(sc.boundary(batch, distance), masks & ~eroded(masks, distance, shape, False))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("distance", [0, 1, 5, 17, slow(2), slow(40)])
@pytest.mark.parametrize("size", [(17, 33), (1, 9), (9, 1), slow((33, 17))])
def test_patterns(shape, distance, size):
    check(patterns(*size), distance, shape)


@given(
    masks=dense(max_count=4),
    distance=st.integers(0, 6),
    shape=st.sampled_from(SHAPES),
)
def test_any_masks(masks, distance, shape):
    check(masks, distance, shape)


@pytest.mark.parametrize("shape", SHAPES)
def test_far_beyond_the_image(shape):
    masks = patterns(5, 7)
    check(masks, 13, shape)
    batch = sc.Masks.from_dense(masks)
    everything = sc.dilate(batch, 10**30, shape)
    assert np.array_equal(everything.area, np.where(batch.area > 0, 35, 0))
    assert not sc.erode(batch, 10**30, shape).area.any()


def test_large_images():
    """Nothing is decoded, and what a few masks cost does not depend on the pixels."""
    size = (2**30, 2**20)
    masks = sc.Masks.from_boxes([[100, 50, 140, 2**29], [0, 0, 9, 2**30]], size)
    grown = sc.dilate(masks, 10)
    assert grown == sc.Masks.from_boxes([[90, 40, 150, 2**29 + 10], [0, 0, 19, 2**30]], size)
    shrunk = sc.erode(masks, 3)
    assert shrunk == sc.Masks.from_boxes([[103, 53, 137, 2**29 - 3], [3, 3, 6, 2**30 - 3]], size)
    reached = sc.erode(masks, 3, border_value=True)
    assert reached[1] == sc.Masks.from_boxes([[0, 0, 6, 2**30]], size)


def test_no_masks_and_no_pixels():
    for offsets, size in (([0], (3, 4)), ([0, 0], (0, 4)), ([0], (0, 0))):
        masks = sc.Masks([], offsets, size)
        for function in (sc.dilate, sc.erode, sc.opening, sc.closing):
            assert function(masks, 2, "disc") == masks
        assert sc.boundary(masks, 2) == masks


def test_shapes_that_no_memory_holds_are_refused():
    wide = sc.Masks.from_boxes([[0, 0, 3, 3]], (4, 2**40))
    for shape in SHAPES:
        with pytest.raises(ValueError, match="distance: expected at most 16777216 columns"):
            sc.dilate(wide, 2**39, shape)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda m: sc.dilate(m, -1), ValueError, "distance: expected at least 0 pixels, got -1"),
        (lambda m: sc.erode(m, 0.5), TypeError, "distance: expected an integer"),
        (lambda m: sc.opening(m, True), TypeError, "distance: expected an integer"),
        (lambda m: sc.closing(m, 1, "round"), ValueError, 'shape: expected "square", "disc" or'),
        (lambda m: sc.boundary(m, None), TypeError, "distance: expected an integer"),
        (lambda m: sc.boundary_iou(m, m, 1.5), ValueError, "dilation_ratio: expected a number"),
        (lambda m: sc.boundary_iou(m, [[0, 0, 1, 1]]), TypeError, "expected Masks"),
        (
            lambda m: sc.thin_parts(m, 4),
            ValueError,
            "width: expected a positive, odd number of pixels",
        ),
        (
            lambda m: sc.thin_parts(m, -1),
            ValueError,
            "width: expected a positive, odd number of pixels",
        ),
    ],
)
def test_refuses(call, error, message):
    with pytest.raises(error, match=message):
        call(sc.Masks.from_dense([[1]]))


# -- other libraries ------------------------------------------------------------------------------


@pytest.mark.parametrize("distance", [1, 4])
def test_is_scipy(distance):
    ndimage = pytest.importorskip("scipy.ndimage")
    masks = np.random.default_rng(0).random((4, 50, 60)) < 0.8
    batch = sc.Masks.from_dense(masks)
    for shape in SHAPES:
        footprint = element(distance, shape)
        expected = [ndimage.binary_dilation(mask, footprint) for mask in masks]
        assert np.array_equal(sc.dilate(batch, distance, shape).to_dense(), expected)
        expected = [ndimage.binary_erosion(mask, footprint) for mask in masks]
        assert np.array_equal(sc.erode(batch, distance, shape).to_dense(), expected)


@pytest.mark.parametrize("distance", [1, 4])
def test_is_opencv(distance):
    cv2 = pytest.importorskip("cv2")
    masks = np.random.default_rng(0).random((4, 50, 60)) < 0.8
    batch = sc.Masks.from_dense(masks)
    for shape in SHAPES:
        kernel = element(distance, shape).astype(np.uint8)
        ours = (sc.dilate, lambda *each: sc.erode(*each, border_value=True), sc.opening, sc.closing)
        theirs = (cv2.MORPH_DILATE, cv2.MORPH_ERODE, cv2.MORPH_OPEN, cv2.MORPH_CLOSE)
        for function, operation in zip(ours, theirs, strict=True):
            images = [cv2.morphologyEx(mask.astype(np.uint8), operation, kernel) for mask in masks]
            assert np.array_equal(function(batch, distance, shape).to_dense(np.uint8), images)


# -- Boundary IoU ---------------------------------------------------------------------------------


def published(a: np.ndarray, b: np.ndarray, ratio: float) -> float:
    """Boundary IoU as it is defined: 3 x 3 erosions, again and again, from a border of zeros."""
    height, width = a.shape
    distance = max(1, round(ratio * math.sqrt(height**2 + width**2)))
    boundaries = []
    for mask in (a, b):
        shrunk = mask
        for _ in range(distance):
            shrunk = eroded(shrunk[None], 1, "square", False)[0]
        boundaries.append(mask & ~shrunk)
    union = (boundaries[0] | boundaries[1]).sum()
    return (boundaries[0] & boundaries[1]).sum() / union if union else 0.0


@pytest.mark.parametrize("ratio", [0.02, 0.001, 0.2])
def test_boundary_iou(ratio):
    masks = patterns(40, 61)
    a, b = masks[:7], masks[5:]
    got = sc.boundary_iou(sc.Masks.from_dense(a), sc.Masks.from_dense(b), ratio)
    expected = [[published(one, other, ratio) for other in b] for one in a]
    assert np.array_equal(got, expected)


def test_boundary_iou_with_itself_and_crowds():
    batch = sc.Masks.from_dense(patterns(30, 40))
    other = sc.Masks.from_dense(patterns(30, 40))
    assert np.array_equal(sc.boundary_iou(batch, batch), sc.boundary_iou(batch, other))
    crowd = np.arange(len(batch)) % 2 == 0
    expected = sc.iou(sc.boundary(batch, 1), sc.boundary(other, 1), crowd)
    assert np.array_equal(sc.boundary_iou(batch, other, crowd=crowd), expected)


def test_boundary_iou_is_that_of_faster_coco_eval():
    theirs = pytest.importorskip("faster_coco_eval.core.mask")
    masks = sc.Masks.from_dense(patterns(70, 90))
    rles = [each | {"counts": each["counts"].encode()} for each in masks.to_coco()]
    expected = [theirs.rleToBoundary(rle)["counts"] for rle in rles]
    ours = sc.boundary(masks, round(0.02 * math.hypot(70, 90))).to_coco()
    assert [each["counts"].encode() for each in ours] == expected


# -- thin parts -----------------------------------------------------------------------------------


def test_thin_parts_are_legs_and_not_corners():
    table = np.zeros((60, 80), bool)
    table[10:20, 10:70] = True
    legs = np.zeros_like(table)
    legs[20:50, 14:17] = legs[20:50, 60:63] = True
    found = sc.thin_parts(sc.Masks.from_dense(table | legs), 7).to_dense()[0]
    assert not (found & ~(legs | table)).any()
    assert (found & legs).sum() >= 0.9 * legs.sum()
    assert not (found & table).any()
    assert not sc.thin_parts(sc.Masks.from_dense(table | legs), 1).area.any()
    assert not sc.thin_parts(sc.Masks.from_dense(table), 7).area.any()


def test_what_the_edge_cuts_has_no_thin_corners():
    """A bar that leaves the image, as wide as the disc and wider, and one that is narrower."""
    bars = sc.Masks.from_boxes([[0, 5, 60, 14], [0, 5, 60, 20], [0, 5, 60, 13]], (40, 60))
    assert sc.thin_parts(bars, 9).area.tolist() == [0, 0, 480]
