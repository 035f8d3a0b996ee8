"""Soft masks to masks: what goes in, and what is documented of it."""

from __future__ import annotations

import numpy as np
import pytest
from support import paths
from support.soft_inputs import detections, logits, probabilities

import segcore as sc

GOLDEN = np.load(paths.GOLDEN / "soft.npz")

ONES = np.ones((1, 4, 4))
BOX = [[1, 2, 5, 6]]


def upsample(scores=ONES, size=(8, 8), threshold=0.5, **options):
    return sc.upsample_masks(scores, size, threshold, **options)


def paste(probs=ONES, boxes=BOX, size=(8, 8), **options):
    return sc.paste_masks(probs, boxes, size, **options)


def prototypes(coefficients=((1.0,),), planes=ONES, boxes=None, size=(8, 8), threshold=0.0):
    return sc.prototype_masks(coefficients, planes, boxes, size, threshold)


# -- the answers of torch and torchvision (golden/make_soft.py) ------------------------------------


def assert_golden(masks, name):
    dense = masks.to_dense()
    bits = np.unpackbits(GOLDEN[name], count=2 * dense.size)
    foreground, close = bits.reshape(2, *dense.shape).astype(bool)
    np.testing.assert_array_equal(dense | close, foreground | close)
    assert close.mean() < 0.01


@pytest.mark.parametrize("rule", ["detectron2", "torchvision"])
def test_golden_pasted(rule):
    assert_golden(paste(GOLDEN["probs"], GOLDEN["boxes"], (61, 83), rule=rule), rule)


def test_golden_upsampled():
    scores = GOLDEN["scores"]
    assert_golden(upsample(scores, (97, 130), 0.25), "upsampled")
    assert_golden(upsample(scores, (11, 9), 0.25), "reduced")
    by_steps = upsample(scores, (50, 90), 0.25, crop=(71, 128), intermediate=(96, 128))
    assert_golden(by_steps, "by_steps")


# -- pasting --------------------------------------------------------------------------------------


def test_paste_fills_a_box_of_ones():
    expected = sc.Masks.from_boxes(BOX, (8, 8))
    assert paste() == expected
    # Its corners, moved outwards and truncated, are pixels of torchvision's box.
    assert paste(np.ones((1, 28, 28)), rule="torchvision").boxes.tolist() == [[0, 1, 6, 7]]


@pytest.mark.parametrize("rule", ["detectron2", "torchvision"])
def test_paste_takes_any_floats_and_layouts(rule):
    size = (120, 170)
    probs, boxes = detections(20, 14, size, 0)
    half = probs.astype(np.float16)
    expected = paste(half.astype(np.float32), boxes, size, rule=rule)
    for given in (half, half.astype(np.float64), half[:, None], np.asfortranarray(half)):
        assert paste(given, boxes, size, rule=rule) == expected
    assert paste(half[::-1][::-1], boxes.tolist(), size, rule=rule).size == size


@pytest.mark.parametrize("rule", ["detectron2", "torchvision"])
def test_paste_outside_the_image_is_nothing(rule):
    boxes = [[-9, 1, -4, 5], [20, 1, 25, 5], [1, -9, 5, -4], [1, 20, 5, 25], [2**30, 0, 2**30, 1]]
    assert not paste(np.ones((5, 4, 4)), boxes, rule=rule).area.any()


@pytest.mark.parametrize("rule", ["detectron2", "torchvision"])
def test_paste_into_a_box_larger_than_the_image_fills_it(rule):
    masks = paste(np.ones((2, 4, 4)), [[-90, -90, 90, 90], [-1e9, -1e9, 1e9, 1e9]], rule=rule)
    assert masks.area.tolist() == [64, 64]


def test_paste_into_a_box_without_extent_is_nothing():
    boxes = [[3, 1, 3, 5], [1, 3, 5, 3], [2, 2, 2, 2], [2.5, 2.5, 2.5, 2.5]]
    assert not paste(np.ones((4, 4, 4)), boxes).area.any()


