"""Types of detection errors, as in TIDE."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from support import real_data
from support.detections import data_set

import segcore as sc
from segcore.metrics import ERROR_TYPES, DetectionErrors, ErrorAnalysis

SHORT = dict(zip(("Cls", "Loc", "Both", "Dupe", "Bkg", "Miss"), ERROR_TYPES, strict=True))


def boxes(*corners: tuple[int, int, int, int]) -> sc.Masks:
    return sc.Masks.from_boxes(np.array(corners, float).reshape(-1, 4), (40, 60))


def added(
    document: dict[str, Any], results: list[dict[str, Any]], iou: str = "mask", **settings: Any
) -> DetectionErrors:
    errors = DetectionErrors(iou, box_format="xywh", **settings)
    for image in document["images"]:
        size = image["height"], image["width"]
        true, found = (
            [item for item in items if item["image_id"] == image["id"]]
            for items in (document["annotations"], results)
        )
        errors.update(
            *(
                np.array([i["bbox"] for i in items])
                if iou == "box"
                else sc.Masks.from_coco([i["segmentation"] for i in items], size)
                for items in (true, found)
            ),
            scores=[item["score"] for item in found],
            truth_classes=np.array([item["category_id"] for item in true], int),
            prediction_classes=np.array([item["category_id"] for item in found], int),
            crowd=np.array([item["iscrowd"] for item in true], int),
            negative_classes=np.array(image.get("neg_category_ids", []), int),
            incomplete_classes=np.array(image.get("not_exhaustive_category_ids", []), int),
            image_id=image["id"],
        )
    return errors


def test_one_error_of_each_type() -> None:
    truth = boxes((0, 0, 10, 10), (20, 0, 30, 10), (40, 0, 50, 10), (0, 20, 10, 30))
    predicted = boxes(
        (0, 0, 10, 9),  # correct
        (0, 0, 10, 8),  # duplicate
        (20, 0, 30, 4),  # an IoU of 0.4
        (40, 0, 50, 10),  # of another class
        (0, 20, 10, 24),  # of another class, an IoU of 0.4
        (30, 30, 40, 39),  # nothing there
    )
    errors = DetectionErrors()
    errors.update(
        truth,
        predicted,
        scores=[0.9, 0.8, 0.7, 0.6, 0.5, 0.4],
        truth_classes=[1, 1, 1, 1],
        prediction_classes=[1, 1, 1, 2, 2, 1],
    )
    assert errors.compute().counts == dict.fromkeys(ERROR_TYPES, 1)


def test_the_numbers_of_tide_on_real_data() -> None:
    """Those that tidecv 1.0.1 computes."""
    document, results = real_data.read("coco"), real_data.read("results")
    known = {image["id"] for image in document["images"]}
    for annotation in document["annotations"]:
        [image] = (i for i in document["images"] if i["id"] == annotation["image_id"])
        masks = sc.Masks.from_coco([annotation["segmentation"]], (image["height"], image["width"]))
        [annotation["segmentation"]] = masks.to_coco()
    found = added(document, [item for item in results if item["image_id"] in known]).compute()
    assert found.ap == pytest.approx(0.5180083046313932, abs=1e-12)
    assert list(found.counts.values()) == [76, 82, 7, 0, 4, 109]
    gains = [0.16185981944964922, 0.1160070388144917, 0.010128320441411205, 0]
    gains += [0.0026809184082152648, 0.07778620430008559]
    assert list(found.gains.values()) == pytest.approx(gains, abs=1e-12)


@pytest.mark.parametrize("iou", ["mask", "box"])
@pytest.mark.parametrize("seed", range(40))
def test_equals_tidecv(seed: int, iou: str) -> None:
    document, results = data_set(seed)
    assert_equals_tidecv(document, results, iou)


@pytest.mark.parametrize("seed", range(40))
def test_equals_tidecv_for_lvis(seed: int) -> None:
    """Classes that tidecv's reader of LVIS files ignores in an image are ignored here, too."""
    document, results = data_set(seed)
    rng = np.random.default_rng(seed)
    classes = [category["id"] for category in document["categories"]]
    for annotation in document["annotations"]:
        annotation["iscrowd"] = 0
    for image in document["images"]:
        for name in ("neg_category_ids", "not_exhaustive_category_ids"):
            image[name] = [class_id for class_id in classes if rng.random() < 0.4]
    assert_equals_tidecv(document, results, "mask", protocol="lvis")


