"""segcore evaluate instances: COCO's numbers on the command line."""

from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("click")
pytest.importorskip("rich")

from support.commands import good, refused, run
from support.detections import data_set

import segcore as sc
from segcore.cli import page
from segcore.show.report import PageFolder

SQUARE = [[1, 1, 5, 1, 5, 4, 1, 4]]


def write(folder: Path, name: str, content: Any) -> Path:
    path = folder / name
    path.write_text(json.dumps(content))
    return path


def room(**changes: Any) -> dict[str, Any]:
    annotation = {"id": 1, "image_id": 1, "category_id": 63, "segmentation": SQUARE, "iscrowd": 0}
    return {
        "images": [{"id": 1, "file_name": "a.jpg", "height": 6, "width": 8}],
        "categories": [{"id": 63, "name": "couch"}],
        "annotations": [annotation],
    } | changes


def result(**changes: Any) -> dict[str, Any]:
    return {"image_id": 1, "category_id": 63, "segmentation": SQUARE, "score": 0.5} | changes


@pytest.mark.parametrize("iou", ["mask", "boundary"])
def test_the_report_has_the_numbers_of_the_library(tmp_path: Path, iou: str) -> None:
    document, results = data_set(4)
    for image in document["images"]:
        image["file_name"] = f"{image['id']}.jpg"
    truth, found = write(tmp_path, "t.json", document), write(tmp_path, "r.json", results)
    report = tmp_path / "report.json"
    printed = good("evaluate", "instances", truth, found, "--iou", iou, "--json", report).stdout
    ds = sc.data.read(truth)
    metric = sc.metrics.AveragePrecision(iou, class_ids=ds.categories["id"], box_format="xywh")
    expected = sc.data.evaluate(ds, sc.data.read(found, dataset=ds), metric).compute()
    got = json.loads(report.read_text())
    for name, value in expected.stats.items():
        assert got[name] == (None if value < 0 else value)
    assert [row["id"] for row in got["classes"]] == list(expected.per_class)
    assert f"AP {100 * expected.stats['AP']:.1f}" in printed


def test_boxes_and_lvis(tmp_path: Path) -> None:
    box = {"bbox": [1, 1, 4, 3]}
    document = room(categories=[{"id": 63, "name": "couch", "frequency": "r"}])
    document["annotations"][0].update(box)
    truth = write(tmp_path, "t.json", document)
    found = write(tmp_path, "r.json", [result(**box)])
    words = ["evaluate", "instances", truth, found]
    assert "AP 100.0, AP50 100.0" in good(*words, "--iou", "box").stdout
    assert "AP_rare 100.0, AP_common -" in good(*words, "--protocol", "lvis").stdout


def test_what_is_not_evaluated_is_counted(tmp_path: Path) -> None:
    document = room()
    document["annotations"].append(document["annotations"][0] | {"id": 2, "iscrowd": 1})
    truth = write(tmp_path, "t.json", document)
    other = room(categories=[{"id": 63, "name": "couch"}, {"id": 7, "name": "cup"}])
    other["annotations"] = [result(id=1), result(id=2, category_id=7)]
    found = write(tmp_path, "p.json", other)
    report = tmp_path / "report.json"
    done = good("evaluate", "instances", truth, found, "--json", report)
    assert "1 detection of categories that the truth lacks, the first: of category 7" in done.stderr
    assert "1 crowd annotation not counted as missed; detections in crowds" in done.stderr
    assert len(json.loads(report.read_text())["left_out"]) == 2


