"""Non-maximum suppression and merging, against their definitions on dense masks."""

from __future__ import annotations

import sys
import tracemalloc

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.strategies import dense, seeds
from support.util import slow

import segcore as sc

# `sc.nms` is the function, which hides the module of its name.
MODULES = [sys.modules[f"segcore.{name}"] for name in ("masks", "ops.suppression", "ops.overlap")]
NMS = sys.modules["segcore.ops.suppression"]


@pytest.fixture
def backend(kernels, monkeypatch):
    """Let the public functions run on each backend in turn."""
    for module in MODULES:
        monkeypatch.setattr(module, "kernels", kernels)


# -- the definitions ------------------------------------------------------------------------------


def overlaps(masks, metric="iou"):
    flat = masks.reshape(len(masks), masks[:1].size).astype(float)  # faster, and exact
    common = (flat @ flat.T).astype(np.int64)
    area = common.diagonal()
    smaller = np.minimum(area[:, None], area)
    divisor = smaller if metric == "smaller" else area[:, None] + area - common
    return np.where(common == 0, 0.0, common / np.maximum(divisor, 1))


def greedy(masks, scores, threshold, classes, metric):
    ratios = overlaps(masks, metric)
    kept, keepers = [], np.full(len(masks), -1)
    for i in sorted(range(len(masks)), key=lambda i: (-scores[i], i)):
        for k in kept:
            if classes[k] == classes[i] and ratios[k, i] > threshold:
                keepers[i] = k
                break
        else:
            kept.append(i)
            keepers[i] = i
    return kept, keepers


def soft(masks, scores, weights, score_threshold, classes):
    scores = np.array(scores, float)
    rest, kept, final = set(range(len(masks))), [], []
    while rest:
        best = min(rest, key=lambda i: (-scores[i], i))
        if scores[best] < score_threshold:
            break
        rest.remove(best)
        kept.append(best)
        final.append(scores[best])
        for i in rest:
            if classes[i] == classes[best]:
                scores[i] *= weights[best, i]
    return kept, final


def matrix(masks, scores, classes, kernel, sigma):
    order = np.argsort(-np.asarray(scores, float), kind="stable")
    same = np.equal.outer(classes, classes)[np.ix_(order, order)]
    ious = np.triu(overlaps(masks[order]) * same, 1)
    compensation = ious.max(axis=0, initial=0)[:, None]
    with np.errstate(all="ignore"):
        if kernel == "gaussian":
            decay = np.exp(-sigma * ious**2) / np.exp(-sigma * compensation**2)
        else:
            decay = (1 - ious) / (1 - compensation)
    decayed = np.array(scores, float)
    if len(order):
        decayed[order] *= np.nanmin(decay, axis=0)
    return decayed


# -- what comes in --------------------------------------------------------------------------------


