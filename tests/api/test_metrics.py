"""Metrics: the confusion matrix and panoptic quality."""

from __future__ import annotations

import copy
import dataclasses
import functools
import itertools
import json
import math
import operator
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from support import paths
from support.panoptic_scenes import CATEGORIES, scene
from support.util import slow

import segcore as sc
from segcore.metrics import CategoryQuality, ConfusionMatrix, PanopticQuality, PanopticScore

GOLDEN = paths.GOLDEN / "panoptic_quality.npz"

# -- semantic -------------------------------------------------------------------------------------


def areas_of(truth, prediction, classes, ignored):
    """Count as mmsegmentation does: histograms of what is not ignored in the truth."""
    counted = truth != ignored
    truth, prediction = truth[counted], prediction[counted]

    def histogram(labels):
        return np.array([np.count_nonzero(labels == each) for each in range(classes)])

    common = histogram(truth[truth == prediction])
    of_truth, of_prediction = histogram(truth), histogram(prediction)
    return np.array([common, of_truth + of_prediction - common, of_prediction, of_truth])


def assert_scores(confusion, areas):
    common, union, of_prediction, of_truth = areas
    with np.errstate(invalid="ignore"):
        iou, dice = common / union, 2 * common / (of_prediction + of_truth)
        accuracy, precision = common / of_truth, common / of_prediction
    np.testing.assert_array_equal(confusion.iou, iou)
    np.testing.assert_array_equal(confusion.dice, dice)
    np.testing.assert_array_equal(confusion.class_accuracy, accuracy)
    np.testing.assert_array_equal(confusion.precision, precision)
    if not of_truth.sum():
        assert math.isnan(confusion.accuracy)
        assert math.isnan(confusion.frequency_weighted_iou)
        return
    assert confusion.accuracy == common.sum() / of_truth.sum()
    assert confusion.mean_iou == np.nanmean(iou)
    assert confusion.mean_dice == np.nanmean(dice)
    assert confusion.mean_class_accuracy == np.nanmean(accuracy)
    weighted = np.nansum(of_truth / of_truth.sum() * iou)
    assert confusion.frequency_weighted_iou == pytest.approx(weighted, rel=1e-12)


@pytest.mark.parametrize("ignored", [255, 0, -1, None])
@given(
    data=st.data(),
    shape=hnp.array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=8),
    images=st.integers(0, 3),
)
def test_scores_are_those_of_mmsegmentation(ignored, data, shape, images):
    labels = st.integers(0, 4) | st.sampled_from([0, 4] if ignored is None else [0, ignored])
    confusion = ConfusionMatrix(5, ignored)
    total = np.zeros((4, 5), np.int64)
    matrix = np.zeros((5, 5), np.int64)
    for _ in range(images):
        truth, prediction = (
            data.draw(hnp.arrays(np.int16, shape, elements=labels)) for _ in range(2)
        )
        confusion.update(truth, prediction)
        total += areas_of(truth, prediction, 5, ignored)
        for a, b in zip(truth.ravel(), prediction.ravel(), strict=True):
            if a != ignored and 0 <= b < 5:
                matrix[a, b] += 1
    assert_scores(confusion, total)
    np.testing.assert_array_equal(confusion.matrix, matrix)
    np.testing.assert_array_equal(confusion.unassigned, total[3] - matrix.sum(axis=1))


@pytest.mark.parametrize("dtypes", [*itertools.product([np.uint8, ">i4", np.uint64], repeat=2)])
def test_dtypes_and_layouts(dtypes):
    rng = np.random.default_rng(0)
    truth, prediction = rng.integers(0, 19, (2, 67, 130))
    truth[:3] = 255
    expected = ConfusionMatrix(19)
    expected.update(truth, prediction)
    got = ConfusionMatrix(19)
    got.update(truth.astype(dtypes[0], order="F"), prediction.astype(dtypes[1]))
    np.testing.assert_array_equal(got.matrix, expected.matrix)
    counted = truth < 255
    usual = np.bincount(truth[counted] * 19 + prediction[counted], minlength=19 * 19)
    np.testing.assert_array_equal(got.matrix, usual.reshape(19, 19))
    assert got.matrix.dtype == np.int64


