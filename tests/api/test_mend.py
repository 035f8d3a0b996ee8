"""Predictions without the wrong pixels of one cause, and confusions of classes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import segcore as sc
from segcore.diagnosis import CAUSES, Cause, Mended, MendedPrecision, mend

SIZE = (40, 60)


def boxes(*corners: tuple[int, int, int, int]) -> sc.Masks:
    return sc.Masks.from_boxes(np.array(corners, float).reshape(-1, 4), SIZE)


def cause_of(name: str, spurious: bool = False) -> Cause:
    [cause] = (c for c in CAUSES if c.name == name and c.spurious is spurious)
    return cause


def mended(name: str, truth: sc.Masks, found: sc.Masks, classes=None, spurious=False) -> Mended:
    labels = classes or ([1] * len(truth), [1] * len(found))
    result = sc.diagnose(truth, found, *labels)
    return mend(result, cause_of(name, spurious), truth, found, *labels)


def test_missed_and_spurious_pixels() -> None:
    truth, found = boxes((5, 5, 35, 35)), boxes((5, 5, 20, 39))
    result = sc.diagnose(truth, found)
    for cause in CAUSES:
        area = int(result.masks[cause].area[0])
        after = mend(result, cause, truth, found, [1], [1])
        change = -area if cause.spurious else area
        assert after.masks.area.tolist() == [int(found.area[0]) + change]
        assert (after.masks ^ found).area.tolist() == [area]
        assert (after.truth.tolist(), after.source.tolist()) == ([0], [0])


def test_missed_pixels_of_a_split_object_go_to_its_first_prediction() -> None:
    truth = boxes((5, 5, 45, 15))
    found = boxes((31, 5, 45, 20), (5, 5, 22, 20))
    assert sc.diagnose(truth, found).findings[0].predicted == (1, 0)
    after = mended("part", truth, found)
    assert after.masks == boxes((31, 5, 45, 20), (5, 5, 31, 15)) | boxes(
        (0, 0, 0, 0), (5, 5, 22, 20)
    )
    after = mended("background", truth, found, spurious=True)
    assert (found - after.masks).area.tolist() == [14 * 4, 17 * 4]


def test_class_gets_that_of_the_object() -> None:
    truth = boxes((5, 5, 35, 35))
    after = mended("class", truth, truth, ([1], [2]))
    assert after.classes.tolist() == [1]


def test_a_merged_object_gets_a_prediction_of_its_own() -> None:
    truth, found = boxes((5, 5, 25, 25), (25, 5, 35, 25)), boxes((5, 5, 35, 25))
    after = mended("merged", truth, found)
    assert after.masks == sc.Masks.concatenate([found, truth[1]])
    assert after.source.tolist() == [0, 0]
    assert mended("boundary", truth, found).masks == found


def test_missed_objects_need_not_be_found() -> None:
    truth = boxes((5, 5, 25, 25), (30, 5, 50, 25))
    after = mended("component", truth, truth[0])
    assert after.truth.tolist() == [0]
    assert after.masks == truth[0]


def test_predictions_without_an_object_are_removed() -> None:
    truth = boxes((5, 5, 25, 25))
    found = boxes((5, 5, 25, 25), (5, 5, 25, 24), (40, 20, 50, 30))
    assert mended("duplicate", truth, found, spurious=True).source.tolist() == [0, 2]
    assert mended("background", truth, found, spurious=True).source.tolist() == [0, 1]
    assert mended("bleeding", truth, found, spurious=True).source.tolist() == [0, 1, 2]


corners = st.tuples(st.integers(0, 50), st.integers(0, 30), st.integers(1, 20), st.integers(1, 20))


@given(st.lists(st.tuples(corners, st.integers(0, 1)), max_size=5),
       st.lists(st.tuples(corners, st.integers(0, 1)), max_size=5))  # fmt: skip
def test_mended_pixels_are_right(true, predicted) -> None:
    """The union of all masks changes only where the cause is."""
    truth, found = (
        boxes(*((x, y, x + w, y + h) for (x, y, w, h), _ in items)) for items in (true, predicted)
    )
    labels = [np.array([label for _, label in items], int) for items in (true, predicted)]
    result = sc.diagnose(truth, found, *labels)
    for cause in CAUSES:
        after = mend(result, cause, truth, found, *labels)
        changed = after.masks.union() ^ found.union()
        removed = found[np.setdiff1d(np.arange(len(found)), after.source)].union()
        assert (changed - result.masks[cause].union() - removed).area.tolist() == [0]
        assert len(after.masks) == len(after.classes) == len(after.source)
        if not result.masks[cause].area.any():
            assert after.masks == found


def test_what_mending_gives() -> None:
    truth = boxes((5, 5, 25, 25), (30, 5, 50, 25))
    found = boxes((5, 5, 25, 19), (30, 5, 50, 25))
    result = sc.diagnose(truth, found)
    metric = MendedPrecision()
    metric.update(result, truth, found, scores=[0.9, 0.8])
    ap, by_cause = metric.compute()
    direct = sc.metrics.AveragePrecision()
    direct.update(truth, found, scores=[0.9, 0.8])
    assert ap == direct.compute().stats["AP"] < 1
    assert by_cause[cause_of("part")] == 1
    assert {cause.name for cause, value in by_cause.items() if value != ap} == {"part"}
    with pytest.raises(ValueError, match="image_id: image 0 was added before"):
        metric.update(result, truth, found, scores=[0.9, 0.8], image_id=0)
    assert metric.compute() == (ap, by_cause)


def test_sides_of_boxes_move() -> None:
    """Mended sides are those of the true box, and the others stay, also within a pixel."""
    truth, found = boxes((5, 5, 25, 25)), boxes((5, 5, 25, 19))
    result = sc.diagnose(truth, found)
    true, own = [[5.2, 5, 19.6, 20.3]], [[5.2, 5, 19.6, 14]]
    metric = MendedPrecision("box")
    metric.update(result, truth, found, scores=[1], truth_boxes=true, predicted_boxes=own)
    ap, by_cause = metric.compute()
    direct = sc.metrics.AveragePrecision("box", box_format="xywh")
    direct.update(true, own, scores=[1])
    assert ap == direct.compute().stats["AP"] < 1
    assert {cause.name for cause, value in by_cause.items() if value != ap} == {"part"}
    assert by_cause[cause_of("part")] == pytest.approx(1)
    pixels = MendedPrecision("box")
    pixels.update(result, truth, found, scores=[1])
    assert pixels.compute()[1][cause_of("part")] == pytest.approx(1)
    with pytest.raises(ValueError, match=r"truth_boxes: expected boxes of shape \(1, 4\)"):
        pixels.update(result, truth, found, scores=[1], truth_boxes=[1, 2, 3, 4])


def test_a_class_stays_present_when_its_object_need_not_be_found() -> None:
    """By the rules of LVIS, spurious predictions of the class count as before."""
    truth, found = boxes((5, 5, 25, 25), (40, 5, 50, 15)), boxes((5, 5, 25, 25), (5, 30, 15, 40))
    classes = {"truth_classes": [1, 2], "predicted_classes": [1, 2]}
    metric = MendedPrecision(protocol="lvis")
    for scores in ([0.5, 0.9], [0.5]):
        result = sc.diagnose(truth, found, *classes.values())
        metric.update(result, truth, found, scores=scores, **classes)
        truth, found = boxes((5, 5, 25, 25)), boxes((5, 5, 25, 25))
        classes = {"truth_classes": [2], "predicted_classes": [2]}
    ap, by_cause = metric.compute()
    # The object of class 2 in the second image is found, below the spurious prediction.
    assert ap < by_cause[cause_of("component")] == pytest.approx(0.75)


def test_parts_are_joined(monkeypatch) -> None:
    truth, found = boxes((5, 5, 25, 25)), boxes((5, 5, 25, 19))
    result = sc.diagnose(truth, found)
    results = []
    for part in (2, 100):
        monkeypatch.setattr("segcore.diagnosis.mending.PART", part)
        metric = MendedPrecision()
        for score in (0.9, 0.5, 0.7, 0.6, 0.8):
            metric.update(result, truth, found, scores=[score])
        results.append(metric.compute())
    assert results[0] == results[1]
    assert results[0][0] < max(results[0][1].values())


def test_confusion_counts_every_object_once() -> None:
    truth = boxes((0, 0, 10, 10), (20, 0, 30, 10), (40, 0, 50, 10))
    found = boxes((0, 0, 10, 10), (0, 0, 10, 9), (20, 0, 30, 10), (40, 20, 50, 30))
    labels = [0, 0, 1], [0, 0, 1, 1]
    matrix = sc.diagnose(truth, found, *labels).confusion(*labels, 2)
    assert matrix.tolist() == [[1, 1, 0], [0, 0, 1], [1, 1, 0]]
    assert matrix[:2].sum(axis=1).tolist() == [2, 1]
    with pytest.raises(ValueError, match="predicted_classes: expected classes from 0 to 0"):
        sc.diagnose(truth, found, *labels).confusion([0, 0, 0], [0, 0, 1, 1], 1)
