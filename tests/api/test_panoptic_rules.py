"""The rules of panoptic_rules: by hand, and against the references' own answers (golden/)."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from support import panoptic_cases as cases
from support import panoptic_rules as rules
from support import paths
from support.panoptic_cases import Instances, Queries

FILE = paths.GOLDEN / "panoptic.npz"


# -- each rule on a case ---------------------------------------------------------------------------


def averaged(case: Instances) -> np.ndarray:
    """The scores as Hugging Face weights them, for masks of which each pixel is certain."""
    areas = np.float32([rules.area(mask) for mask in case.masks])
    return case.scores.astype(np.float32) * (areas / (areas + np.float32(1e-6)))


def query_thresholds(case: Queries, **more: Any) -> dict[str, Any]:
    return {"object_threshold": case.object_threshold, "overlap": case.overlap, **more}


INSTANCE_RULES = {
    "panopticapi": lambda case: rules.panopticapi(
        *(case.masks, case.class_ids, case.scores),
        *(case.stuff_masks, case.stuff_class_ids, case.things),
        overlap=case.overlap,
        stuff_limit=case.limit,
        score=case.score,
    ),
    "detectron2": lambda case: rules.detectron2(
        *(case.masks, case.class_ids, case.scores, case.semantic_map),
        overlap=case.overlap,
        stuff_limit=case.limit,
        score=case.score,
    ),
    "mmdet_heuristic": lambda case: rules.mmdet_heuristic(
        *(case.masks, case.class_ids, case.scores, case.semantic_map),
        *(case.num_things, case.num_stuff),
        overlap=case.overlap,
        stuff_limit=case.limit,
    ),
    "panoptic_deeplab": lambda case: rules.panoptic_deeplab(
        case.instance_map, case.class_map, case.things, 1000, case.limit, 255
    ),
    "overlap_targets": lambda case: rules.overlap_targets(case.masks),
    "huggingface_instance": lambda case: rules.huggingface_instance(
        case.masks, case.class_ids, averaged(case), threshold=case.score
    ),
}


def query_rule(rule: Any, *names: str, **more: Any) -> Any:
    def answer(case: Queries) -> Any:
        given = [getattr(case, name) for name in names]
        settings = dict(more)
        if settings.pop("masked", False):
            settings["mask_threshold"] = case.mask_threshold
        thresholds = query_thresholds(case, **settings)
        return rule(case.class_ids, case.scores, case.probabilities, *given, **thresholds)

    return answer


QUERY_RULES = {
    "mask2former": query_rule(rules.mask2former, "things", "no_object"),
    "mmdet_maskformer": query_rule(rules.mmdet_maskformer, "num_things", "num_stuff"),
    "mmdet_maskformer_filtered": query_rule(
        rules.mmdet_maskformer, "num_things", "num_stuff", filter_low_score=True
    ),
    "huggingface": query_rule(rules.huggingface, "stuff", "no_object", masked=True),
    "eomt": query_rule(rules.eomt, "stuff", "no_object", masked=True),
}


def comparable(name: str, segments: Any) -> Any:
    """The segments as JSON has them; EoMT does not say whether an instance was fused."""
    if name == "overlap_targets":
        return segments.tolist()
    if name == "huggingface_instance":
        return [{k: v for k, v in each.items() if k != "was_fused"} for each in segments]
    return segments


# -- the references' own answers (golden/make_panoptic.py) -----------------------------------------


@pytest.fixture(scope="module")
def golden():
    with np.load(FILE) as file:
        return dict(file)


@pytest.mark.parametrize("name", [*INSTANCE_RULES, *QUERY_RULES])
def test_golden(golden, name):
    instances = name in INSTANCE_RULES
    rule = INSTANCE_RULES[name] if instances else QUERY_RULES[name]
    given = cases.golden_instances() if instances else cases.golden_queries()
    given = {case.name: case for case in given}
    entries, maps, start = json.loads(str(golden[name + "_entries"])), golden[name], 0
    assert len(entries) > 100
    for entry in entries:
        case = given[entry["case"]]
        assert cases.digest(case) == entry["digest"], f"{case.name} has changed: make the file anew"
        labels, segments = rule(case)
        expected = maps[start : start + labels.size].reshape(labels.shape)
        start += labels.size
        np.testing.assert_array_equal(labels, expected, err_msg=case.name)
        assert labels.dtype == entry["dtype"]
        if entry["segments"] is not None:
            assert comparable(name, segments) == entry["segments"], case.name
    assert start == maps.size


# -- by hand ---------------------------------------------------------------------------------------


def rows(*drawn: str) -> np.ndarray:
    """Masks of one row, an x where they are."""
    return np.array([[[each == "x" for each in row]] for row in drawn])


def row(digits: str) -> np.ndarray:
    return np.array([[int(each) for each in digits]])


def picked(segments: Any, *keys: str) -> list[Any]:
    return [tuple(each[key] for key in keys) for each in segments]


NO_STUFF = np.zeros((0, 1, 8), bool), np.zeros(0, np.int64)
HALVES = rows("xxxx....", "..xxxx..", "....xx..")  # the second half hidden, the third one all
FALLING = np.array([0.9, 0.8, 0.7])


def test_panopticapi():
    stuff = rows("......x.", "xxxxxxxx", "xxxxxxxx"), np.array([5, 2, 5])
    given = HALVES, np.array([0, 1, 2]), FALLING, *stuff, {0, 1, 2}
    labels, segments = rules.panopticapi(*given, stuff_limit=1)
    np.testing.assert_array_equal(labels, row("11112233"))
    assert picked(segments, "id", "category_id") == [(1, 0), (2, 1), (3, 5), (3, 5)]
    labels, segments = rules.panopticapi(*given, stuff_limit=2)
    np.testing.assert_array_equal(labels, row("11112233"))
    assert picked(segments, "id", "category_id") == [(1, 0), (2, 1), (3, 5)]
    labels, _ = rules.panopticapi(*given, stuff_limit=3)
    np.testing.assert_array_equal(labels, row("11112200"))
    labels, segments = rules.panopticapi(*given, stuff_limit=3, overlap=0.49)
    np.testing.assert_array_equal(labels, row("11112200"))
    assert picked(segments, "id", "category_id") == [(1, 0), (2, 2)]


def test_panopticapi_has_scores_as_python_floats():
    for threshold, kept in [(0.5, 1), (0.7, 0), (0.8, 1)]:
        scores = np.array([threshold], np.float32)
        given = HALVES[:1], np.array([0]), scores, *NO_STUFF
        assert len(rules.panopticapi(*given, score=threshold)[1]) == kept


def test_detectron2():
    scores = np.array([0.8, 0.5, 0.9])
    given = HALVES, np.array([0, 0, 2]), scores, row("00113333")
    labels, segments = rules.detectron2(*given, stuff_limit=2)
    assert labels.dtype == np.int32
    np.testing.assert_array_equal(labels, row("22221133"))
    assert segments == [
        {"id": 1, "isthing": True, "score": 0.9, "category_id": 2, "instance_id": 2},
        {"id": 2, "isthing": True, "score": 0.8, "category_id": 0, "instance_id": 0},
        {"id": 3, "isthing": False, "category_id": 3, "area": 2},
    ]
    labels, segments = rules.detectron2(*given, stuff_limit=3)
    np.testing.assert_array_equal(labels, row("22221100"))
    _, segments = rules.detectron2(*given, stuff_limit=0)
    assert picked(segments[2:], "id", "category_id", "area") == [(3, 1, 0), (4, 3, 2)]
    _, segments = rules.detectron2(*given, overlap=1.0)
    assert picked(segments, "instance_id") == [(2,), (0,), (1,)]


def test_mmdet_heuristic():
    given = HALVES, np.array([1, 0, 1]), FALLING, row("00112333"), 2, 3
    labels, segments = rules.mmdet_heuristic(*given, stuff_limit=2)
    assert labels.dtype == np.int32
    np.testing.assert_array_equal(labels[0], [1001] * 4 + [2000] * 2 + [5, 5])
    assert picked(segments, "id", "category_id", "area") == [(1001, 1, 4), (2000, 0, 2)]
    given = HALVES[1:], np.array([1, 0]), FALLING[1:], row("00112211"), 2, 3
    labels, _ = rules.mmdet_heuristic(*given, stuff_limit=2)
    np.testing.assert_array_equal(labels[0], [2, 2] + [1001] * 4 + [3, 3])
    labels, _ = rules.mmdet_heuristic(*given, stuff_limit=3)
    np.testing.assert_array_equal(labels[0], [5, 5] + [1001] * 4 + [5, 5])
    labels, _ = rules.mmdet_heuristic(*given, stuff_limit=3, overlap=1.0)
    np.testing.assert_array_equal(labels[0], [5, 5] + [1001] * 4 + [5, 5])


@pytest.mark.parametrize(("hidden", "kept"), [(399, 2), (400, 2), (401, 1)])
def test_mmdet_heuristic_compares_in_float32(hidden, kept):
    """A float32 of 400/500 is above a float64 of 0.8, but not above a float32 one."""
    masks = cases.pixels((1, 1000), (0, 500), (500 - hidden, 1000 - hidden))
    given = masks, np.zeros(2, int), FALLING[:2], np.zeros((1, 1000), int), 1, 1
    assert len(rules.mmdet_heuristic(*given, overlap=0.8)[1]) == kept


@pytest.mark.parametrize(("times", "kept"), [(1, 2), (16, 2), (128, 1)])
def test_mmdet_heuristic_adds_to_small_areas_alone(times, kept):
    """A half is below 0.4999999 with 1e-5 added to the whole, which float32 loses from 256 on."""
    masks = cases.pixels((1, 4 * times), (0, 2 * times), (times, 3 * times))
    given = masks, np.zeros(2, int), FALLING[:2], np.zeros((1, 4 * times), int), 1, 1
    assert len(rules.mmdet_heuristic(*given, overlap=0.4999999)[1]) == kept


# Four queries side by side, the third of a class that has been.
APART = rows("xx......", "..xx....", "....xx..", "......xx").astype(np.float32)
AGAIN = np.array([4, 0, 4, 1]), np.full(4, 0.9, np.float32), APART


def test_queries_of_a_class_that_comes_again():
    labels, segments = rules.mask2former(*AGAIN, {0, 1}, 7)
    np.testing.assert_array_equal(labels, row("11221133"))
    assert segments == [
        {"id": 1, "isthing": False, "category_id": 4},
        {"id": 2, "isthing": True, "category_id": 0},
        {"id": 3, "isthing": True, "category_id": 1},
    ]
    labels, segments = rules.mmdet_maskformer(*AGAIN, 4, 3)
    np.testing.assert_array_equal(labels[0], [4, 4, 1000, 1000, 4, 4, 2001, 2001])
    assert picked(segments, "id", "category_id", "area") == [(4, 4, 4), (1000, 0, 2), (2001, 1, 2)]

    labels, segments = rules.huggingface(*AGAIN, {4}, 7)
    np.testing.assert_array_equal(labels, row("11221122"))
    assert segments == [
        {"id": 1, "label_id": 4, "was_fused": True, "score": 0.9},
        {"id": 2, "label_id": 0, "was_fused": False, "score": 0.9},
        {"id": 1, "label_id": 4, "was_fused": True, "score": 0.9},
        {"id": 2, "label_id": 1, "was_fused": False, "score": 0.9},
    ]
    labels, segments = rules.huggingface_fixed(*AGAIN, {4}, 7)
    np.testing.assert_array_equal(labels, row("11221133"))
    assert picked(segments, "id", "label_id") == [(1, 4), (2, 0), (3, 1)]
    labels, segments = rules.eomt(*AGAIN, {4}, 7)
    np.testing.assert_array_equal(labels, row("00110022"))
    assert segments == [
        {"id": 0, "label_id": 4, "score": 0.9},
        {"id": 1, "label_id": 0, "score": 0.9},
        {"id": 2, "label_id": 1, "score": 0.9},
    ]


@pytest.mark.parametrize(
    ("won", "whole", "overlap", "passes"),
    [
        *((1, 2, 0.5, "mm"), (4, 5, 0.8, "mm hf"), (7, 10, 0.7, "mm")),
        *((3, 10, 0.3, "mm hf"), (1, 1, 1.0, "mm"), (3, 5, 0.5, "mm hf"), (2, 5, 0.5, "")),
    ],
)
def test_exact_ratios(won, whole, overlap, passes):
    """A float32 ratio, widened, is as likely above the threshold as below it."""
    planes = np.zeros((2, 1, 12), np.float32)
    planes[0, 0, :whole], planes[1, 0, won:] = 0.75, 1
    given = np.array([0, 1]), np.ones(2, np.float32), planes
    for expected, name, (_, segments) in [
        ("mm", "category_id", rules.mask2former(*given, {0, 1}, 7, overlap=overlap)),
        ("mm", "category_id", rules.mmdet_maskformer(*given, 4, 3, overlap=overlap)),
        ("hf", "label_id", rules.huggingface(*given, (), 7, overlap=overlap)),
        ("hf", "label_id", rules.eomt(*given, (), 7, overlap=overlap)),
    ]:
        assert ((0,) in picked(segments, name)) == (expected in passes.split())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_score_is_compared_in_its_own_float(dtype):
    """A float32 of 0.8 is above a float64 one, but not above 0.8."""
    below, score, above = cases.around(0.8, dtype)
    given = np.array([0, 1, 4]), np.array([below, score, above]), APART[:3].astype(dtype)
    for _, segments in [
        rules.mask2former(*given, {0, 1}, 7, object_threshold=0.8),
        rules.mmdet_maskformer(*given, 4, 3, object_threshold=0.8),
        rules.huggingface(*given, {4}, 7, object_threshold=0.8),
        rules.eomt(*given, {4}, 7, object_threshold=0.8),
    ]:
        assert len(segments) == 1


def test_what_is_painted_outside_of_the_mask():
    """The query wins two pixels, of which one lies in its mask of one pixel."""
    planes = np.array([[[0.75, 0.375, 0.0]], [[0.0, 0.25, 0.75]]], np.float32)
    given = np.array([0, 4]), np.ones(2, np.float32), planes
    np.testing.assert_array_equal(rules.mask2former(*given, {0}, 7)[0], row("102"))
    np.testing.assert_array_equal(rules.eomt(*given, {4}, 7)[0][0], [0, -1, 1])
    np.testing.assert_array_equal(rules.huggingface(*given, {4}, 7)[0], row("112"))
    labels, _ = rules.mmdet_maskformer(*given, 4, 3)
    np.testing.assert_array_equal(labels[0], [1000, 1000, 4])
    labels, _ = rules.mmdet_maskformer(*given, 4, 3, filter_low_score=True)
    np.testing.assert_array_equal(labels[0], [1000, 7, 4])


def test_mmdet_maskformer_spends_a_number_on_nothing():
    """The first query wins a pixel outside of its mask, and loses the one inside."""
    planes = np.array([[[0.75, 0.375, 0.0]], [[1.0, 0.0, 1.0]]], np.float32)
    given = np.array([0, 1]), np.ones(2, np.float32), planes
    labels, segments = rules.mmdet_maskformer(*given, 4, 3, filter_low_score=True)
    np.testing.assert_array_equal(labels[0], [2001, 7, 2001])
    assert picked(segments, "id", "category_id", "area") == [(2001, 1, 2)]
    np.testing.assert_array_equal(rules.mmdet_maskformer(*given, 4, 3)[0][0], [2001, 1000, 2001])
    np.testing.assert_array_equal(rules.mask2former(*given, {0, 1}, 7)[0], row("101"))


def test_huggingface_weighs_the_mask():
    """0.5625 is in the mask by itself, but not with a score of 0.875."""
    planes = np.array([[[0.5625, 0.75]], [[1.0, 0.0]]], np.float32)
    given = np.array([0, 1]), np.array([0.875, 0.875], np.float32), planes
    assert len(rules.huggingface(*given, (), 7)[1]) == 2  # 1 of 1
    assert len(rules.eomt(*given, (), 7)[1]) == 1  # 1 of 2
    assert len(rules.mask2former(*given, {0, 1}, 7)[1]) == 1


def test_no_query_is_kept():
    given = np.array([0, 7]), np.array([0.25, 1], np.float32), np.ones((2, 1, 3), np.float32)
    for (labels, segments), value, dtype in [
        (rules.mask2former(*given, {0}, 7), 0, np.int32),
        (rules.mmdet_maskformer(*given, 4, 3), 7, np.int32),
        (rules.huggingface(*given, {4}, 7), -1, np.float32),
        (rules.eomt(*given, {4}, 7), -1, np.float32),
    ]:
        assert segments == []
        np.testing.assert_array_equal(labels, np.full((1, 3), value))
        assert labels.dtype == dtype


def test_huggingface_instance():
    labels, segments = rules.huggingface_instance(
        rows("xxxx....", "........", "..xxxx..", "....xxxx"),
        np.array([3, 2, 1, 0]),
        np.array([0.5, 0.9, 0.75, 0.25], np.float32),
    )
    assert labels.dtype == np.float32
    np.testing.assert_array_equal(labels[0], [0, 0, 1, 1, 1, 1, -1, -1])
    assert segments == [
        {"id": 0, "label_id": 3, "was_fused": False, "score": 0.5},
        {"id": 1, "label_id": 1, "was_fused": False, "score": 0.75},
    ]


@pytest.mark.parametrize(("threshold", "kept"), [(0.5, 1), (0.7, 0), (0.8, 1)])
def test_huggingface_instance_has_scores_as_python_floats(threshold, kept):
    given = HALVES[:1], np.array([0]), np.array([threshold], np.float32)
    assert len(rules.huggingface_instance(*given, threshold=threshold)[1]) == kept


def test_panoptic_deeplab():
    instances = row("1112220330")
    semantic = row("1002551141")  # 0 to 2 are things
    labels, segments = rules.panoptic_deeplab(instances, semantic, {0, 1, 2}, 1000, 1, 255)
    np.testing.assert_array_equal(labels[0], [1, 1, 1, 2001, 255, 255, 255, 1001, 255, 255])
    assert picked(segments, "id", "category_id") == [(1, 0), (1001, 1), (2001, 2)]
    instances, semantic = row("5500000020"), row("2110044031")
    labels, segments = rules.panoptic_deeplab(instances, semantic, {1, 2}, 10, 2, 99)
    # a tie of 2 and 1 is for 1, and so is instance 2 second of nothing: 3 is stuff
    np.testing.assert_array_equal(labels[0], [11, 11, 99, 0, 0, 40, 40, 0, 99, 99])
    assert segments == [
        {"id": 0, "category_id": 0, "isthing": False},
        {"id": 11, "category_id": 1, "isthing": True},
        {"id": 40, "category_id": 4, "isthing": False},
    ]


def test_overlap_targets():
    masks = rows("..xx....", "xxxxxx..", "........", "....xxx.", "........")
    labels, order = rules.overlap_targets(masks)
    assert order.tolist() == [2, 4, 1, 3, 0]
    np.testing.assert_array_equal(labels, row("33554440"))
    assert labels.dtype == np.uint8
    assert rules.overlap_targets(np.repeat(masks[:1], 255, 0))[0].max() == 255
    labels, _ = rules.overlap_targets(np.repeat(masks[:1], 256, 0))
    assert labels.dtype == np.int32
    assert labels.max() == 256


# -- the cases -------------------------------------------------------------------------------------


def test_cases_are_the_same_each_time():
    for made in (cases.golden_instances, cases.golden_queries):
        first, second = made(), made()
        assert [*map(cases.digest, first)] == [*map(cases.digest, second)]
        assert len({case.name for case in first}) == len(first)


def test_cases_meet_both_sides_of_each_edge():
    """An edge that moves by one pixel, or by next to nothing, changes some answer."""
    given = list(cases.edge_instances())
    assert any(case.ties for case in given)
    rule = INSTANCE_RULES["panopticapi"]
    counts = [len(rule(case)[1]) for case in given]
    edges = [("limit", 1), ("limit", -1), ("score", 1e-9), ("score", -1e-9), ("overlap", -1e-9)]
    for key, step in edges:
        moved = [replace(case, **{key: getattr(case, key) + step}) for case in given]
        assert counts != [len(rule(case)[1]) for case in moved], (key, step)