def blobs(count, height=60, width=80, seed=0):
    """Draw ellipses that come in clusters: (N, H, W)."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    centres = rng.uniform(0, (height, width), (max(count // 5, 1), 2))
    masks = np.zeros((count, height, width), bool)
    for mask in masks:
        cy, cx = rng.choice(centres) + rng.normal(0, 2, 2)
        ry, rx = rng.uniform(4, 12, 2)
        mask[:] = ((y - cy) / ry) ** 2 + ((x - cx) / rx) ** 2 < 1
    return masks


def ellipses(count, seed=0, classes=3):
    rng = np.random.default_rng(seed)
    scores = rng.integers(1, 30, count) / 30  # with ties
    return blobs(count, seed=seed), scores, rng.integers(0, classes, count)


@st.composite
def detections(draw):
    """Draw dense masks, some of them twice, with scores, some of them equal, and classes."""
    masks = draw(dense(max_count=8))
    n = len(masks)
    if n:
        masks = masks[draw(st.lists(st.integers(0, n - 1), min_size=n, max_size=2 * n))]
    n = len(masks)
    values = st.sampled_from([0.25, 0.5, 1.0]) | st.floats(0, 1)
    scores = draw(st.lists(values, min_size=n, max_size=n))
    classes = draw(st.lists(st.integers(-1, 1), min_size=n, max_size=n))
    return masks, scores, classes


fractions = st.sampled_from([0, 0.25, 1 / 3, 0.5, 2 / 3, 1]) | st.floats(0, 1)


# -- greedy ---------------------------------------------------------------------------------------


def assert_greedy(masks, scores, classes, threshold, metric):
    batch = sc.Masks.from_dense(masks)
    for ids in (classes, None):
        arguments = (batch, scores, threshold, ids, metric)
        expected, keepers = greedy(
            masks, scores, threshold, np.zeros(len(masks)) if ids is None else ids, metric
        )
        kept = sc.nms(*arguments)
        assert kept.dtype == np.int64
        assert kept.tolist() == expected
        again, merged, groups = sc.merge_duplicates(*arguments)
        assert again.tolist() == expected
        assert groups.dtype == np.int64
        assert kept[groups].tolist() == keepers.tolist()
        unions = np.zeros((len(expected), *masks.shape[1:]), bool)
        for union, k in zip(unions, expected, strict=True):
            union[:] = masks[keepers == k].any(axis=0)
        assert merged == sc.Masks.from_dense(unions)


@given(
    detections(), fractions, st.sampled_from(["iou", "smaller"]), st.sampled_from([1, 2, 3, 256])
)
def test_greedy_on_any_masks(detections, threshold, metric, block):
    masks, scores, classes = detections
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(NMS, "_BLOCK", block)
        assert_greedy(masks, scores, classes, threshold, metric)


@pytest.mark.parametrize("metric", ["iou", "smaller"])
@pytest.mark.parametrize("threshold", [0, 0.3, 0.7, 1])
def test_greedy_on_every_backend(backend, metric, threshold):
    assert_greedy(*ellipses(50), threshold, metric)


@pytest.mark.parametrize("block", [7, 300, *map(slow, (1, 31, 32, 64, 299, 301))])
def test_greedy_in_blocks(monkeypatch, block):
    monkeypatch.setattr(NMS, "_BLOCK", block)
    masks, scores, classes = ellipses(300, seed=1)
    for threshold in (0.1, 0.6):
        assert_greedy(masks, scores, classes, threshold, "iou")


def test_an_overlap_that_equals_the_threshold_is_kept():
    a = sc.Masks.from_boxes([[0, 0, 2, 2], [0, 0, 1, 2], [0, 0, 1, 1]], (4, 4))
    assert sc.nms(a, [3, 2, 1], 0.5).tolist() == [0, 1, 2]
    assert sc.nms(a, [3, 2, 1], np.nextafter(0.5, 0)).tolist() == [0, 2]
    assert sc.nms(a, [3, 2, 1], 1, metric="smaller").tolist() == [0, 1, 2]
    assert sc.nms(a, [3, 2, 1], np.nextafter(1, 0), metric="smaller").tolist() == [0]
    third = sc.Masks.from_boxes([[0, 0, 1, 1], [0, 0, 3, 1]], (1, 3))
    assert sc.nms(third, [1, 1], 1 / 3).tolist() == [0, 1]
    assert sc.nms(third, [1, 1], np.nextafter(1 / 3, 0)).tolist() == [0]


def test_a_dropped_mask_drops_none():
    chain = sc.Masks.from_boxes([[0, 0, 4, 1], [1, 0, 5, 1], [2, 0, 6, 1]], (1, 6))
    kept, merged, groups = sc.merge_duplicates(chain, [3, 2, 1], 0.4)
    assert kept.tolist() == [0, 2]
    assert groups.tolist() == [0, 0, 1]
    assert merged.area.tolist() == [5, 4]


def test_empty_masks_are_kept():
    empty = sc.Masks([], [0, 0, 0, 0], (4, 6))
    assert sc.nms(empty, [1, 3, 2], 0).tolist() == [1, 2, 0]
    assert sc.nms(empty, [1, 3, 2], 0, metric="smaller").tolist() == [1, 2, 0]


@pytest.mark.slow_on("numba")
@pytest.mark.parametrize("size", [(2**16, 2**16), (2**29, 2**29)])
def test_huge_masks(backend, size):
    pixels = size[0] * size[1]
    masks = sc.Masks([0, 0, pixels // 2, 1], [0, 1, 3, 4], size)
    assert sc.nms(masks, [1, 2, 3], 0.5).tolist() == [2, 1]
    kept, merged, _ = sc.merge_duplicates(masks, [1, 2, 3], 0.4)
    assert kept.tolist() == [2]
    assert merged.area.tolist() == [pixels]
    assert sc.soft_nms(masks, [1, 1, 1])[0].tolist() == [0, 1]
    assert sc.matrix_nms(masks, [1, 1, 0], decay="linear").tolist() == [1, 0.5, 0]


# -- soft -----------------------------------------------------------------------------------------


def assert_soft(masks, scores, classes, score_threshold, iou_threshold, sigma):
    batch = sc.Masks.from_dense(masks)
    ious = overlaps(masks)
    methods = {
        "linear": np.where(ious >= iou_threshold, 1 - ious, 1),
        "gaussian": np.exp(-(ious**2) / sigma),
    }
    for method, weights in methods.items():
        for ids in (classes, None):
            same = np.zeros(len(masks)) if ids is None else ids
            expected = soft(masks, scores, weights, score_threshold, same)
            kept, final = sc.soft_nms(
                batch, scores, iou_threshold, sigma, method, score_threshold, ids
            )
            assert kept.dtype == np.int64
            assert final.dtype == np.float64
            assert kept.tolist() == expected[0]
            np.testing.assert_allclose(final, expected[1], rtol=1e-12)


@given(
    detections(),
    st.sampled_from([0.001, 0.1, 0.5, 0, -1]),
    fractions,
    st.sampled_from([0.1, 0.5, 2]),
    st.sampled_from([1, 20, 2**20]),
)
def test_soft_on_any_masks(detections, score_threshold, iou_threshold, sigma, pairs):
    masks, scores, classes = detections
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(NMS, "_PAIRS", pairs)
        assert_soft(masks, scores, classes, score_threshold, iou_threshold, sigma)


def test_soft_on_every_backend(backend):
    masks, scores, classes = ellipses(40)
    for score_threshold in (0.001, 0.3):
        assert_soft(masks, scores, classes, score_threshold, 0.3, 0.5)


def test_soft_with_negative_scores():
    masks, scores, classes = ellipses(40, seed=3)
    assert_soft(masks, scores - 0.5, classes, -0.2, 0.3, 0.5)
    assert_soft(masks, scores - 0.5, classes, -9, 0.3, 0.5)


@pytest.mark.parametrize("pairs", [1, 201, *map(slow, (200, 5000, 40_000))])
def test_soft_in_blocks(monkeypatch, pairs):
    monkeypatch.setattr(NMS, "_PAIRS", pairs)
    masks, scores, classes = ellipses(200, seed=2)
    assert_soft(masks, scores, classes, 0.01, 0.3, 0.5)


def test_soft_by_default():
    masks = sc.Masks.from_boxes([[0, 0, 4, 1], [0, 0, 3, 1], [0, 0, 2, 1], [0, 0, 1, 1]], (1, 8))
    kept, scores = sc.soft_nms(masks, [1, 0.8, 0.6, 0.4])
    # An IoU of 0.5 is enough to decay, one of 1/3 or 1/4 is not.
    assert kept.tolist() == [0, 3, 1, 2]
    np.testing.assert_allclose(scores, [1, 0.4, 0.8 * 0.25, 0.6 * 0.5 * (1 - 2 / 3) * 0.5])
    kept, scores = sc.soft_nms(masks[[0, 0]], [1, 1])  # nothing is left of the second
    assert kept.tolist() == [0]


# -- matrix ---------------------------------------------------------------------------------------


def assert_matrix(masks, scores, classes, sigma):
    batch = sc.Masks.from_dense(masks)
    for kernel in ("gaussian", "linear"):
        for ids in (classes, None):
            same = np.zeros(len(masks)) if ids is None else np.asarray(ids)
            result = sc.matrix_nms(batch, scores, ids, kernel, sigma)
            expected = matrix(masks, scores, same, kernel, sigma)
            assert result.dtype == np.float64
            np.testing.assert_allclose(result, expected, rtol=1e-12)


@given(detections(), st.sampled_from([0.5, 2.0]), st.sampled_from([1, 20, 2**20]))
@example((np.ones((4, 2, 2), bool), [1.0, 1.0, 0.5, 0.5], [0, 0, 0, 1]), 2.0, 1)
def test_matrix_on_any_masks(detections, sigma, pairs):
    masks, scores, classes = detections
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(NMS, "_PAIRS", pairs)
        assert_matrix(masks, scores, classes, sigma)


def test_matrix_on_every_backend(backend):
    assert_matrix(*ellipses(60), 2.0)


@pytest.mark.parametrize("pairs", [5000, *map(slow, (1, 200, 201, 40_000))])
def test_matrix_in_blocks(monkeypatch, pairs):
    monkeypatch.setattr(NMS, "_PAIRS", pairs)
    assert_matrix(*ellipses(200, seed=2), 2.0)


# -- all of them ----------------------------------------------------------------------------------


def everything(masks, scores, classes):
    kept, merged, groups = sc.merge_duplicates(masks, scores, 0.4, classes)
    return (
        *(sc.nms(masks, scores, 0.4, metric=metric) for metric in ("iou", "smaller")),
        *(kept, merged.run_ends, merged.offsets, groups),
        *sc.soft_nms(masks, scores, class_ids=classes),
        *sc.soft_nms(masks, scores, decay="gaussian"),
        sc.matrix_nms(masks, scores),
        sc.matrix_nms(masks, scores, classes, "linear"),
    )


@pytest.mark.skipif(
    not sc.backends.current().startswith("native"), reason="the other backends have one thread"
)
def test_threads_make_no_difference():
    rng = np.random.default_rng(0)
    corners = rng.integers(0, 500, (1500, 2))
    boxes = np.concatenate([corners, corners + rng.integers(10, 90, (1500, 2))], axis=1)
    masks = sc.Masks.from_boxes(boxes, (500, 500))
    scores, classes = rng.integers(0, 100, 1500) / 100, rng.integers(0, 3, 1500)
    before = sc.get_num_threads()
    results = []
    try:
        for threads in (1, 2, 7):
            sc.set_num_threads(threads)
            results.append(everything(masks, scores, classes))
    finally:
        sc.set_num_threads(before)
    for result in results[1:]:
        for one, other in zip(result, results[0], strict=True):
            np.testing.assert_array_equal(one, other)


def test_scores_and_classes_of_any_kind():
    masks, _, _ = ellipses(30)
    batch = sc.Masks.from_dense(masks)
    scores = np.random.default_rng(0).permutation(30)
    classes = np.arange(30) % 3
    expected = everything(batch, scores / 1.0, classes)
    far = np.array([0, 2**63, 2**64 - 1], np.uint64)
    for other in (scores.astype(np.uint8), scores.tolist(), scores.astype(">f4")):
        for ids in (classes.tolist(), classes.astype(np.int8) - 100, far[classes]):
            for one, two in zip(everything(batch, other, ids), expected, strict=True):
                np.testing.assert_array_equal(one, two)


def test_inputs_are_not_changed():
    masks, scores, classes = ellipses(30)
    before = scores.copy(), classes.copy()
    scores.flags.writeable = classes.flags.writeable = False
    everything(sc.Masks.from_dense(masks), scores, classes)
    np.testing.assert_array_equal(scores, before[0])
    np.testing.assert_array_equal(classes, before[1])


def test_no_masks():
    masks = sc.Masks([], [0], (4, 6))
    for ids in (None, []):
        assert sc.nms(masks, [], 0.5, ids).tolist() == []
        kept, merged, groups = sc.merge_duplicates(masks, [], 0.5, ids)
        assert (len(kept), len(merged), merged.size, len(groups)) == (0, 0, (4, 6), 0)
        assert [each.tolist() for each in sc.soft_nms(masks, [], class_ids=ids)] == [[], []]
        assert sc.matrix_nms(masks, [], ids).tolist() == []
    assert sc.nms(masks, [], 0.5).dtype == np.int64


@pytest.mark.skipif(sc.backends.current() == "reference", reason="it takes half a minute")
def test_many_masks_take_no_square():
    rng = np.random.default_rng(0)
    corners = rng.integers(0, 1000, (6000, 2))
    boxes = np.concatenate([corners, corners + rng.integers(1, 40, (6000, 2))], axis=1)
    masks = sc.Masks.from_boxes(boxes, (1000, 1000))
    scores = rng.random(6000)
    classes = rng.integers(0, 5, 6000)
    runs = {
        "nms": lambda: sc.nms(masks, scores, 0.5),
        "merge": lambda: sc.merge_duplicates(masks, scores, 0.5, classes),
        "soft": lambda: sc.soft_nms(masks, scores, class_ids=classes),
        "matrix": lambda: sc.matrix_nms(masks, scores, classes),
    }
    if not sc.backends.current().startswith("native"):  # the others take longer
        runs = {"nms": runs["nms"]}
    for name, run in runs.items():
        tracemalloc.start()
        try:
            run()
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 100e6, name  # the matrix of their areas would take 288 MB


FUNCTIONS = {
    "nms": lambda masks, scores, ids=None: sc.nms(masks, scores, 0.5, ids),
    "merge": lambda masks, scores, ids=None: sc.merge_duplicates(masks, scores, 0.5, ids),
    "soft": lambda masks, scores, ids=None: sc.soft_nms(masks, scores, class_ids=ids),
    "matrix": sc.matrix_nms,
}


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_wrong_scores_and_classes(function):
    masks = sc.Masks([], [0, 0, 0], (4, 6))
    with pytest.raises(ValueError, match="scores: the score of mask 1 is NaN"):
        function(masks, [1, np.nan])
    with pytest.raises(ValueError, match="scores: expected 2 values, one per mask, got 3"):
        function(masks, [1, 2, 3])
    with pytest.raises(ValueError, match="scores: expected one dimension"):
        function(masks, [[1, 2]])
    with pytest.raises(TypeError, match="scores: expected numbers, got bool"):
        function(masks, [True, False])
    with pytest.raises(TypeError, match="scores: expected numbers"):
        function(masks, ["a", "b"])
    with pytest.raises(ValueError, match="class_ids: expected 2 values, one per mask, got 1"):
        function(masks, [1, 2], [1])
    with pytest.raises(TypeError, match="class_ids: expected integers, got float64"):
        function(masks, [1, 2], [1.0, 2.0])
    with pytest.raises(TypeError, match="masks: expected Masks, got ndarray"):
        function(np.zeros((2, 4, 6)), [1, 2])


def test_infinite_scores():
    masks = sc.Masks([0, 0, 0], [0, 1, 2, 3], (4, 6))
    assert sc.nms(masks, [-np.inf, 1, np.inf], 0.5).tolist() == [2]
    for function in (sc.soft_nms, sc.matrix_nms):
        with pytest.raises(
            ValueError, match="scores: expected finite numbers, but the score of mask 0 is infinite"
        ):
            function(masks, [-np.inf, 1, np.inf])


@pytest.mark.parametrize(
    ("function", "parameters", "error", "message"),
    [
        (sc.nms, {"iou_threshold": 1.5}, ValueError, "iou_threshold: expected a number from 0"),
        (sc.nms, {"iou_threshold": -0.1}, ValueError, "iou_threshold: expected a number from 0"),
        (sc.nms, {"iou_threshold": np.nan}, ValueError, "iou_threshold: expected a finite number"),
        (sc.nms, {"iou_threshold": "0.5"}, TypeError, "iou_threshold: expected a number, got str"),
        (
            sc.nms,
            {"iou_threshold": 0, "metric": "dice"},
            ValueError,
            'metric: .*"iou" or "smaller"',
        ),
        (sc.merge_duplicates, {"iou_threshold": 2}, ValueError, "iou_threshold: expected"),
        (sc.soft_nms, {"iou_threshold": 2}, ValueError, "iou_threshold: expected"),
        (sc.soft_nms, {"sigma": 0}, ValueError, "sigma: expected a number greater than 0, got 0"),
        (sc.soft_nms, {"sigma": np.inf}, ValueError, "sigma: expected a finite number"),
        (sc.soft_nms, {"decay": "hard"}, ValueError, 'decay: expected "linear" or "gaussian"'),
        (sc.soft_nms, {"score_threshold": np.nan}, ValueError, "score_threshold: expected a fin"),
        (sc.matrix_nms, {"sigma": -1}, ValueError, "sigma: expected a number greater than 0"),
        (sc.matrix_nms, {"decay": ["linear"]}, ValueError, "decay: expected .* got list"),
    ],
)
def test_wrong_parameters(function, parameters, error, message):
    masks = sc.Masks([], [0, 0, 0], (4, 6))
    with pytest.raises(error, match=message):
        function(masks, [1, 2], **parameters)


@given(seeds)
def test_same_as_boxes_have(seed):
    rng = np.random.default_rng(seed)
    corners = rng.integers(0, 25, (20, 2))
    boxes = np.concatenate([corners, corners + rng.integers(1, 15, (20, 2))], axis=1)
    scores = rng.integers(0, 8, 20)
    low = np.maximum(boxes[:, None, :2], boxes[:, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[:, 2:])
    common = np.clip(high - low, 0, None).prod(axis=2)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    ious = common / (area[:, None] + area - common)
    rest, expected = np.argsort(-scores, kind="stable"), []
    while len(rest):
        expected.append(rest[0])
        rest = rest[1:][ious[rest[0], rest[1:]] <= 0.4]
    assert sc.nms(sc.Masks.from_boxes(boxes, (40, 40)), scores, 0.4).tolist() == expected


# -- scores and classes that float64 rounds -------------------------------------------------------

ROUNDED = {
    "int64": np.array([2**53, 2**53 + 1, 2**53 - 1], np.int64),
    "uint64": np.array([2**64 - 3, 2**64 - 1, 2**64 - 4], np.uint64),
    "negative": np.array([-(2**53) - 1, -(2**53), -(2**53) - 2], np.int64),
    "longdouble": 1 + np.array([1, 2, 0], np.longdouble) * np.finfo(np.longdouble).eps,
}


@pytest.fixture(params=ROUNDED)
def rounded(request):
    """Three scores that float64 does not tell apart, of which the second is the best."""
    scores = ROUNDED[request.param]
    if len(set(scores.tolist())) == 1 and scores.dtype == np.float64:
        pytest.skip("longdouble is float64 here")
    return scores


class TestScoresThatFloat64Rounds:
    apart = sc.Masks.from_boxes([[0, 0, 2, 2], [3, 0, 5, 2], [6, 0, 8, 2]], (3, 9))
    alike = sc.Masks.from_boxes([[0, 0, 8, 2]] * 3, (3, 9))

    def test_nms(self, rounded):
        assert sc.nms(self.apart, rounded, 0.5).tolist() == [1, 0, 2]
        assert sc.nms(self.apart, rounded, 0.5, class_ids=[1, 2, 1]).tolist() == [1, 0, 2]
        assert sc.nms(self.alike, rounded, 0.5).tolist() == [1]

    def test_merge_duplicates(self, rounded):
        kept, _, groups = sc.merge_duplicates(self.alike, rounded, 0.5)
        assert (kept.tolist(), groups.tolist()) == ([1], [0, 0, 0])

    def test_soft_nms(self, rounded):
        least = -(2.0**54)
        for classes in (None, [1, 1, 1], [1, 2, 1], [3, 2, 1]):
            kept, scores = sc.soft_nms(
                self.apart, rounded, score_threshold=least, class_ids=classes
            )
            assert kept.tolist() == [1, 0, 2]
            assert scores.tolist() == rounded[[1, 0, 2]].astype(float).tolist()

    def test_matrix_nms(self, rounded):
        lowered = sc.matrix_nms(self.alike, rounded, decay="linear")
        assert lowered[1] == float(rounded[1])
        assert lowered[0] == lowered[2] == 0

    def test_compose(self, rounded):
        painted = sc.compose_semantic(self.alike, [1, 2, 3], priority="score", scores=rounded)
        assert painted[0, 0] == 2


def test_equal_scores_that_float64_rounds():
    masks = TestScoresThatFloat64Rounds.apart
    scores = np.full(3, 2**53 + 1)
    assert sc.nms(masks, scores, 0.5).tolist() == [0, 1, 2]
    assert sc.soft_nms(masks, scores)[0].tolist() == [0, 1, 2]


def test_zeros_of_both_signs_are_equal():
    masks = TestScoresThatFloat64Rounds.apart
    for dtype in (np.float64, np.longdouble):
        assert sc.nms(masks, np.array([-0.0, 0.0, -0.0], dtype), 0.5).tolist() == [0, 1, 2]


def test_infinite_longdouble_scores():
    masks = TestScoresThatFloat64Rounds.apart
    scores = np.array([np.inf, -np.inf, 1], np.longdouble)
    assert sc.nms(masks, scores, 0.5).tolist() == [0, 2, 1]


def test_classes_that_float64_does_not_tell_apart():
    alike = TestScoresThatFloat64Rounds.alike
    classes = np.array([2**64 - 1, 2**64 - 2, 2**64 - 1], np.uint64)
    assert sc.nms(alike, [3, 2, 1], 0.5, class_ids=classes).tolist() == [0, 1]