def test_paste_from_the_threshold_on_or_above_it():
    half = np.full((1, 4, 4), 0.5)
    assert paste(half).boxes.tolist() == [[1, 2, 5, 6]]
    assert paste(half, rule="torchvision").area.tolist() == [0]


def test_paste_oblong_masks():
    probs = np.zeros((1, 2, 6))
    probs[:, 1, 3:] = 1  # the lower right quarter
    assert paste(probs, [[0, 0, 6, 8]]).to_dense().nonzero()[1].min() == 4
    assert paste(probs, [[0, 0, 6, 8]]).to_dense().nonzero()[2].min() == 3


@pytest.mark.parametrize("rule", ["detectron2", "torchvision"])
def test_paste_nothing(rule):
    assert len(paste(np.ones((0, 28, 28)), [], rule=rule)) == 0
    assert len(paste(np.ones((0, 1, 28, 28)), np.empty((0, 4)), rule=rule)) == 0
    for size in ((0, 0), (0, 5), (5, 0)):
        assert paste(size=size, rule=rule).area.tolist() == [0]


@pytest.mark.parametrize("rule", ["detectron2", "torchvision"])
def test_paste_nan_is_background(rule):
    probs = np.ones((2, 28, 28))
    probs[0] = np.nan
    probs[1, 10:20] = np.nan
    masks = paste(probs, BOX * 2, rule=rule)
    assert masks.area[0] == 0
    assert 0 < masks.area[1] < paste(ONES, rule=rule).area[0]


def test_a_signalling_nan_is_background():
    scores = np.array([[[0x7FF0000000000001]]], np.uint64).view(np.float64)
    assert upsample(scores).area.tolist() == [0]


# -- upsampling -----------------------------------------------------------------------------------


def test_upsample_takes_any_floats_and_layouts():
    half = logits(7, 30, 41, seed=0).astype(np.float16)
    expected = upsample(half.astype(np.float32), (100, 90), 0.0)
    transposed = np.ascontiguousarray(half.transpose(0, 2, 1)).transpose(0, 2, 1)
    for given in (half, half.astype(np.float64), half[:, None], transposed, half.astype(">f4")):
        assert upsample(given, (100, 90), 0.0) == expected
    assert upsample(half[3], (100, 90), 0.0) == expected[3]
    assert upsample(half[::-2], (100, 90), 0.0) == expected[::-2]


def test_upsample_in_blocks(monkeypatch):
    scores = logits(7, 30, 41, seed=1).astype(np.float64)
    boxes = np.tile([[3.0, 4, 80, 70]], (7, 1)) + np.arange(7)[:, None]
    expected = upsample(scores, (100, 90), 0.0, boxes=boxes)
    for block in (1, 2 * 30 * 41, 7 * 30 * 41):
        monkeypatch.setattr("segcore.models.resample.BLOCK", block)
        assert upsample(scores, (100, 90), 0.0, boxes=boxes) == expected


def test_upsample_to_boxes_is_an_intersection():
    scores = probabilities(30, 30, 41, seed=2)
    _, boxes = detections(30, 1, (100, 90), 2)
    corners = np.ceil(boxes)
    cropped = sc.Masks.from_boxes(corners, (100, 90))
    whole = upsample(scores, (100, 90), 0.5)
    assert upsample(scores, (100, 90), 0.5, boxes=boxes) == whole & cropped


def test_upsample_a_crop_is_upsampling_the_cropped():
    scores = logits(5, 30, 41, seed=3)
    expected = upsample(scores[:, :20, :33], (77, 90), 0.0)
    assert upsample(scores, (77, 90), 0.0, crop=(20, 33)) == expected
    assert upsample(scores, (77, 90), 0.0, crop=(20, 33), intermediate=(30, 41)) == expected