@pytest.mark.parametrize("num_classes", [255, 256, 257, 300])
def test_more_classes_than_a_dtype_holds(num_classes):
    truth = np.array([[0, 3, 254]], np.uint8)
    confusion = ConfusionMatrix(num_classes)
    confusion.update(truth, np.array([[255, 3, 0]], np.uint8))
    assert confusion.matrix[3, 3] == confusion.matrix[254, 0] == 1
    assert confusion.unassigned[0] == (num_classes == 255)


def test_matrices_add_up():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 6, (5, 2, 9, 9))
    whole = ConfusionMatrix(6, None)
    parts = []
    for truth, prediction in images:
        whole.update(truth, prediction)
        part = ConfusionMatrix(6, None)
        part.update(truth, prediction)
        parts.append(pickle.loads(pickle.dumps(part)))
    for order in (parts, parts[::-1]):
        total = functools.reduce(operator.add, order)
        np.testing.assert_array_equal(total.matrix, whole.matrix)
        assert total.mean_iou == whole.mean_iou
    before = parts[0].matrix
    sum(parts, ConfusionMatrix(6, None))
    np.testing.assert_array_equal(parts[0].matrix, before)
    with pytest.raises(ValueError, match=r"area_range, got \(6, None, None, None\) and"):
        parts[0] + ConfusionMatrix(6)
    with pytest.raises(TypeError):
        parts[0] + 1
    with pytest.raises(TypeError):
        parts[0] += 1


def test_properties_are_copies():
    confusion = ConfusionMatrix(2)
    confusion.update([[0, 1]], [[0, 255]])
    confusion.matrix[:] = 7
    confusion.unassigned[:] = 7
    assert confusion.matrix.tolist() == [[1, 0], [0, 0]]
    assert confusion.unassigned.tolist() == [0, 1]
    assert repr(confusion) == "ConfusionMatrix(2, ignore_index=255): 2 pixels"


def test_nothing_counted():
    confusion = ConfusionMatrix(3)
    confusion.update([[255]], [[0]])
    assert np.isnan(confusion.iou).all()
    assert math.isnan(confusion.mean_iou)
    assert math.isnan(confusion.mean_precision)


@pytest.mark.parametrize(
    ("truth", "prediction", "ignored", "error", "message"),
    [
        ([[0, 3]], [[0, 0]], 255, ValueError, r"truth: .* 0 to 2 or ignore_index .* label 3"),
        ([[0, 0]], [[0, -1]], 255, ValueError, r"prediction: expected .* the label -1"),
        ([[0, 255]], [[0, 0]], None, ValueError, r"truth: .* the label 255"),
        ([[0, 0]], [[0, 255]], 254, ValueError, r"prediction: .* the label 255"),
        ([[2**40]], [[0]], 255, ValueError, r"truth: .* the label 1099511627776"),
        ([[0.0]], [[0]], 255, TypeError, "truth: expected integers, got float64"),
        ([[0]], [[True]], 255, TypeError, "prediction: expected integers, got bool"),
        ([[0]], [[0, 1]], 255, ValueError, "truth, prediction: expected maps of the same shape"),
        ([0], [0], 255, ValueError, r"truth: expected \(H, W\)"),
    ],
)
def test_errors_name_the_label_and_add_nothing(truth, prediction, ignored, error, message):
    confusion = ConfusionMatrix(3, ignored)
    with pytest.raises(error, match=message):
        confusion.update(truth, prediction)
    assert not confusion.matrix.any()


def test_a_prediction_counts_only_where_the_truth_does():
    confusion = ConfusionMatrix(2)
    confusion.update([[255, 0]], [[99, 0]])  # 99 is no class, but nobody looks there
    assert confusion.matrix.tolist() == [[1, 0], [0, 0]]


@pytest.mark.parametrize("classes", [0, -1, 2**14 + 1, 10**30])
def test_impossible_numbers_of_classes(classes):
    with pytest.raises(ValueError, match="num_classes: expected 1 to 16384"):
        ConfusionMatrix(classes)


@pytest.mark.parametrize("arguments", [(2.0,), (True,), ("2",), (2, 0.5), (2, "255")])
def test_arguments_that_are_no_integers(arguments):
    with pytest.raises(TypeError, match="expected an integer"):
        ConfusionMatrix(*arguments)


# -- panoptic -------------------------------------------------------------------------------------


