"""``segcore view`` and ``segcore compare``."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from pathlib import Path

import numpy as np
import pytest

import segcore as sc

pytest.importorskip("click")
image = pytest.importorskip("PIL.Image")

from click.testing import CliRunner  # noqa: E402
from support.json_reader import IS_COMPILED  # noqa: E402

from segcore.cli.app import app  # noqa: E402
from segcore.maps.ids import to_rgb  # noqa: E402

SIZE = (20, 30)
BOXES = np.array([[1, 1, 10, 10], [12, 1, 20, 10], [0, 12, 30, 20]], float)
DATA = os.environ.get("SEGCORE_TEST_DATA")


def run(command: str, *arguments: object) -> str:
    result = CliRunner().invoke(app, [command, *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def refused(command: str, *arguments: object) -> str:
    result = CliRunner().invoke(app, [command, *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 2, result.output
    return result.stderr


def coco(path: Path, masks: sc.Masks | None = None, **changes) -> Path:
    masks = sc.Masks.from_boxes(BOXES, SIZE) if masks is None else masks
    annotations = [
        {"id": 10 + i, "image_id": 1, "category_id": [3, 3, 7][i], "segmentation": rle}
        for i, rle in enumerate(masks.to_coco())
    ]
    document = {
        "images": [{"id": 1, "file_name": "a/room.jpg", "height": 20, "width": 30}],
        "annotations": annotations,
        "categories": [{"id": 7, "name": "rug", "isthing": 0}, {"id": 3, "name": "chair"}],
    }
    path.write_text(json.dumps({**document, **changes}))
    return path


def results(path: Path) -> Path:
    masks = sc.Masks.from_boxes([[1, 1, 9, 10], [0, 12, 30, 20], [25, 0, 28, 5]], SIZE)
    listed = [
        {"image_id": 1, "category_id": category, "score": 0.9 - i / 10, "segmentation": rle}
        for i, (category, rle) in enumerate(zip((3, 7, 3), masks.to_coco(), strict=True))
    ]
    path.write_text(json.dumps(listed))
    return path


def panoptic(folder: Path) -> Path:
    ids = sc.compose_semantic(sc.Masks.from_boxes(BOXES, SIZE), [1, 2, 300]).astype(np.int32)
    (folder / "pan").mkdir()
    image.fromarray(to_rgb(ids)).save(folder / "pan" / "room.png")
    categories = [{"id": 3, "name": "chair", "isthing": 1}, {"id": 7, "name": "rug", "isthing": 0}]
    segments = [{"id": i, "category_id": c} for i, c in ((1, 3), (2, 3), (300, 7))]
    document = {
        "images": [{"id": 1, "file_name": "room.jpg", "height": 20, "width": 30}],
        "annotations": [{"image_id": 1, "file_name": "room.png", "segments_info": segments}],
        "categories": categories,
    }
    (folder / "pan.json").write_text(json.dumps(document))
    return folder / "pan.json"


def page(path: Path, key: str) -> dict:
    text = path.read_text("utf-8")
    [found] = re.findall(f'<script type="application/json" id="{key}">(.*?)</script>', text)
    return json.loads(found)


def masks_in(path: Path, side: str = "Truth", image: int = 0) -> sc.Masks:
    found = page(path, f"image-{image}")
    size = [found["height"], found["width"]]
    objects = found[side]["objects"]
    return sc.Masks.from_coco([{"size": size, "counts": each["counts"]} for each in objects], size)


# -- view -----------------------------------------------------------------------------------------


def test_views_a_coco_file(tmp_path):
    output = run("view", coco(tmp_path / "gt.json"), "-o", tmp_path / "out" / "a.html")
    target = tmp_path / "out" / "a.html"
    assert f"1 image in {target}" in output
    assert masks_in(target) == sc.Masks.from_boxes(BOXES, SIZE)
    index = page(target, "index")
    assert [(each["name"], each["thing"]) for each in index["classes"]] == [
        ("chair", True),
        ("rug", False),
    ]
    objects = page(target, "image-0")["Truth"]["objects"]
    assert [(each["id"], each["class"]) for each in objects] == [(10, 0), (11, 0), (12, 1)]
    assert index["images"][0]["name"] == "a/room.jpg"
    assert not index["compared"]


def test_views_results(tmp_path):
    target = tmp_path / "a.html"
    run("view", results(tmp_path / "r.json"), "--dataset", coco(tmp_path / "gt.json"), "-o", target)
    objects = page(target, "image-0")["Truth"]["objects"]
    assert [each["score"] for each in objects] == pytest.approx([0.7, 0.8, 0.9])
    error = refused("view", tmp_path / "r.json", "-o", target)
    assert "(--dataset)" in error


def test_views_panoptic_files(tmp_path):
    target = tmp_path / "a.html"
    source = panoptic(tmp_path)
    run("view", source, "-o", target)
    assert masks_in(target) == sc.Masks.from_boxes(BOXES, SIZE)
    assert page(target, "index")["images"][0]["name"] == "room.jpg"
    objects = page(target, "image-0")["Truth"]["objects"]
    assert [each["id"] for each in objects] == [1, 2, 300]
    (tmp_path / "pan").rename(tmp_path / "moved")
    assert "expected the folder with the PNGs" in refused("view", source, "-o", target)
    run("view", source, "--gt-folder", tmp_path / "moved", "-o", target)


def test_views_label_maps(tmp_path):
    labels = sc.compose_semantic(sc.Masks.from_boxes(BOXES, SIZE), [5, 5, 255])
    (tmp_path / "maps").mkdir()
    image.fromarray(labels).save(tmp_path / "maps" / "one.png")
    target = tmp_path / "a.html"
    for source in (tmp_path / "maps", tmp_path / "maps" / "one.png"):
        run("view", source, "-o", target)
        assert masks_in(target) == sc.Masks.from_boxes(BOXES[:2], SIZE).union()
        assert [each["name"] for each in page(target, "index")["classes"]] == ["class 5"]


def test_views_what_semantic_wrote(tmp_path):
    run("semantic", coco(tmp_path / "gt.json"), "-o", tmp_path / "maps")
    target = tmp_path / "a.html"
    run("view", tmp_path / "maps", "-o", target)
    assert [each["name"] for each in page(target, "index")["classes"]] == ["chair", "rug"]
    # The same classes, so it can be compared with where it came from.
    output = run("compare", tmp_path / "gt.json", tmp_path / "maps")
    assert "3 objects in 1 image: 2 matched, 1 merged" in output


def test_shows_photographs(tmp_path):
    source, target = coco(tmp_path / "gt.json"), tmp_path / "a.html"
    photographs = tmp_path / "photographs"
    photographs.mkdir()
    photograph = image.fromarray(np.full((*SIZE, 3), 77, np.uint8))
    output = CliRunner().invoke(
        app, ["view", str(source), "-o", str(target), "--images", str(photographs)]
    )
    assert "1 image without a photograph" in output.stderr
    photograph.save(photographs / "room.png")
    run("view", source, "-o", target, "--images", photographs)
    found = page(target, "image-0")["photograph"]
    assert found.startswith("data:image/png;base64,")
    (photographs / "a").mkdir()
    photograph.save(photographs / "a" / "room.jpg")  # the image's own name
    run("view", source, "-o", target, "--images", photographs)
    assert page(target, "image-0")["photograph"].startswith("data:image/jpeg;base64,")
    image.fromarray(np.zeros((9, 9, 3), np.uint8)).save(photographs / "a" / "room.jpg")
    error = refused("view", source, "-o", target, "--images", photographs)
    assert "height 9 and width 9 are not those of the masks, 20 and 30" in error
    (photographs / "a" / "room.jpg").write_bytes(b"no image")
    assert "not a JPEG" in refused("view", source, "-o", target, "--images", photographs)
    assert "expected a folder" in refused("view", source, "-o", target, "--images", source)


def test_large_photographs_are_scaled_down(tmp_path):
    size = (1000, 4000)
    masks = sc.Masks.from_boxes([[0, 0, 5, 5]] * 3, size)
    listed = [{"id": 1, "file_name": "room.png", "height": 1000, "width": 4000}]
    source = coco(tmp_path / "gt.json", masks, images=listed)
    image.fromarray(np.zeros((*size, 3), np.uint8)).save(tmp_path / "room.png")
    target = tmp_path / "a.html"
    run("view", source, "-o", target, "--images", tmp_path)
    import base64

    code = page(target, "image-0")["photograph"].split(",")[1]
    with image.open(io.BytesIO(base64.b64decode(code))) as shown:
        assert (shown.format, shown.size) == ("JPEG", (1600, 400))


def test_turned_photographs(tmp_path):
    """Masks of a photograph that is to be shown turned are those of its stored pixels, or not."""
    source, target = coco(tmp_path / "gt.json"), tmp_path / "a.html"
    exif = image.Exif()
    exif[0x0112] = 6
    for shape in ((20, 30), (30, 20)):
        image.fromarray(np.zeros((*shape, 3), np.uint8)).save(tmp_path / "room.jpg", exif=exif)
        run("view", source, "-o", target, "--images", tmp_path)
        import base64

        code = page(target, "image-0")["photograph"].split(",")[1]
        with image.open(io.BytesIO(base64.b64decode(code))) as shown:
            assert shown.size == (30, 20)
            assert shown.getexif().get(0x0112, 1) == 1


def test_views_a_comparison(tmp_path):
    target = tmp_path / "a.html"
    source, prediction = coco(tmp_path / "gt.json"), results(tmp_path / "r.json")
    run("view", source, "--prediction", prediction, "-o", target)
    assert page(target, "index")["compared"]
    rows = page(target, "image-0")["rows"]
    assert [row["kind"] for row in rows] == ["missed", "spurious", "matched", "matched"]


def test_images_that_only_one_side_has(tmp_path):
    two = [
        {"id": 1, "file_name": "a/room.jpg", "height": 20, "width": 30},
        {"id": 2, "file_name": "b.jpg", "height": 5, "width": 5},
    ]
    source = coco(tmp_path / "gt.json", images=two)
    prediction = coco(tmp_path / "pred.json")
    output = CliRunner().invoke(app, ["view", str(source), "--prediction", str(prediction), "-o",
                                      str(tmp_path / "a.html")])  # fmt: skip
    assert "without predictions" not in output.stderr  # it has no objects either
    output = CliRunner().invoke(app, ["view", str(prediction), "--prediction", str(source), "-o",
                                      str(tmp_path / "a.html")])  # fmt: skip
    assert "1 predicted image that the truth lacks, the first: b.jpg" in output.stderr
    other = coco(tmp_path / "other.json", images=[{**two[0], "file_name": "c.jpg"}])
    error = refused("compare", source, other)
    assert "it has none of the images of" in error
    smaller = [{**two[0], "height": 21}]
    masks = sc.Masks.from_boxes(BOXES, (21, 30))
    error = refused("compare", source, coco(tmp_path / "s.json", masks, images=smaller))
    assert "image a/room.jpg: its predicted masks have the size (21, 30)" in error


# -- compare --------------------------------------------------------------------------------------


def test_compares(tmp_path):
    source, prediction = coco(tmp_path / "gt.json"), results(tmp_path / "r.json")
    report, target = tmp_path / "report.json", tmp_path / "page.html"
    output = run("compare", source, prediction, "--json", report, "--html", target)
    names = re.findall(r"(\w+ \w+ #\d+|\w+ #\d+)  ", output)
    assert names == ["chair #11", "predicted chair #2", "chair #10", "rug #12"]
    assert all(len(line) <= 80 for line in output.splitlines() if str(tmp_path) not in line)
    assert "…" not in output
    assert "chair" in output
    assert "3 objects in 1 image: 2 matched, 1 missed, 1 spurious; mean IoU 0.630" in output
    assert f"4 findings in {report}" in output
    document = json.loads(report.read_text())
    assert document["summary"] == {
        "images": 1,
        "objects": 3,
        "mean_iou": pytest.approx((72 / 81 + 1) / 3),
        "matched": 2,
        "split": 0,
        "confused": 0,
        "merged": 0,
        "missed": 1,
        "spurious": 1,
        "duplicate": 0,
        "below_score": 0,
        "images_without_predictions": 0,
        "images_left_out": 0,
        "unknown_images_left_out": 0,
        "crowds_not_judged": 0,
        "empty_objects": 0,
        "empty_predictions": 0,
    }
    [image] = document["images"]
    assert image["file_name"] == "a/room.jpg"
    missed = image["findings"][0]
    assert (missed["kind"], missed["truth"], missed["class"], missed["area"]) == (
        "missed",
        11,
        "chair",
        72,
    )
    assert sum(missed["missed"].values()) == 72
    errors = sum(
        sum(each[kind].values()) for each in image["findings"] for kind in ("missed", "spurious")
    )
    causes = document["causes"]
    assert errors == 72 + 15 + 9 == sum(sum(each.values()) for each in causes.values())
    assert len(page(target, "image-0")["rows"]) == 4


def predicted(path: Path, listed: list[tuple[int, float, list[float]]], image_id: int = 1) -> Path:
    """Write results: category, score and box of each."""
    masks = sc.Masks.from_boxes([box for _, _, box in listed], SIZE).to_coco()
    objects = [
        {"image_id": image_id, "category_id": category, "score": score, "segmentation": rle}
        for (category, score, _), rle in zip(listed, masks, strict=True)
    ]
    path.write_text(json.dumps(objects))
    return path


def test_low_scores_are_left_out(tmp_path):
    """Perfect masks of a low score, and noise, do not help where a threshold is set."""
    source = coco(tmp_path / "gt.json")
    real = [(3, 0.9, [1, 1, 10, 8])]
    perfect = [(3, 0.12, box) for box in BOXES.tolist()] + [(3, 0.05, [25, 0, 30, 5])]
    prediction = predicted(tmp_path / "r.json", real + perfect)
    report, target = tmp_path / "report.json", tmp_path / "a.html"
    options = ["--score", 0.5, "--json", report, "--html", target]
    output = run("compare", source, prediction, *options)
    assert "1 matched, 2 missed; mean IoU 0.259" in output
    written = json.loads(report.read_text())
    assert written["summary"]["below_score"] == 4
    [item] = written["left_out"]
    assert (item["what"], item["count"], item["option"]) == ("prediction", 4, "--score")
    assert len(page(target, "image-0")["Prediction"]["objects"]) == 1
    words = ["view", source, "--prediction", prediction, "-o", target, "--score", 0.5]
    result = CliRunner().invoke(app, list(map(str, words)))
    assert "4 predictions below the score (--score)" in result.stderr
    error = refused("compare", source, coco(tmp_path / "plain.json"), "--score", 0.5)
    assert "--score: the predictions of image a/room.jpg have no scores" in error


def test_images_without_predictions_are_named(tmp_path):
    image_2 = {"id": 2, "file_name": "b.jpg", "height": 20, "width": 30}
    document = json.loads(coco(tmp_path / "gt.json").read_text())
    document["images"].append(image_2)
    document["annotations"].append({**document["annotations"][0], "id": 20, "image_id": 2})
    (tmp_path / "gt.json").write_text(json.dumps(document))
    arguments = ["compare", str(tmp_path / "gt.json"), str(results(tmp_path / "r.json"))]
    result = CliRunner().invoke(app, arguments)
    assert "4 objects in 2 images: 2 matched, 2 missed" in result.stdout
    assert "1 image of 2 without predictions: 1 object in them counted as missed" in result.stderr
    result = CliRunner().invoke(app, [*arguments, "--only-predicted"])
    assert "3 objects in 1 image: 2 matched, 1 missed" in result.stdout
    assert "1 image without predictions (--only-predicted)" in result.stderr
    assert "pass --prediction" in refused("view", tmp_path / "gt.json", "--only-predicted")


def test_classes_and_objects_that_were_mistaken_are_named(tmp_path):
    """Confused, duplicate and merged objects, in the table, as JSON and as CSV."""
    source = coco(tmp_path / "gt.json")
    boxes = [(3, 0.9, [1, 1, 20, 10]), (3, 0.8, [0, 12, 30, 20])]
    report, spreadsheet = tmp_path / "report.json", tmp_path / "all.csv"
    files = ["--json", report, "--csv", spreadsheet]
    output = " ".join(run("compare", source, predicted(tmp_path / "r.json", boxes), *files).split())
    assert "predicted as chair 100%" in output
    assert "merged with chair #10 100%" in output
    confused, merged, matched = json.loads(report.read_text())["images"][0]["findings"]
    assert (confused["class"], confused["predicted_classes"]) == ("rug", ["chair"])
    assert (merged["kind"], merged["truth"], merged["predicted"]) == ("merged", 11, [0])
    assert (matched["kind"], matched["scores"]) == ("matched", [0.9])
    rows = list(csv.DictReader(spreadsheet.read_text().splitlines()))
    assert [row["status"] for row in rows] == ["confused", "merged", "matched"]
    assert rows[0]["predicted_classes"] == "chair"
    assert int(rows[1]["missed_merged"]) == int(rows[1]["missed"]) == 72
    twice = predicted(tmp_path / "t.json", [(3, 0.9, [1, 1, 10, 10]), (3, 0.8, [1, 1, 10, 9])])
    assert "duplicate of chair #10 100%" in " ".join(run("compare", source, twice).split())


def test_crowds_and_masks_without_pixels_are_counted(tmp_path):
    masks = sc.Masks.from_boxes([*BOXES[:2], [0, 0, 0, 0]], SIZE)
    document = json.loads(coco(tmp_path / "gt.json", masks).read_text())
    document["annotations"][0]["iscrowd"] = 1
    (tmp_path / "gt.json").write_text(json.dumps(document))
    prediction = predicted(tmp_path / "r.json", [(3, 0.9, [12, 1, 20, 10]), (3, 0.8, [0, 0, 0, 0])])
    target = tmp_path / "a.html"
    arguments = ["compare", tmp_path / "gt.json", prediction, "--html", target]
    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert "2 objects in 1 image: 1 matched, 1 missed, 1 spurious" in result.stdout
    for note in (
        "1 crowd annotation not judged (iscrowd 1)",
        "2 annotations without pixels, the first: annotation 12 of image 1, whose RLE has no",
    ):
        assert note in result.stderr
    index = page(target, "index")
    assert index["summary"] == "1 image, 2 objects: truth against prediction"
    assert index["images"][0]["note"] == "2 objects, 1 missed, 1 spurious"
    run("view", tmp_path / "gt.json", "-o", target)
    assert page(target, "index")["summary"] == "1 image, 3 objects"


def test_what_a_prediction_bleeds_into_is_named(tmp_path):
    source = coco(tmp_path / "gt.json")
    wide = predicted(tmp_path / "a.json", [(7, 0.9, [0, 0, 20, 20])])
    options = ["--boundary", 0, "--json", tmp_path / "a.report"]
    output = " ".join(run("compare", source, wide, *options).split())
    [finding] = [
        finding
        for finding in json.loads((tmp_path / "a.report").read_text())["images"][0]["findings"]
        if finding["kind"] == "matched"
    ]
    assert [into["truth"] for into in finding["bleeding_into"]] == [10, 11]
    assert finding["reason"].startswith("bleeding into chair #10 and others 48%")
    assert "bleeding into chair #10 and others 48%" in output
    narrow = predicted(tmp_path / "b.json", [(7, 0.9, [0, 2, 11, 20])])
    output = " ".join(run("compare", source, narrow, "--boundary", 0).split())
    assert re.search(r"bleeding into chair #10 \d+%", output)


def test_options_change_the_causes(tmp_path):
    source, prediction = coco(tmp_path / "gt.json"), results(tmp_path / "r.json")
    report = tmp_path / "report.json"
    options = ["--thin-width", 11, "--boundary", 0, "--iou-threshold", 0.95, "--rows", 1]
    output = run("compare", source, prediction, "--json", report, *options)
    assert "5 findings" in output
    assert "4 more" in output
    [image] = json.loads(report.read_text())["images"]
    assert (image["thin_width"], image["boundary_distance"]) == (11, 0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--thin-width", 4], "--thin-width: expected an odd number, got 4"),
        (["--images", "x"], "--images: photographs are shown in pages and crops"),
        (["--boundary", -1], "--boundary"),
        (["--iou-threshold", 2], "--iou-threshold"),
    ],
)
def test_compare_refuses(tmp_path, options, message):
    source, prediction = coco(tmp_path / "gt.json"), results(tmp_path / "r.json")
    assert message in refused("compare", source, prediction, *options)


def test_what_is_no_source(tmp_path):
    (tmp_path / "a.json").write_text("{}")
    (tmp_path / "b.json").write_text("[")
    (tmp_path / "c.png").write_bytes(b"")
    (tmp_path / "empty").mkdir()
    for name, message in (
        ("a.json", 'not COCO: expected "images" and "annotations", got an empty object'),
        ("b.json", "[0] (byte 1): expected a value" if IS_COMPILED else "byte 1: not JSON"),
        ("c.png", "not a PNG"),
        ("empty", "it looks like an empty folder"),
        ("missing.json", "No such file"),
    ):
        error = refused("view", tmp_path / name, "-o", tmp_path / "a.html")
        assert message in error
        assert not (tmp_path / "a.html").exists()


@pytest.mark.skipif(DATA is None, reason="SEGCORE_TEST_DATA is not set")
def test_coco_images(tmp_path):
    folder = Path(DATA) / "coco_val2014_100"
    truth = folder / "instances_val2014_100.json"
    prediction = folder / "instances_val2014_fakesegm100_results.json"
    target, report = tmp_path / "a.html", tmp_path / "a.json"
    run("compare", truth, prediction, "--html", target, "--json", report)
    document = json.loads(report.read_text())
    by_name = {each["file_name"]: each for each in document["images"]}
    annotations = json.loads(truth.read_text())
    assert document["summary"]["objects"] == sum(
        not each["iscrowd"] for each in annotations["annotations"]
    )
    for i, image in enumerate(page(target, "index")["images"]):
        rows = page(target, f"image-{i}")["rows"]
        assert [row["kind"] for row in rows] == [
            each["kind"] for each in by_name[image["name"]]["findings"]
        ]