def test_annotations_without_masks_are_counted_and_left_out(tmp_path: Path) -> None:
    """They are not missed objects, which would halve the recall."""
    document = room()
    first = document["annotations"][0]
    box = {name: value for name, value in first.items() if name != "segmentation"}
    document["annotations"] += [
        box | {"id": 2, "bbox": [1, 1, 4, 3]},
        box | {"id": 3, "segmentation": []},
    ]
    truth = write(tmp_path, "t.json", document)
    found = write(tmp_path, "r.json", [result()])
    words = ["evaluate", "instances", truth, found, "--workers", 1]
    done = good(*words)
    assert "AP 100.0" in done.stdout
    lines = done.stderr.splitlines()
    assert lines[0].startswith("1 annotation with a box and no mask, the first: annotation 2 of")
    assert "--boxes takes the box as the mask" in done.stderr
    assert "1 annotation without a mask, the first: annotation 3 of image 1" in done.stderr
    boxes = good(*words, "--boxes")
    assert "with a box and no mask" not in boxes.stderr
    assert "AP 100.0" not in boxes.stdout
    boxes_alone = write(tmp_path, "b.json", [result(bbox=[1, 1, 4, 3], segmentation=[])])
    message = refused("evaluate", "instances", truth, boxes_alone)
    assert "none of its annotations has a mask; --iou box compares boxes" in message


def test_without_categories_all_objects_are_of_one_class(tmp_path: Path) -> None:
    truth = write(tmp_path, "t.json", room(categories=[]))
    found = write(tmp_path, "r.json", [result(category_id=5)])
    assert "AP 100.0" in good("evaluate", "instances", truth, found).stdout


@pytest.mark.parametrize(
    ("truth", "found", "message"),
    [
        (room(), room(), "annotation 1 of image 1: expected a score, got none"),
        (room(), [result(image_id=2)], "expected the id of an image, got 2"),
        (room(), [result(segmentation={"size": [6, 8], "counts": [1]})], "runs sum to 1"),
        (room(categories=[{"id": "sofa", "name": "a"}], annotations=[]),
         room(categories=[{"id": "sofa", "name": "a"}], annotations=[]),
         "t.json: expected category ids that are integers"),
    ],
)  # fmt: skip
def test_unusable_input(tmp_path: Path, truth: Any, found: Any, message: str) -> None:
    paths = write(tmp_path, "t.json", truth), write(tmp_path, "r.json", found)
    assert message in refused("evaluate", "instances", *paths)


def test_invalid_masks_can_be_skipped(tmp_path: Path) -> None:
    truth = write(tmp_path, "t.json", room())
    broken = result(segmentation={"size": [6, 8], "counts": [1]})
    found = write(tmp_path, "r.json", [broken, result()])
    done = good("evaluate", "instances", truth, found, "--skip-invalid")
    assert "AP 100.0" in done.stdout
    assert "skipped 1" in done.stderr


def test_images_and_categories_are_matched_as_by_compare(tmp_path: Path) -> None:
    """Formats such as YOLO number their images and categories themselves."""
    document, results = data_set(4)
    for image in document["images"]:
        image["file_name"] = f"{image['id']}.jpg"
    truth = write(tmp_path, "t.json", document)
    expected = good("evaluate", "instances", truth, write(tmp_path, "r.json", results)).stdout
    image_ids = {image["id"]: 500 - i for i, image in enumerate(document["images"])}
    category_ids = {c["id"]: 900 - i for i, c in enumerate(document["categories"])}
    renumbered = {
        "images": [
            {**image, "id": image_ids[image["id"]], "file_name": f"{image['id']}.png"}
            for image in reversed(document["images"])
        ]
        + [{"id": 1, "file_name": "another.jpg", "height": 40, "width": 60}],
        "categories": [
            {**category, "id": category_ids[category["id"]]} for category in document["categories"]
        ]
        + [{"id": 1, "name": "another"}],
        "annotations": [
            {
                **item,
                "id": i,
                "image_id": image_ids[item["image_id"]],
                "category_id": category_ids[item["category_id"]],
            }
            for i, item in enumerate(results, 1)
        ],
    }
    other = write(tmp_path, "other.json", renumbered)
    done = good("evaluate", "instances", truth, other)
    assert done.stdout == expected
    assert "1 predicted image that the truth lacks, the first: another.jpg" in done.stderr


