"""compose_panoptic: what it says of segments, and what it refuses. For presets see
test_panoptic_presets.py."""

from __future__ import annotations

import json

import numpy as np
import pytest

import segcore as sc
from segcore.maps.panoptic import PRESETS
from segcore.maps.panoptic.shares import max_overlaps, wins_enough

BOXES = [[0, 0, 3, 2], [2, 0, 5, 2], [0, 0, 3, 1], [0, 0, 0, 0], [5, 0, 6, 1]]
MASKS = sc.Masks.from_boxes(BOXES, (2, 6))
CLASSES = [1, 1, 2, 2, 9]
SCORES = [0.9, 0.8, 0.7, 0.6, 0.2]
RULES = sc.PanopticRules(score_threshold=0.5, max_taken=0.5, stuff_area=2)


def reasons(result):
    return {each["source"]: each["reason"] for each in result.dropped}


def test_masks():
    stuff = np.array([[7, 7, 7, 7, 7, 7], [7, 7, 7, 7, 7, 8]])
    result = sc.compose_panoptic(MASKS, CLASSES, SCORES, stuff=stuff, rules=RULES)
    assert result.labels.tolist() == [[1, 1, 1, 2, 2, 0], [1, 1, 1, 2, 2, 0]]
    assert result.segments == [
        {
            "id": 1,
            "category_id": 1,
            "isthing": True,
            "score": 0.9,
            "area": 6,
            "area_before": 6,
            "bbox": [0, 0, 3, 2],
            "sources": [0],
        },
        {
            "id": 2,
            "category_id": 1,
            "isthing": True,
            "score": 0.8,
            "area": 4,
            "area_before": 6,
            "bbox": [3, 0, 2, 2],
            "sources": [1],
        },
    ]
    assert reasons(result) == {2: "overlap", 3: "empty", 4: "score", None: "area"}
    assert [each["category_id"] for each in result.dropped if each["source"] is None] == [7, 8]
    assert np.array_equal(result.masks.to_dense().argmax(axis=0) + 1, result.labels.clip(1))
    json.dumps([result.segments, result.dropped])
    assert repr(result) == "Panoptic(2 segments of 2 x 6, 5 dropped)"


def test_labels_are_read_only_and_made_once():
    result = sc.compose_panoptic(MASKS, CLASSES, SCORES, rules=RULES)
    assert result.labels is result.labels
    with pytest.raises(ValueError, match="read-only"):
        result.labels[0, 0] = 1


def test_stuff_as_masks():
    stuff = sc.Masks.from_boxes([[0, 0, 6, 2], [4, 0, 6, 2], [0, 0, 6, 2]], (2, 6))
    result = sc.compose_panoptic(
        MASKS[:1], [1], [0.9], stuff=(stuff, [7, 8, 1]), things=[1], rules=RULES
    )
    assert result.labels.tolist() == [[1, 1, 1, 2, 2, 2]] * 2
    assert [each["sources"] for each in result.segments] == [[0], [0]]
    assert reasons(result) == {1: "area"}


def test_a_field_is_a_rule():
    labels = {}
    for name, changes in {
        "last": {"winner": "last", "max_taken": None},
        "area": {"order": "area"},
        "input": {"order": "input"},
        "offset": {"ids": "class + count * divisor"},
        "divisor": {"ids": "class * divisor + count", "divisor": 10},
        "hidden": {"max_taken": None},
        "void": {"void": 255, "dtype": "uint8", "first": 5},
    }.items():
        rules = sc.PanopticRules.preset("panopticapi", **changes)
        result = sc.compose_panoptic(MASKS[:3], [1, 1, 2], [0.7, 0.8, 0.9], rules=rules)
        labels[name] = result.labels.tolist()
        assert result.labels.dtype == rules.dtype
    assert labels["last"] == [[3, 3, 3, 2, 2, 0], [3, 3, 3, 2, 2, 0]]
    assert labels["area"] == [[1, 1, 1, 2, 2, 0], [1, 1, 1, 2, 2, 0]]
    assert labels["input"] == labels["area"]
    assert labels["offset"] == [[1002, 1002, 1002, 2001, 2001, 0], [0, 0, 2001, 2001, 2001, 0]]
    assert labels["hidden"] == [[1, 1, 1, 2, 2, 0], [3, 3, 2, 2, 2, 0]]
    assert labels["divisor"][0] == [21, 21, 21, 11, 11, 0]
    assert labels["void"][0] == [5, 5, 5, 6, 6, 255]


