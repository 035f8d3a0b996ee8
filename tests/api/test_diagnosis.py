"""What a prediction lost and added, and why."""

from __future__ import annotations

import json
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.regions import flooded, holes_of
from support.util import every_mask, slow

import segcore as sc
from segcore.cli.scene import read_scene
from segcore.diagnosis import CAUSES, KINDS, ImageMasks, diagnose_images


def boxes(*each: tuple[int, int, int, int], size=(40, 60)) -> sc.Masks:
    return sc.Masks.from_boxes(np.array(each, float).reshape(-1, 4), size)


def kinds(result: sc.Diagnosis) -> list[tuple]:
    return [(each.kind, each.truth, each.predicted) for each in result.findings]


def wrong(pixels: dict[str, int]) -> dict[str, int]:
    return {cause: count for cause, count in pixels.items() if count}


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
    assert result.ranking() == [2, 3, 1, 0]


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
    assert wrong(confused.missed) == {"class": 90, "boundary": 10}
    assert confused.wrong_pixels == 100
    assert result.ranking() == [0, 1, 2]  # an IoU with another class is worth nothing


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


def test_predictions_that_are_not_judged():
    truth = boxes((0, 0, 20, 20), size=(50, 60))
    predicted = boxes((0, 0, 20, 20), (0, 0, 20, 19), (30, 15, 55, 25), size=(50, 60))
    scores = [0.9, 0.8, 0.7]
    result = sc.diagnose(truth, predicted, scores=scores, judged=[False] * 3)
    assert kinds(result) == [("matched", 0, (0,))]
    other = sc.diagnose(truth, predicted, [1], [2, 1, 1], judged=[False, True, True])
    assert ("spurious", None, (2,)) in kinds(other)
    assert (0,) not in [found for _, _, found in kinds(other)]
    with pytest.raises(ValueError, match="judged: expected 3 values"):
        sc.diagnose(truth, predicted, judged=[True])


# The more likely of two predictions of one object comes first; a second one is a duplicate.


def test_scores_decide_between_equals():
    truth = boxes((0, 0, 10, 10))
    predicted = boxes((0, 0, 10, 10), (0, 0, 10, 10), (0, 0, 10, 9))
    result = sc.diagnose(truth, predicted, scores=[0.3, 0.8, 0.9])
    assert kinds(result) == [("matched", 0, (1,)), ("duplicate", 0, (0,)), ("duplicate", 0, (2,))]
    large = np.array([2**63, 2**63 + 1, 5], np.uint64)  # floats could not tell them apart
    assert kinds(sc.diagnose(truth, predicted, scores=large))[0] == ("matched", 0, (1,))


def test_noise_below_the_score_threshold_does_not_help():
    truth = boxes((0, 0, 10, 10), (20, 0, 30, 10))
    predicted = boxes((0, 0, 10, 8), (0, 0, 10, 10), (20, 0, 30, 10), (40, 0, 45, 5))
    scores = [0.9, 0.12, 0.12, 0.5]
    every = sc.diagnose(truth, predicted, scores=scores)
    assert [finding.kind for finding in every.findings][:2] == ["matched", "matched"]
    result = sc.diagnose(truth, predicted, scores=scores, score_threshold=0.5)
    assert kinds(result) == [("matched", 0, (0,)), ("missed", 1, ()), ("spurious", None, (3,))]
    assert (every.below_threshold, result.below_threshold) == ((), (1, 2))
    assert result.to_dict()["below_threshold"] == [1, 2]