def test_images_without_common_names_are_matched_by_id(tmp_path: Path) -> None:
    document, results = data_set(4)
    for image in document["images"]:
        image["file_name"] = f"{image['id']}.jpg"
    truth = write(tmp_path, "t.json", document)
    expected = good("evaluate", "instances", truth, write(tmp_path, "r.json", results)).stdout
    items = [item | {"id": i} for i, item in enumerate(results, 1)]
    for name in ({}, {"file_name": None}):
        images = [{**image, "file_name": f"x/{image['id']}"} | name for image in document["images"]]
        other = write(tmp_path, "o.json", document | {"images": images, "annotations": items})
        assert good("evaluate", "instances", truth, other).stdout == expected


def test_images_without_ids_in_their_files_are_matched_by_name(tmp_path: Path) -> None:
    """The numbers 1, 2, ... that the images of a folder of label maps get are no ids to match."""
    image = pytest.importorskip("PIL.Image")
    (tmp_path / "t").mkdir()
    image.fromarray(np.eye(6, 8, dtype=np.uint8)).save(tmp_path / "t" / "b.png")
    categories = [{"id": 1, "name": "class 1"}]
    annotations = [result(id=1, category_id=1)]
    found = write(tmp_path, "r.json", room(categories=categories, annotations=annotations))
    line = refused("evaluate", "instances", tmp_path / "t", found)
    assert "r.json: it has none of the images of" in line


def test_the_page_has_the_findings_of_compare(tmp_path: Path) -> None:
    document, results = data_set(4)
    for image in document["images"]:
        image["file_name"] = f"{image['id']}.jpg"
    paths = write(tmp_path, "t.json", document), write(tmp_path, "r.json", results)
    found = []
    for words in (["compare"], ["evaluate", "instances"]):
        html = tmp_path / f"{words[0]}.html"
        good(*words, *paths, "--html", html, "--score", 0.4)
        text = html.read_text("utf-8")
        [findings] = re.findall(r'id="findings">(.*?)</script>', text)
        found.append(json.loads(findings))
    assert found[0] == found[1]
    assert len(found[0]["image"]) > 5