def test_queries():
    probabilities = np.array([[[0.9, 0.9, 0.2, 0.2]], [[0.2, 0.6, 0.9, 0.4]], [[0.1] * 3 + [0.9]]])
    rules = sc.PanopticRules.preset("mask2former", score_threshold=0.3)
    result = sc.compose_panoptic(probabilities, [3, 4, 4], [0.9, 0.8, 0.7], things=[3], rules=rules)
    assert result.labels.tolist() == [[1, 1, 0, 2]]
    assert reasons(result) == {1: "overlap"}
    result = sc.compose_panoptic(
        probabilities, [3, 4, 4], [0.9, 0.8, 0.7], things=[3], no_object=3, rules=rules
    )
    assert result.labels.tolist() == [[0, 1, 1, 1]]  # both queries of the stuff 4
    [segment] = result.segments
    assert segment["sources"] == [1, 2]
    assert not segment["isthing"]
    assert reasons(result) == {0: "score"}


def test_queries_are_enlarged():
    rng = np.random.default_rng(0)
    probabilities = rng.random((4, 8, 12), np.float32)
    rules = sc.PanopticRules.preset("mask2former", score_threshold=0.0, min_won=None)
    scores = np.array([0.9, 0.8, 0.7, 0.6], np.float32)
    result = sc.compose_panoptic(probabilities, [1, 2, 3, 4], scores, size=(64, 96), rules=rules)
    winner = sc.argmax_upsample(probabilities * scores[:, None, None], (64, 96))
    confident = sc.upsample_masks(probabilities, (64, 96), 0.5).to_dense()
    expected = np.where(np.take_along_axis(confident, winner[None], 0)[0], winner + 1, 0)
    assert np.array_equal(result.labels, expected)


def test_nothing():
    for name, rules in PRESETS.items():
        masks = np.zeros((0, 2, 6), np.float32) if rules.winner == "argmax" else MASKS[:0]
        stuff = {"stuff": np.ones((2, 6), int), "things": [1]} if rules.vote else {}
        result = sc.compose_panoptic(masks, None if rules.vote else [], [], **stuff, rules=name)
        assert result.segments == [] == result.dropped
        empty = rules.void if rules.void_if_no_query is None else rules.void_if_no_query
        assert (result.labels == empty).all()
        assert result.labels.shape == (2, 6)


