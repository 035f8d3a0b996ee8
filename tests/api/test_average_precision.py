"""Average precision: equal to pycocotools' COCOeval and to the LVIS API, bit for bit."""

from __future__ import annotations

import contextlib
import copy
import io
import pickle

import numpy as np
import pytest
from support.detections import SIZE, data_set

import segcore as sc
from segcore.compat.pycocotools.coco import COCO
from segcore.compat.pycocotools.cocoeval import COCOeval

SEEDS = range(12)


def accumulators(document, **settings):
    class_ids = [category["id"] for category in document["categories"]]
    while True:
        yield sc.metrics.AveragePrecision(class_ids=class_ids, **settings)


def arguments(ap, document, results, image):
    true = [record for record in document["annotations"] if record["image_id"] == image]
    found = [record for record in results if record["image_id"] == image]
    key = "bbox" if ap.iou == "box" else "segmentation"
    shapes = [[record[key] for record in records] for records in (true, found)]
    if ap.iou != "box":
        shapes = [sc.Masks.from_coco(rles, size=SIZE) for rles in shapes]
    return {
        "truth": shapes[0],
        "prediction": shapes[1],
        "scores": [record["score"] for record in found],
        "truth_classes": [record["category_id"] for record in true],
        "prediction_classes": [record["category_id"] for record in found],
        "crowd": [record["iscrowd"] for record in true],
        "truth_areas": [record["area"] for record in true],
        "truth_ids": [record["id"] for record in true],
        "image_id": image,
    }


def add(ap, *image):
    ap.update(**arguments(ap, *image))


def evaluated(document, results, iou, **settings):
    ap = next(accumulators(document, iou=iou, box_format="xywh", **settings))
    for image in document["images"]:
        add(ap, document, results, image["id"])
    return ap


def coco_evaluated(document, results, iou, coco=COCO, evaluation=COCOeval):
    """Evaluate with pycocotools, or by default with the drop-in, which is compared with it."""
    with contextlib.redirect_stdout(io.StringIO()):
        truth = coco()
        truth.dataset = copy.deepcopy(document)
        truth.createIndex()
        kind, other = ("bbox", "segmentation") if iou == "box" else ("segm", "bbox")
        loaded = [{key: value for key, value in record.items() if key != other}
                  for record in copy.deepcopy(results)]  # fmt: skip
        done = evaluation(truth, truth.loadRes(loaded), kind)
        done.evaluate()
        done.accumulate()
        done.summarize()
    return done


def assert_equal(got, expected):
    for name in ("precision", "recall", "scores"):
        np.testing.assert_array_equal(getattr(got, name), expected.eval[name])
    assert list(got.stats.values()) == expected.stats.tolist()


@pytest.mark.parametrize("iou", ["mask", "box"])
@pytest.mark.parametrize("seed", SEEDS)
def test_equal_to_cocoeval(iou, seed):
    document, results = data_set(seed)
    done = coco_evaluated(document, results, iou)
    assert_equal(evaluated(document, results, iou).compute(), done)


@pytest.mark.parametrize("seed", SEEDS)
def test_equal_for_any_parts_in_any_order(seed):
    document, results = data_set(seed)
    whole = evaluated(document, results, "mask").compute()
    rng = np.random.default_rng(seed)
    new = accumulators(document)
    parts = [next(new) for _ in range(3)]
    for image in rng.permutation([image["id"] for image in document["images"]]).tolist():
        add(parts[int(rng.integers(3))], document, results, image)
    first, second, third = (pickle.loads(pickle.dumps(part)) for part in parts)
    for merged in ((first + second) + third, third + (second + first)):
        for name in ("precision", "recall", "scores"):
            np.testing.assert_array_equal(getattr(merged.compute(), name), getattr(whole, name))
    assert len(first + second + third) == len(document["images"])


