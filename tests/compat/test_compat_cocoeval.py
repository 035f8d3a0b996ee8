"""The drop-in for COCO and COCOeval, beside pycocotools."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import re
from typing import Any

import numpy as np
import pytest
from support.detections import data_set

import segcore as sc
from segcore.compat.pycocotools.coco import COCO
from segcore.compat.pycocotools.cocoeval import COCOeval, Params

coco = pytest.importorskip("pycocotools.coco")
cocoeval = pytest.importorskip("pycocotools.cocoeval")


FULL = sc.Masks.from_boxes([[0, 0, 60, 40]], (40, 60)).to_coco()[0]["counts"]


def settings(seed: int, params: Any) -> None:
    if seed % 4 == 1:
        params.useCats = 0
    elif seed % 4 == 2:
        params.maxDets = [1, 2, 100]
    elif seed % 4 == 3:
        params.areaRng = [[0, 1e10], [500, 1000], [1000, 1e5], [0, 0]]
        params.iouThrs = np.array([0.3, 0.5, 0.75, 1.0])


def run(package: Any, document: Any, results: Any, kind: str, seed: int) -> tuple[Any, str]:
    reader, evaluation = package
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        truth = reader()
        truth.dataset = copy.deepcopy(document)
        truth.createIndex()
        done = evaluation(truth, truth.loadRes(copy.deepcopy(results)), kind)
        settings(seed, done.params)
        done.evaluate()
        done.accumulate()
        done.summarize()
    return done, re.sub(r" ?\(t=.*?\)\.?", "", printed.getvalue())


def assert_same(got: Any, expected: Any) -> None:
    """Compare values that may be nested lists, dicts and arrays."""
    if isinstance(expected, dict):
        assert got.keys() == expected.keys()
        for key, value in expected.items():
            assert_same(got[key], value)
    elif isinstance(expected, np.ndarray):
        assert got.shape == expected.shape
        # As np.array([]) is of floats, so is what pycocotools returns without objects.
        np.testing.assert_array_equal(got, expected, strict=expected.size > 0)
    elif isinstance(expected, list):
        assert len(got) == len(expected)
        for one, other in zip(got, expected, strict=True):
            assert_same(one, other)
    else:
        assert got == expected


def assert_equal(document: Any, results: Any, kind: str, seed: int) -> None:
    ours, printed = run((COCO, COCOeval), document, results, kind, seed)
    theirs, expected = run((coco.COCO, cocoeval.COCOeval), document, results, kind, seed)
    assert printed == expected
    for name in ("precision", "recall", "scores", "counts"):
        assert_same(ours.eval[name], theirs.eval[name])
    assert_same(ours.stats, theirs.stats)
    assert_same(ours.evalImgs, theirs.evalImgs)
    assert ours.ious.keys() == theirs.ious.keys()
    for pair, ratios in theirs.ious.items():
        np.testing.assert_array_equal(ours.ious[pair], ratios)
    for pair, records in theirs._gts.items():
        if records:
            assert_same(ours._gts[pair], records)


@pytest.mark.parametrize("kind", ["segm", "bbox"])
@pytest.mark.parametrize("seed", range(16))
def test_equal(kind: str, seed: int) -> None:
    document, results = data_set(seed)
    other = "bbox" if kind == "segm" else "segmentation"
    for result in results:
        del result[other]
    if results:
        assert_equal(document, results, kind, seed)


@pytest.mark.parametrize("seed", range(6))
def test_keypoints(seed: int) -> None:
    rng = np.random.default_rng(seed)
    document, results = data_set(seed + 1)
    for record in document["annotations"]:
        points = np.c_[rng.integers(0, 60, (17, 2)), rng.integers(0, 3, 17) * (rng.random() < 0.8)]
        record["keypoints"] = points.ravel().tolist()
        record["num_keypoints"] = int((points[:, 2] > 0).sum())
    for result in results:
        del result["segmentation"], result["bbox"]
        near = rng.choice(document["annotations"])["keypoints"]
        result["keypoints"] = (np.array(near) + rng.integers(-2, 3, 51)).tolist()
    assert_equal(document, results, "keypoints", 0)


def test_a_single_image_and_category() -> None:
    document, results = data_set(7)
    done = []
    for package in ((COCO, COCOeval), (coco.COCO, cocoeval.COCOeval)):
        evaluation, _ = run(package, document, results, "bbox", 0)
        image, category = evaluation.params.imgIds[0], evaluation.params.catIds[0]
        some = evaluation.evaluateImg(image, category, [0, 1024], 2)
        params = copy.deepcopy(evaluation.params)
        params.maxDets, params.areaRng = [10], [evaluation.params.areaRng[1]]
        with contextlib.redirect_stdout(io.StringIO()):
            evaluation.accumulate(params)
        done.append([some, evaluation.computeIoU(image, category), evaluation.eval["precision"]])
    assert_same(*done)


def test_params() -> None:
    for kind in ("segm", "keypoints"):
        ours, theirs = Params(kind), cocoeval.Params(kind)
        assert vars(ours).keys() == vars(theirs).keys()
        for name, value in vars(theirs).items():
            np.testing.assert_array_equal(getattr(ours, name), value)
    with pytest.raises(ValueError, match='iouType: expected "segm", "bbox" or "keypoints"'):
        Params("masks")


# -- COCO -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    document, _ = data_set(5)
    document["info"] = {"year": 2026}
    path = tmp_path_factory.mktemp("coco") / "instances.json"
    path.write_text(json.dumps(document))
    with contextlib.redirect_stdout(io.StringIO()):
        return COCO(str(path)), coco.COCO(str(path))


@pytest.mark.parametrize(
    "call",
    [
        lambda c: c.getAnnIds(),
        lambda c: c.getAnnIds(imgIds=next(iter(c.imgs))),
        lambda c: c.getAnnIds(imgIds=[*c.imgs, 12345], catIds=list(c.cats)[:1]),
        lambda c: c.getAnnIds(areaRng=[100, 1024], iscrowd=False),
        lambda c: c.getAnnIds(iscrowd=True),
        lambda c: c.getCatIds(),
        lambda c: c.getCatIds(catNms=[next(iter(c.cats.values()))["name"]]),
        lambda c: c.getCatIds(catNms="no such name"),
        lambda c: c.getCatIds(catIds=next(iter(c.cats))),
        lambda c: c.getImgIds(),
        lambda c: sorted(c.getImgIds(catIds=list(c.cats)[:1])),
        lambda c: sorted(c.getImgIds(imgIds=list(c.imgs)[:2], catIds=list(c.cats)[:1])),
        lambda c: c.loadAnns(c.getAnnIds()),
        lambda c: c.loadCats(next(iter(c.cats))),
        lambda c: c.loadImgs(list(c.imgs)),
        lambda c: [c.annToMask(annotation) for annotation in c.anns.values()],
        lambda c: dict(c.imgToAnns),
        lambda c: dict(c.catToImgs),
        lambda c: c.showAnns([]),
        lambda c: c.loadNumpyAnnotations(np.arange(14.0).reshape(2, 7)),
    ],
)
def test_coco(both: tuple[Any, Any], call: Any) -> None:
    assert_same(*(call(one) for one in both))


@pytest.mark.parametrize(
    "segmentation",
    [
        [[1, 1, 9, 1, 9, 9]],
        [[1, 1, 9, 1, 9, 9], [20, 20, 30, 20, 30, 30]],
        {"size": [40, 60], "counts": [10, 5, 2385]},
        {"size": [40, 60], "counts": FULL},
    ],
)
def test_annotations_to_masks(both: tuple[Any, Any], segmentation: Any) -> None:
    annotation = {"image_id": next(iter(both[0].imgs)), "segmentation": segmentation}
    ours, theirs = ((one.annToRLE(annotation), one.annToMask(annotation)) for one in both)
    assert_same(list(ours), list(theirs))


def result_of(kind: str, image: int) -> dict[str, Any]:
    given = {
        "bbox": [1.0, 2.0, 3.0, 4.5],
        "segmentation": {"size": [40, 60], "counts": FULL},
        "keypoints": [1, 2, 2, 5, 6, 1],
        "caption": "a sofa",
    }
    return {"image_id": image, "category_id": 1, "score": 0.5, kind: given[kind]}


@pytest.mark.parametrize("kind", ["bbox", "segmentation", "keypoints", "caption"])
@pytest.mark.parametrize("form", ["list", "file"])
def test_results(both: tuple[Any, Any], kind: str, form: str, tmp_path: Any) -> None:
    results = [result_of(kind, next(iter(both[0].imgs))) for _ in range(2)]
    path = tmp_path / "results.json"
    path.write_text(json.dumps(results))
    with contextlib.redirect_stdout(io.StringIO()):
        ours, theirs = (
            one.loadRes(str(path) if form == "file" else copy.deepcopy(results)).dataset
            for one in both
        )
    assert_same(ours, theirs)


def test_results_of_other_images(both: tuple[Any, Any], capsys: pytest.CaptureFixture[str]) -> None:
    for one in both:
        with pytest.raises(AssertionError, match="Results do not correspond to current coco set"):
            one.loadRes([result_of("bbox", -1)])
        with pytest.raises(AssertionError, match="results in not an array of objects"):
            one.loadRes({})
    assert both[0].loadRes([]).dataset["annotations"] == []  # pycocotools raises IndexError


def test_download_is_refused(both: tuple[Any, Any]) -> None:
    with pytest.raises(NotImplementedError, match="segcore does not download images"):
        both[0].download("images")


def test_captions_and_info_are_printed(
    both: tuple[Any, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    printed = []
    for one in both:
        one.info()
        one.showAnns([{"caption": "a sofa"}])
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1] == "year: 2026\na sofa\n"
    with pytest.raises(ValueError, match="expected annotations with"):
        both[0].showAnns([{"id": 1}])