def counted_by_masks(scenes):
    """Apply the rule to boolean masks: per category the IoUs' sum, tp, fp, fn."""
    classes = {each["id"]: [0.0, 0, 0, 0] for each in CATEGORIES}
    for truth, true_segments, found, segments in scenes:
        matched_true, matched = set(), set()
        # By ascending ids, for floats are added in this order.
        for one in sorted(true_segments, key=lambda each: each["id"]):
            for other in sorted(segments, key=lambda each: each["id"]):
                a, b = truth == one["id"], found == other["id"]
                common = np.count_nonzero(a & b)
                if one["iscrowd"] or one["category_id"] != other["category_id"] or not common:
                    continue
                union = np.count_nonzero(b & (truth != 0)) + one["area"] - common
                if common / union > 0.5:
                    classes[one["category_id"]][0] += common / union
                    classes[one["category_id"]][1] += 1
                    matched_true.add(one["id"])
                    matched.add(other["id"])
        crowds = {}
        for one in true_segments:
            if one["iscrowd"]:
                crowds[one["category_id"]] = one["id"]
            elif one["id"] not in matched_true:
                classes[one["category_id"]][3] += 1
        for other in segments:
            mask = found == other["id"]
            unfair = [0, crowds.get(other["category_id"], 0)]
            share = np.count_nonzero(np.isin(truth[mask], unfair)) / np.count_nonzero(mask)
            if other["id"] not in matched and share <= 0.5:
                classes[other["category_id"]][2] += 1
    return classes


def quality_of(scenes):
    quality = PanopticQuality(CATEGORIES)
    for each in scenes:
        quality.update(*each)
    return quality


def counts_of(quality):
    return {
        number: [each.iou_sum, each.tp, each.fp, each.fn]
        for number, each in quality.per_category.items()
    }


@pytest.mark.parametrize("seed", [0, 1, *map(slow, range(2, 8))])
def test_quality_by_masks(seed):
    rng = np.random.default_rng(seed)
    scenes = [scene(rng) for _ in range(12)]
    assert counts_of(quality_of(scenes)) == counted_by_masks(scenes)


def regions(labels, segments):
    """Return the mask of each segment; segments may lack pixels."""
    dense = np.zeros((len(segments), *labels.shape), bool)
    for mask, segment in zip(dense, segments, strict=True):
        mask[:] = labels == segment["id"]
    return sc.Masks.from_dense(dense)


@pytest.mark.parametrize("iou", ["mask", "boundary"])
def test_quality_of_masks_is_that_of_maps(iou):
    rng = np.random.default_rng(9)
    by_maps, by_masks = PanopticQuality(CATEGORIES, iou), PanopticQuality(CATEGORIES, iou)
    for _ in range(12):
        truth, true_segments, found, segments = scene(rng)
        truth[~np.isin(truth, [segment["id"] for segment in true_segments])] = 0
        by_maps.update(truth, true_segments, found, segments)
        masks = regions(truth, true_segments), regions(found, segments)
        by_masks.update_masks(masks[0], true_segments, masks[1], segments)
    assert by_maps.all.pq > 0
    assert by_masks.per_category == by_maps.per_category


def test_refuses_masks_that_are_no_segments():
    quality = PanopticQuality(CATEGORIES)
    masks = sc.Masks.from_boxes([[0, 0, 3, 3], [2, 0, 6, 3]], (5, 7))
    one, two = [{"id": 1, "category_id": 1}], [{"id": n, "category_id": 1} for n in (1, 2)]
    with pytest.raises(ValueError, match="truth: expected masks that do not overlap"):
        quality.update_masks(masks, two, masks[0], one)
    with pytest.raises(ValueError, match="prediction: expected one segment per mask, got 1 for 2"):
        quality.update_masks(masks[0], one, masks, one)
    with pytest.raises(ValueError, match="same image size"):
        quality.update_masks(masks[0], one, masks.place((9, 9)), two)
    large = [{"id": 2**64, "category_id": 1}]
    with pytest.raises(ValueError, match="truth segments: expected ids that fit into int64"):
        quality.update_masks(masks[0], large, masks[0], one)
    empty = masks[0] - masks[0]
    with pytest.raises(ValueError, match="prediction segment of id 1: the map has no such pixels"):
        quality.update_masks(masks[0], one, empty, one)
    assert quality.all.n == 0


