"""Other people's code on segcore's functions: with the patch, the same figures as without it.

The session `clients` of nox installs those that the test requirements do not hold.
"""

from __future__ import annotations

import collections
import copy
import importlib
import importlib.util
import json
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import segcore as sc
from segcore.compat import patch_pycocotools
from segcore.compat.pycocotools import mask as ours

pytestmark = [
    # Theirs, as pycocotools has them under NumPy 2; segcore's are errors as ever.
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.filterwarnings("error:::segcore"),
]

Calls = collections.Counter


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """Count the calls of segcore's functions, by name."""
    counted: Calls = Calls()

    def counting(name: str, function: Any) -> Any:
        def count(*arguments: Any, **named: Any) -> Any:
            counted[name] += 1
            return function(*arguments, **named)

        return count

    for name in ours.__all__:
        monkeypatch.setattr(ours, name, counting(name, getattr(ours, name)))
    return counted


def client(name: str) -> Any:
    """Import a client, or skip; whatever it warns of when it is imported is its own."""
    if importlib.util.find_spec(name.partition(".")[0]) is None:
        pytest.skip(f"{name.partition('.')[0]} is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module(name)


class Sample:
    """The COCO sample: annotations, results, and the published evaluation of these."""

    def __init__(self, folder: Path) -> None:
        coco = client("pycocotools.coco")
        self.truth_file = folder / "instances_val2014_100.json"
        self.results_file = folder / "instances_val2014_fakesegm100_results.json"
        self.published = (folder / "val2014_fake_eval_res.txt").read_text("utf-8")
        self.truth = coco.COCO(str(self.truth_file))
        self.results = self.truth.loadRes(str(self.results_file))


@pytest.fixture
def folder() -> Path:
    name = os.environ.get("SEGCORE_TEST_DATA")
    if not name:
        pytest.skip("SEGCORE_TEST_DATA does not name the folder with the real data")
    return Path(name) / "coco_val2014_100"


# -- pycocotools' own COCO and COCOeval -----------------------------------------------------------


def evaluated(folder: Path) -> tuple[Any, str]:
    """Evaluate the sample; COCOeval, and what it printed as figures."""
    sample = Sample(folder)
    evaluation = client("pycocotools.cocoeval").COCOeval(sample.truth, sample.results, "segm")
    evaluation.evaluate()
    evaluation.accumulate()
    return evaluation, sample.published


def figures(text: str) -> list[str]:
    """Give the lines with figures; some versions print a space more."""
    return [" ".join(line.split()) for line in text.splitlines() if " @[ IoU=" in line]


def test_cocoeval_gives_the_published_figures(
    folder: Path, calls: Calls, capsys: pytest.CaptureFixture[str]
) -> None:
    expected, published = evaluated(folder)
    expected.summarize()
    assert not calls
    capsys.readouterr()
    with patch_pycocotools():
        evaluation, _ = evaluated(folder)
        evaluation.summarize()
    of_masks = published.split("type=segm")[1].split("type=bbox")[0]
    assert len(figures(of_masks)) == 12
    assert figures(capsys.readouterr().out) == figures(of_masks)
    np.testing.assert_array_equal(evaluation.stats, expected.stats)
    assert evaluation.ious.keys() == expected.ious.keys()
    for key in expected.ious:
        np.testing.assert_array_equal(evaluation.ious[key], expected.ious[key])
    # 830 annotations are polygons, 9 crowds are lists of run lengths, 734 results are strings.
    assert calls["frPyObjects"] == 839
    assert calls["merge"] == 830
    assert calls["area"] == calls["toBbox"] == 734
    # Images and classes with both true objects and detections.
    assert calls["iou"] == len(evaluation._gts.keys() & evaluation._dts.keys())


def test_steps_of_the_demo_notebooks(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Look up and draw annotations, and evaluate 100 images: pycocoDemo and pycocoEvalDemo."""
    pyplot = client("matplotlib.pyplot")
    pyplot.switch_backend("Agg")
    sample = Sample(folder)

    def looked_up_and_drawn() -> tuple[Any, bytes]:
        np.random.seed(0)  # noqa: NPY002 (gives the colors)
        coco = client("pycocotools.coco").COCO(str(sample.truth_file))
        names = [category["name"] for category in coco.loadCats(coco.getCatIds())]
        categories = coco.getCatIds(catNms=["person", "dog", "skateboard"])
        images = coco.getImgIds(catIds=coco.getCatIds(catNms=["person"]))
        [image] = coco.loadImgs([sorted(images)[4]])
        ids = coco.getAnnIds(imgIds=image["id"], catIds=categories, iscrowd=None)
        crowds = coco.loadAnns(coco.getAnnIds(iscrowd=True))
        figure = pyplot.figure(figsize=(4, 3))
        pyplot.gca().set(xlim=(0, image["width"]), ylim=(image["height"], 0))
        person, *others = coco.loadAnns(ids)
        coco.cats[person["category_id"]]["skeleton"] = [[1, 2], [2, 3]]
        x, y, width, height = person["bbox"]
        points = [x, y, 2, x + width, y, 1, x + width, y + height, 0]
        coco.showAnns([person | {"keypoints": points}, *others, crowds[0]], draw_bbox=True)
        figure.canvas.draw()
        drawn = bytes(figure.canvas.buffer_rgba())
        pyplot.close(figure)
        return (names, categories, images, image, ids, len(crowds)), drawn

    def evaluated(kind: str) -> list[float]:
        coco = client("pycocotools.coco").COCO(str(sample.truth_file))
        found = coco.loadRes(str(sample.results_file))
        evaluation = client("pycocotools.cocoeval").COCOeval(coco, found, kind)
        evaluation.params.imgIds = sorted(coco.getImgIds())[0:100]
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
        return list(evaluation.stats)

    expected = looked_up_and_drawn()
    assert len(expected[0][4]) > 1
    assert len(set(expected[1])) > 20
    capsys.readouterr()
    numbers = [evaluated(kind) for kind in ("segm", "bbox")]
    printed = figures(capsys.readouterr().out)
    with patch_pycocotools():
        assert looked_up_and_drawn() == expected
        capsys.readouterr()
        assert [evaluated(kind) for kind in ("segm", "bbox")] == numbers
    assert figures(capsys.readouterr().out) == printed
    assert len(printed) == 24


def test_coco_draws_the_same_masks(folder: Path, calls: Calls) -> None:
    truth = Sample(folder).truth
    annotations = truth.loadAnns(truth.getAnnIds())[::7]
    expected = [truth.annToMask(each) for each in annotations]
    with patch_pycocotools():
        masks = [truth.annToMask(each) for each in annotations]
    assert calls["decode"] == len(annotations) == 120
    for mask, other in zip(masks, expected, strict=True):
        assert mask.dtype == other.dtype
        assert mask.strides == other.strides
        np.testing.assert_array_equal(mask, other)


# -- code that took the functions first -----------------------------------------------------------

EARLY = """
from pycocotools.mask import area, decode, encode, toBbox as to_bbox

def describe(mask):
    rle = encode(mask)
    return rle, area(rle), to_bbox(rle).tolist(), decode(rle)
"""


@pytest.fixture
def early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """Import a client that holds functions, and not the module, before any patch."""
    client("pycocotools.mask")
    (tmp_path / "early_client.py").write_text(EARLY, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("early_client")
    del sys.modules["early_client"]


def test_code_that_imported_the_functions_first(early: ModuleType, calls: Calls) -> None:
    mask = np.asfortranarray(np.tri(6, 5, dtype=np.uint8))
    expected = early.describe(mask)
    with patch_pycocotools():
        *described, dense = early.describe(mask)
        early.describe(np.ascontiguousarray(mask))  # which pycocotools does not take
    assert calls == {"encode": 2, "area": 2, "toBbox": 2, "decode": 2}
    assert described == list(expected[:-1])
    np.testing.assert_array_equal(dense, expected[-1])
    early.describe(mask)
    assert calls["encode"] == 2
    with pytest.raises(ValueError, match="not Fortran contiguous"):
        early.describe(np.ascontiguousarray(mask))


# -- torchmetrics ---------------------------------------------------------------------------------


def tensors(sample: Sample, images: int) -> tuple[list[Any], list[Any]]:
    """Give predictions and targets as torchmetrics takes them, with bool masks."""
    torch = client("torch")

    def of_image(coco: Any, image: int) -> dict[str, Any]:
        annotations = coco.loadAnns(coco.getAnnIds(imgIds=[image]))
        size = [sample.truth.imgs[image][each] for each in ("height", "width")]
        masks = np.array([coco.annToMask(each) for each in annotations], bool)
        return {
            "masks": torch.from_numpy(masks.reshape(-1, *size)),
            "labels": torch.tensor([each["category_id"] for each in annotations]).long(),
            "scores": torch.tensor([each.get("score", 1.0) for each in annotations]),
            "iscrowd": torch.tensor([each.get("iscrowd", 0) for each in annotations]),
        }

    # Results are for single images; loadRes makes them look up the sizes of the truth's.
    chosen = sorted(sample.truth.imgs)[:images]
    return tuple(
        [of_image(each, image) for image in chosen] for each in (sample.results, sample.truth)
    )


@pytest.mark.parametrize("backend", ["pycocotools", "faster_coco_eval"])
def test_torchmetrics_mean_average_precision(folder: Path, calls: Calls, backend: str) -> None:
    client(backend)
    client("torch")
    client("torchvision")
    detection = client("torchmetrics.detection")
    predictions, targets = tensors(Sample(folder), images=20)

    def compute() -> dict[str, list[float]]:
        metric = detection.MeanAveragePrecision(
            iou_type="segm", backend=backend, class_metrics=True
        )
        for prediction, target in zip(predictions, targets, strict=True):
            metric.update([prediction], [target])
        return {name: value.tolist() for name, value in metric.compute().items()}

    expected = compute()
    assert not calls
    with patch_pycocotools():
        assert compute() == expected
    assert 0.2 < expected["map"] < 0.6
    if backend == "pycocotools":
        masks = sum(len(each["masks"]) for each in predictions + targets)
        assert calls["encode"] == masks
        assert calls["iou"] > 0
    else:
        assert not calls  # it has mask functions of its own


# -- supervision ----------------------------------------------------------------------------------


def test_supervision_loads_what_was_written_under_the_patch(
    folder: Path, calls: Calls, tmp_path: Path
) -> None:
    """supervision reads COCO's strings by itself: it must see the masks that were written."""
    supervision = client("supervision")
    sample = Sample(folder)
    document = json.loads(sample.truth_file.read_bytes())
    with patch_pycocotools():
        for each in document["annotations"]:
            rle = sample.truth.annToRLE(each)
            each["segmentation"] = {**rle, "counts": rle["counts"].decode()}
    assert calls["frPyObjects"] == 839
    file = tmp_path / "instances.json"
    file.write_text(json.dumps(document), "utf-8")

    def load(file: Path) -> Any:
        return supervision.DetectionDataset.from_coco(str(tmp_path), str(file), force_masks=True)

    dataset = load(file)
    loaded = {Path(path).name: each.mask for path, each in dataset.annotations.items()}
    compared = 0
    for image in document["images"]:
        annotations = sample.truth.loadAnns(sample.truth.getAnnIds(imgIds=[image["id"]]))
        expected = np.array([sample.truth.annToMask(each) for each in annotations], bool)
        if len(expected):
            np.testing.assert_array_equal(loaded[image["file_name"]], expected)
            compared += len(expected)
    assert compared == 839
    # The file as it is, polygons and all, with the patch and without it.
    unpatched = load(sample.truth_file)
    with patch_pycocotools():
        patched = load(sample.truth_file)
    assert patched.annotations.keys() == unpatched.annotations.keys()
    for path, each in unpatched.annotations.items():
        np.testing.assert_array_equal(patched.annotations[path].mask, each.mask)


# -- evaluators -----------------------------------------------------------------------------------


def test_lvis(folder: Path, calls: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The LVIS API calls functions of masks, and has an evaluation of its own."""
    lvis = client("lvis")
    monkeypatch.setattr(np, "float", float, raising=False)  # which NumPy 2 does not have
    truth_file = folder.parent / "lvis_val_100" / "lvis_val_100.json"
    document = json.loads(truth_file.read_bytes())
    results_file = tmp_path / "results.json"
    results_file.write_text(json.dumps(lvis_results(document)), "utf-8")

    def evaluated() -> dict[str, float]:
        truth = lvis.LVIS(str(truth_file))
        evaluation = lvis.LVISEval(truth, lvis.LVISResults(truth, str(results_file)), "segm")
        evaluation.run()
        return dict(evaluation.get_results())

    expected = evaluated()
    assert not calls
    with patch_pycocotools():
        assert evaluated() == expected
    assert calls["iou"] > 0
    assert 0.2 < expected["AP"] < 1
    truth = sc.data.read(truth_file)
    ids = truth.categories["id"]
    metric = sc.metrics.AveragePrecision(
        protocol="lvis",
        class_ids=ids,
        frequencies={c["id"]: c["frequency"] for c in document["categories"]},
    )
    prediction = sc.data.read(results_file, dataset=truth)
    stats = sc.data.evaluate(truth, prediction, metric).compute().stats
    for name, other in (("AP", "AP"), ("AP50", "AP50"), ("AP_small", "APs"), ("AP_rare", "APr"),
                         ("AP_frequent", "APf"), ("AR300", "AR@300")):  # fmt: skip
        assert stats[name] == expected[other], name


def lvis_results(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Move true objects, and give some of them another class."""
    rng = np.random.default_rng(0)
    sizes = {image["id"]: (image["height"], image["width"]) for image in document["images"]}
    results = []
    for annotation in document["annotations"]:
        size = sizes[annotation["image_id"]]
        mask = sc.Masks.from_coco([annotation["segmentation"]], size)
        x, y = rng.integers(-2, 3, 2).tolist()
        other = document["categories"][int(rng.integers(len(document["categories"])))]["id"]
        results.append(
            {
                "image_id": annotation["image_id"],
                "category_id": other if rng.random() < 0.2 else annotation["category_id"],
                "segmentation": mask.translate(x, y).to_coco()[0],
                "score": round(float(rng.random()), 2),
            }
        )
    return results


@pytest.mark.parametrize("kind", ["segm", "bbox"])
def test_sahi(folder: Path, calls: Calls, tmp_path: Path, kind: str) -> None:
    evaluation = client("sahi.scripts.coco_evaluation")
    sample = Sample(folder)
    results_file = tmp_path / "results.json"
    kept = {"segm": "segmentation", "bbox": "bbox"}[kind]
    keys = {"image_id", "category_id", "score", kept}
    results = [
        {key: value for key, value in annotation.items() if key in keys}
        for annotation in sample.results.dataset["annotations"]
    ]
    for result in results:
        result["bbox"] = [float(value) for value in result.get("bbox", [0, 0, 1, 1])]
    results_file.write_text(json.dumps(results), "utf-8")

    def evaluated() -> dict[str, Any]:
        files = str(sample.truth_file), str(results_file)
        result = evaluation.evaluate(*files, str(tmp_path), kind, classwise=True, return_dict=True)
        numbers: dict[str, Any] = result["eval_results"]
        return numbers

    expected = evaluated()
    assert not calls
    with patch_pycocotools():
        patched = evaluated()
    assert repr(patched) == repr(expected)  # NaN is NaN
    assert calls["iou"] > 0
    assert expected[f"{kind}_mAP"] > 0.2


def test_detectron2(folder: Path, calls: Calls, tmp_path: Path) -> None:
    evaluation = client("detectron2.evaluation.coco_evaluation")
    structures, data = client("detectron2.structures"), client("detectron2.data")
    torch = client("torch")
    sample = Sample(folder)
    data.MetadataCatalog.get("segcore-sample").set(json_file=str(sample.truth_file))
    categories = sorted(sample.truth.cats)
    numbers = {category: number for number, category in enumerate(categories)}
    data.MetadataCatalog.get("segcore-sample").set(
        thing_dataset_id_to_contiguous_id=numbers,
        thing_classes=[sample.truth.cats[category]["name"] for category in categories],
    )

    def evaluated() -> dict[str, Any]:
        evaluator = evaluation.COCOEvaluator(
            "segcore-sample", distributed=False, output_dir=str(tmp_path), use_fast_impl=False
        )
        evaluator.reset()
        for image in sorted(sample.truth.imgs)[:30]:
            found = sample.results.imgToAnns[image]
            size = [sample.truth.imgs[image][side] for side in ("height", "width")]
            masks = [sc.Masks.from_coco([each["segmentation"]]).to_dense()[0] for each in found]
            boxes = np.array([each["bbox"] for each in found], np.float32).reshape(-1, 4)
            boxes[:, 2:] += boxes[:, :2]
            instances = structures.Instances(tuple(size))
            instances.pred_masks = torch.from_numpy(np.array(masks, bool).reshape(-1, *size))
            instances.pred_boxes = structures.Boxes(torch.from_numpy(boxes))
            instances.scores = torch.tensor([each["score"] for each in found])
            classes = [numbers[each["category_id"]] for each in found]
            instances.pred_classes = torch.tensor(classes, dtype=torch.int64)
            evaluator.process([{"image_id": image}], [{"instances": instances}])
        results: dict[str, Any] = evaluator.evaluate()
        return results

    expected = evaluated()
    assert not calls
    with patch_pycocotools():
        assert repr(evaluated()) == repr(expected)
    assert calls["encode"] > 0
    assert calls["iou"] > 0
    assert expected["segm"]["AP50"] > 10


# -- evaluators that have left pycocotools: segcore's own numbers ---------------------------------


def results_with(sample: Sample, *shapes: str) -> list[dict[str, Any]]:
    """Return the sample's results with their masks, the boxes of these, or both."""
    results = json.loads(sample.results_file.read_bytes())
    for result, read in zip(results, sample.results.dataset["annotations"], strict=True):
        result["bbox"] = list(map(float, read["bbox"]))
    keys = {"image_id", "category_id", "score", *shapes}
    return [{key: result[key] for key in keys} for result in results]


def numbers_of(
    sample: Sample, images: list[int], iou: str, results: list[dict[str, Any]]
) -> dict[str, float]:
    """Evaluate results for some images by segcore."""
    truth = sc.data.from_coco(sample.truth.dataset)
    truth = truth[np.flatnonzero(np.isin(truth.images["id"], images))]
    found = sc.data.from_coco([r for r in results if r["image_id"] in images], truth)
    metric = sc.metrics.AveragePrecision(iou, class_ids=truth.categories["id"], box_format="xywh")
    return sc.data.evaluate(truth, found, metric).compute().stats


def test_ultralytics(
    folder: Path, calls: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The validator's COCO evaluation, by faster-coco-eval, which the patch leaves alone."""
    monkeypatch.setenv("YOLO_CONFIG_DIR", str(tmp_path))
    client("faster_coco_eval")
    validation = client("ultralytics.models.yolo.detect.val")
    sample = Sample(folder)
    results = results_with(sample, "bbox", "segmentation")

    def evaluated() -> dict[str, float]:
        validator = validation.DetectionValidator(
            save_dir=tmp_path, args={"save_json": True, "mode": "val"}
        )
        validator.is_coco, validator.training = True, False
        validator.gdict, validator.jdict = sample.truth.dataset, results
        found = copy.deepcopy(results)  # as fields are added to them
        kinds = ["bbox", "segm"], ["Box", "Mask"]
        numbers: dict[str, float] = validator.coco_evaluate({}, found, validator.gdict, *kinds)
        return numbers

    found = evaluated()
    with patch_pycocotools():
        assert evaluated() == found
    assert not calls
    for iou, letter in (("box", "B"), ("mask", "M")):
        ours = numbers_of(sample, sorted(sample.truth.imgs), iou, results)
        for theirs, name in (("mAP50-95", "AP"), ("mAP50", "AP50"), ("mAP_large", "AP_large")):
            assert found[f"metrics/{theirs}({letter})"] == pytest.approx(ours[name], abs=1e-12)


def test_rf_detr(folder: Path, calls: Calls) -> None:
    """RF-DETR's evaluator, by faster-coco-eval; it takes either package's COCO."""
    torch = client("torch")
    evaluation = client("rfdetr.evaluation.coco_eval")
    sample = Sample(folder)
    images = sorted(sample.truth.imgs)[:20]
    predictions, _ = tensors(sample, images=len(images))
    for image, prediction in zip(images, predictions, strict=True):
        items = sample.results.loadAnns(sample.results.getAnnIds(imgIds=[image]))
        corners = np.array([item["bbox"] for item in items], np.float64).reshape(-1, 4)
        corners[:, 2:] += corners[:, :2]
        prediction["masks"] = prediction["masks"][:, None]
        prediction["boxes"] = torch.from_numpy(corners)
        prediction["scores"] = torch.tensor([i["score"] for i in items], dtype=torch.float64)

    def evaluated(truth: Any) -> dict[str, list[float]]:
        evaluator = evaluation.CocoEvaluator(truth, ["bbox", "segm"], log_summary=False)
        evaluator.update(dict(zip(images, predictions, strict=True)))
        evaluator.synchronize_between_processes()
        evaluator.accumulate()
        return {kind: list(made.stats) for kind, made in evaluator.coco_eval.items()}

    found = evaluated(sample.truth)
    with patch_pycocotools():
        assert evaluated(client("pycocotools.coco").COCO(str(sample.truth_file))) == found
    for iou, kind, shape in (("box", "bbox", "bbox"), ("mask", "segm", "segmentation")):
        ours = list(numbers_of(sample, images, iou, results_with(sample, shape)).values())
        assert found[kind][:12] == pytest.approx(ours, abs=1e-12)