def test_boundary_is_the_smaller_of_both():
    rng = np.random.default_rng(0)
    truth = sc.Masks.from_dense(rng.random((3, 30, 30)) < 0.5)
    found = sc.Masks.from_dense(truth.to_dense() ^ (rng.random((3, 30, 30)) < 0.05))
    ratios = np.minimum(sc.iou(found, truth), sc.boundary_iou(found, truth))
    for threshold in (0.5, 0.7, 0.8, 0.85, 0.9):
        ap = sc.metrics.AveragePrecision("boundary", thresholds=[threshold])
        ap.update(truth, found, scores=[0.9, 0.8, 0.7])
        assert ap.compute().average_recall() == (np.diag(ratios) >= threshold).mean()


@pytest.mark.parametrize("iou", ["mask", "box", "boundary"])
@pytest.mark.parametrize("seed", range(4))
def test_images_at_once_are_as_one_by_one(iou, seed):
    documents = [data_set(seed), data_set(seed + 20)]
    sizes = [SIZE, (50, 70)]
    expected, got = (
        sc.metrics.AveragePrecision(iou, box_format="xywh", thresholds=[0.3, 0.5, 0.75])
        for _ in range(2)
    )
    images = []
    for (document, results), size in zip(documents, sizes, strict=True):
        for image in document["images"]:
            item = arguments(expected, document, results, image["id"])
            if iou != "box":
                for name in ("truth", "prediction"):
                    item[name] = item[name].place(size)
            images.append(item | {"image_id": f"{size} {image['id']}"})
    for item in images:
        expected.update(**item)
    got.update_images(images[:3])
    got.update_images([])
    got.update_images(iter(images[3:]))
    assert len(got) == len(images)
    for name in ("precision", "recall", "scores"):
        values = (getattr(ap.compute(), name) for ap in (got, expected))
        np.testing.assert_array_equal(*values)


def test_an_invalid_image_among_others():
    ap = sc.metrics.AveragePrecision()
    good = {"truth": TRUTH, "prediction": TRUTH, "scores": [0.5]}
    with pytest.raises(ValueError, match="scores: expected 1 value") as caught:
        ap.update_images([good, good | {"scores": []}])
    assert caught.value.__notes__ == ["image 1 of those to add"]
    with pytest.raises(ValueError, match="image 7 was added before"):
        ap.update_images([good | {"image_id": 7}] * 2)
    with pytest.raises(TypeError, match="unexpected keyword argument 'masks'"):
        ap.update_images([good | {"masks": TRUTH}])
    assert len(ap) == 0


def test_crowds_are_compared_by_masks_alone():
    """A detection within a crowd, whose boundary is elsewhere, is not wrong."""
    truth = sc.Masks.from_boxes([[0, 0, 100, 100], [70, 70, 90, 90]], (100, 100))
    found = sc.Masks.from_boxes([[20, 20, 60, 60], [70, 70, 90, 90]], (100, 100))
    ap = sc.metrics.AveragePrecision("boundary")
    ap.update(truth, found, scores=[0.9, 0.8], crowd=[True, False])
    assert ap.compute().stats["AP"] == pytest.approx(1)


# -- what the summary says ------------------------------------------------------------------------


def scene():
    """Two objects of class 1, of which one is found, and one of class 2, which is missed."""
    truth = sc.Masks.from_boxes([[0, 0, 50, 40], [60, 0, 90, 30], [0, 50, 20, 70]], (100, 100))
    found = sc.Masks.from_boxes([[0, 0, 50, 40], [60, 50, 90, 80]], (100, 100))
    ap = sc.metrics.AveragePrecision()
    ap.update(truth, found, scores=[0.9, 0.8], truth_classes=[1, 1, 2], prediction_classes=[1, 1])
    return ap


