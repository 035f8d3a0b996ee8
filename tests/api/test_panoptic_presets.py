"""compose_panoptic with each preset against the rules that it stands for, on every case."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support import panoptic_cases as cases
from support import panoptic_rules as rules
from support.panoptic_cases import Instances
from support.util import slow

import segcore as sc


@pytest.fixture(scope="module", params=[range(200, 280), slow(range(280, 1200))], ids=str)
def seeds(request: pytest.FixtureRequest) -> range:
    return request.param


@pytest.fixture(scope="module")
def instances(seeds: range) -> list[Any]:
    return [*cases.edge_instances(), *map(cases.random_instances, seeds)]


@pytest.fixture(scope="module")
def queries(seeds: range) -> list[Any]:
    return [*cases.edge_queries(), *map(cases.random_queries, seeds)]


def preset(name: str, **changes: Any) -> sc.PanopticRules:
    return sc.PanopticRules.preset(name, **changes)


def composed(case: Instances, made: sc.PanopticRules, **more: Any) -> sc.Panoptic:
    masks = sc.Masks.from_dense(case.masks)
    return sc.compose_panoptic(masks, case.class_ids, case.scores, rules=made, **more)


def listed(segments: Any, category: str = "category_id") -> list[tuple[int, int]]:
    return [(each["id"], each[category]) for each in segments]


def assert_same(case: Any, result: sc.Panoptic, labels: Any, entries: Any = None) -> None:
    """The same map, and the same entries in the same order."""
    np.testing.assert_array_equal(result.labels, labels, err_msg=case.name)
    if entries is not None:
        assert listed(result.segments) == entries, case.name
    assert_consistent(case, result)


def assert_consistent(case: Any, result: sc.Panoptic) -> None:
    """Masks, areas and boxes are those of the map, and nothing that came in got lost."""
    segments = result.segments
    assert len(result.masks) == len(segments)
    assert (result.masks.to_dense(np.uint8).sum(axis=0) <= 1).all(), case.name
    assert result.masks.area.tolist() == [each["area"] for each in segments]
    x, y, width, height = np.array([each["bbox"] for each in segments], int).reshape(-1, 4).T
    assert np.array_equal(result.masks.boxes, np.stack([x, y, x + width, y + height], axis=1))
    areas: dict[int, int] = {}
    for each in segments:
        areas[each["id"]] = areas.get(each["id"], 0) + each["area"]
    for number, area in areas.items():
        if number != result.void:
            assert (result.labels == number).sum() == area, case.name
    became = [i for each in segments if each["score"] is not None for i in each["sources"]]
    dropped = [each["source"] for each in result.dropped if each["score"] is not None]
    if became or dropped:  # instances with scores
        assert sorted(became + dropped) == list(range(len(case.class_ids))), case.name


# -- masks -----------------------------------------------------------------------------------------


def test_panopticapi(instances):
    for case in instances:
        labels, segments = rules.panopticapi(
            *(case.masks, case.class_ids, case.scores),
            *(case.stuff_masks, case.stuff_class_ids, case.things),
            overlap=case.overlap,
            stuff_limit=case.limit,
            score=case.score,
        )
        changes = {"max_taken": case.overlap, "stuff_area": case.limit}
        made = preset("panopticapi", score_threshold=case.score, **changes)
        stuff = sc.Masks.from_dense(case.stuff_masks), case.stuff_class_ids
        result = composed(case, made, stuff=stuff, things=case.things)
        assert_same(case, result, labels, listed(segments))


def test_detectron2(instances):
    for case in instances:
        labels, segments = rules.detectron2(
            *(case.masks, case.class_ids, case.scores, case.semantic_map),
            overlap=case.overlap,
            stuff_limit=case.limit,
            score=case.score,
        )
        changes = {"max_taken": case.overlap, "stuff_area": case.limit}
        made = preset("detectron2", score_threshold=case.score, **changes)
        result = composed(case, made, stuff=case.semantic_map)
        assert_same(case, result, labels, listed(segments))
        assert result.labels.dtype == labels.dtype
        for mine, expected in zip(result.segments, segments, strict=True):
            assert mine["isthing"] == expected["isthing"]
            if mine["isthing"]:
                assert mine["score"] == expected["score"]
                assert mine["sources"] == [expected["instance_id"]]
            else:
                assert mine["area"] == expected["area"]


def test_mmdet_heuristic(instances):
    for case in instances:
        labels, segments = rules.mmdet_heuristic(
            *(case.masks, case.class_ids, case.scores, case.semantic_map),
            *(case.num_things, case.num_stuff),
            overlap=case.overlap,
            stuff_limit=case.limit,
        )
        void = case.num_things + case.num_stuff
        changes = {"max_taken": case.overlap, "stuff_area": case.limit}
        made = preset("mmdet-heuristic", void=void, stuff_ignore=(void,), **changes)
        result = composed(case, made, stuff=case.semantic_map + case.num_things)
        assert_same(case, result, labels)
        visible = [segment for segment in result.segments if segment["area"]]
        assert sorted(listed(visible)) == listed(segments), case.name
        assert result.labels.dtype == labels.dtype


def test_huggingface_instance(instances):
    for case in instances:
        given = case.masks, case.class_ids, case.scores
        labels, segments = rules.huggingface_instance(*given, threshold=case.score)
        result = composed(case, preset("huggingface-instance", score_threshold=case.score))
        assert_same(case, result, labels, listed(segments, "label_id"))


def test_panoptic_deeplab(instances):
    for case in instances:
        given = case.instance_map, case.class_map, case.things
        labels, segments = rules.panoptic_deeplab(*given, 100, case.limit, 255)
        made = preset("panoptic-deeplab", divisor=100, stuff_area=case.limit, void=255)
        numbers = np.unique(case.instance_map)
        masks = case.instance_map == numbers[numbers > 0, None, None]
        masks = sc.Masks.from_dense(masks)
        result = sc.compose_panoptic(
            masks, None, stuff=case.class_map, things=case.things, rules=made
        )
        assert_same(case, result, labels)
        visible = [segment for segment in result.segments if segment["area"]]
        assert sorted(listed(visible)) == listed(segments), case.name
        assert result.labels.dtype == labels.dtype


def test_overlap_targets(instances):
    for case in instances:
        labels, order = rules.overlap_targets(case.masks)
        made = preset("overlap-targets")
        result = sc.compose_panoptic(sc.Masks.from_dense(case.masks), case.class_ids, rules=made)
        assert_same(case, result, labels)
        assert [segment["sources"] for segment in result.segments] == [[i] for i in order]


# -- queries ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["mask2former", "huggingface", "huggingface-fixed", "eomt"])
def test_queries(queries, name):
    rule = getattr(rules, name.replace("-", "_"))
    category = "category_id" if name == "mask2former" else "label_id"
    for case in queries:
        given = case.class_ids, case.scores, case.probabilities
        thresholds = {"object_threshold": case.object_threshold, "overlap": case.overlap}
        changes = {"score_threshold": case.object_threshold, "min_won": case.overlap}
        stuff = case.things
        if name != "mask2former":
            thresholds["mask_threshold"] = changes["mask_threshold"] = case.mask_threshold
            stuff = case.stuff
        labels, segments = rule(*given, stuff, case.no_object, **thresholds)
        made = preset(name, **changes)
        kinds = {"things": case.things, "no_object": case.no_object}
        classes, scores, probabilities = given
        result = sc.compose_panoptic(probabilities, classes, scores, rules=made, **kinds)
        assert_same(case, result, labels, listed(segments, category))


@pytest.mark.parametrize("filtered", [False, True])
def test_mmdet_maskformer(queries, filtered):
    for case in queries:
        classes, scores, probabilities = case.class_ids, case.scores, case.probabilities
        labels, segments = rules.mmdet_maskformer(
            *(classes, scores, probabilities, case.num_things, case.num_stuff),
            object_threshold=case.object_threshold,
            overlap=case.overlap,
            filter_low_score=filtered,
        )
        changes = {"score_threshold": case.object_threshold, "min_won": case.overlap}
        changes |= {"void": case.no_object, "assign_all_won": not filtered}
        made = preset("mmdet-maskformer", **changes)
        kinds = {"things": case.things, "no_object": case.no_object}
        result = sc.compose_panoptic(probabilities, classes, scores, rules=made, **kinds)
        assert_same(case, result, labels)
        visible = [segment for segment in result.segments if segment["area"]]
        assert sorted(listed(visible)) == listed(segments), case.name
        assert result.labels.dtype == labels.dtype
