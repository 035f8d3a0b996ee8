"""segcore evaluate: two folders of maps in, scores out, one line for what is wrong."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("click")
pytest.importorskip("rich")
Image = pytest.importorskip("PIL.Image")

from click.testing import CliRunner, Result  # noqa: E402

import segcore as sc  # noqa: E402
from segcore.cli.app import app  # noqa: E402
from segcore.data.files.read_ahead import read_ahead  # noqa: E402

DATA = os.environ.get("SEGCORE_TEST_DATA")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)


def save(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def refused(result: Result, *parts: str) -> None:
    assert result.exit_code == 2
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    for part in parts:
        assert part in line


# -- semantic -------------------------------------------------------------------------------------


@pytest.fixture
def maps(tmp_path: Path) -> Path:
    """Give truth/ and prediction/ with 30 maps of 5 classes, and 255 in the truth."""
    rng = np.random.default_rng(0)
    for i in range(30):
        truth = rng.integers(0, 5, (6, 8 + i % 3), np.uint8)
        prediction = np.where(rng.random(truth.shape) < 0.7, truth, (truth + 1) % 5)
        truth[rng.random(truth.shape) < 0.1] = 255
        save(tmp_path / "truth" / f"{i % 3}" / f"{i}.png", truth)
        save(tmp_path / "prediction" / f"{i % 3}" / f"{i}.png", prediction.astype(np.uint16))
    return tmp_path


def semantic(folder: Path, *options: object) -> Result:
    return run("evaluate", "semantic", folder / "truth", folder / "prediction", *options)


def test_semantic_scores_are_those_of_all_pixels(maps: Path) -> None:
    result = semantic(maps, "--num-classes", 6, "--json", maps / "out" / "report.json")
    assert result.exit_code == 0, result.output
    matrix = np.zeros((6, 6), int)
    for path in (maps / "truth").rglob("*.png"):
        truth = np.asarray(Image.open(path)).astype(int)
        other = maps / "prediction" / path.relative_to(maps / "truth")
        prediction = np.asarray(Image.open(other)).astype(int)
        np.add.at(matrix, (truth[truth < 255], prediction[truth < 255]), 1)
    report = json.loads((maps / "out" / "report.json").read_text())
    assert report["confusion_matrix"] == matrix.tolist()
    iou = np.diag(matrix) / np.maximum(matrix.sum(0) + matrix.sum(1) - np.diag(matrix), 1)
    assert report["mean_iou"] == pytest.approx(iou[:5].mean())
    assert report["accuracy"] == np.trace(matrix) / matrix.sum()
    assert report["classes"][5]["iou"] is None
    assert report["images"] == 30
    assert f"mean IoU {100 * iou[:5].mean():.2f}" in result.stdout
    assert "30 images, 6 classes" in result.stdout


def test_semantic_names_come_from_classes_json(tmp_path: Path) -> None:
    demo = tmp_path / "demo"
    assert run("demo", "-o", demo).exit_code == 0
    truth = demo / "room.json"
    folder = tmp_path / "maps"
    assert run("semantic", truth, "-o", folder).exit_code == 0
    result = run("evaluate", "semantic", folder, folder)
    assert result.exit_code == 0, result.output
    assert "sofa" in result.stdout
    assert "mean IoU 100.00" in result.stdout


def test_255_is_left_out_unless_it_is_a_class(tmp_path: Path) -> None:
    truth = np.array([[0, 255, 255]], np.uint8)
    save(tmp_path / "truth" / "a.png", truth)
    save(tmp_path / "prediction" / "a.png", np.zeros_like(truth))
    for count, options, accuracy in (
        (255, [], 1.0),
        (256, [], 1 / 3),
        (300, [], 1 / 3),
        (300, ["--ignore", 255], 1.0),
    ):
        report = tmp_path / "report.json"
        result = semantic(tmp_path, "--num-classes", count, "--json", report, *options)
        assert result.exit_code == 0, result.output
        assert json.loads(report.read_text())["accuracy"] == accuracy


def test_semantic_refuses(maps: Path) -> None:
    refused(semantic(maps), "classes.json: there is no such file; pass --num-classes")
    refused(semantic(maps, "--num-classes", 0), "num_classes: expected 1 to")
    refused(semantic(maps, "--num-classes", 4), "prediction", ".png", "got the label 4")
    refused(semantic(maps, "--num-classes", 5, "--ignore", 7), "truth", "got the label 255")
    refused(run("evaluate", "semantic", maps / "none", maps), "none: No such file")
    (maps / "truth" / "classes.json").write_text(
        '{"classes": [{"index": "a", "category_id": 1, "name": "b"}]}'
    )
    refused(semantic(maps), "expected classes with an index from 0 to 65535")
    (maps / "truth" / "classes.json").write_text("[]")
    refused(semantic(maps), "expected a file as written by segcore semantic")
    (maps / "truth" / "classes.json").unlink()
    path = maps / "prediction" / "0" / "0.png"
    save(path, np.zeros((3, 3), np.uint8))
    refused(semantic(maps, "--num-classes", 5), "0/0.png", "(6, 8) and (3, 3)")
    path.write_bytes(path.read_bytes()[:30])
    refused(semantic(maps, "--num-classes", 5), "prediction/0/0.png: not a PNG")
    path.unlink()
    refused(semantic(maps, "--num-classes", 5), "truth/0/0.png: there is no such file in")
    (maps / "truth" / "0" / "0.png").unlink()
    save(maps / "prediction" / "more.png", np.zeros((3, 3), np.uint8))
    save(maps / "prediction" / "most.png", np.zeros((3, 3), np.uint8))
    refused(semantic(maps, "--num-classes", 5), "prediction/more.png", "nor for 1 more")


def test_an_image_that_is_too_large_is_refused(maps: Path) -> None:
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 0, 0, 0, 0)
    path = maps / "truth" / "0" / "0.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IEND", b""))
    refused(semantic(maps, "--num-classes", 5), "truth/0/0.png")


def test_semantic_scores_of_some_pixels(maps: Path) -> None:
    options = "--num-classes", 6, "--json", maps / "report.json"
    chosen = ["--trimap", 1, "--size", "small"]
    assert semantic(maps, *options, *chosen, "--overwrite").exit_code == 0
    report = json.loads((maps / "report.json").read_text())
    area_range = sc.metrics.AREAS["small"]
    confusion = sc.metrics.ConfusionMatrix(6, trimap=1, area_range=area_range)
    for path in (maps / "truth").rglob("*.png"):
        other = maps / "prediction" / path.relative_to(maps / "truth")
        confusion.update(*(np.asarray(Image.open(file)).astype(int) for file in (path, other)))
    assert report["confusion_matrix"] == confusion.matrix.tolist()
    result = CliRunner().invoke(app, ["evaluate", "semantic", "a", "b", "--trimap", "0"])
    assert result.exit_code == 2


# -- panoptic -------------------------------------------------------------------------------------

CATEGORIES = [
    {"id": 1, "name": "cat", "isthing": 1},
    {"id": 7, "name": "grass", "isthing": 0},
]


def document(ids: np.ndarray, categories: dict[int, int], **more: Any) -> dict[str, Any]:
    segments = [
        {"id": i, "category_id": c, "area": int((ids == i).sum()), "iscrowd": 0}
        for i, c in categories.items()
    ]
    entry = {"image_id": 3, "file_name": "a.png", "segments_info": segments}
    return {"annotations": [entry], "categories": CATEGORIES} | more


@pytest.fixture
def pair(tmp_path: Path) -> Path:
    """Give truth.json and prediction.json, with their folders."""
    truth = np.zeros((10, 10), int)
    truth[:5] = 1000
    truth[5:, :5] = 70
    prediction = np.where(truth == 70, 5, 0)
    prediction[:4] = 70000
    for name, ids, categories in (
        ("truth", truth, {1000: 1, 70: 7}),
        ("prediction", prediction, {70000: 1, 5: 7}),
    ):
        save(tmp_path / name / "a.png", sc.maps.ids.to_rgb(ids))
        (tmp_path / f"{name}.json").write_text(json.dumps(document(ids, categories)))
    return tmp_path


def panoptic(folder: Path, *options: object) -> Result:
    files = folder / "truth.json", folder / "prediction.json"
    return run("evaluate", "panoptic", *files, *options)


def test_panoptic_quality(pair: Path) -> None:
    result = panoptic(pair, "--json", pair / "report.json")
    assert result.exit_code == 0, result.output
    report = json.loads((pair / "report.json").read_text())
    assert report["all"] == {"pq": 0.9, "sq": 0.9, "rq": 1.0, "n": 2}
    assert report["things"]["pq"] == 0.8
    assert report["classes"][0]["tp"] == 1
    assert "cat" in result.stdout
    assert "80.0" in result.stdout
    (pair / "prediction").rename(pair / "elsewhere")
    assert panoptic(pair, "--pred-folder", pair / "elsewhere").exit_code == 0


def test_predicted_images_that_the_truth_lacks_are_counted(pair: Path) -> None:
    path = pair / "prediction.json"
    document = json.loads(path.read_text())
    entry = document["annotations"][0] | {"image_id": 99}
    document["annotations"].append(entry)
    if "images" in document:
        document["images"].append({"id": 99, "file_name": "other.jpg", "height": 10, "width": 10})
    path.write_text(json.dumps(document))
    result = panoptic(pair, "--json", pair / "report.json")
    assert result.exit_code == 0, result.output
    assert "1 predicted image that the truth lacks, the first: image 99" in result.stderr
    assert json.loads((pair / "report.json").read_text())["left_out"][0]["count"] == 1


def test_boundary_panoptic_quality(pair: Path) -> None:
    reports = {}
    for iou in ("mask", "boundary"):
        assert panoptic(pair, "--iou", iou, "--json", pair / f"{iou}.json").exit_code == 0
        reports[iou] = json.loads((pair / f"{iou}.json").read_text())["all"]["sq"]
    assert reports["boundary"] <= reports["mask"]


def test_panoptic_refuses(pair: Path) -> None:
    path = pair / "prediction.json"
    good = json.loads(path.read_text())

    def with_entry(**changes: Any) -> str:
        return json.dumps(good | {"annotations": [good["annotations"][0] | changes]})

    for text, parts in (
        ("[]", ["image 3", "expected masks of the same image size"]),
        ("{", ["byte 1: "]),
        (json.dumps(good | {"annotations": []}), ["not COCO: expected"]),
        (with_entry(image_id=4), ["no annotation for the image 3"]),
        (json.dumps(good | {"annotations": [3]}), ["annotations[0]", "expected an object"]),
        (with_entry(image_id=None), ["annotations[0] (byte ", "image_id: expected"]),
        (with_entry(file_name=3), ["annotations[0] (byte ", "file_name: "]),
        (with_entry(file_name="b.png"), ["prediction/b.png", "No such file"]),
        (with_entry(segments_info={}), ["segments_info: expected a list of segments"]),
        (with_entry(segments_info=[]), ["image 3", "the map contains the id", "not listed"]),
        (
            json.dumps(good | {"annotations": good["annotations"] * 2}),
            ["annotations[1] (byte ", "this image has another entry"],
        ),
    ):
        path.write_text(text)
        refused(panoptic(pair), *parts)
    path.write_text(json.dumps(good))
    save(pair / "prediction" / "a.png", np.zeros((10, 10), np.uint8))
    refused(panoptic(pair), "prediction/a.png", "its mode is L")
    truth = json.loads((pair / "truth.json").read_text())
    (pair / "truth.json").write_text(json.dumps(truth | {"categories": [{"id": 1}, {"id": 7}]}))
    refused(panoptic(pair), "truth.json", "isthing")
    (pair / "truth.json").write_text(json.dumps(truth | {"categories": [{"id": "a"}]}))
    refused(panoptic(pair), "truth.json: annotations[0]", "expected the id of a category, got 1")
    (pair / "truth.json").write_text(json.dumps(truth | {"categories": 3}))
    refused(panoptic(pair), "truth.json: categories (byte ", "expected an array of objects")


@pytest.mark.skipif(not DATA, reason="SEGCORE_TEST_DATA names no folder with real data")
def test_the_sample_is_perfect() -> None:
    sample = Path(DATA or "") / "panoptic_sample" / "panoptic_examples.json"
    result = run("evaluate", "panoptic", sample, sample)
    assert result.exit_code == 0, result.output
    assert "100.0" in result.stdout


# -- reading ahead --------------------------------------------------------------------------------


def test_results_come_in_order_and_few_are_ahead() -> None:
    begun = []

    def read(i: int) -> int:
        begun.append(i)
        return i * i

    results = read_ahead(read, range(1000))
    assert [next(results) for _ in range(3)] == [(0, 0), (1, 1), (2, 4)]
    assert len(begun) < 100
    assert list(results) == [(i, i * i) for i in range(3, 1000)]


def test_the_first_error_ends_it() -> None:
    def read(i: int) -> int:
        if i in (5, 7):
            raise ValueError(i)
        return i

    results = read_ahead(read, range(1000))
    assert [next(results)[1] for _ in range(5)] == list(range(5))
    with pytest.raises(ValueError, match="5"):
        next(results)
