"""Evaluation of two data sets: the same numbers as by COCO's own code."""

from __future__ import annotations

import copy
import importlib.util
import json
import pickle

import numpy as np
import pytest
from support.detections import data_set

import segcore as sc
from segcore.data import evaluation
from segcore.metrics import matching

coco = pytest.importorskip("pycocotools.coco")
cocoeval = pytest.importorskip("pycocotools.cocoeval")


KINDS = {"mask": "segm", "box": "bbox"}
RING = [1, 1, 5, 1, 5, 3, 1, 3]


def files(folder, seed, keys):
    document, results = data_set(seed)
    others = {"bbox", "segmentation"} - set(keys)
    results = [{name: value for name, value in result.items() if name not in others}
               for result in results]  # fmt: skip
    for name, content in (("truth", document), ("results", results)):
        (folder / f"{name}.json").write_text(json.dumps(content))
    return folder / "truth.json", folder / "results.json", results


@pytest.mark.parametrize(
    ("iou", "keys"),
    [("mask", ["segmentation"]), ("mask", ["segmentation", "bbox"]), ("box", ["bbox"])],
)
@pytest.mark.parametrize("seed", range(8))
def test_equal_to_pycocotools(tmp_path, monkeypatch, iou, keys, seed):
    truth, prediction, results = files(tmp_path, seed, keys)
    if seed % 2:  # one image per part, and few masks at a time
        monkeypatch.setattr(evaluation, "ANNOTATIONS", 1)
        monkeypatch.setattr(matching, "MAX_OBJECTS", 2)
    if not results:
        pytest.skip("pycocotools needs a result")
    true = coco.COCO(str(truth))
    done = cocoeval.COCOeval(
        true, true.loadRes(str(prediction)), "segm" if iou == "mask" else iou.replace("box", "bbox")
    )
    done.evaluate()
    done.accumulate()
    done.summarize()
    ds = sc.data.read(truth)
    metric = None
    if iou == "box":
        metric = sc.metrics.AveragePrecision(
            "box", class_ids=ds.categories["id"], box_format="xywh"
        )
    got = sc.data.evaluate(ds, sc.data.read(prediction, dataset=ds), metric).compute()
    for name in ("precision", "recall", "scores"):
        np.testing.assert_array_equal(getattr(got, name), done.eval[name])
    assert list(got.stats.values()) == done.stats.tolist()


MIXES = {
    "segmentation": lambda i, result: ["segmentation"],
    "segmentation and area": lambda i, result: ["segmentation", "area"],
    "segmentation and bbox": lambda i, result: ["segmentation", "bbox"],
    "all": lambda i, result: ["segmentation", "bbox", "area"],
    "bbox and area": lambda i, result: ["bbox", "area"],
    "first without bbox": lambda i, result: ["segmentation"] + ["bbox", "area"] * (i % 2),
    "first with an empty bbox": lambda i, result: ["segmentation", "bbox"],
}