def test_duplicates():
    truth = boxes((0, 0, 10, 10), (0, 20, 10, 30))
    predicted = boxes((0, 0, 10, 10), (0, 0, 12, 10), (0, 0, 10, 5), (0, 0, 10, 4))
    result = sc.diagnose(truth, predicted, thin_width=3, boundary_distance=1)
    assert kinds(result) == [
        ("matched", 0, (0,)),
        ("missed", 1, ()),
        ("duplicate", 0, (1,)),
        ("duplicate", 0, (2,)),
        ("spurious", None, (3,)),
    ]
    second, third, spurious = result.findings[2:]
    assert wrong(second.spurious) == {"duplicate": 100, "boundary": 10, "background": 10}
    assert wrong(third.spurious) == {"duplicate": 50}
    assert wrong(spurious.spurious) == {"bleeding": 40}
    assert not any(sum(finding.missed.values()) for finding in (second, third, spurious))
    assert [finding.area for finding in (second, third)] == [120, 50]
    assert second.is_prediction
    assert not result.findings[0].is_prediction
    assert second.counted_iou == 0 < second.iou
    # A duplicate may bleed into other objects, as any prediction.
    wide = sc.diagnose(
        boxes((0, 0, 20, 10), (22, 0, 40, 10)), boxes((0, 0, 20, 10), (0, 0, 25, 10))
    )
    assert wide.findings[2].kind == "duplicate"
    assert wide.findings[2].bleeding_into == {1: 30}


def test_two_objects_in_one_prediction():
    truth = boxes((0, 0, 20, 10), (20, 0, 30, 10), (30, 0, 36, 10))
    result = sc.diagnose(truth, boxes((0, 0, 33, 10)), thin_width=3, boundary_distance=1)
    assert kinds(result) == [("matched", 0, (0,)), ("merged", 1, (0,)), ("missed", 2, ())]
    first, merged, half = result.findings
    assert wrong(merged.missed) == {"merged": 100}
    assert not wrong(merged.spurious)
    assert (merged.iou, merged.counted_iou) == (100 / 330, 0)
    assert wrong(first.spurious) == {"boundary": 10, "bleeding": 120}
    assert first.bleeding_into == {1: 90, 2: 30}
    assert wrong(half.missed) == {"component": 60}  # half is not more than half
    few = sc.diagnose(truth, boxes((0, 0, 35, 10)), thin_width=3, boundary_distance=1).findings[2]
    assert (few.kind, wrong(few.missed)) == ("merged", {"merged": 50, "boundary": 10})


def test_many_objects_in_one_prediction_that_is_none_of_them():
    truth = boxes(*((x, 0, x + 3, 10) for x in range(0, 36, 3)))
    blob = boxes((0, 0, 36, 10))
    result = sc.diagnose(truth, blob)
    assert kinds(result) == [*(("merged", i, (0,)) for i in range(12)), ("spurious", None, (0,))]
    assert result.findings[0].missed["merged"] == 30
    # Of one object alone, it is no more than a poor prediction; and another class is another thing.
    alone = sc.diagnose(truth[3], blob)
    assert kinds(alone) == [("missed", 0, ()), ("spurious", None, (0,))]
    other = sc.diagnose(truth, blob, [1] * 12, [2])
    assert {finding.kind for finding in other.findings} == {"missed", "spurious"}


def test_most_of_an_object_of_one_component_is_a_lost_part():
    """It read as a missing component, as if the object had come apart."""
    truth = boxes((0, 0, 100, 20), (4, 20, 20, 60), size=(60, 100)).union()
    [finding] = sc.diagnose(truth, boxes((60, 0, 100, 20), size=(60, 100))).findings
    assert (finding.kind, wrong(finding.missed)) == ("matched", {"part": 60 * 20 + 16 * 40})


def test_what_another_object_covers_too_is_not_merged():
    """A true mask that lies behind another one is not found with it."""
    front, behind = boxes((0, 0, 20, 10)), boxes((5, 0, 15, 12))
    result = sc.diagnose(sc.Masks.concatenate([front, behind]), front)
    assert kinds(result) == [("matched", 0, (0,)), ("missed", 1, ())]


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
    assert wrong(table_finding.missed) == {"component": 900, "thin": 180, "hole": 36}
    assert wrong(table_finding.spurious) == {"bleeding": 50, "background": 25}
    assert table_finding.bleeding_into == {1: 50}
    assert (rug_finding.kind, wrong(rug_finding.missed)) == ("missed", {"component": 160 * 15})