def assert_equals_tidecv(
    document: dict[str, Any], results: list[dict[str, Any]], iou: str, **settings: Any
) -> None:
    tidecv = pytest.importorskip("tidecv")
    truth, found = tidecv.Data("truth"), tidecv.Data("found")
    for image in sorted(document["images"], key=lambda image: image["id"]):
        truth.add_image(image["id"], str(image["id"]))
        if settings:
            of_image = [a for a in document["annotations"] if a["image_id"] == image["id"]]
            present = {a["category_id"] for a in of_image} | {*image["neg_category_ids"]}
            absent = {category["id"] for category in document["categories"]} - present
            for class_id in absent | {*image["not_exhaustive_category_ids"]}:
                truth.add_ignore_region(image["id"], class_id)
    for annotation in document["annotations"]:
        add = truth.add_ignore_region if annotation["iscrowd"] else truth.add_ground_truth
        add(annotation["image_id"], annotation["category_id"], *shape(annotation))
    for item in results:
        found.add_detection(item["image_id"], item["category_id"], item["score"], *shape(item))
    ours = added(document, results, iou, **settings).compute()
    mode = tidecv.TIDE.MASK if iou == "mask" else tidecv.TIDE.BOX
    try:
        run = tidecv.TIDE().evaluate(truth, found, 0.5, 0.1, mode)
        gains = run.fix_main_errors()
    except ZeroDivisionError:  # as it has no class, or none without missed objects
        assert ours.gains["missed"] == 0
        return
    assert 100 * ours.ap == pytest.approx(run.ap, abs=1e-9)
    for kind, gain in gains.items():
        assert 100 * ours.gains[SHORT[kind.short_name]] == pytest.approx(gain, abs=1e-9)
    for kind, count in run.count_errors().items():
        assert ours.counts[SHORT[kind.short_name]] == count


def shape(item: dict[str, Any]) -> tuple[list[float], dict[str, Any]]:
    """Return the box and the mask, as pycocotools takes them."""
    rle = item["segmentation"]
    return item["bbox"], {"size": rle["size"], "counts": rle["counts"].encode()}


def test_parts_merge_in_any_order() -> None:
    document, results = data_set(3)
    whole = added(document, results).compute()
    parts = [added({**document, "images": [image]}, results) for image in document["images"]]
    merged = parts[0].empty()
    for part in reversed(parts):
        merged.merge(pickle.loads(pickle.dumps(part)))
    assert len(merged) == len(parts)
    assert merged.compute() == whole
    assert (parts[0] + sum(parts[2:], parts[1])).compute() == whole
    assert len(parts[0]) == 1
    with pytest.raises(ValueError, match="is in both"):
        merged.merge(parts[0])
    with pytest.raises(ValueError, match=r"iou_threshold: expected 0\.5, got 0\.6"):
        merged.merge(DetectionErrors(box_format="xywh", iou_threshold=0.6))
    with pytest.raises(TypeError, match="expected DetectionErrors"):
        merged.merge(3)  # type: ignore[arg-type]


def test_boundaries_decide_on_what_is_right() -> None:
    """A square that is too small by 3 pixels has most pixels of the true one, but not its edge."""
    truth, found = boxes((0, 0, 40, 40)), boxes((3, 3, 40, 40))
    counts = []
    for iou in ("mask", "boundary"):
        errors = DetectionErrors(iou)
        errors.update(truth, found, scores=[0.5])
        counts.append(errors.compute().counts["localization"])
    assert float(sc.boundary_iou(found, truth)[0, 0]) < 0.5 < float(sc.iou(found, truth)[0, 0])
    assert counts == [0, 1]


def test_nothing() -> None:
    nothing = ErrorAnalysis(0.0, dict.fromkeys(ERROR_TYPES, 0), dict.fromkeys(ERROR_TYPES, 0.0))
    assert DetectionErrors().compute() == nothing
    errors = DetectionErrors()
    errors.update(boxes(), boxes(), scores=[])
    assert errors.compute() == nothing


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"scores": [0.5]}, ValueError, "scores: expected 2 values"),
        ({"scores": [0.5, np.nan]}, ValueError, "scores"),
        ({"truth_classes": [1]}, ValueError, "expected both or neither"),
        (
            {"truth_classes": [1], "prediction_classes": [1, 1]},
            ValueError,
            "truth_classes: expected 2",
        ),
        (
            {"truth_classes": [1, 1], "prediction_classes": [0.5, 1]},
            TypeError,
            "prediction_classes: expected integers",
        ),
        ({"crowd": [2, 0]}, ValueError, "crowd"),
        ({"prediction": sc.Masks.from_boxes([[0, 0, 1, 1]] * 2, (3, 3))}, ValueError, "size"),
        ({"truth": np.zeros((2, 40, 60))}, TypeError, "truth: expected Masks"),
        ({"image_id": 7.5}, TypeError, "image_id: expected an integer or a string"),
        ({"image_id": 7}, ValueError, "image 7 was added before"),
    ],
)
def test_refuses(changes: dict[str, Any], error: type[Exception], message: str) -> None:
    errors = DetectionErrors()
    errors.update(boxes(), boxes(), scores=[], image_id=7)
    pair = boxes((0, 0, 4, 4), (5, 5, 9, 9))
    given: dict[str, Any] = {"truth": pair, "prediction": pair, "scores": [0.5, 0.4]} | changes
    with pytest.raises(error, match=message):
        errors.update(**given)
    assert len(errors) == 1


def test_refuses_settings() -> None:
    with pytest.raises(ValueError, match="max_detections: expected at least 1, got 0"):
        DetectionErrors(max_detections=0)
    lvis = DetectionErrors(protocol="lvis")
    assert lvis.max_detections == 300
    with pytest.raises(ValueError, match="crowd: expected none, as LVIS has no crowds"):
        lvis.update(boxes((0, 0, 4, 4)), boxes(), scores=[], crowd=[True])
    with pytest.raises(TypeError, match='truth: expected boxes for iou="box", got Masks'):
        DetectionErrors("box").update(boxes(), boxes(), scores=[])
    with pytest.raises(ValueError, match="background_threshold"):
        DetectionErrors(background_threshold=2)