@pytest.mark.parametrize("iou", ["mask", "box"])
@pytest.mark.parametrize("mix", MIXES)
def test_areas_of_results_as_in_pycocotools(tmp_path, mix, iou):
    if mix == "bbox and area" and iou == "mask":
        pytest.skip("pycocotools makes masks of boxes, which segcore does if it is asked to")
    document, results = data_set(3)
    rng = np.random.default_rng(0)
    for i, result in enumerate(results):
        # The areas of boxes, of masks and those given are in different ranges.
        result["area"] = float(rng.integers(20_000))
        if iou == "mask":
            result["bbox"] = [0.0, 0.0, *rng.integers(1, 200, 2).astype(float).tolist()]
        elif i % 3 == 0 and "bbox" in MIXES[mix](i, result):
            [result["segmentation"]] = sc.Masks.from_boxes([[0, 0, 60, 40]], (40, 60)).to_coco()
        kept = [*MIXES[mix](i, result), "image_id", "category_id", "score"]
        for name in result.keys() - set(kept):
            del result[name]
    if mix == "first with an empty bbox":
        del results[0]["bbox"]
        expected = copy.deepcopy(results)
        results[0]["bbox"] = []
    else:
        expected = copy.deepcopy(results)
    true = coco.COCO()
    true.dataset = document
    true.createIndex()
    done = cocoeval.COCOeval(true, true.loadRes(expected), KINDS[iou])
    done.evaluate()
    done.accumulate()
    done.summarize()
    truth = sc.data.from_coco(document)
    prediction = sc.data.from_coco(results, dataset=truth)
    sc.data.write(prediction, tmp_path / "results.json", format="coco-results")
    halves = np.array_split(np.arange(len(prediction)), 2)
    forms = [
        prediction,
        sc.data.read(tmp_path / "results.json", dataset=truth),
        sc.data.Dataset.concatenate([prediction[half] for half in halves]),
        prediction.select(np.arange(len(results))),
        pickle.loads(pickle.dumps(prediction)),
    ]
    if importlib.util.find_spec("pyarrow"):
        sc.data.write(prediction, tmp_path / "results.parquet")
        forms += [
            sc.data.read(tmp_path / "results.parquet"),
            sc.data.from_arrow(prediction.to_arrow()),
        ]
    for form in forms:
        metric = sc.metrics.AveragePrecision(
            iou, class_ids=truth.categories["id"], box_format="xywh"
        )
        got = sc.data.evaluate(truth, form, metric).compute()
        for name in ("precision", "recall", "scores"):
            np.testing.assert_array_equal(getattr(got, name), done.eval[name])


def test_areas_of_data_sets_that_are_no_results_are_their_own():
    truth = sc.data.from_coco(room())
    detection = {"image_id": 1, "category_id": 63, "score": 0.9, "bbox": [0, 0, 6, 4]}
    areas = {}
    for area in (1.0, 5000.0):
        document = room(annotations=[{**detection, "segmentation": [RING], "area": area}])
        found = sc.data.from_coco(document)
        metric = sc.metrics.AveragePrecision(areas={"all": (0, 1e5), "small": (0, 4)})
        metric = sc.data.evaluate(sc.data.from_coco(room(annotations=[])), found, metric)
        areas[area] = metric.confidence_intervals(1), metric._detections[-1].ignored.tolist()
    assert areas[1.0][1] != areas[5000.0][1]
    assert len(truth) == 2


def room(**changes):
    document = {
        "images": [{"id": 1, "height": 4, "width": 6}, {"id": 2, "height": 4, "width": 6}],
        "categories": [{"id": 63, "name": "couch"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 63, "iscrowd": 0,
                         "segmentation": [RING]}],
    }  # fmt: skip
    return document | changes


def test_images_without_results_have_misses():
    truth = sc.data.from_coco(room())
    result = {
        "image_id": 1,
        "category_id": 63,
        "score": 0.9,
        "segmentation": [RING],
    }
    found = sc.data.from_coco([result], dataset=truth)
    assert sc.data.evaluate(truth, found).compute().stats["AR100"] == 1
    assert len(sc.data.evaluate(truth, found)) == 2
    nothing = sc.data.from_coco(room(images=[{"id": 2, "height": 4, "width": 6}], annotations=[]))
    assert sc.data.evaluate(truth, nothing).compute().stats["AR100"] == 0


def sizes_and_shuffled(seed):
    """Return a data set of images of several sizes, whose annotations are not sorted by image."""
    rng = np.random.default_rng(seed)
    sizes = {image: [(4, 6), (5, 6), (6, 4)][int(rng.integers(3))] for image in range(1, 9)}
    annotations = []
    for image in rng.permutation([*sizes] * 4).tolist():
        height, width = sizes[image]
        mask = sc.Masks.from_dense(rng.random((height, width)) < 0.7)
        annotations.append(
            {"id": len(annotations) + 1, "image_id": image, "iscrowd": int(rng.random() < 0.2),
             "category_id": int(rng.integers(63, 65)), "segmentation": mask.to_coco()[0],
             "area": float(mask.area[0]), "score": float(rng.choice([0.2, 0.5, rng.random()]))}
        )  # fmt: skip
    images = [{"id": image, "height": h, "width": w} for image, (h, w) in sizes.items()]
    categories = [{"id": number, "name": str(number)} for number in (63, 64)]
    return {"images": images, "categories": categories, "annotations": annotations}