GOOD = {"masks": MASKS, "class_ids": CLASSES, "scores": SCORES}
QUERIES = {"masks": np.zeros((2, 3, 4)), "class_ids": [1, 2], "scores": [1, 1]}
VOTES = {"rules": "panoptic-deeplab", "class_ids": None}


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (GOOD | {"rules": "coco"}, ValueError, "rules: expected one of panopticapi, detectron2"),
        (GOOD | {"rules": "mask2former"}, TypeError, "masks: expected probabilities"),
        (QUERIES, TypeError, "masks: expected Masks for these rules"),
        (QUERIES | {"rules": "eomt", "stuff": [[1]]}, ValueError, "stuff: not used by these rules"),
        (QUERIES | {"rules": "eomt", "masks": np.zeros((2, 3))}, ValueError, "masks: expected"),
        (QUERIES | {"rules": "eomt", "size": (2,)}, ValueError, "size: expected"),
        (GOOD | {"size": (2, 6)}, ValueError, "size: only used with probabilities"),
        (GOOD | {"scores": None}, ValueError, "scores: required by these rules"),
        (GOOD | {"scores": [1]}, ValueError, "scores: expected 5 values, one per mask, got 1"),
        (GOOD | {"scores": [1, 1, np.nan, 1, 1]}, ValueError, "the score of mask 2 is NaN"),
        (GOOD | {"class_ids": None}, ValueError, "class_ids: expected one class id per mask"),
        (GOOD | {"class_ids": [0.5] * 5}, TypeError, "class_ids: expected integers"),
        (GOOD | {"class_ids": np.full(5, 2**63, "u8")}, ValueError, "does not fit into int64"),
        (GOOD | {"stuff": [[1, 2]]}, ValueError, "stuff: expected the shape"),
        (GOOD | {"stuff": np.zeros((2, 6))}, TypeError, "stuff: expected integers"),
        (GOOD | {"stuff": (MASKS, [1])}, ValueError, "stuff: class ids: expected 5"),
        (GOOD | {"stuff": (MASKS[:0], [0.5])}, TypeError, "stuff: class ids: expected integers"),
        (GOOD | {"things": [0.5]}, TypeError, "things: expected integers"),
        (GOOD | {"no_object": 0.5}, TypeError, "no_object: expected an integer"),
        (GOOD | VOTES, ValueError, "stuff, things: these rules vote"),
        (GOOD | {"rules": "panoptic-deeplab"}, ValueError, "class_ids: expected None"),
    ],
)
def test_refuses(arguments, error, message):
    with pytest.raises(error, match=message):
        sc.compose_panoptic(**arguments)


def test_refuses_ids_that_do_not_fit():
    rules = sc.PanopticRules.preset("mmdet-heuristic", dtype="uint8", void=0)
    with pytest.raises(ValueError, match="class 1 has the id 1001, which does not fit into uint8"):
        sc.compose_panoptic(MASKS, CLASSES, SCORES, rules=rules)


def test_stuff_area_may_be_any_integer():
    rules = sc.PanopticRules.preset("detectron2", stuff_area=10**30)
    stuff = np.full(MASKS.size, 90)
    result = sc.compose_panoptic(MASKS, CLASSES, SCORES, stuff=stuff, rules=rules)
    assert result.segments[-1]["category_id"] == 1
    assert [each["category_id"] for each in result.dropped if each["reason"] == "area"] == [90]


@pytest.mark.parametrize(
    ("ids", "classes", "message"),
    [
        ("class + count * divisor", [1, 2, 10, 1, 1], "class 10: expected class ids from 0 to 9"),
        ("class + count * divisor", [1, 2, -1, 1, 1], "class -1: expected class ids from 0 to 9"),
        ("class * divisor + count", [10, 2, 2, 2, 2], "class 2: with 3 or more instances"),
    ],
)
def test_refuses_divisors_that_do_not_keep_ids_apart(ids, classes, message):
    divisor = 10 if "+ count *" in ids else 3
    rules = sc.PanopticRules(ids=ids, divisor=divisor)
    with pytest.raises(ValueError, match=message):
        sc.compose_panoptic(MASKS, classes, SCORES, rules=rules)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"winner": "best"}, ValueError, "winner: expected one of"),
        ({"max_taken": "half"}, TypeError, "max_taken: expected a number"),
        ({"max_taken": np.nan}, ValueError, "max_taken: expected a finite number"),
        ({"vote": 1}, TypeError, "vote: expected a bool"),
        ({"stuff_ignore": "0"}, TypeError, "stuff_ignore: expected a tuple of integers"),
        ({"stuff_ignore": 0}, TypeError, "stuff_ignore: expected a tuple of integers"),
        ({"stuff_area": -1}, ValueError, "stuff_area: expected at least 0"),
        ({"divisor": 0}, ValueError, "divisor: expected at least 1"),
        ({"void": 300, "dtype": "uint8"}, ValueError, "void: 300 does not fit into uint8"),
        ({"winner": "last", "max_taken": 0.5}, ValueError, "max_taken: only used with"),
        ({"min_won": 0.5}, ValueError, "min_won: only used with"),
        ({"winner": "argmax", "vote": True}, ValueError, "vote: not available with"),
    ],
)
def test_rules_refuse(changes, error, message):
    with pytest.raises(error, match=message):
        sc.PanopticRules(**changes)


