"""match and precision_recall: detections to true objects, and the curves of the result."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.util import agree, assert_identical

THRESHOLDS = np.array([0.5, 0.75, 1.0])


def bounds(*values):
    return np.array(values, np.int64)


def flags(*values):
    return np.array(values, np.uint8)


def match(kernels, ratios, *, groups=None, ignored=None, crowd=None, claims=None,
          thresholds=THRESHOLDS):  # fmt: skip
    """Match by a matrix of all pairs, of which each group has a part."""
    ratios = np.array(ratios, np.float64)
    n, m = ratios.shape
    groups_a, groups_b = groups or (bounds(0, n), bounds(0, m))
    parts = zip(*(pairwise(ends.tolist()) for ends in (groups_a, groups_b)), strict=True)
    return agree(
        kernels,
        "match",
        np.concatenate([ratios[slice(*rows), slice(*columns)].ravel() for rows, columns in parts]),
        groups_a,
        groups_b,
        np.zeros((1, m), np.uint8) if ignored is None else np.array(ignored, np.uint8),
        flags(*[0] * m) if crowd is None else flags(*crowd),
        flags(*[1] * n) if claims is None else flags(*claims),
        thresholds,
    )


def test_each_takes_the_best_that_is_left(kernels):
    ratios = [[0.6, 0.9], [0.8, 0.95], [0.7, 0.7]]
    expected = [[1, 0, -1], [1, 0, -1], [-1, -1, -1]]
    assert_identical(match(kernels, ratios), np.array([expected], np.int64))


def test_a_threshold_of_one_is_met_by_equality_alone(kernels):
    assert match(kernels, [[1.0]])[0, 2, 0] == 0
    assert match(kernels, [[np.nextafter(1, 0)]])[0, 2, 0] == 0  # COCO subtracts 1e-10
    assert match(kernels, [[1 - 2e-10]])[0, 2, 0] == -1


def test_the_last_wins_a_tie(kernels):
    assert match(kernels, [[0.8, 0.8]])[0, 0].tolist() == [1]


def test_ignored_objects_match_only_if_no_other_does(kernels):
    got = match(kernels, [[0.6, 0.9], [0.6, 0.9]], ignored=[[0, 1], [0, 0]])
    assert got[:, 0].tolist() == [[0, 1], [1, 0]]


def test_a_crowd_matches_any_number(kernels):
    got = match(kernels, [[0.9], [0.8], [0.7]], ignored=[[1]], crowd=[1])
    assert got[0, 0].tolist() == [0, 0, 0]


def test_a_detection_that_does_not_claim_leaves_its_object(kernels):
    assert match(kernels, [[0.9], [0.8]], claims=[0, 1])[0, 0].tolist() == [0, 0]


def test_groups_do_not_mix(kernels):
    groups = bounds(0, 1, 1, 2), bounds(0, 0, 1, 2)
    got = match(kernels, [[0.9, 0.6], [0.9, 0.8]], groups=groups)
    assert got[0, 0].tolist() == [-1, 1]


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0)])
@pytest.mark.parametrize("thresholds", [THRESHOLDS, THRESHOLDS[:0]])
def test_nothing_to_match(kernels, shape, thresholds):
    got = match(kernels, np.ones(shape), thresholds=thresholds)
    assert_identical(got, np.full((1, len(thresholds), shape[0]), -1, np.int64))


@given(st.integers(0, 2**32 - 1))
def test_random(kernels, seed):
    rng = np.random.default_rng(seed)
    n, m, ranges, parts = (int(value) for value in rng.integers(0, [8, 8, 4, 4]))
    groups = [np.sort(np.r_[0, rng.integers(0, size + 1, parts), size]) for size in (n, m)]
    match(
        kernels,
        rng.choice([0, 0.3, 0.5, 0.6, 0.75, 1], (n, m)),
        groups=[ends.astype(np.int64) for ends in groups],
        ignored=rng.random((ranges, m)) < 0.4,
        crowd=rng.random(m) < 0.3,
        claims=rng.random(n) < 0.8,
        thresholds=rng.permutation([0.0, 0.5, 0.75, 1.0]),
    )


# -- precision and recall -------------------------------------------------------------------------


def curves(kernels, matched, ignored, scores, num_true, num_thresholds, recalls):
    """Return the curves of a single class, range and limit, which are those of the kernel."""
    found = agree(
        kernels,
        "precision_recall",
        np.array([matched], np.uint64),
        np.array([ignored], np.uint64),
        np.array(scores, float),
        np.zeros(len(scores), np.int64),
        bounds(0, len(scores)),
        bounds(num_true)[None],
        bounds(1),
        num_thresholds,
        np.array(recalls, float),
    )
    return [part[0, 0, 0] for part in found]


def test_a_curve(kernels):
    precision, scores, recall = curves(
        kernels, [1, 0, 0, 1], [0, 0, 1, 0], [0.9, 0.8, 0.7, 0.6], 4, 1, [0, 0.25, 0.5, 0.75]
    )
    first = 1 / (1 + np.spacing(1))
    assert_identical(precision, np.array([[first, first, 2 / (3 + np.spacing(1)), 0.0]]))
    assert_identical(scores, np.array([[0.9, 0.9, 0.6, 0.0]]))
    assert_identical(recall, np.array([0.5]))


def test_no_detections(kernels):
    precision, scores, recall = curves(kernels, [], [], [], 3, 2, [0, 1])
    assert_identical(precision, np.zeros((2, 2)))
    assert_identical(scores, np.zeros((2, 2)))
    assert_identical(recall, np.zeros(2))


def test_no_true_objects(kernels):
    for part in curves(kernels, [1], [0], [0.9], 0, 2, [0, 1]):
        assert (part == -1).all()


def many_curves(rng, dtype=np.uint64):
    """Return arguments of many classes, ranges and limits."""
    count, num_classes, ranges = (int(value) for value in rng.integers(0, [70, 5, 4]))
    classes = np.sort(np.r_[0, rng.integers(0, count + 1, num_classes), count]).astype(np.int64)
    bits = 8 * np.dtype(dtype).itemsize
    return (
        *rng.integers(0, 2**bits - 1, (2, ranges, count), dtype, endpoint=True),
        np.sort(rng.random(count))[::-1].copy(),
        rng.integers(0, 5, count),
        classes,
        rng.integers(0, 100, (ranges, num_classes + 1)) * rng.integers(0, 2, num_classes + 1),
        rng.integers(0, 7, int(rng.integers(0, 4))),
        int(rng.choice([1, 2, 7, bits])),
        np.linspace(0, 1, int(rng.integers(0, 102))),
    )


@given(st.integers(0, 2**32 - 1), st.sampled_from([np.uint8, np.uint16, np.uint32, np.uint64]))
def test_random_curves(kernels, seed, dtype):
    agree(kernels, "precision_recall", *many_curves(np.random.default_rng(seed), dtype))


def test_each_curve_is_that_of_its_detections_alone(kernels):
    for seed in range(20):
        arguments = many_curves(np.random.default_rng(seed))
        matched, ignored, scores, ranks, classes, num_true, limits, *levels = arguments
        found = kernels.precision_recall(*arguments)
        for k, a, m in np.ndindex(found[2].shape[:3]):
            rows = np.arange(*classes[k : k + 2])
            rows = rows[ranks[rows] < limits[m]]
            expected = curves(
                kernels, matched[a, rows], ignored[a, rows], scores[rows], num_true[a, k], *levels
            )
            for part, alone in zip(found, expected, strict=True):
                assert_identical(part[k, a, m], alone)


# -- what the native kernels refuse ---------------------------------------------------------------


@pytest.fixture
def native(kernels):
    if not kernels.name.startswith("native"):
        pytest.skip("the other backends are memory-safe")
    return kernels


@pytest.mark.parametrize(
    "change",
    [
        {0: np.zeros(6, np.float32)},
        {0: np.zeros((2, 3))},
        {0: np.zeros(5)},
        {1: bounds(0, 3)},
        {1: bounds(1, 2)},
        {2: bounds(0, 1, 3)},
        {2: bounds(0, 4, 3)},
        {3: np.zeros((1, 2), np.uint8)},
        {3: np.zeros((1, 3), np.bool_)},
        {4: flags(0, 0)},
        {5: flags(0, 0, 0)},
        {6: np.zeros((1, 3))},
    ],
    ids=str,
)
def test_unsafe_arguments(native, change):
    arguments = [np.zeros(6), bounds(0, 2), bounds(0, 3), np.zeros((1, 3), np.uint8),
                 flags(0, 0, 0), flags(1, 1), THRESHOLDS]  # fmt: skip
    native.match(*arguments)
    for index, value in change.items():
        arguments[index] = value
    with pytest.raises((TypeError, ValueError)):
        native.match(*arguments)


@pytest.mark.parametrize(
    "change",
    [
        {0: np.zeros((1, 1), np.uint64)},
        {0: np.zeros((1, 2), np.int64)},
        {0: np.zeros((2, 2), np.uint64)},
        {0: np.zeros((1, 2), np.uint8)},
        {1: np.zeros((1, 2))},
        {1: np.zeros((0, 2), np.uint64)},
        {3: np.zeros(1, np.int64)},
        {4: bounds(0, 3)},
        {4: bounds(0, 2, 1, 2)},
        {5: np.ones((1, 2), np.int64)},
        {5: np.ones((2, 1), np.int64)},
        {6: np.ones((1, 1), np.int64)},
        {7: 65},
        {7: -1},
    ],
    ids=str,
)
def test_unsafe_curves(native, change):
    arguments = [np.zeros((1, 2), np.uint64), np.zeros((1, 2), np.uint64), np.zeros(2),
                 np.zeros(2, np.int64), bounds(0, 2), np.ones((1, 1), np.int64), bounds(1), 1,
                 np.zeros(3)]  # fmt: skip
    native.precision_recall(*arguments)
    for index, value in change.items():
        arguments[index] = value
    with pytest.raises((TypeError, ValueError)):
        native.precision_recall(*arguments)