@pytest.mark.parametrize("iou", ["mask", "boundary"])
@pytest.mark.parametrize("seed", range(4))
def test_images_together_as_one_by_one(iou, seed):
    document = sizes_and_shuffled(seed)
    annotations = document["annotations"]
    truth, found = (
        sc.data.from_coco(document | {"annotations": part})
        for part in (annotations[::2], annotations[1::2])
    )
    settings = {"iou": iou, "class_ids": [63, 64], "thresholds": [0.3, 0.5, 0.6]}
    one_by_one = sc.metrics.AveragePrecision(**settings)
    for true, detections in zip(truth, found, strict=True):
        one_by_one.update(
            true.masks,
            detections.masks,
            scores=detections.scores,
            truth_classes=true.category_ids,
            prediction_classes=detections.category_ids,
            crowd=true.iscrowd,
            image_id=int(true.image_id),
        )
    expected = one_by_one.compute()
    got = sc.data.evaluate(truth, found, sc.metrics.AveragePrecision(**settings)).compute()
    assert expected.stats["AR100"] > 0
    for name in ("precision", "recall", "scores"):
        np.testing.assert_array_equal(getattr(got, name), getattr(expected, name))


def test_images_of_another_size():
    found = [{"id": 1, "height": 5, "width": 6}, {"id": 2, "height": 9, "width": 9}]
    annotation = room()["annotations"][0] | {"score": 1}
    truth = sc.data.from_coco(room())
    prediction = sc.data.from_coco(room(images=found, annotations=[annotation]))
    message = r"prediction: image 1 has the size \(5, 6\), but \(4, 6\) in the truth"
    with pytest.raises(ValueError, match=message):
        sc.data.evaluate(truth, prediction)
    found[0]["height"] = 4  # the other image has no detections
    sc.data.evaluate(truth, sc.data.from_coco(room(images=found, annotations=[annotation])))


def test_only_masks_that_matter_are_decoded():
    broken = {"size": [4, 6], "counts": "!"}
    result = {"image_id": 1, "category_id": 63, "score": 0.9, "segmentation": broken}
    truth = sc.data.from_coco(room())
    with pytest.raises(sc.MaskError, match="annotation 1 of image 1"):
        sc.data.evaluate(truth, sc.data.from_coco([result], dataset=truth))
    # Its area is that of its box, and the image has no object of its class.
    elsewhere = sc.data.from_coco([result | {"image_id": 2, "bbox": [0, 0, 2, 2]}], dataset=truth)
    assert sc.data.evaluate(truth, elsewhere).compute().stats["AR100"] == 0


def test_the_rules_of_lvis_read_the_images():
    document = room()
    document["categories"].append({"id": 64, "name": "bed"})
    truth = copy.deepcopy(document)
    wrong = {"id": 2, "image_id": 2, "category_id": 64, "score": 1, "iscrowd": 0,
             "segmentation": [[0, 0, 2, 0, 2, 2, 0, 2]]}  # fmt: skip
    document["annotations"] = [document["annotations"][0] | {"score": 0.5}, wrong]
    truth["annotations"].append(wrong | {"id": 3, "image_id": 1})

    def ap(**lists):
        for image in truth["images"]:
            image.update(lists)
        metric = sc.metrics.AveragePrecision(protocol="lvis", thresholds=[0.5])
        datasets = sc.data.from_coco(truth), sc.data.from_coco(document)
        return sc.data.evaluate(*datasets, metric)

    counts = [
        sum(len(part.score) for part in ap(**lists)._detections)
        for lists in ({}, {"neg_category_ids": [64]})
    ]
    assert counts == [1, 2]
    ignored = ap(neg_category_ids=[64], not_exhaustive_category_ids=[64])
    assert ignored._detections[-1].ignored.sum(axis=0).tolist() == [2, 4]