def test_upsample_a_crop_may_lie_anywhere():
    scores = logits(3, 20, 30, 8)
    wanted = upsample(scores[:, 4:17, 3:29], (40, 50), 0.2)
    assert upsample(scores, (40, 50), 0.2, crop=(4, 3, 17, 29)) == wanted
    corner = upsample(scores, (40, 50), 0.2, crop=(0, 0, 35, 70), intermediate=(40, 90))
    assert corner == upsample(scores, (40, 50), 0.2, crop=(35, 70), intermediate=(40, 90))
    # A crop turned round lies on the other side.
    turned = scores[:, ::-1, ::-1]
    far = upsample(turned, (40, 50), 0.2, crop=(5, 20, 40, 90), intermediate=(40, 90)).to_dense()
    assert np.mean(far[:, ::-1, ::-1] != corner.to_dense()) < 1e-3
    options = {"crop": (5, 20, 40, 90), "intermediate": (40, 90)}
    by_steps = sc.prototype_masks(np.eye(3), scores, None, (40, 50), 0.2, **options)
    assert by_steps == upsample(scores, (40, 50), 0.2, **options)


def test_upsample_a_constant():
    for value, area in ((0.4, 0), (0.5, 0), (0.6, 600)):
        scores = np.full((1, 5, 3), value)
        for options in ({}, {"intermediate": (9, 2)}, {"crop": (1, 1)}):
            assert upsample(scores, (20, 30), **options).area.tolist() == [area]


def test_upsample_nothing():
    assert len(upsample(np.ones((0, 4, 4)))) == 0
    for size in ((0, 0), (0, 5), (5, 0)):
        assert upsample(size=size, intermediate=(5, 5)).area.tolist() == [0]


def test_upsample_infinities():
    scores = np.array([[[-np.inf, np.inf]], [[1e300, -1e300]]])
    dense = upsample(scores, (1, 8), 0.0).to_dense(int)
    np.testing.assert_array_equal(dense[:, 0], [[0] * 4 + [1] * 4, [1] * 4 + [0] * 4])


# -- prototypes -----------------------------------------------------------------------------------


def test_prototypes_are_upsampled_combinations(monkeypatch):
    rng = np.random.default_rng(0)
    coefficients = np.round(rng.normal(size=(9, 4)) * 8) / 8  # sums without rounding
    planes = np.round(logits(4, 20, 30, seed=4) * 8) / 8
    scores = np.tensordot(coefficients, planes, 1)
    _, boxes = detections(9, 1, (100, 90), 5)
    expected = upsample(scores, (100, 90), 0.0, boxes=boxes)
    assert prototypes(coefficients, planes, boxes, (100, 90)) == expected
    monkeypatch.setattr("segcore.models.resample.BLOCK", 2000)
    assert prototypes(coefficients, planes.astype(np.float16), boxes, (100, 90)) == expected
    assert len(prototypes(np.ones((0, 4)), planes)) == 0


def test_prototypes_of_infinities_are_no_warning():
    assert prototypes([[np.inf, -np.inf]], np.ones((2, 3, 3))).area.tolist() == [0]


# -- stability ------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_stability_score(dtype):
    scores = logits(9, 40, 50, seed=6).astype(dtype)
    scores[0] = -50
    inner = (scores > 0.7).sum((1, 2))
    outer = (scores > -0.3).sum((1, 2))
    expected = inner / np.maximum(outer, 1)
    np.testing.assert_array_equal(sc.stability_score(scores, 0.2, 0.5), expected)
    assert expected[0] == 0
    assert sc.stability_score(np.empty((0, 3, 3)), 0.0, 1.0).shape == (0,)


def test_stability_score_refuses_a_negative_offset():
    with pytest.raises(ValueError, match=r"^offset: expected a non-negative number"):
        sc.stability_score(ONES, 0.0, -1.0)


# -- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "name"), [(upsample, "soft_masks"), (paste, "probs")], ids=["upsample", "paste"]
)
@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (np.ones((2, 3, 4, 4)), ValueError, r"expected \(N, h, w\) or \(N, 1, h, w\), got"),
        (np.ones(4), ValueError, r"expected \(N, h, w\)"),
        (np.ones((1, 0, 4)), ValueError, "expected at least one row and column"),
        (np.ones((0, 4, 0)), ValueError, "expected at least one row and column"),
        (np.ones((1, 4, 4), complex), TypeError, "expected numbers, got complex128"),
        ("masks", TypeError, "expected numbers"),
        (
            np.broadcast_to(np.float32(1), (1, 2**24 + 1, 1)),
            ValueError,
            r"expected sides of up to 2\*\*24",
        ),
    ],
)
def test_refused_scores(call, name, value, error, message):
    with pytest.raises(error, match=f"^{name}: {message}"):
        call(value)