def test_the_numbers_by_name_and_class():
    result = scene().compute()
    assert list(result.stats) == [
        "AP", "AP50", "AP75", "AP_small", "AP_medium", "AP_large",
        "AR1", "AR10", "AR100", "AR_small", "AR_medium", "AR_large",
    ]  # fmt: skip
    assert result.per_class[2] == {
        "AP": 0, "AP50": 0, "AP75": 0, "AP_small": 0, "AP_medium": -1, "AP_large": -1, "AR": 0
    }  # fmt: skip
    assert result.per_class[1]["AR"] == 0.5
    assert result.stats["AR100"] == 0.25
    assert result.best_f1()[1] == (0.9, pytest.approx(2 / 3))
    assert result.best_f1()[2][1] == 0
    medium = result.per_class[1]["AP_medium"]
    assert result.average_precision(0.5, "medium") == pytest.approx(medium)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda r: r.average_precision(0.51), r"threshold: expected one of \[0.5, "),
        (lambda r: r.average_precision(area="tiny"), "area: expected one of all, small"),
        (lambda r: r.average_recall(max_detections=7), r"expected one of \(1, 10, 100\), got 7"),
    ],
)
def test_parts_that_were_not_evaluated(call, message):
    with pytest.raises(ValueError, match=message):
        call(scene().compute())


def test_nothing_at_all():
    assert set(sc.metrics.AveragePrecision().compute().stats.values()) == {-1.0}
    assert set(sc.metrics.AveragePrecision().confidence_intervals(3).values()) == {(-1.0, -1.0)}


def test_confidence_intervals_depend_on_the_seed_and_the_ids_alone():
    document, results = data_set(4)
    intervals = evaluated(document, results, "mask").confidence_intervals(20, seed=1)
    document["images"].reverse()
    assert evaluated(document, results, "mask").confidence_intervals(20, seed=1) == intervals
    assert evaluated(document, results, "mask").confidence_intervals(20, seed=2) != intervals
    low, high = intervals["AP"]
    assert 0 <= low <= high <= 1
    single = scene()
    assert single.confidence_intervals(5)["AP"] == (single.compute().stats["AP"],) * 2


# -- errors ---------------------------------------------------------------------------------------