def test_quality_is_that_of_panopticapi():
    with np.load(GOLDEN) as golden:
        truths, founds = golden["truth"], golden["found"]
        segments = json.loads(str(golden["segments"]))
        answer = json.loads(str(golden["answer"]))
    pairs = zip(truths, founds, segments, strict=True)
    scenes = [(truth, infos[0], found, infos[1]) for truth, found, infos in pairs]
    for quality in (quality_of(scenes), quality_of(scenes[:9]) + quality_of(scenes[9:])):
        assert counts_of(quality) == {int(key): each for key, each in answer["classes"].items()}
        for name in ("all", "things", "stuff"):
            assert dataclasses.asdict(getattr(quality, name)) == answer[name]
    assert counts_of(quality) == counted_by_masks(scenes)
    ious = [each.iou_sum for each in quality.per_category.values()]
    assert len(scenes) > 30
    assert sum(ious) > 100  # it does say something


def test_real_panoptic_maps():
    folder = os.environ.get("SEGCORE_TEST_DATA")
    if not folder:
        pytest.skip("SEGCORE_TEST_DATA is not set")
    image = pytest.importorskip("PIL.Image")
    folder = Path(folder) / "panoptic_sample"
    data = json.loads((folder / "panoptic_examples.json").read_text("utf-8"))
    quality = PanopticQuality(data["categories"])
    count = 0
    for each in data["annotations"]:
        with image.open(folder / "panoptic_examples" / each["file_name"]) as png:
            labels = sc.maps.ids.from_rgb(np.asarray(png.convert("RGB")))
        infos = each["segments_info"]
        quality.update(labels, infos, labels.astype(np.uint64), infos)
        count += sum(not info["iscrowd"] for info in infos)
    for score in (quality.all, quality.things, quality.stuff):
        assert (score.pq, score.sq, score.rq) == (1.0, 1.0, 1.0)
    assert sum(each.tp for each in quality.per_category.values()) == count
    assert quality.things.n + quality.stuff.n == quality.all.n


@pytest.mark.parametrize("seed", [0, 1, 2, 3, *map(slow, range(4, 10))])
def test_grouping_does_not_change_a_bit(seed):
    rng = np.random.default_rng(seed)
    scenes = [scene(rng, (24, 30)) for _ in range(7)]
    whole = quality_of(scenes)
    ends = [0, *np.sort(rng.integers(0, 8, seed % 4)).tolist(), 7]
    parts = [quality_of(scenes[a:b]) for a, b in itertools.pairwise(ends)]
    parts = pickle.loads(pickle.dumps(parts))
    left = functools.reduce(operator.add, parts)
    right = functools.reduce(lambda total, part: part + total, parts[::-1])
    assert left.per_category == right.per_category == whole.per_category
    assert left.all == right.all == whole.all


def test_merging_changes_the_left_side_of_iadd_alone():
    rng = np.random.default_rng(5)
    one, other = quality_of([scene(rng)]), quality_of([scene(rng)])
    counts, other_counts = counts_of(one), counts_of(other)
    total = one + other
    assert (counts_of(one), counts_of(other)) == (counts, other_counts)
    one += other
    assert counts_of(one) == counts_of(total)
    assert counts_of(other) == other_counts
    with pytest.raises(ValueError, match="same categories"):
        one += PanopticQuality(CATEGORIES[::-1])
    with pytest.raises(TypeError):
        one + 1
    with pytest.raises(TypeError):
        one += 1
    tp = sum(each.tp for each in one.per_category.values())
    assert repr(one).startswith(f"PanopticQuality of 5 categories: {tp} segments matched, ")


def test_inputs_stay_as_they_are():
    rng = np.random.default_rng(6)
    given_scene = scene(rng)
    before = copy.deepcopy(given_scene)
    PanopticQuality(CATEGORIES).update(*given_scene)
    np.testing.assert_array_equal(given_scene[0], before[0])
    np.testing.assert_array_equal(given_scene[2], before[2])
    assert (given_scene[1], given_scene[3]) == (before[1], before[3])


def test_nothing_counted_has_no_quality():
    quality = PanopticQuality(CATEGORIES)
    quality.update(np.zeros((0, 5), np.uint8), [], np.zeros((0, 5), np.uint8), [])
    assert quality.all.n == 0
    assert math.isnan(quality.all.pq)
    assert quality.per_category[7] == CategoryQuality(0, 0, 0, 0, 0, 0, 0)
    assert isinstance(quality.stuff, PanopticScore)