@pytest.mark.parametrize("width", [1, 2, 7, 8, 9, 10, 20, 60, 140])
def test_a_lost_leg_is_lost_whatever_its_width(width):
    """Both legs of a table of 480 x 640 pixels: all of them, down to where they join the top."""
    top, legs = (100, 150, 400, 300), [(110, 300, 110 + width, 360), (260, 300, 260 + width, 360)]
    table = boxes(top, *legs, size=(480, 640))
    finding = sc.diagnose(table.union(), table[0]).findings[0]
    cause = "thin" if width <= 8 else "part"
    assert wrong(finding.missed) == {cause: 2 * 60 * width}


def test_a_shallow_loss_is_at_the_boundary():
    """A prediction that is shifted by 3 px, where the boundary band is 4 px wide, loses no part."""
    seat, *legs = (100, 100, 200, 200), (100, 200, 108, 300), (192, 200, 200, 300)
    chair, shifted = (
        boxes(*((x0 + dx, y0, x1 + dx, y1) for x0, y0, x1, y1 in (seat, *legs)), size=(480, 640))
        for dx in (0, 3)
    )
    finding = sc.diagnose(chair.union(), shifted.union()).findings[0]
    assert set(wrong(finding.missed)) == {"boundary"}
    assert set(wrong(finding.spurious)) == {"boundary"}


def test_an_object_that_the_image_cuts_off():
    """A narrow loss along the image's edge is at the boundary, a wide one a lost part."""
    chair = boxes((560, 300, 640, 480), size=(480, 640))
    for right, cause in ((637, "boundary"), (620, "part")):
        finding = sc.diagnose(chair, boxes((560, 300, right, 480), size=(480, 640))).findings[0]
        assert wrong(finding.missed) == {cause: (640 - right) * 180}


def test_filled_holes_and_lost_corners():
    size = (60, 80)
    ring = boxes((10, 10, 60, 50), size=size) ^ boxes((25, 20, 45, 40), size=size)
    found = boxes((10, 10, 60, 50), size=size) - boxes((10, 10, 25, 25), size=size)
    [finding] = sc.diagnose(ring, found, boundary_distance=1, thin_width=3).findings
    assert wrong(finding.spurious) == {"boundary": 76, "filled": 324}  # 76: round the hole
    assert wrong(finding.missed) == {"part": 225}


def test_a_cushion_that_its_sofa_swallows():
    """Where a cushion is, the prediction bleeds into it; a hole is filled where nothing is."""
    size = (60, 80)
    sofa, cushion, gap = boxes((5, 5, 75, 55), (10, 10, 30, 30), (40, 10, 60, 30), size=size)
    truth = sc.Masks.concatenate([sofa - cushion - gap, cushion])
    swallowed, missed = sc.diagnose(truth, sofa, [1, 2], [1], boundary_distance=1).findings
    assert wrong(swallowed.spurious) == {"boundary": 152, "bleeding": 324, "filled": 324}
    assert swallowed.bleeding_into == {1: 324}
    assert missed.kind == "missed"


def test_the_first_cause_counts():
    """A lost leg with a hole's pixels, and a crack that is neither lost nor near the outline."""
    size = (60, 80)
    whole = boxes((5, 5, 65, 55), size=size)
    crack = boxes((30, 5, 32, 55), size=size)
    [finding] = sc.diagnose(whole, whole - crack, boundary_distance=3, thin_width=5).findings
    assert wrong(finding.missed) == {"boundary": 12, "other": 88}
    [finding] = sc.diagnose(whole, whole - boxes((30, 9, 32, 50), size=size)).findings
    assert wrong(finding.missed) == {"hole": 82}