TRUTH = sc.Masks.from_boxes([[0, 0, 5, 5]], (10, 10))
GOOD = {"scores": [0.5], "truth_classes": [1], "prediction_classes": [1]}


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"scores": [0.5, 0.4]}, ValueError, "scores: expected 1 value, one per mask, got 2"),
        ({"scores": [np.nan]}, ValueError, "NaN"),
        ({"truth_classes": [1, 2]}, ValueError, "truth_classes: expected 1 value"),
        ({"truth_classes": [1.5]}, TypeError, "truth_classes: expected integers"),
        ({"prediction_classes": [2**63]}, ValueError, r"expected ids below 2\*\*63"),
        ({"crowd": [2]}, ValueError, "crowd: expected bools"),
        ({"truth_areas": [1, 2]}, ValueError, "truth_areas: expected 1 value"),
        ({"truth_ids": [1, 2]}, ValueError, "truth_ids: expected 1 value"),
        ({"image_id": 1.0}, TypeError, "image_id: expected an integer or a string, got float"),
        ({"image_id": "there"}, ValueError, "image 'there' was added before"),
        ({"truth": [[0, 0, 5, 5]]}, TypeError, "truth: expected Masks, got list"),
        ({"truth": np.eye(10)}, TypeError, "truth: expected Masks, .*Masks.from_dense"),
        ({"prediction_classes": None}, ValueError, "expected both or neither"),
        ({"truth_classes": None}, ValueError, "expected both or neither"),
        ({"truth": sc.Masks.empty((9, 10), 1)} if hasattr(sc.Masks, "empty") else
         {"truth": sc.Masks.from_boxes([[0, 0, 5, 5]], (9, 10))}, ValueError, "size"),
    ],
)  # fmt: skip
def test_invalid_images_change_nothing(change, error, message):
    ap = sc.metrics.AveragePrecision()
    ap.update(TRUTH, TRUTH, **GOOD, image_id="there")
    before = pickle.dumps(ap)
    with pytest.raises(error, match=message):
        ap.update(**({"truth": TRUTH, "prediction": TRUTH} | GOOD | change))
    assert pickle.dumps(ap) == before


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"iou": "masks"}, 'iou: expected one of "mask", "box", "boundary"'),
        ({"protocol": "voc"}, "protocol: expected one of"),
        ({"box_format": "cxcywh"}, "box_format: expected one of"),
        ({"thresholds": []}, "thresholds: expected 1 to 64 values, got 0"),
        ({"thresholds": np.linspace(0, 1, 65)}, "got 65"),
        ({"thresholds": [0.5, 1.5]}, r"thresholds: expected a list of numbers in \[0, 1\]"),
        ({"thresholds": [np.nan]}, "thresholds: expected a list of numbers"),
        ({"recalls": [0.5, 0.4]}, "recalls: expected ascending values"),
        ({"max_detections": [10, 1]}, "max_detections: expected ascending positive integers"),
        ({"max_detections": []}, "max_detections: expected ascending"),
        ({"protocol": "lvis", "max_detections": [1, 10]}, "expected a single limit for LVIS"),
        ({"frequencies": {1: "rare"}}, 'frequencies: expected "r", "c" or "f", got \'rare\''),
        ({"dilation_ratio": 2}, "dilation_ratio"),
    ],
)
def test_invalid_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        sc.metrics.AveragePrecision(**settings)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"max_detections": 100}, TypeError, r"a list of limits, such as \[100\], got int 100"),
        ({"max_detections": [1.5]}, TypeError, "max_detections: expected an integer"),
        ({"areas": ["small"]}, TypeError, "areas: expected a dict of names to limits"),
        ({"areas": {"x": (1,)}}, ValueError, r"areas\['x'\]: expected two limits, \(low, high\)"),
        ({"areas": {"x": "small"}}, TypeError, r"areas\['x'\]: expected two numbers"),
        ({"areas": {"x": (5, 1)}}, ValueError, "expected limits with low <= high"),
        ({"areas": {"x": (1, np.nan)}}, ValueError, "expected limits with low <= high"),
    ],
)
def test_settings_of_the_wrong_form(settings, error, message):
    with pytest.raises(error, match=message):
        sc.metrics.AveragePrecision(**settings)


def test_thresholds_are_found_by_their_decimal_names():
    result = scene().compute()
    for index, name in enumerate(range(50, 100, 5)):
        part = result.precision[index, :, :, 0, -1]
        assert result.average_precision(name / 100) == pytest.approx(part[part > -1].mean())
    assert result.best_f1(threshold=0.9) == result.best_f1(threshold=0.9 - 1e-12)


def test_what_does_not_merge():
    ap = scene()
    with pytest.raises(ValueError, match="image 0 is in both"):
        ap.merge(scene())
    with pytest.raises(ValueError, match="iou: expected mask, got box"):
        ap.merge(sc.metrics.AveragePrecision("box"))
    with pytest.raises(TypeError, match="expected AveragePrecision"):
        ap.merge(3)
    with pytest.raises(TypeError):
        ap + 3


def test_box_formats():
    xyxy = sc.metrics.AveragePrecision("box")
    xywh = sc.metrics.AveragePrecision("box", box_format="xywh")
    xyxy.update([[1, 2, 4, 6]], [[1, 2, 4, 5]], scores=[1])
    xywh.update([[1, 2, 3, 4]], [[1, 2, 3, 3]], scores=[1])
    assert xyxy.compute().stats == xywh.compute().stats
    with pytest.raises(ValueError, match=r"prediction: expected boxes of shape \(N, 4\)"):
        xywh.update([[1, 2, 3, 4]], [[1, 2, 3]], scores=[1])
    with pytest.raises(TypeError, match='truth: expected boxes for iou="box", got Masks'):
        xywh.update(TRUTH, TRUTH, **GOOD)
