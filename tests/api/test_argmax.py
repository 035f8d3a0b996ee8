"""argmax_upsample and argmax_masks: what goes in, and what is documented of it."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from support import paths
from support.soft_inputs import logits

import segcore as sc
from segcore.models import argmax

GOLDEN = np.load(paths.GOLDEN / "argmax.npz")

SCORES = logits(5, 12, 16, seed=1)
MASKS = logits(6, 10, 14, seed=2)
CLASSES = np.random.default_rng(3).dirichlet(np.ones(5), size=6)[:, :4].astype(np.float32)


# -- the answers of torch (golden/make_argmax.py) --------------------------------------------------


def assert_golden(labels, name):
    close = np.unpackbits(GOLDEN[name + "_close"], count=labels.size).reshape(labels.shape) == 1
    assert np.all(close | (labels == GOLDEN[name]))
    assert close.mean() < 0.01


def test_golden_scores():
    assert_golden(sc.argmax_upsample(GOLDEN["scores"], (61, 83)), "enlarged")
    assert_golden(sc.argmax_upsample(GOLDEN["scores"], (7, 9)), "reduced")


def test_golden_masks():
    given = GOLDEN["masks"], GOLDEN["classes"], (61, 83)
    assert_golden(sc.argmax_masks(*given), "maskformer")
    assert_golden(sc.argmax_masks(*given, intermediate=(48, 48)), "mask2former")
    by_steps = sc.argmax_masks(*given, intermediate=(48, 64), crop=(37, 64))
    assert_golden(by_steps, "by_steps")


# -- argmax_upsample -------------------------------------------------------------------------------


def test_labels_are_of_the_smallest_dtype():
    for classes, dtype in [(1, "u1"), (256, "u1"), (257, "u2"), (65536, "u2"), (65537, "u4")]:
        scores = np.zeros((classes, 1, 1), np.float16)
        scores[-1] = 1
        labels = sc.argmax_upsample(scores, (2, 3))
        assert labels.dtype == dtype
        assert labels.shape == (2, 3)
        assert labels.flags.c_contiguous
        assert np.all(labels == classes - 1)


@pytest.mark.parametrize("dtype", [np.int8, "int16", np.int64, np.uint64, ">i4", ">u2"])
def test_labels_of_a_dtype(dtype):
    labels = sc.argmax_upsample(SCORES, (30, 50), dtype)
    assert labels.dtype == dtype
    np.testing.assert_array_equal(labels, sc.argmax_upsample(SCORES, (30, 50)))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", ">f4", "longdouble"])
def test_floats(dtype):
    expected = sc.argmax_upsample(SCORES.astype(np.float16).astype(np.float32), (40, 33))
    scores = SCORES.astype(np.float16).astype(dtype)
    np.testing.assert_array_equal(sc.argmax_upsample(scores, (40, 33)), expected)


def test_integers_and_lists():
    scores = np.arange(24).reshape(2, 3, 4) % 7
    expected = sc.argmax_upsample(scores.astype(float), (6, 9))
    np.testing.assert_array_equal(sc.argmax_upsample(scores, (6, 9)), expected)
    np.testing.assert_array_equal(sc.argmax_upsample(scores.tolist(), (6, 9)), expected)


def test_layouts():
    expected = sc.argmax_upsample(SCORES, (40, 33))
    interleaved = np.ascontiguousarray(SCORES.transpose(1, 2, 0)).transpose(2, 0, 1)
    for scores in (interleaved, np.asfortranarray(SCORES), SCORES.repeat(2, 1)[:, ::2]):
        np.testing.assert_array_equal(sc.argmax_upsample(scores, (40, 33)), expected)


def test_scores_beyond_float32_are_infinite():
    assert sc.argmax_upsample([[[0.0]], [[1e300]], [[1e39]]], (1, 1)).tolist() == [[1]]
    assert sc.argmax_upsample([[[-1e300]], [[-1e30]]], (1, 1)).tolist() == [[1]]


def test_a_padded_image_is_cut():
    labels = sc.argmax_upsample(SCORES[:, :9, :13], (33, 40))
    copy = np.ascontiguousarray(SCORES[:, :9, :13])
    np.testing.assert_array_equal(labels, sc.argmax_upsample(copy, (33, 40)))


def test_inputs_stay():
    scores, masks, classes = SCORES.copy(), MASKS.copy(), CLASSES.copy()
    masks[0, 0, 0] = scores[0, 0, 0] = np.nan
    copies = scores.copy(), masks.copy()
    for each in (scores, masks, classes):
        each.flags.writeable = False
    sc.argmax_upsample(scores, (20, 30))
    sc.argmax_masks(masks, classes, (20, 30))
    sc.argmax_masks(masks, classes, (20, 30), intermediate=(15, 15))
    np.testing.assert_array_equal(scores, copies[0])
    np.testing.assert_array_equal(masks, copies[1])


@pytest.mark.parametrize("size", [(0, 0), (0, 7), (7, 0)])
def test_images_without_pixels(size):
    assert sc.argmax_upsample(SCORES, size).shape == size
    assert sc.argmax_masks(MASKS, CLASSES, size).shape == size


def test_memory_is_that_of_the_labels():
    scores = logits(60, 32, 32, seed=4)
    size = 1500, 2000
    tracemalloc.start()
    try:
        labels = sc.argmax_upsample(scores, size)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    limit = 4 * 2**20
    if sc.backends.current() == "reference":
        pytest.skip("it interpolates all classes")
    assert peak < labels.nbytes + limit


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        (
            (np.ones((3, 4)), (5, 5)),
            ValueError,
            r"scores: expected the shape \(C, h, w\).*\(3, 4\)",
        ),
        ((np.ones((1, 3, 4, 4)), (5, 5)), ValueError, "scores: .*single image"),
        ((np.ones((0, 4, 4)), (5, 5)), ValueError, "scores: expected at least one class"),
        ((np.ones((3, 0, 4)), (5, 5)), ValueError, "scores: expected at least one row"),
        ((np.ones((3, 4, 0)), (0, 0)), ValueError, "scores: expected at least one row"),
        ((np.ones((3, 4, 4), complex), (5, 5)), TypeError, "scores: expected numbers"),
        ((np.array([[["a"]]]), (5, 5)), TypeError, "scores: expected numbers"),
        ((None, (5, 5)), TypeError, "scores"),
        ((SCORES, (5,)), ValueError, "size"),
        ((SCORES, (5, -1)), ValueError, "size"),
        ((SCORES, (5.0, 5.0)), TypeError, "size"),
        ((SCORES, (2**25, 1)), ValueError, r"size: expected sides of up to 2\*\*24"),
        ((np.ones((257, 1, 1)), (5, 5), np.uint8), ValueError, "label 256 does not fit into uint8"),
        ((np.ones((129, 1, 1)), (5, 5), np.int8), ValueError, "label 128 does not fit into int8"),
        ((SCORES, (5, 5), float), TypeError, "dtype: expected an integer dtype"),
        ((SCORES, (5, 5), bool), TypeError, "dtype: expected an integer dtype"),
    ],
)
def test_errors(arguments, error, match):
    with pytest.raises(error, match=match):
        sc.argmax_upsample(*arguments)


# -- argmax_masks ----------------------------------------------------------------------------------


def resized(planes, size):
    """Interpolate planes (N, h, w), in float64."""
    planes = planes.astype(float)
    for axis in (1, 2):
        n, count = planes.shape[axis], size[axis - 1]
        p = np.clip((np.arange(count) + 0.5) * n / count - 0.5, 0, n - 1)
        i = p.astype(int)
        a, b = planes.take(i, axis), planes.take(np.minimum(i + 1, n - 1), axis)
        planes = a + np.expand_dims(p - i, 2 - axis) * (b - a)
    return planes


def combined(masks, classes):
    return np.einsum("qc,qhw->chw", classes.astype(float), 1 / (1 + np.exp(-masks.astype(float))))


def assert_labels(labels, scores):
    """Compare with the argmax of (C, H, W), except where it is a close call."""
    best = np.sort(scores, axis=0)[-2:]
    close = best[1] - best[0] < 1e-5
    assert np.all(close | (labels == scores.argmax(axis=0)))
    assert close.mean() < 0.01


@pytest.mark.parametrize("size", [(10, 14), (61, 83), (5, 4)])
def test_masks(size):
    labels = sc.argmax_masks(MASKS, CLASSES, size)
    assert labels.dtype == np.uint8
    assert_labels(labels, resized(combined(MASKS, CLASSES), size))


@pytest.mark.parametrize("size", [(10, 14), (61, 83), (5, 4)])
@pytest.mark.parametrize("block", [1, 3000, 2**22])
def test_masks_by_steps(size, block, monkeypatch):
    monkeypatch.setattr(argmax, "_BLOCK", block)
    inner = resized(MASKS, (32, 40))
    labels = sc.argmax_masks(MASKS, CLASSES, size, intermediate=(32, 40))
    assert_labels(labels, resized(combined(inner, CLASSES), size))
    labels = sc.argmax_masks(MASKS, CLASSES, size, intermediate=(32, 40), crop=(21, 33))
    assert_labels(labels, resized(combined(inner, CLASSES)[:, :21, :33], size))
    labels = sc.argmax_masks(MASKS, CLASSES, size, intermediate=(32, 40), crop=(5, 6, 30, 31))
    assert_labels(labels, resized(combined(inner, CLASSES)[:, 5:30, 6:31], size))
    labels = sc.argmax_masks(MASKS, CLASSES, size, crop=(1, 2, 9, 14))
    assert_labels(labels, resized(combined(MASKS, CLASSES)[:, 1:9, 2:14], size))
    labels = sc.argmax_masks(MASKS, CLASSES, size, intermediate=size)
    assert_labels(labels, combined(resized(MASKS, size), CLASSES))
    labels = sc.argmax_masks(MASKS, CLASSES, size, np.int32, crop=(7, 9))
    assert labels.dtype == np.int32
    assert_labels(labels, resized(combined(MASKS, CLASSES)[:, :7, :9], size))


def test_masks_of_nan_are_nowhere():
    masks = MASKS.copy()
    masks[2] = np.nan
    without = np.delete(MASKS, 2, axis=0), np.delete(CLASSES, 2, axis=0)
    for options in ({}, {"intermediate": (20, 20)}):
        labels = sc.argmax_masks(masks, CLASSES, (30, 30), **options)
        np.testing.assert_array_equal(labels, sc.argmax_masks(*without, (30, 30), **options))


def test_masks_of_infinities():
    inf = np.inf
    labels = sc.argmax_masks([[[inf, -inf]], [[-inf, inf]]], np.eye(2), (1, 4))
    assert labels.tolist() == [[0, 0, 1, 1]]


def test_class_probs_whose_sums_are_infinite():
    labels = sc.argmax_masks(np.full((2, 1, 1), 9.0), [[1e36, 3e38], [1e36, 3e38]], (1, 1))
    assert labels.tolist() == [[1]]


def test_no_queries():
    assert not np.any(sc.argmax_masks(np.ones((0, 4, 4)), np.ones((0, 3)), (5, 5)))


@pytest.mark.parametrize(
    ("arguments", "options", "error", "match"),
    [
        ((MASKS[0], CLASSES), {}, ValueError, r"mask_logits: expected the shape \(Q, h, w\)"),
        ((MASKS[:, :0], CLASSES), {}, ValueError, "mask_logits: expected at least one row"),
        ((MASKS > 0, CLASSES.astype(complex)), {}, TypeError, "class_probs: expected numbers"),
        (
            (MASKS, CLASSES[1:]),
            {},
            ValueError,
            r"class_probs: expected the shape \(6, C\).*\(5, 4\)",
        ),
        ((MASKS, CLASSES[:, :0]), {}, ValueError, "class_probs: .*at least one class"),
        ((MASKS, CLASSES[0]), {}, ValueError, "class_probs: .*shape"),
        ((MASKS, CLASSES * [1, 1, np.inf, 1]), {}, ValueError, "class_probs: .*query 0"),
        ((MASKS, CLASSES), {"intermediate": (0, 5)}, ValueError, "intermediate: expected at least"),
        ((MASKS, CLASSES), {"intermediate": 5}, TypeError, "intermediate"),
        ((MASKS, CLASSES), {"crop": (11, 3)}, ValueError, r"crop: .*\(10, 14\), got \(11, 3\)"),
        ((MASKS, CLASSES), {"crop": 3}, ValueError, "crop: expected"),
        ((MASKS, CLASSES), {"crop": (1, 2, 3, 15)}, ValueError, "crop: expected bottom and right"),
        ((MASKS, CLASSES), {"crop": (0, 3)}, ValueError, "crop: expected at least"),
        ((MASKS, CLASSES), {"dtype": "f4"}, TypeError, "dtype"),
    ],
)
def test_errors_of_masks(arguments, options, error, match):
    with pytest.raises(error, match=match):
        sc.argmax_masks(*arguments, (20, 30), **options)