def one_pair(truth, true_segments, found, segments):
    quality = PanopticQuality(CATEGORIES)
    quality.update(truth, true_segments, found, segments)
    return counts_of(quality)[1]


def thing(number, **more):
    return {"id": number, "category_id": 1, **more}


@pytest.mark.parametrize(
    ("truth", "true_segments", "found", "expected"),
    [
        ([[5, 5, 9, 9]], [thing(5), thing(9)], [[1, 1, 1, 1]], [0.0, 0, 1, 2]),  # 0.5 is no match
        ([[5, 5, 5, 9]], [thing(5), thing(9)], [[1, 1, 1, 1]], [0.75, 1, 0, 1]),
        ([[5, 5, 0, 0]], [thing(5)], [[1, 1, 1, 1]], [1.0, 1, 0, 0]),  # void is not counted
        ([[5, 5, 6, 6]], [thing(5)], [[1, 1, 1, 1]], [0.0, 0, 1, 1]),  # but not listed is
        ([[0, 0, 0, 5]], [thing(5)], [[1, 1, 1, 0]], [0.0, 0, 0, 1]),  # nothing but void
        ([[0, 0, 5, 5]], [thing(5)], [[1, 1, 1, 1]], [1.0, 1, 0, 0]),
        ([[0, 0, 7, 7]], [], [[1, 1, 1, 1]], [0.0, 0, 1, 0]),  # half of it void: it counts
        ([[0, 0, 0, 7]], [], [[1, 1, 1, 1]], [0.0, 0, 0, 0]),
        ([[5, 5, 5, 0]], [thing(5, iscrowd=1)], [[1, 1, 1, 1]], [0.0, 0, 0, 0]),  # in a crowd
        ([[5, 5, 5, 5]], [thing(5, iscrowd=1), thing(6, iscrowd=1)], [[1] * 4], [0.0, 0, 1, 0]),
        ([[5, 5, 5, 5]], [thing(6, iscrowd=1), thing(5, iscrowd=1)], [[1] * 4], [0.0, 0, 0, 0]),
        ([[5, 5, 5, 5]], [thing(5, area=8)], [[1] * 4], [0.0, 0, 1, 1]),  # the area that is listed
        ([[5, 5, 5, 5]], [thing(5, area=5.0, iscrowd=False)], [[1] * 4], [0.8, 1, 0, 0]),
        ([[0]], [thing(5, area=3)], [[0]], [0.0, 0, 0, 1]),  # hidden, and so missed
    ],
)
def test_the_rule(truth, true_segments, found, expected):
    segments = [thing(1)] if np.any(np.array(found) == 1) else []
    assert one_pair(truth, true_segments, found, segments) == expected


@pytest.mark.parametrize(
    ("true_segments", "segments", "error", "message"),
    [
        (
            [thing(5)],
            [],
            ValueError,
            "prediction: the map contains the id 1, which is not listed",
        ),
        (
            [thing(5)],
            [thing(1), thing(3), thing(2)],
            ValueError,
            "prediction segment of id 2: the map has no such pixels",
        ),
        (
            [thing(5)],
            [{"id": 1, "category_id": 3}],
            ValueError,
            "prediction segment 0 of id 1: unknown category_id 3",
        ),
        (
            [{"id": 5, "category_id": -1}],
            [thing(1)],
            ValueError,
            "truth segment 0 of id 5: unknown category_id -1",
        ),
        ([thing(5)] * 2, [thing(1)], ValueError, "truth segment 1: the id 5 is listed twice"),
        ([thing(5)], [thing(1)] * 2, ValueError, "prediction segment 1: the id 1 is listed twice"),
        (
            [thing(5), thing(0)],
            [thing(1)],
            ValueError,
            "truth segment 1: the id 0 is reserved",
        ),
        ([thing(5, area=0)], [thing(1)], ValueError, "truth segment of id 5: the area is 0"),
        (
            [thing(5, area=-1)],
            [thing(1)],
            ValueError,
            r"truth segment 0: area: expected 0 to 2\*\*59 - 1 pixels",
        ),
        (
            [thing(5, area=2**63)],
            [thing(1)],
            ValueError,
            "truth segment 0: area: expected",
        ),
        ([thing(5, area=1.5)], [thing(1)], TypeError, "truth segment 0: area: expected an integer"),
        (
            [thing(5, area=math.nan)],
            [thing(1)],
            TypeError,
            "truth segment 0: area: expected an integer",
        ),
        (
            [thing(5, iscrowd=2)],
            [thing(1)],
            ValueError,
            "truth segment 0: iscrowd: expected 0 or 1, got 2",
        ),
        ([{"category_id": 1}], [thing(1)], ValueError, "truth segment 0: expected the key 'id'"),
        ([{"id": 5}], [thing(1)], ValueError, "truth segment 0: expected the key 'category_id'"),
        ([thing("5")], [thing(1)], TypeError, "truth segment 0: id: expected an integer"),
        ([thing(5), 7], [thing(1)], TypeError, "truth segment 1: expected a dict, got int 7"),
        ([thing(5)], [[1, 1]], TypeError, "prediction segment 0: expected a dict"),
    ],
)
def test_errors_name_the_segment_and_add_nothing(true_segments, segments, error, message):
    quality = PanopticQuality(CATEGORIES)
    with pytest.raises(error, match=message):
        quality.update([[5, 5, 0]], true_segments, [[1, 1, 1]], segments)
    assert quality.all.n == 0


