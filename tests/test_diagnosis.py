"""What a prediction lost and added, and why."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_components import flooded
from test_morphology import dilated, eroded
from test_regions import holes_of

import segcore as sc
from segcore.cli.demo import read_scene
from segcore.diagnosis import CAUSES


def boxes(*each: tuple[int, int, int, int], size=(40, 60)) -> sc.Masks:
    return sc.Masks.from_boxes(np.array(each, float).reshape(-1, 4), size)


def kinds(result: sc.Diagnosis) -> list[tuple]:
    return [(each.kind, each.truth, each.predicted) for each in result.findings]


# -- which prediction belongs to which object -----------------------------------------------------


def test_pairs_are_taken_from_the_greatest_iou_down():
    truth = boxes((0, 0, 10, 10), (5, 0, 15, 10), (40, 20, 50, 30))
    predicted = boxes((4, 0, 14, 10), (0, 0, 9, 10), (20, 20, 30, 30))
    result = sc.diagnose(truth, predicted)
    assert kinds(result) == [
        ("matched", 0, (1,)),
        ("matched", 1, (0,)),
        ("missed", 2, ()),
        ("spurious", None, (2,)),
    ]
    assert [each.iou for each in result.findings] == [0.9, 90 / 110, 0, 0]
    assert [each.area for each in result.findings] == [100, 100, 100, 100]
    assert result.worst() == [2, 3, 1, 0]


def test_equal_ious_go_by_index():
    truth = boxes((0, 0, 10, 10), (10, 0, 20, 10))
    predicted = boxes((5, 0, 15, 10), (5, 0, 15, 10))
    assert kinds(sc.diagnose(truth, predicted)) == [("matched", 0, (0,)), ("matched", 1, (1,))]


def test_the_threshold_is_reached_by_what_equals_it():
    truth, predicted = boxes((0, 0, 10, 10)), boxes((0, 0, 5, 10))
    assert sc.diagnose(truth, predicted, iou_threshold=0.5).findings[0].kind == "matched"
    result = sc.diagnose(truth, predicted, iou_threshold=np.nextafter(0.5, 1))
    assert kinds(result) == [("missed", 0, ()), ("spurious", None, (0,))]


def test_what_does_not_touch_is_no_match_even_without_a_threshold():
    result = sc.diagnose(boxes((0, 0, 5, 5)), boxes((10, 10, 15, 15)), iou_threshold=0)
    assert kinds(result) == [("missed", 0, ()), ("spurious", None, (0,))]


def test_split():
    truth = boxes((0, 0, 30, 10))
    predicted = boxes((0, 0, 20, 10), (21, 0, 28, 10), (2, 2, 9, 9), (29, 0, 40, 10))
    result = sc.diagnose(truth, predicted)
    # The third lies where the first is, the fourth is outside by more than half.
    assert kinds(result) == [
        ("split", 0, (0, 1)),
        ("spurious", None, (2,)),
        ("spurious", None, (3,)),
    ]
    assert result.findings[0].iou == 0.9


def test_split_in_pieces_none_of_which_is_large():
    truth = boxes((0, 0, 40, 10))
    predicted = boxes(*((x, 0, x + 3, 10) for x in range(0, 40, 4)))
    assert kinds(sc.diagnose(truth, predicted)) == [("split", 0, (0, 1, 2, 3, 4, 5, 6, 7, 8, 9))]
    few = sc.diagnose(truth, predicted[:1])
    assert kinds(few) == [("missed", 0, ()), ("spurious", None, (0,))]


def test_confused():
    truth = boxes((0, 0, 10, 10), (20, 0, 30, 10))
    predicted = boxes((0, 0, 10, 9), (20, 0, 30, 4))
    result = sc.diagnose(truth, predicted, [1, 2], [2, 1])
    assert kinds(result) == [
        ("confused", 0, (0,)),
        ("missed", 1, ()),
        ("spurious", None, (1,)),
    ]
    confused = result.findings[0]
    assert confused.iou == 0.9
    assert confused.missed == {
        **dict.fromkeys(["thin", "piece", "hole", "other"], 0),
        "class": 90,
        "boundary": 10,
    }
    assert confused.error == 100
    assert result.worst() == [0, 1, 2]  # an IoU with another class is worth nothing


def test_a_class_of_its_own_comes_first():
    truth = boxes((0, 0, 10, 10))
    predicted = boxes((0, 0, 10, 10), (0, 0, 10, 2))
    result = sc.diagnose(truth, predicted, [1], [2, 1])
    assert kinds(result) == [("matched", 0, (1,)), ("spurious", None, (0,))]


def test_crowds():
    truth = boxes((0, 0, 40, 20), (0, 30, 10, 40), size=(50, 60))
    predicted = boxes((1, 1, 6, 6), (30, 15, 55, 25), (50, 30, 55, 35), size=(50, 60))
    for crowd in ([True, False], [1, 0]):
        result = sc.diagnose(truth, predicted, crowd=crowd)
        assert kinds(result) == [
            ("missed", 1, ()),
            ("spurious", None, (1,)),
            ("spurious", None, (2,)),
        ]
    other = sc.diagnose(truth, predicted, [1, 1], [2, 1, 1], crowd=[True, False])
    assert ("spurious", None, (0,)) in kinds(other)


# -- causes ---------------------------------------------------------------------------------------


def test_legs_pieces_holes_and_neighbours():
    size = (100, 160)
    top, piece = (20, 20, 100, 50), (120, 20, 150, 50)
    legs = [(24, 50, 27, 80), (90, 50, 93, 80)]
    table = boxes(top, piece, *legs, size=size).union()
    rug = boxes((0, 85, 160, 100), size=size)
    hole = boxes((40, 30, 46, 36), size=size)
    bleeding, floating = boxes((50, 90, 60, 95), (110, 5, 115, 10), size=size)
    found = (boxes(top, size=size) - hole) | bleeding | floating
    truth = sc.Masks.concatenate([table, rug])
    result = sc.diagnose(truth, found, [1, 2], [1], thin_width=7, boundary_distance=2)
    table_finding, rug_finding = result.findings
    missed = table_finding.missed
    assert missed["hole"] == 36
    assert missed["piece"] == 900
    assert missed["thin"] + missed["boundary"] == 180  # legs, but for where they join the top
    assert missed["thin"] > 160
    assert missed["other"] == missed["class"] == 0
    assert table_finding.spurious == {"boundary": 0, "filled": 0, "bleeding": 50, "background": 25}
    assert table_finding.bleeding_into == {1: 50}
    assert (rug_finding.kind, rug_finding.missed["piece"]) == ("missed", 160 * 15)


def test_filled_holes_and_other_losses():
    size = (60, 80)
    ring = boxes((10, 10, 60, 50), size=size) ^ boxes((25, 20, 45, 40), size=size)
    found = boxes((10, 10, 60, 50), size=size) - boxes((10, 10, 25, 25), size=size)
    [finding] = sc.diagnose(ring, found, boundary_distance=1, thin_width=3).findings
    assert finding.spurious == {
        "boundary": 76,  # round the hole
        "filled": 324,
        "bleeding": 0,
        "background": 0,
    }
    assert finding.missed["boundary"] == 15 + 14 + 5  # along two sides, and at the hole
    assert finding.missed["other"] == 225 - 34


def brute(truth, predicted, confused, objects, width, distance):
    """Divide the errors of one object pixel by pixel."""
    nothing = np.zeros_like(truth)

    def united(parts):
        return np.logical_or.reduce([nothing, *parts])

    def long(part):
        y, x = np.nonzero(part)
        return max(np.ptp(y), np.ptp(x)) + 1 >= width

    def morphed(function, mask, far, *more):
        return function(mask[None], far, "disc", *more)[0]

    opened = morphed(dilated, morphed(eroded, truth, width // 2, True), width // 2)
    thin = united(part for part in flooded(truth & ~opened, 8) if long(part))
    lost = united(part for part in flooded(truth, 8) if 2 * (part & predicted).sum() < part.sum())
    areas = {
        (False, "class"): truth & predicted & confused,
        (False, "thin"): thin,
        (False, "piece"): lost,
        (False, "hole"): united(holes_of(predicted, 8)),
        (False, "boundary"): truth & ~morphed(eroded, truth, distance, True),
        (False, "other"): ~nothing,
        (True, "boundary"): morphed(dilated, truth, distance),
        (True, "filled"): united(holes_of(truth, 8)),
        (True, "bleeding"): objects,
        (True, "background"): ~nothing,
    }
    errors = {False: truth & ~predicted | (truth & confused), True: predicted & ~truth}
    parts = {}
    for (spurious, name), area in areas.items():
        parts[spurious, name] = errors[spurious] & area
        errors[spurious] = errors[spurious] & ~area
    return parts


def random_masks(rng, count, size):
    """Draw blobs, some with holes."""
    masks = np.zeros((count, *size), bool)
    for mask in masks:
        for _ in range(rng.integers(1, 4)):
            y, x = rng.integers(0, size[0]), rng.integers(0, size[1])
            mask[y : y + rng.integers(1, 9), x : x + rng.integers(1, 9)] ^= True
    return masks


@pytest.mark.parametrize("seed", range(40))
def test_every_pixel_has_the_first_cause_that_is_true(seed):
    rng = np.random.default_rng(seed)
    size = (17, 19)
    truth, predicted = random_masks(rng, 5, size), random_masks(rng, 4, size)
    predicted[:2] = truth[:2] ^ (rng.random((2, *size)) < 0.1)
    classes = rng.integers(0, 2, 5), rng.integers(0, 2, 4)
    crowd = rng.random(5) < 0.2
    width, distance = int(rng.choice([1, 3, 5])), int(rng.integers(0, 4))
    result = sc.diagnose(
        sc.Masks.from_dense(truth),
        sc.Masks.from_dense(predicted),
        *classes,
        crowd=crowd,
        thin_width=width,
        boundary_distance=distance,
    )
    objects = np.logical_or.reduce([np.zeros(size, bool), *truth[~crowd]])
    nothing = np.zeros(size, bool)
    assert (
        sorted(i for each in result.findings if (i := each.truth) is not None)
        == np.flatnonzero(~crowd).tolist()
    )
    for i, each in enumerate(result.findings):
        true = nothing if each.truth is None else truth[each.truth]
        found = np.logical_or.reduce([nothing, *predicted[list(each.predicted)]])
        confused = each.kind == "confused"
        expected = brute(true, found, confused, objects, width, distance)
        for cause in CAUSES:
            part = result.parts[cause][i].to_dense()[0]
            assert np.array_equal(part, expected[cause.spurious, cause.name]), (i, cause)
        missed = true.sum() if confused else (true & ~found).sum()
        assert sum(each.missed.values()) == missed
        assert sum(each.spurious.values()) == (found & ~true).sum()
        bleeding = expected[True, "bleeding"]
        common = {j: int((bleeding & mask).sum()) for j, mask in enumerate(truth)}
        assert each.bleeding_into == {j: area for j, area in common.items() if area}
    totals = result.totals()
    assert sum(totals.values()) == sum(each.error for each in result.findings)


@given(st.data())
def test_any_masks(data):
    count = st.integers(0, 4)
    pixels = st.lists(st.integers(0, 63), min_size=0, max_size=9)

    def batch(n):
        masks = np.zeros((n, 64), bool)
        for mask in masks:
            mask[data.draw(pixels)] = True
        return sc.Masks.from_dense(masks.reshape(n, 8, 8))

    truth, predicted = batch(data.draw(count)), batch(data.draw(count))
    result = sc.diagnose(truth, predicted)
    json.dumps(result.to_dict())
    taken = [j for each in result.findings for j in each.predicted]
    assert sorted(taken) == list(range(len(predicted)))
    assert [each.truth for each in result.findings if each.truth is not None] == list(
        range(len(truth))
    )


def test_the_demo_room():
    """Legs are lost as thin parts, and the cushion that the prediction is without as a piece."""
    scene = read_scene()
    classes = [[each["category_id"] for each in side] for side in (scene.true, scene.predicted)]
    result = sc.diagnose(scene.truth, scene.prediction, *classes)
    names = [each["name"] for each in scene.true]
    by_name = {names[each.truth]: each for each in result.findings}
    assert len(result.findings) == len(names)
    [cushion] = (name for name, each in by_name.items() if each.kind != "matched")
    assert cushion == "cushion 2"
    assert by_name[cushion].kind == "missed"
    assert by_name[cushion].missed["piece"] == by_name[cushion].area
    [thin] = (masks for cause, masks in result.parts.items() if cause.name == "thin")
    for name, part in (("sofa", "legs"), ("table", "legs"), ("lamp", "pole")):
        i = names.index(name)
        [legs] = (each for each in scene.true[i]["parts"] if each["name"] == part)
        legs = sc.Masks.from_coco([legs], scene.size)
        lost = (legs & scene.truth[i]) - scene.prediction[list(by_name[name].predicted)].union()
        assert sc.containment(lost, thin[i])[0, 0] > 0.9
        assert max(by_name[name].missed, key=by_name[name].missed.get) == "thin"


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"predicted": boxes((0, 0, 1, 1), size=(5, 5))}, ValueError, "masks of one size"),
        ({"truth": [[0, 1]]}, TypeError, "expected Masks"),
        ({"truth_classes": [1]}, ValueError, "truth_classes, predicted_classes: give both"),
        (
            {"truth_classes": [1, 2], "predicted_classes": [1]},
            ValueError,
            "truth_classes: expected 1",
        ),
        (
            {"truth_classes": [1], "predicted_classes": [1.5]},
            TypeError,
            "predicted_classes: expected",
        ),
        ({"crowd": [0.5]}, TypeError, "crowd: expected bools"),
        ({"crowd": [True, False]}, ValueError, "crowd: expected"),
        ({"iou_threshold": 2}, ValueError, "iou_threshold: expected a number from 0 to 1"),
        ({"thin_width": 4}, ValueError, "thin_width: expected an odd number of pixels, got 4"),
        ({"thin_width": 0.5}, TypeError, "thin_width: expected an integer"),
        ({"boundary_distance": -1}, ValueError, "boundary_distance: expected no negative"),
    ],
)
def test_refuses(change, error, message):
    arguments = {"truth": boxes((0, 0, 5, 5)), "predicted": boxes((0, 0, 5, 5)), **change}
    with pytest.raises(error, match=message):
        sc.diagnose(**arguments)