def test_rules_are_values():
    a, b = (sc.PanopticRules.preset("detectron2", void=np.int64(7)) for _ in range(2))
    assert a == b
    assert hash(a) == hash(b)
    assert type(a.void) is int
    with pytest.raises(AttributeError):
        a.void = 3
    with pytest.raises(TypeError, match="overlap"):
        sc.PanopticRules.preset("detectron2", overlap=0.5)


# -- exact shares ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("preset", "won", "of", "share", "stays"),
    [
        ("mask2former", 4, 5, 0.8, True),
        ("mmdet-maskformer", 4, 5, 0.8, True),
        ("huggingface", 4, 5, 0.8, True),  # the float32 of 4/5 lies above 0.8
        ("eomt", 4, 5, 0.8, True),
        ("mask2former", 1, 2, 0.5, True),
        ("huggingface", 1, 2, 0.5, False),
        ("eomt", 1, 2, 0.5, False),
        ("huggingface", 7, 10, 0.7, False),  # that of 7/10 below 0.7
        ("mask2former", 7, 10, 0.7, True),
    ],
)
def test_queries_that_win_exactly_their_share(preset, won, of, share, stays):
    probabilities = np.zeros((2, 1, of))
    probabilities[0] = 0.9
    probabilities[1, 0, won:] = 1
    rules = sc.PanopticRules.preset(preset, score_threshold=0.5, min_won=share)
    result = sc.compose_panoptic(probabilities, [0, 1], [1, 1], rules=rules)
    assert reasons(result) == ({} if stays else {0: "overlap"})


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("share", [0, 0.1, 0.3, 0.29999999999, 0.5, 0.7, 0.8, 1 / 3, 1])
def test_masks_may_lose_just_their_share(dtype, share):
    areas = np.array([1, 2, 3, 5, 10, 30, 2**24 - 1, 2**24 + 3, 10**9 + 7, 2**40 + 1, 2**53 + 3])
    rules = sc.PanopticRules(max_taken=share, share_dtype=dtype)
    number = np.dtype(dtype).type
    for area, most in zip(areas.tolist(), max_overlaps(rules, areas).tolist(), strict=True):

        def fits(taken, area=area):
            return number(taken) / number(area) <= number(share)

        assert fits(most)
        assert most == area or not fits(most + 1)


@pytest.mark.parametrize(
    ("dtype", "above", "expected"),
    [
        ("float64", False, [True, False, True, True]),
        ("float64", True, [False, False, True, True]),
        ("float32", False, [True, True, True, True]),
        ("float32", True, [False, False, False, True]),
        ("float32 ratio", True, [True, True, True, True]),
    ],
)
def test_shares_in_each_precision(dtype, above, expected):
    rules = sc.PanopticRules(winner="argmax", min_won=0.8, min_won_strict=above, share_dtype=dtype)
    won, confident = np.array([[4, 5], [8 * 10**9 - 1, 10**10], [8 * 10**9 + 1, 10**10], [1, 1]]).T
    assert wins_enough(rules, won, confident).tolist() == expected


def test_classes_that_float64_does_not_tell_apart():
    masks = sc.Masks.from_boxes([[0, 0, 2, 2], [3, 0, 5, 2]], (3, 9))
    ids = np.array([2**53, 2**53 + 1])
    every_area = sc.PanopticRules.preset("panopticapi", stuff_area=0)
    for things in ([2**53], np.array([2**53], np.uint64), [2**53, 2**64 - 1]):
        stuff = sc.compose_panoptic(
            masks[:0], [], [], stuff=(masks, ids), things=things, rules=every_area
        )
        assert [each["category_id"] for each in stuff.segments] == [2**53 + 1]


def test_scores_that_float64_does_not_tell_apart():
    masks = sc.Masks.from_boxes([[0, 0, 2, 2]] * 2, (3, 9))
    result = sc.compose_panoptic(masks, [1, 2], np.array([2**53, 2**53 + 1]))
    assert result.segments[0]["category_id"] == 2