@pytest.mark.parametrize(
    ("prediction", "metric", "message"),
    [
        (room(images=[{"id": 9, "height": 4, "width": 6}], annotations=[]), None,
         "prediction: image 9 is not in the truth"),
        (room(images=[{"id": i, "height": 4, "width": 6} for i in (8, 9)], annotations=[]), None,
         "prediction: 2 images, such as 8, are not in the truth"),
        (room(), None, "annotation 1 of image 1: expected a score, got none"),
        (room(annotations=[{"id": 1, "image_id": 1, "category_id": 63, "score": 0.5}]),
         sc.metrics.AveragePrecision("box", box_format="xywh"),
         "annotation 1 of image 1: expected a bbox or a mask, got neither"),
        (room(), sc.metrics.AveragePrecision("box"), 'expected box_format="xywh"'),
        (room(categories=[{"id": "sofa", "name": "sofa"}], annotations=[]), None,
         "prediction: expected category ids that are integers"),
    ],
)  # fmt: skip
def test_what_cannot_be_evaluated(prediction, metric, message):
    with pytest.raises(ValueError, match=message):
        sc.data.evaluate(sc.data.from_coco(room()), sc.data.from_coco(prediction), metric)


@pytest.mark.parametrize("seed", range(3))
def test_several_metrics_as_one_by_one(monkeypatch, seed):
    monkeypatch.setattr(evaluation, "ANNOTATIONS", 5)
    document, results = data_set(seed)
    truth = sc.data.from_coco(document)
    found = sc.data.from_coco(results, truth)
    settings = {"box_format": "xywh"}
    metrics = (
        sc.metrics.AveragePrecision(class_ids=truth.categories["id"]),
        sc.metrics.AveragePrecision("box", **settings),
        sc.metrics.AveragePrecision("boundary", dilation_ratio=0.05),
        sc.metrics.AveragePrecision("box", protocol="lvis", **settings),
        sc.metrics.DetectionErrors(),
        sc.metrics.DetectionErrors("box", **settings),
        sc.metrics.DetectionErrors("boundary", protocol="lvis"),
    )
    alone = [sc.data.evaluate(truth, found, metric.empty()).compute() for metric in metrics]
    assert sc.data.evaluate(truth, found, metrics) is metrics
    for metric, expected in zip(metrics, alone, strict=True):
        assert len(metric) == len(truth)
        if isinstance(metric, sc.metrics.DetectionErrors):
            assert metric.compute() == expected
        else:
            np.testing.assert_array_equal(metric.compute().precision, expected.precision)


@pytest.mark.parametrize("iou", ["mask", "box"])
def test_errors_of_data_sets_as_image_by_image(iou):
    document = sizes_and_shuffled(5)
    for annotation in document["annotations"]:
        height, width = annotation["segmentation"]["size"]
        rng = np.random.default_rng(annotation["id"])
        annotation["bbox"] = [0.5, 1, *rng.uniform(1, [width - 1, height - 1]).tolist()]
    datasets = [
        sc.data.from_coco(document | {"annotations": document["annotations"][start::2]})
        for start in (0, 1)
    ]
    errors = sc.metrics.DetectionErrors(iou, box_format="xywh")
    one_by_one = errors.empty()
    for true, found in zip(*datasets, strict=True):
        shapes = (true.bboxes, found.bboxes) if iou == "box" else (true.masks, found.masks)
        one_by_one.update(
            *shapes,
            scores=found.scores,
            truth_classes=true.category_ids,
            prediction_classes=found.category_ids,
            crowd=true.iscrowd,
            image_id=int(true.image_id),
        )
    expected = one_by_one.compute()
    assert sc.data.evaluate(*datasets, errors).compute() == expected
    assert min(expected.counts["localization"], expected.counts["classification"]) > 0


@pytest.mark.parametrize(
    ("metrics", "error", "message"),
    [
        (sc.metrics.ConfusionMatrix(2), TypeError, "metrics: expected AveragePrecision, Detection"),
        ([sc.metrics.AveragePrecision(), 3], TypeError, "a sequence of them, got int 3"),
        ([sc.metrics.AveragePrecision()] * 2, ValueError, "got one of them twice"),
        ([sc.metrics.DetectionErrors("box")], ValueError, 'expected box_format="xywh"'),
    ],
)
def test_what_is_no_metric(metrics, error, message):
    truth = sc.data.from_coco(room())
    with pytest.raises(error, match=message):
        sc.data.evaluate(truth, truth, metrics)