@pytest.mark.parametrize(
    ("truth", "found", "error", "message"),
    [
        ([[5.0]], [[1]], TypeError, "truth: expected integers, got float64"),
        ([[5]], [[True]], TypeError, "prediction: expected integers, got bool"),
        ([[5]], [[1, 1]], ValueError, "truth, prediction: expected maps of the same shape"),
        ([[[5, 0, 0]]], [[1]], ValueError, r"truth: expected \(H, W\), got the shape \(1, 1, 3\)"),
        ([[5]], [[-1]], ValueError, "prediction: the map contains the id -1"),
    ],
)
def test_maps_that_are_none(truth, found, error, message):
    with pytest.raises(error, match=message):
        PanopticQuality(CATEGORIES).update(truth, [thing(5)], found, [thing(1)])


@pytest.mark.parametrize(
    ("categories", "error", "message"),
    [
        ([], ValueError, "categories: expected at least one"),
        ([{"id": 1}], ValueError, "category 0: expected the key 'isthing'"),
        ([{"isthing": 1}], ValueError, "category 0: expected the key 'id'"),
        ([{"id": 1, "isthing": 2}], ValueError, "category 0: isthing: expected 0 or 1"),
        ([{"id": 1, "isthing": 1}] * 2, ValueError, "category 1: the id 1 is listed twice"),
        ([1, 2], TypeError, "category 0: expected a dict, got int 1"),
    ],
)
def test_categories_that_are_none(categories, error, message):
    with pytest.raises(error, match=message):
        PanopticQuality(categories)


# -- bands, sizes and boundaries ------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("distance", [1, 2, 5])
def test_trimap_counts_pixels_near_another_label(seed, distance):
    rng = np.random.default_rng(seed)
    truth = np.kron(rng.integers(0, 4, (3, 4)), np.ones((7, 6), int))
    prediction = rng.integers(0, 4, truth.shape)
    truth[truth == 3] = 255
    confusion = sc.metrics.ConfusionMatrix(4, trimap=distance)
    confusion.update(truth, prediction)
    expected = np.zeros((4, 4), int)
    for (y, x), label in np.ndenumerate(truth):
        others = np.argwhere(truth != label)
        near = len(others) and np.hypot(*(others - (y, x)).T).min() <= distance
        if near and label != 255:
            expected[label, prediction[y, x]] += 1
    np.testing.assert_array_equal(confusion.matrix, expected)