def test_the_images_of_a_large_page_are_beside_it(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(page, "PageFolder", partial(PageFolder, single_file=10))
    paths = write(tmp_path, "t.json", room()), write(tmp_path, "r.json", [result()])
    html = tmp_path / "p.html"
    for _ in range(2):  # what segcore wrote may be replaced
        done = good("evaluate", "instances", *paths, "--html", html)
        assert f"needs 1 file in the folder {tmp_path / 'p_files'}" in done.stdout.replace("\n", "")
        assert [file.name for file in (tmp_path / "p_files").iterdir()] == ["images-0.js"]
    assert html.read_text("utf-8").count('id="image-0"') == 0
    monkeypatch.undo()
    good("evaluate", "instances", *paths, "--html", html)  # a page that needs no folder
    assert not (tmp_path / "p_files").exists()
    assert html.read_text("utf-8").count('id="image-0"') == 1


def embedded(html: Path, key: str) -> dict[str, Any]:
    [text] = re.findall(f'id="{key}">(.*?)</script>', html.read_text("utf-8"))
    found: dict[str, Any] = json.loads(text)
    return found


@pytest.mark.parametrize(("iou", "protocol"), [("mask", "lvis"), ("box", "coco"), ("box", "lvis")])
def test_pages_of_boxes_and_lvis_have_types_and_causes_of_errors(
    tmp_path: Path, iou: str, protocol: str
) -> None:
    document, results = data_set(4)
    for annotation in document["annotations"]:
        annotation |= {"iscrowd": 0, "id": annotation["id"] + 1}
        annotation["area"] += not annotation["area"]
    for image in document["images"]:
        image["file_name"] = f"{image['id']}.jpg"
        image["not_exhaustive_category_ids"] = [document["categories"][0]["id"]]
    paths = write(tmp_path, "t.json", document), write(tmp_path, "r.json", results)
    html, report = tmp_path / "page.html", tmp_path / "report.json"
    words = ["--iou", iou, "--protocol", protocol, "--html", html, "--json", report]
    good("evaluate", "instances", *paths, *words)
    truth = sc.data.from_coco(document)
    errors = sc.metrics.DetectionErrors(iou, protocol=protocol, box_format="xywh")
    expected = sc.data.evaluate(truth, sc.data.from_coco(results, truth), errors).compute()
    scores = embedded(html, "index")["evaluation"]
    assert scores["errors"]["protocol"] == protocol
    mended = dict(scores["summary"])["AP"]
    assert scores["mended"]["ap"] == mended
    assert max(scores["mended"]["causes"]) > mended + 0.1
    for name, count, gain in scores["errors"]["types"]:
        assert (count, gain) == (expected.counts[name], expected.gains[name])
    listed = json.loads(report.read_text())["errors"]
    assert listed["missed"] == {
        "count": expected.counts["missed"],
        "gain": expected.gains["missed"],
    }
    assert sum(expected.counts.values()) > 3


def test_findings_by_the_rules_of_lvis(tmp_path: Path) -> None:
    """Predictions without an object count by what the image says of their class."""
    categories = [{"id": i, "name": name} for i, name in enumerate("abcd", 1)]
    document = room(categories=categories)
    document["images"][0] |= {"neg_category_ids": [2], "not_exhaustive_category_ids": [4]}
    document["annotations"] = [
        document["annotations"][0] | {"id": i, "category_id": i} for i in (1, 4)
    ]
    far = [[5, 4, 7, 4, 7, 6, 5, 6]]
    found = [result(category_id=i, segmentation=far, score=i / 10) for i in (1, 2, 3, 4)]
    paths = write(tmp_path, "t.json", document), write(tmp_path, "r.json", found)
    table = tmp_path / "findings.csv"
    words = ["evaluate", "instances", *paths, "--csv", table]
    wrong = {}
    for protocol in ("coco", "lvis"):
        printed = good(*words, "--protocol", protocol, "--overwrite")
        rows = [line.split(",") for line in table.read_text().splitlines()[1:]]
        wrong[protocol] = sorted(row[1] for row in rows if row[3] == "spurious")
        assert sorted(row[1] for row in rows if row[3] == "missed") == ["a", "d"]
    assert wrong == {"coco": ["a", "b", "c", "d"], "lvis": ["a", "b"]}
    assert "2 unmatched predictions not judged" in printed.stdout + printed.stderr


@pytest.mark.parametrize(
    ("image", "category", "message"),
    [
        ({"neg_category_ids": "63"}, {}, "image 1: neg_category_ids: expected a list of"),
        ({"neg_category_ids": [1.5]}, {}, "category ids, got list [1.5]"),
        ({"neg_category_ids": [2**70]}, {}, "image 1: neg_category_ids: expected a list of"),
        ({"not_exhaustive_category_ids": [[63]]}, {}, "image 1: not_exhaustive_category_ids: exp"),
        ({}, {"frequency": "x"}, 'category 63: frequency: expected "r", "c" or "f", got str'),
        ({}, {"frequency": [1]}, 'category 63: frequency: expected "r", "c" or "f", got list'),
        (
            {"neg_category_ids": None, "not_exhaustive_category_ids": [63.0]},
            {"frequency": None},
            "",
        ),
    ],
)
def test_what_lvis_lists_is_checked(
    tmp_path: Path, image: dict[str, Any], category: dict[str, Any], message: str
) -> None:
    document = room()
    document["images"][0] |= image
    document["categories"][0] |= category
    paths = write(tmp_path, "t.json", document), write(tmp_path, "r.json", [result()])
    words = ["evaluate", "instances", *paths, "--protocol", "lvis", "--csv", tmp_path / "f.csv"]
    if message:
        assert message in refused(*words)
    else:
        good(*words)


def test_masks_that_give_boxes_can_be_skipped(tmp_path: Path) -> None:
    bad = {"segmentation": {"size": [6, 8], "counts": "zzz"}}
    paths = write(tmp_path, "t.json", room()), write(tmp_path, "r.json", [result(), result(**bad)])
    words = ["evaluate", "instances", *paths, "--iou", "box"]
    assert "r.json: annotation 2 of image 1: byte 0 of its counts" in refused(*words)
    skipped = run(*words, "--skip-invalid")
    assert "skipped 1" in skipped.stderr
    assert "AP 100.0" in skipped.stdout


def test_results_without_boxes_are_compared_by_those_of_their_masks(tmp_path: Path) -> None:
    paths = write(tmp_path, "t.json", room()), write(tmp_path, "r.json", [result()])
    html = tmp_path / "page.html"
    words = ["evaluate", "instances", *paths, "--iou", "box"]
    assert "AP 100.0, AP50 100.0" in good(*words, "--html", html).stdout
    assert embedded(html, "image-0")["Prediction"]["objects"][0]["box"] == [1, 1, 5, 4]
    none = write(tmp_path, "r.json", [{**result(), "segmentation": []}])
    assert "annotation 1 of image 1: expected a bbox or a mask, got neither" in refused(
        "evaluate", "instances", paths[0], none, "--iou", "box"
    )


def test_boxes_of_segments_of_label_maps(tmp_path: Path) -> None:
    """A segment without a box has that of its pixels."""
    image = pytest.importorskip("PIL.Image")
    labels = np.zeros((6, 8, 3), np.uint8)
    labels[1:4, 1:5, 0] = 7
    (tmp_path / "t").mkdir()
    image.fromarray(labels).save(tmp_path / "t" / "a.png")
    segments = [{"id": 7, "category_id": 63, "iscrowd": 0}]
    entry = {"image_id": 1, "file_name": "a.png", "segments_info": segments}
    truth = write(tmp_path, "t.json", room(annotations=[entry]))
    found = write(tmp_path, "r.json", [result()])
    words = ["evaluate", "instances", truth, found, "--iou", "box"]
    printed = good(*words, "--html", tmp_path / "page.html").stdout
    assert "AP 100.0" in printed
    assert embedded(tmp_path / "page.html", "image-0")["Truth"]["objects"][0]["box"] == [1, 1, 5, 4]


def test_the_page_of_boxes_shows_boxes(tmp_path: Path) -> None:
    """Some annotations have no mask, and the boxes of others are not those of their masks."""
    document = room()
    document["annotations"] = [
        document["annotations"][0] | {"bbox": [0, 0, 8, 5]},
        {"id": 2, "image_id": 1, "category_id": 63, "bbox": [2, 1, 3, 4], "iscrowd": 0},
    ]
    found = [result(bbox=[0, 0, 8, 4])]
    paths = write(tmp_path, "t.json", document), write(tmp_path, "r.json", found)
    good("evaluate", "instances", *paths, "--iou", "box", "--html", tmp_path / "page.html")
    shown = embedded(tmp_path / "page.html", "image-0")
    for side, boxes in (("Truth", {(0, 0, 8, 5), (2, 1, 5, 5)}), ("Prediction", {(0, 0, 8, 4)})):
        objects = shown[side]["objects"]
        assert {tuple(item["box"]) for item in objects} == boxes
        for item in objects:
            x0, y0, x1, y1 = item["box"]
            assert item["area"] == (x1 - x0) * (y1 - y0)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--score", "0.5"], "--score: only for findings; pass --html, --csv or --export-worst"),
        (["--images", "."], "--images: photographs are shown in pages and crops"),
    ],
)
def test_options_of_the_page(tmp_path: Path, words: list[str], message: str) -> None:
    paths = write(tmp_path, "t.json", room()), write(tmp_path, "r.json", [result()])
    assert message in refused("evaluate", "instances", *paths, *words)