def test_a_widened_hole_is_a_matter_of_the_boundary():
    """The compartments of a shelf, each a pixel too wide: no hole of the prediction is new."""
    size = (60, 80)
    shelf, gap, wider = boxes((5, 5, 75, 55), (20, 20, 40, 40), (19, 19, 41, 41), size=size)
    [finding] = sc.diagnose(shelf - gap, shelf - wider, boundary_distance=2).findings
    assert wrong(finding.missed) == {"boundary": 22**2 - 20**2}


# -- the definitions, on dense arrays -------------------------------------------------------------


class Grid:
    """The pixels of a small image, and which are near which."""

    def __init__(self, size: tuple[int, int]) -> None:
        y, x = np.divmod(np.arange(size[0] * size[1]), size[1])
        self.squares = (y[:, None] - y) ** 2 + (x[:, None] - x) ** 2

    def near(self, mask: np.ndarray, distance: int) -> np.ndarray:
        """Mark the pixels within a distance of a mask."""
        return (self.squares[:, mask.ravel()] <= distance**2).any(1).reshape(mask.shape)

    def thin(self, mask: np.ndarray, width: int) -> np.ndarray:
        """Mark where no disc fits, in parts at least as long as its diameter."""
        opened = self.near(~self.near(~mask, width // 2), width // 2)
        thin = np.zeros_like(mask)
        for part in flooded(mask & ~opened, 8):
            y, x = np.nonzero(part)
            thin |= part & (max(np.ptp(y), np.ptp(x)) + 1 >= width)
        return thin


grid_of = cache(Grid)


def union_of(parts) -> np.ndarray:
    return np.logical_or.reduce(list(parts))


def missed_by_cause(grid, truth, predicted, kind, width, distance) -> dict[str, np.ndarray]:
    nothing = np.zeros_like(truth)
    found = truth & predicted
    parts = {"class": nothing, "merged": nothing}
    if kind in ("confused", "merged"):
        parts["class" if kind == "confused" else "merged"] = found
    left = truth & ~predicted
    pieces = flooded(truth, 8)
    least = 1 / 2 if len(pieces) > 1 else 1 / (truth.sum() + 1)
    gone = union_of([nothing, *(p for p in pieces if (p & found).sum() < least * p.sum())])
    parts["component"] = left & gone
    left = left & ~gone
    far = left & ~grid.near(found, distance)
    lost = left & grid.near(far, distance)
    narrow = grid.thin(truth, width)
    lost_parts = flooded(lost, 8)
    thin = union_of([nothing, *(p for p in lost_parts if 2 * (p & narrow).sum() > p.sum())])
    outside = ~np.pad(truth, distance + 1)
    edge = grid_of(outside.shape).near(outside, distance)
    edge = edge[distance + 1 : -distance - 1, distance + 1 : -distance - 1]
    inner = (hole for hole in holes_of(predicted, 8) if 2 * (hole & truth).sum() > hole.sum())
    areas = {
        "thin": thin,
        "hole": union_of([nothing, *inner]),
        "part": lost,
        "boundary": edge,
        "other": ~nothing,
    }
    for name, area in areas.items():
        parts[name] = left & area
        left = left & ~area
    return parts


def spurious_by_cause(grid, truth, predicted, kind, objects, distance) -> dict[str, np.ndarray]:
    nothing = np.zeros_like(truth)
    left = predicted & ~truth
    areas = {
        "boundary": grid.near(truth, distance),
        "bleeding": objects,
        "filled": union_of([nothing, *holes_of(truth, 8)]),
        "background": ~nothing,
    }
    parts = {"duplicate": predicted & truth if kind == "duplicate" else nothing}
    for name, area in areas.items():
        parts[name] = left & area
        left = left & ~area
    return parts


def check_causes(result, truth, predicted, crowd, width, distance):
    """Compare every pixel of a diagnosis with the definition."""
    size = truth.shape[1:]
    grid, nothing = grid_of(size), np.zeros(size, bool)
    objects = union_of([nothing, *truth[~crowd]])
    for i, finding in enumerate(result.findings):
        kind = finding.kind
        true = nothing if finding.truth is None else truth[finding.truth]
        found = union_of([nothing, *predicted[list(finding.predicted)]])
        union = (true | found).sum()
        assert finding.iou == ((true & found).sum() / union if union else 0)
        if kind == "merged":
            found = found & true
        judged = nothing if finding.is_prediction else true
        expected = {
            False: missed_by_cause(grid, judged, found, kind, width, distance),
            True: spurious_by_cause(grid, true, found, kind, objects, distance),
        }
        for cause in CAUSES:
            part = result.masks[cause][i].to_dense()[0]
            assert np.array_equal(part, expected[cause.spurious][cause.name]), (i, kind, cause)
            pixels = (finding.spurious if cause.spurious else finding.missed)[cause.name]
            assert pixels == part.sum()
        assert finding.area == (found if finding.is_prediction else true).sum()
        missed = judged.sum() if kind in ("confused", "merged") else (judged & ~found).sum()
        assert sum(finding.missed.values()) == missed
        added = found.sum() if finding.is_prediction else (found & ~true).sum()
        assert sum(finding.spurious.values()) == added
        bleeding = expected[True]["bleeding"]
        common = {j: int((bleeding & mask).sum()) for j, mask in enumerate(truth)}
        assert finding.bleeding_into == {j: area for j, area in common.items() if area}
        assert list(finding.bleeding_into.values()) == sorted(
            finding.bleeding_into.values(), reverse=True
        )
    assert sum(result.totals().values()) == sum(finding.wrong_pixels for finding in result.findings)


def matches_of(truth, predicted, classes, crowd, scores, usable, threshold) -> list[tuple]:
    """Decide about kinds as the docstring of diagnose has it, one object at a time."""
    n, m = len(truth), len(predicted)
    common = np.array([[int((t & p).sum()) for p in predicted] for t in truth]).reshape(n, m)
    area, size = [int(t.sum()) for t in truth], [int(p.sum()) for p in predicted]
    same = [[classes[0][i] == classes[1][j] for j in range(m)] for i in range(n)]

    def iou(i, j):
        union = area[i] + size[j] - common[i, j]
        return common[i, j] / union if union else 0.0

    def assign(least, of_class, rows, columns):
        """Pairs from the greatest IoU down, each object and prediction once."""
        pairs = [(i, j) for i in rows for j in columns if same[i][j] == of_class]
        pairs = [(i, j) for i, j in pairs if iou(i, j) >= least and common[i, j]]
        pairs.sort(key=lambda pair: (-iou(*pair), -scores[pair[1]], pair))
        chosen = {}
        for i, j in pairs:
            if i not in chosen and j not in chosen.values():
                chosen[i] = j
        return {i: [j] for i, j in chosen.items()}

    rows = [i for i in range(n) if not crowd[i]]
    free = [j for j in range(m) if usable[j]]
    found = assign(threshold, True, rows, free)
    kinds = dict.fromkeys(found, "matched")
    free = [j for j in free if [j] not in found.values()]

    groups = {}
    for j in sorted(free, key=lambda j: (-size[j], -scores[j], j)):
        homes = sorted((i for i in rows if same[i][j]), key=lambda i: -common[i, j])
        if not homes or 2 * common[homes[0], j] <= size[j]:
            continue
        i = homes[0]
        group = groups.get(i, found.get(i, []))
        before = union_of([np.zeros_like(predicted[j]), *predicted[group]])
        if 2 * (predicted[j] & truth[i] & ~before).sum() > size[j]:
            groups[i] = [*group, j]
    for i, group in groups.items():
        whole = union_of(predicted[group])
        if len(group) > 1 and (whole & truth[i]).sum() / (whole | truth[i]).sum() >= threshold:
            found[i], kinds[i] = group, "split"
    free = [j for j in free if not any(j in group for group in found.values())]

    twice = list(found)
    confused = assign(max(0.5, threshold), False, [i for i in rows if i not in found], free)
    found |= confused
    kinds |= dict.fromkeys(confused, "confused")
    free = [j for j in free if [j] not in confused.values()]
    crowds = [i for i in range(n) if crowd[i]]
    ignored = [j for j in free if any(same[i][j] and 2 * common[i, j] > size[j] for i in crowds)]
    free = [j for j in free if j not in ignored]

    alone = [i for i in rows if i not in found]
    owner = {j: i for i, group in found.items() for j in group}
    merged = {}
    for i in alone:
        best = None
        for j in range(m):
            if not usable[j] or j in ignored or not same[i][j]:
                continue
            covered = truth[i] & predicted[j]
            if j in owner:
                outside = (covered & ~truth[owner[j]]).sum()
                good = 2 * outside > area[i]
            else:
                outside = covered.sum()
                several = [k for k in alone if same[k][j] and 2 * common[k, j] > area[k]]
                good = i in several and len(several) > 1
            if good and (best is None or (outside, scores[j]) > best[:2]):
                best = (outside, scores[j], j)
        if best:
            merged[i] = [best[2]]
    found |= merged
    kinds |= dict.fromkeys(merged, "merged")
    result = [(kinds.get(i, "missed"), i, tuple(found.get(i, ()))) for i in rows]
    for j in free:
        alike = [i for i in twice if same[i][j] and iou(i, j) >= 0.5]
        original = max(alike, key=lambda i: (iou(i, j), -i), default=None)
        result.append(("spurious" if original is None else "duplicate", original, (j,)))
    return result


def random_masks(rng, count, size):
    """Draw blobs, some with holes."""
    masks = np.zeros((count, *size), bool)
    for mask in masks:
        for _ in range(rng.integers(1, 4)):
            y, x = rng.integers(0, size[0]), rng.integers(0, size[1])
            mask[y : y + rng.integers(1, 9), x : x + rng.integers(1, 9)] ^= True
    return masks


def scene(rng, size):
    """Draw objects, and predictions of some: with noise, twice, in pieces, two in one, or empty."""
    truth = random_masks(rng, int(rng.integers(0, 6)), size)
    predicted = list(random_masks(rng, int(rng.integers(0, 3)), size))
    for _ in range(int(rng.integers(0, 7)) if len(truth) else 0):
        mask = truth[rng.integers(len(truth))].copy()
        change = rng.integers(5)
        if change == 0:
            mask ^= rng.random(size) < 0.1
        elif change == 1:
            mask[:, rng.integers(size[1]) :] = False
        elif change == 2:
            mask |= truth[rng.integers(len(truth))]
        elif change == 3:
            mask = np.roll(mask, int(rng.integers(-3, 4)), 1)
        predicted.append(mask)
    return truth, np.array(predicted, bool).reshape(-1, *size)


@pytest.mark.parametrize("seed", [*range(48), *map(slow, range(48, 150))])
def test_kinds_and_causes_are_as_defined(seed):
    rng = np.random.default_rng(seed)
    truth, predicted = scene(rng, (15, 17) if seed % 4 else (8, 45))
    n, m = len(truth), len(predicted)
    classes = rng.integers(0, 2, n), rng.integers(0, 2, m)
    if seed % 3 == 0:
        classes = np.zeros(n, int), np.zeros(m, int)
    crowd = rng.random(n) < 0.2 * (seed % 2)
    scores = rng.integers(0, 4, m) / 4
    width, distance = int(rng.choice([1, 3, 5, 99])), int(rng.choice([0, 1, 2, 3, 9]))
    threshold = float(rng.choice([0, 0.1, 0.5]))
    result = sc.diagnose(
        sc.Masks.from_dense(truth),
        sc.Masks.from_dense(predicted),
        *classes,
        crowd=crowd,
        scores=scores,
        score_threshold=0.25,
        iou_threshold=threshold,
        thin_width=width,
        boundary_distance=distance,
    )
    usable = scores >= 0.25
    assert list(result.below_threshold) == np.flatnonzero(~usable).tolist()
    assert kinds(result) == matches_of(truth, predicted, classes, crowd, scores, usable, threshold)
    check_causes(result, truth, predicted, crowd, width, distance)


def test_every_kind_occurs_in_those_scenes():
    seen = set()
    for seed in range(40):
        truth, predicted = scene(np.random.default_rng(seed), (15, 17))
        masks = sc.Masks.from_dense(truth), sc.Masks.from_dense(predicted)
        for change in (0, 1):
            classes = np.arange(len(truth)) % 2 * change, np.arange(len(predicted)) % 2 * change
            seen |= {finding.kind for finding in sc.diagnose(*masks, *classes).findings}
    assert seen == set(KINDS)


def test_pairs_of_tiny_masks():
    """Masks of 2 x 3 pixels that are not empty, each with a class of its own."""
    tiny = every_mask(2, 3)[1:]
    for i, true in enumerate(tiny):
        found = tiny[i % 6 :: 6]
        classes, no_crowd = np.arange(len(found)), np.zeros(len(found), bool)
        truth = np.repeat(true[None], len(found), axis=0)
        result = sc.diagnose(
            *(sc.Masks.from_dense(masks) for masks in (truth, found)),
            *(classes, classes),
            iou_threshold=0,
            thin_width=3,
            boundary_distance=1,
        )
        check_causes(result, truth, found, no_crowd, 3, 1)


def test_images_together_are_as_one_by_one(monkeypatch):
    """Masks that touch all edges, in images of two sizes, some without objects or predictions."""
    images = []
    for seed in range(24):
        rng = np.random.default_rng(seed)
        size = (15, 17) if seed % 3 else (8, 45)
        masks = [sc.Masks.from_dense(side) for side in scene(rng, size)]
        if seed % 5 == 0:
            masks[0] = ~masks[0]
        if seed % 7 == 0:
            masks[1] = masks[1][:0]
        classes = [rng.integers(0, 2, len(side)) for side in masks]
        crowd = rng.random(len(masks[0])) < 0.2
        images.append(ImageMasks(*masks, *classes, crowd, rng.integers(0, 4, len(masks[1])) / 4))
    options = {"score_threshold": 0.25, "thin_width": 3, "boundary_distance": 1}
    expected = [
        sc.diagnose(*image[:4], crowd=image.crowd, scores=image.scores, **options)
        for image in images
    ]
    assert diagnose_images(images, **options) == expected
    # With parts of few images, because of their run ends or their pixels.
    for name, limit in (("MAX_RUN_ENDS", 100), ("MAX_PIXELS", 1000)):
        with monkeypatch.context() as patched:
            patched.setattr(f"segcore.diagnosis.compare.{name}", limit)
            assert diagnose_images(images, **options) == expected
    assert diagnose_images([]) == []
    with pytest.raises(ValueError, match="iou_threshold: expected"):
        diagnose_images([], iou_threshold=2)


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
    counted = [j for each in result.findings if each.kind != "merged" for j in each.predicted]
    assert sorted(counted) == list(range(len(predicted)))
    objects = [each.truth for each in result.findings if not each.is_prediction]
    assert objects == list(range(len(truth)))


def test_small_masks_on_a_huge_canvas():
    """Work goes with the masks: this takes milliseconds, and the same result as nearer together."""
    corners = np.array([[0, 0], [2**29, 0], [2**29 + 40, 0]], float)
    results = []
    for places, width in ((corners, 2**31), (np.array([[0, 0], [30, 0], [70, 0]]), 120)):
        batches = (
            sc.Masks.from_boxes(np.column_stack([places + a, places + a + [b, 3]]), (9, width))
            for a, b in ((0, 9), (1, 7))
        )
        result = sc.diagnose(*batches, thin_width=3, boundary_distance=1)
        results.append(result.to_dict()["findings"])
    assert results[0] == results[1]
    assert [wrong(finding["missed"]) for finding in results[0]] == [{"part": 6, "boundary": 7}] * 3
    # The default distances are millions of pixels here: all is near, nothing is long.
    by_default = sc.diagnose(*(boxes((5, 0, x, 9), size=(9, 2**31)) for x in (14, 12)))
    assert wrong(by_default.findings[0].missed) == {"boundary": 18}


def test_colours_can_be_told_apart():
    """No two causes look alike, and only what is wrong at a boundary is grey."""
    colors = np.array([cause.color for cause in CAUSES], int)
    apart = np.abs(colors[:, None] - colors).sum(2) + 999 * np.eye(len(CAUSES), dtype=int)
    assert apart.min() > 60
    grey = [cause.name for cause in CAUSES if np.ptp(cause.color) < 30]
    assert grey == ["boundary", "other", "boundary"]


def test_the_demo_room():
    """Legs are lost as thin parts, and the cushion that is missing is a missing component."""
    scene = read_scene()
    classes = [[each["category_id"] for each in side] for side in (scene.true, scene.predicted)]
    result = sc.diagnose(scene.truth, scene.prediction, *classes)
    names = [each["name"] for each in scene.true]
    by_name = {names[each.truth]: each for each in result.findings}
    assert len(result.findings) == len(names)
    [cushion] = (name for name, each in by_name.items() if each.kind != "matched")
    assert cushion == "cushion 2"
    assert by_name[cushion].kind == "missed"
    assert by_name[cushion].missed["component"] == by_name[cushion].area
    [thin] = (masks for cause, masks in result.masks.items() if cause.name == "thin")
    for name, part in (("sofa", "legs"), ("table", "legs"), ("lamp", "pole")):
        i = names.index(name)
        [legs] = (each for each in scene.true[i]["parts"] if each["name"] == part)
        legs = sc.Masks.from_coco([legs], scene.size)
        lost = (legs & scene.truth[i]) - scene.prediction[list(by_name[name].predicted)].union()
        assert sc.containment(lost, thin[i])[0, 0] > 0.7
        deep = {k: v for k, v in by_name[name].missed.items() if k not in ("boundary", "other")}
        assert max(deep, key=deep.get) == "thin"


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            {"predicted": boxes((0, 0, 1, 1), size=(5, 5))},
            ValueError,
            "the same image size",
        ),
        ({"truth": [[0, 1]]}, TypeError, "expected Masks"),
        ({"truth_classes": [1]}, ValueError, "truth_classes, predicted_classes: expected both"),
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
        (
            {"thin_width": 4},
            ValueError,
            "thin_width: expected an odd number of pixels, got 4",
        ),
        ({"thin_width": 0.5}, TypeError, "thin_width: expected an integer"),
        ({"boundary_distance": -1}, ValueError, "boundary_distance: expected 0 or more pixels"),
        ({"score_threshold": 0.5}, ValueError, "score_threshold: expected scores as well"),
        ({"scores": [0.5, 1]}, ValueError, "scores: expected 1"),
        ({"scores": [np.nan]}, ValueError, "scores: the score of mask 0 is NaN"),
        ({"scores": ["high"]}, TypeError, "scores: expected numbers"),
        ({"scores": [1], "score_threshold": "a"}, TypeError, "score_threshold: expected a number"),
    ],
)
def test_refuses(change, error, message):
    arguments = {"truth": boxes((0, 0, 5, 5)), "predicted": boxes((0, 0, 5, 5)), **change}
    with pytest.raises(error, match=message):
        sc.diagnose(**arguments)