def test_area_ranges_divide_the_pixels():
    truth = np.zeros((60, 60), np.uint8)
    truth[:4, :5] = 1
    truth[10:50, 10:50] = 1
    prediction = np.where(truth == 1, 1, 0)
    prediction[:4, :2] = 0
    prediction[10:20] = 0
    ranges = {"small": (0, 1024), "large": (1025, 1e10)}
    small, large = (sc.metrics.ConfusionMatrix(2, area_range=r) for r in ranges.values())
    for confusion in (small, large):
        confusion.update(truth, prediction)
    assert small.class_accuracy[1] == 12 / 20
    assert large.class_accuracy[1] == 30 / 40
    assert np.isnan(small.class_accuracy[0])
    whole = sc.metrics.ConfusionMatrix(2)
    whole.update(truth, prediction)
    np.testing.assert_array_equal(small.matrix + large.matrix, whole.matrix)
    both = sc.metrics.ConfusionMatrix(2, area_range=(0, 1024), trimap=1)
    both.update(truth, prediction)
    assert both.matrix.sum() == 8  # the two inner sides of the rectangle in the corner
    total = small + small
    np.testing.assert_array_equal(total.matrix, 2 * small.matrix)
    with pytest.raises(ValueError, match="area_range, got"):
        small + large
    with pytest.raises(ValueError, match="trimap: expected a distance of at least 1"):
        sc.metrics.ConfusionMatrix(2, trimap=0)
    with pytest.raises(ValueError, match="area_range: expected two limits"):
        sc.metrics.ConfusionMatrix(2, area_range=(1, 2, 3))
    with pytest.raises(ValueError, match="area_range: expected limits with low <= high"):
        sc.metrics.ConfusionMatrix(2, area_range=(5, 1))
    with pytest.raises(TypeError, match=r'such as AREAS\["small"\]'):
        sc.metrics.ConfusionMatrix(2, area_range="small")


def test_invalid_labels_outside_of_the_counted_pixels():
    confusion = sc.metrics.ConfusionMatrix(2, area_range=(5, 9))
    with pytest.raises(ValueError, match="truth: expected class ids from 0 to 1"):
        confusion.update([[0, 0, 7]], [[0, 0, 0]])


def boundary_quality(truth, prediction, ratio):
    """Compute Boundary PQ of maps of one category as published: with erosion by a 3 x 3 square."""
    distance = max(1, round(ratio * np.hypot(*truth.shape)))

    def boundary(mask):
        padded = np.pad(mask, distance)
        eroded = np.ones_like(mask)
        for dy in range(2 * distance + 1):
            for dx in range(2 * distance + 1):
                eroded &= padded[dy : dy + mask.shape[0], dx : dx + mask.shape[1]]
        return mask & ~eroded

    ious, tp = [], 0
    true_ids, predicted_ids = (set(np.unique(ids)) - {0} for ids in (truth, prediction))
    for i in true_ids:
        for j in predicted_ids:
            values = []
            for a, b in (
                (truth == i, prediction == j),
                (boundary(truth == i), boundary(prediction == j)),
            ):
                union = (a | b).sum() - (b & (truth == 0)).sum()
                values.append((a & b).sum() / union if union else 0)
            if min(values) > 0.5:
                ious.append(min(values))
                tp += 1
    return sum(ious) / (tp + (len(true_ids) - tp) / 2 + (len(predicted_ids) - tp) / 2)


@pytest.mark.parametrize("seed", range(6))
def test_boundary_quality(seed):
    rng = np.random.default_rng(seed)
    truth = np.kron(rng.permutation(np.arange(12).reshape(3, 4)), np.ones((12, 9), int))
    truth[:, ::7] = np.where(rng.random(truth[:, ::7].shape) < 0.3, 0, truth[:, ::7])
    prediction = np.roll(truth, int(rng.integers(0, 2)), 0)
    prediction = np.where(rng.random(truth.shape) < 0.02, 5, prediction)
    prediction[prediction == 0] = 11
    ratio = float(rng.choice([0.01, 0.02, 0.06]))
    categories = [{"id": 1, "isthing": 1}]
    segments = [
        [{"id": int(number), "category_id": 1} for number in np.unique(labels) if number]
        for labels in (truth, prediction)
    ]
    scores = {}
    for iou in ("mask", "boundary"):
        quality = sc.metrics.PanopticQuality(categories, iou, dilation_ratio=ratio)
        quality.update(truth, segments[0], prediction, segments[1])
        scores[iou] = quality.all.pq
        assert (quality + quality).all.pq == pytest.approx(scores[iou])
    assert scores["boundary"] <= scores["mask"]
    assert scores["boundary"] == pytest.approx(boundary_quality(truth, prediction, ratio))
    other = sc.metrics.PanopticQuality(categories)
    with pytest.raises(ValueError, match="expected the same IoU"):
        other += sc.metrics.PanopticQuality(categories, "boundary")


def test_unknown_iou_of_segments():
    with pytest.raises(ValueError, match='iou: expected "mask" or "boundary"'):
        sc.metrics.PanopticQuality([{"id": 1, "isthing": 1}], "box")