@pytest.mark.parametrize(
    ("boxes", "error", "message"),
    [
        (
            [[0, 0, 1, 1]] * 2,
            ValueError,
            r"boxes: expected the shape \(1, 4\), one box per mask, got \(2, 4\)",
        ),
        ([0, 0, 1, 1], ValueError, r"boxes: expected the shape \(N, 4\)"),
        ([[0, 0, 1, np.nan]], ValueError, "box 0: expected finite numbers"),
        ([[0, 0, np.inf, 1]], ValueError, "box 0: expected finite numbers"),
        ([[0, 0, 2.0**31, 1]], ValueError, "box 0: expected finite numbers"),
        ([[3, 0, 1, 1]], ValueError, "box 0: expected x0 y0 x1 y1 with x0 <= x1"),
        ([["a", "b", "c", "d"]], TypeError, "boxes: expected numbers"),
    ],
)
@pytest.mark.parametrize("call", [upsample, paste, prototypes])
def test_refused_boxes(call, boxes, error, message):
    with pytest.raises(error, match=f"^{message}"):
        call(boxes=boxes)


@pytest.mark.parametrize("call", [upsample, paste, prototypes])
@pytest.mark.parametrize(
    ("size", "error"), [((2**24 + 1, 5), ValueError), ((-1, 5), ValueError), ((4.0, 5), TypeError)]
)
def test_refused_sizes(call, size, error):
    with pytest.raises(error, match=r"^size: expected"):
        call(size=size)


@pytest.mark.parametrize("call", [upsample, paste, prototypes])
@pytest.mark.parametrize("threshold", [np.nan, np.inf, -np.inf, 2.0**126, 1e300])
def test_refused_thresholds(call, threshold):
    with pytest.raises(ValueError, match=r"^threshold: expected a number"):
        call(threshold=threshold)
    with pytest.raises(TypeError, match=r"^threshold: expected a number"):
        call(threshold="0.5")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"crop": (5, 4)}, r"crop: .* right of at most \(4, 4\), got \(5, 4\)"),
        (
            {"crop": (9, 9), "intermediate": (8, 9)},
            r"crop: expected bottom and right of at most \(8, 9\)",
        ),
        ({"crop": (0, 4)}, "crop: expected at least one row and column"),
        ({"crop": (-1, 4)}, "crop: expected a nonnegative"),
        (
            {"crop": (1, 2, 5, 4)},
            r"crop: expected bottom and right of at most \(4, 4\), got \(5, 4\)",
        ),
        ({"crop": (-1, 0, 2, 2)}, "crop: expected at least one row and column"),
        ({"crop": (1, 3, 2, 3)}, "crop: expected at least one row and column"),
        ({"crop": (1, 2, 3)}, r"crop: expected \(height, width\)"),
        ({"intermediate": (4, 0)}, "intermediate: expected at least one row and column"),
        ({"intermediate": (2**25, 4)}, "intermediate: expected sides of up to"),
    ],
)
def test_refused_crops(options, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        upsample(**options)


def test_refused_rules():
    with pytest.raises(ValueError, match=r"^rule: expected one of detectron2, torchvision, got"):
        paste(rule="yolo")


def test_refused_prototypes():
    with pytest.raises(ValueError, match=r"^coefficients and prototypes: expected the shapes"):
        prototypes([[1.0, 2.0]])
    with pytest.raises(ValueError, match=r"^coefficients and prototypes: expected the shapes"):
        prototypes([1.0])
    with pytest.raises(ValueError, match=r"^prototypes: expected at least one row"):
        prototypes([[1.0]], np.ones((1, 0, 4)))
    with pytest.raises(TypeError, match=r"^coefficients: expected numbers"):
        prototypes([["a"]])
