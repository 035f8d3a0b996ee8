"""segcore panoptic, and segcore semantic --stuff: files in, files out, one line for errors."""

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

from segcore.cli.app import app  # noqa: E402

DATA = os.environ.get("SEGCORE_TEST_DATA")

CATEGORIES = [
    {"id": 3, "name": "cat"},
    {"id": 5, "name": "dog"},
    {"id": 90, "name": "grass"},
    {"id": 91, "name": "sky"},
]


def box(x0: float, y0: float, x1: float, y1: float) -> list[list[float]]:
    return [[x0, y0, x1, y0, x1, y1, x0, y1]]


def instance(segmentation: object, category: int, **changes: Any) -> dict[str, Any]:
    return {"image_id": 7, "category_id": category, "segmentation": segmentation} | changes


def dataset(*annotations: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "images": [{"id": 7, "file_name": "a/photo.jpg", "height": 8, "width": 10}],
        "categories": CATEGORIES,
        "annotations": list(annotations),
    } | changes


TRUTH = dataset(instance(box(0, 0, 4, 4), 3, id=1), instance(box(3, 0, 8, 4), 5, id=2, iscrowd=1))
RESULTS = [
    instance(box(0, 0, 4, 4), 3, score=0.6),
    instance(box(2, 0, 8, 4), 5, score=0.9),
    instance(box(6, 0, 9, 4), 5, score=0.8),
    instance(box(0, 5, 4, 8), 5, score=0.4),
]
STUFF = np.zeros((8, 10), np.uint8)
STUFF[4:] = 90
STUFF[:, 9] = 91
STUFF[0, 0] = 3
STUFF[7, 9] = 255


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder with truth.json, results.json and stuff/a/photo.png."""
    (tmp_path / "truth.json").write_text(json.dumps(TRUTH))
    (tmp_path / "results.json").write_text(json.dumps(RESULTS))
    save_stuff(tmp_path, STUFF)
    return tmp_path


def save_stuff(folder: Path, labels: np.ndarray) -> None:
    path = folder / "stuff" / "a" / "photo.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(labels).save(path)


def read(folder: Path) -> tuple[np.ndarray, dict[str, Any]]:
    """Give the map of ids and what panoptic.json says."""
    document = json.loads((folder / "out" / "panoptic.json").read_text())
    with Image.open(folder / "out" / "panoptic" / "a" / "photo.png") as png:
        assert png.mode == "RGB"
        rgb = np.asarray(png).astype(int)
    return rgb @ [1, 256, 65536], document


def compose(folder: Path, *options: object, name: str = "results.json") -> Result:
    if name == "results.json":
        options = ("--dataset", folder / "truth.json", *options)
    return run("panoptic", folder / name, "-o", folder / "out", *options)


def refused(folder: Path, result: Result, *parts: str) -> None:
    """Check for exit code 2, one line that says the parts, and nothing written."""
    assert result.exit_code == 2
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    for part in parts:
        assert part in line
    assert not (folder / "out").exists()
    assert not list(folder.glob(".segcore-*"))


# -- panoptic -------------------------------------------------------------------------------------


def test_results_and_stuff(folder: Path) -> None:
    result = compose(folder, "--stuff", folder / "stuff", "--stuff-area", 5)
    assert result.exit_code == 0, result.output
    assert "1 map and panoptic.json" in result.stdout
    assert "1 annotation below the score of the rules, the first: annotation " in result.stderr
    assert "1 annotation too much covered by better ones, the first: annotation" in result.stderr
    ids, document = read(folder)
    expected = np.zeros((8, 10), int)
    expected[:4, 2:8] = 1  # the dog of 0.9; the one of 0.8 has two of three columns in it
    expected[:4, :2] = 2  # the cat, half of which is left
    expected[4:, :9] = 3
    expected[:7, 9] = 4
    np.testing.assert_array_equal(ids, expected)
    assert document["images"] == TRUTH["images"]
    assert [c["isthing"] for c in document["categories"]] == [1, 1, 0, 0]
    [entry] = document["annotations"]
    assert (entry["image_id"], entry["file_name"]) == (7, "a/photo.png")
    assert entry["segments_info"] == [
        {"id": 1, "category_id": 5, "iscrowd": 0, "bbox": [2, 0, 6, 4], "area": 24, "score": 0.9},
        {"id": 2, "category_id": 3, "iscrowd": 0, "bbox": [0, 0, 2, 4], "area": 8, "score": 0.6},
        {"id": 3, "category_id": 90, "iscrowd": 0, "bbox": [0, 4, 9, 4], "area": 36},
        {"id": 4, "category_id": 91, "iscrowd": 0, "bbox": [9, 0, 1, 7], "area": 7},
    ]


def test_truth_has_no_scores_and_keeps_crowds(folder: Path) -> None:
    result = compose(folder, name="truth.json")
    assert result.exit_code == 0, result.output
    ids, document = read(folder)
    assert ids[0].tolist() == [1, 1, 1, 1, 2, 2, 2, 2, 0, 0]
    segments = document["annotations"][0]["segments_info"]
    assert [each["iscrowd"] for each in segments] == [0, 1]
    assert all("score" not in each for each in segments)


def test_truth_is_painted_by_priority_and_nothing_is_dropped(folder: Path) -> None:
    """A cup on a table, drawn first or last; of two equal masks one is hidden, and not listed."""
    table, cup = box(0, 0, 9, 7), box(3, 3, 5, 5)
    listed = [instance(shape, 3, id=i) for i, shape in enumerate((cup, table, table, cup))]
    (folder / "truth.json").write_text(json.dumps(dataset(*listed[:2])))
    for options, on_top in (((), 1), (("--priority", "first"), 1), (("--priority", "last"), 0)):
        result = compose(folder, *options, name="truth.json")
        assert result.exit_code == 0, result.output
        ids, document = read(folder)
        areas = sorted(each["area"] for each in document["annotations"][0]["segments_info"])
        assert areas == ([4, 59] if on_top else [63])
        assert ("1 annotation hidden by others" in result.stderr) != on_top
        assert len(np.unique(ids)) == 1 + len(areas)
    (folder / "truth.json").write_text(json.dumps(dataset(*listed)))
    result = compose(folder, name="truth.json")
    assert "2 annotations hidden by others" in result.stderr
    result = compose(folder, "--overlap", 0.01, name="truth.json")
    assert "too much covered by better ones" in result.stderr  # what is asked for is done
    maps = [
        "--gt-folder",
        folder / "out" / "panoptic",
        "--pred-folder",
        folder / "out" / "panoptic",
    ]
    path = folder / "out" / "panoptic.json"
    assert run("evaluate", "panoptic", path, path, *maps).exit_code == 0


def test_priority_and_score_go_with_what_has_scores(folder: Path) -> None:
    refused(
        folder, compose(folder, "--priority", "smallest"), "--priority smallest:", "have scores"
    )
    for options in (("--score", 0.5), ("--priority", "score")):
        result = compose(folder, *options, name="truth.json")
        refused(folder, result, " ".join(map(str, options[:1])), "have no scores")
    assert compose(folder, "--priority", "score").exit_code == 0


def things_of(folder: Path) -> list[str]:
    return [each["name"] for each in read(folder)[1]["categories"] if each["isthing"]]


def test_truth_and_results_have_the_same_things(folder: Path) -> None:
    """Results of dogs alone: the truth says that cats are things, too."""
    (folder / "results.json").write_text(json.dumps(RESULTS[2:3]))
    result = compose(folder)
    assert things_of(folder) == ["cat", "dog"]
    assert '4 categories do not have "isthing". Assumed to be things' in result.stderr
    assert "truth.json has annotations of them: cat, dog" in result.stderr
    compose(folder, name="truth.json")
    assert things_of(folder) == ["cat", "dog"]
    for options in (("--things", "dog,91"), ("--things", "dog", "--things", "sky")):
        result = compose(folder, *options)
        assert things_of(folder) == ["dog", "sky"]
        assert "Assumed" not in result.stderr


def test_things_that_nothing_tells_are_asked_for(folder: Path) -> None:
    (folder / "truth.json").write_text(json.dumps(dataset()))
    refused_result = compose(folder)
    refused(folder, refused_result, "name the things (--things)")
    refused(folder, compose(folder, "--things", "cat,lion"), "there is no category 'lion'")
    assert compose(folder, "--things", "cat").exit_code == 0


def test_coco_names_tell_its_things(folder: Path) -> None:
    from segcore.data.per_image.things import COCO_THINGS

    assert len(COCO_THINGS) == 80
    names = [*sorted(COCO_THINGS), "sky-other-merged"]
    coco = [{"id": i, "name": name} for i, name in enumerate(names, 1)]
    (folder / "truth.json").write_text(json.dumps(dataset(categories=coco)))
    (folder / "results.json").write_text(json.dumps([]))
    result = compose(folder)
    assert "as in COCO: airplane, apple" in result.stderr
    assert "and 72 more" in result.stderr
    assert set(things_of(folder)) == COCO_THINGS


def test_rules_can_be_changed(folder: Path) -> None:
    assert compose(folder, "--score", 0.3, "--overlap", 1).exit_code == 0
    _, document = read(folder)
    assert [each["score"] for each in document["annotations"][0]["segments_info"]] == [
        *(0.9, 0.8, 0.6, 0.4)
    ]
    assert compose(folder, "--rules", "mmdet-heuristic", "--score", 0.5).exit_code == 0
    ids, _ = read(folder)
    assert np.unique(ids).tolist() == [0, 1005, 2003]


@pytest.mark.parametrize(("key", "isthing"), [(1000, 1), (1000, 0), (0, 0), (-1, 1)])
def test_ids_of_segments_are_never_the_same(folder: Path, key: int, isthing: int) -> None:
    """As 1005 + 1 * 1000 and 5 + 2 * 1000 are, or 0 and nothing."""
    more = [*CATEGORIES, {"id": key, "name": "more", "isthing": isthing}]
    (folder / "truth.json").write_text(json.dumps(dataset(*TRUTH["annotations"], categories=more)))
    result = compose(folder, "--rules", "mmdet-heuristic")
    refused(folder, result, f"category {key}: ", f"from {1 - isthing} to 999; choose other rules")
    assert compose(folder).exit_code == 0


def test_a_thing_may_have_the_id_0(folder: Path) -> None:
    more = [*CATEGORIES, {"id": 0, "name": "more", "isthing": 1}]
    (folder / "truth.json").write_text(json.dumps(dataset(*TRUTH["annotations"], categories=more)))
    assert compose(folder, "--rules", "mmdet-heuristic").exit_code == 0


def test_categories_say_what_is_a_thing(folder: Path) -> None:
    kinds = [each | {"isthing": int(each["id"] == 5)} for each in CATEGORIES]
    (folder / "truth.json").write_text(json.dumps(dataset(categories=kinds)))
    (folder / "results.json").write_text(json.dumps([]))
    assert compose(folder, "--stuff", folder / "stuff", "--stuff-area", 1).exit_code == 0
    ids, document = read(folder)
    assert ids[0, 0] == 1  # the cat of the map is stuff now
    assert [c["isthing"] for c in document["categories"]] == [0, 1, 0, 0]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_stuff_that_is_wrong(folder: Path, dtype: type) -> None:
    labels = STUFF.astype(dtype)
    labels[2, 2:5] = 77
    save_stuff(folder, labels)
    result = compose(folder, "--stuff", folder / "stuff")
    refused(folder, result, "stuff/a/photo.png", "3 of its pixels are 77", "expected a category id")
    save_stuff(folder, labels[:, :5])
    result = compose(folder, "--stuff", folder / "stuff")
    refused(folder, result, "height 8 and width 5", "image 7, 8 and 10")


def test_stuff_of_segcore_semantic_has_indices(folder: Path) -> None:
    """What segcore semantic wrote is read by its classes.json, which says what the pixels mean."""
    stuff = [instance(box(0, 4, 9, 8), 90, id=1), instance(box(9, 0, 10, 8), 91, id=2)]
    (folder / "stuff.json").write_text(json.dumps(dataset(*stuff)))
    assert run("semantic", folder / "stuff.json", "-o", folder / "maps").exit_code == 0
    assert compose(folder, "--stuff", folder / "maps", "--stuff-area", 5).exit_code == 0
    _, document = read(folder)
    classes = [each["category_id"] for each in document["annotations"][0]["segments_info"]]
    assert classes == [5, 3, 90, 91]
    result = run(
        *("semantic", folder / "truth.json", "-o", folder / "both", "--stuff", folder / "maps")
    )
    assert result.exit_code == 0, result.output
    with Image.open(folder / "both" / "a" / "photo.png") as png:
        assert np.asarray(png)[5].tolist() == [3] * 9 + [4]
    (folder / "maps" / "classes.json").write_text(
        json.dumps({"classes": [{"index": 3, "category_id": 6, "name": "sea"}]})
    )
    result = compose(folder, "--stuff", folder / "maps")
    assert result.exit_code == 2
    assert "36 of its pixels are 3; expected an index of classes.json" in result.stderr


def test_stuff_that_cannot_be_read(folder: Path) -> None:
    path = folder / "stuff" / "a" / "photo.png"
    save_stuff(folder, np.tile(np.arange(3, dtype=np.uint8), (8, 10, 1)))
    refused(folder, compose(folder, "--stuff", folder / "stuff"), "photo.png", "got colors")
    save_stuff(folder, STUFF)
    path.write_bytes(path.read_bytes()[:-40])
    refused(folder, compose(folder, "--stuff", folder / "stuff"), "photo.png", "cannot read it")
    path.write_text("no image")
    refused(folder, compose(folder, "--stuff", folder / "stuff"), "photo.png: not a PNG")
    path.unlink()
    refused(folder, compose(folder, "--stuff", folder / "stuff"), "photo.png", "No such file")
    refused(folder, compose(folder, "--stuff", folder / "none"), "expected a folder")


def test_what_else_is_refused(folder: Path) -> None:
    result = run("panoptic", folder / "results.json", "-o", folder / "out")
    refused(folder, result, "results.json: expected an instance file, got a list", "--dataset")
    result = compose(folder, "--dataset", folder / "truth.json", name="truth.json")
    refused(folder, result, "expected COCO results, a list")
    refused(folder, compose(folder, "--stuff-area", -1), "stuff_area: expected at least 0")
    assert "nan is not in the range 0<=x<=1" in compose(folder, "--overlap", "nan").stderr
    (folder / "results.json").write_text(json.dumps([RESULTS[0], instance(box(0, 0, 1, 1), 3)]))
    refused(folder, compose(folder), "index 1", 'its "score" is missing')
    (folder / "truth.json").write_text(
        json.dumps(dataset(categories=[{"id": "cat", "name": "cat"}]))
    )
    (folder / "results.json").write_text("[]")
    refused(folder, compose(folder), 'category "cat"', "integer category ids")
    (folder / "truth.json").write_text(
        json.dumps(dataset(categories=[{"id": 3, "name": "cat", "isthing": "yes"}]))
    )
    refused(
        folder, compose(folder), "categories[0] (id 3", "isthing: expected 0 or 1, got str 'yes'"
    )


def test_invalid_items_can_be_skipped(folder: Path) -> None:
    (folder / "results.json").write_text(
        json.dumps([*RESULTS, instance(box(0, 0, 1, 1), 4, score=1)])
    )
    result = compose(folder, "--skip-invalid")
    assert result.exit_code == 0
    assert "skipped 1:" in result.stderr
    assert "category_id: expected the id of a category, got 4" in result.stderr


@pytest.mark.skipif(not DATA, reason="SEGCORE_TEST_DATA names no folder with real data")
def test_the_sample_comes_back(tmp_path: Path) -> None:
    """COCO's own detection form of two panoptic images, and their maps, to the panoptic form."""
    sample = Path(DATA or "") / "panoptic_sample"
    detection = json.loads((sample / "panoptic_coco_detection_format.json").read_text())[
        "annotations"
    ]
    truth = json.loads((sample / "panoptic_examples.json").read_text())
    (tmp_path / "in.json").write_text(json.dumps({**truth, "annotations": detection}))
    result = run("panoptic", tmp_path / "in.json", "-o", tmp_path / "out", "--stuff-area", 0)
    assert result.exit_code == 0, result.output
    document = json.loads((tmp_path / "out" / "panoptic.json").read_text())
    for mine, theirs in zip(document["annotations"], truth["annotations"], strict=True):
        with Image.open(sample / "panoptic_examples" / theirs["file_name"]) as png:
            expected = np.asarray(png).astype(int) @ [1, 256, 65536]
        with Image.open(tmp_path / "out" / "panoptic" / mine["file_name"]) as png:
            ids = np.asarray(png).astype(int) @ [1, 256, 65536]
        for segment in mine["segments_info"]:
            [value] = np.unique(expected[ids == segment["id"]])
            assert (expected == value).sum() == segment["area"]
        assert len(mine["segments_info"]) == sum(
            each["image_id"] == mine["image_id"] for each in detection
        )


# -- semantic -------------------------------------------------------------------------------------


def test_semantic_maps_have_stuff_beneath(folder: Path) -> None:
    result = run(
        *("semantic", folder / "truth.json", "-o", folder / "out", "--stuff", folder / "stuff")
    )
    assert result.exit_code == 0, result.output
    with Image.open(folder / "out" / "a" / "photo.png") as png:
        labels = np.asarray(png)
    assert labels[0].tolist() == [1, 1, 1, 1, 2, 2, 2, 2, 0, 4]  # the crowd lies beneath the cat
    assert labels[5].tolist() == [3] * 9 + [4]
    assert labels[7, 9] == 0


def test_semantic_maps_of_results(folder: Path) -> None:
    result = run(
        *("semantic", folder / "results.json", "--dataset", folder / "truth.json"),
        *("-o", folder / "out", "--priority", "score"),
    )
    assert result.exit_code == 0, result.output
    with Image.open(folder / "out" / "a" / "photo.png") as png:
        assert np.asarray(png)[0].tolist() == [1, 1, 2, 2, 2, 2, 2, 2, 2, 0]


def test_things_of_the_truth_whatever_the_form_of_its_ids(tmp_path):
    """pandas writes 1.0, other tools "1"; a key of another name does not matter."""
    square = [[1, 1, 5, 1, 5, 5, 1, 5]]
    truth = {
        "truth": [],
        "images": [{"id": 1, "file_name": "a.jpg", "height": 8, "width": 10}],
        "categories": [{"id": i, "name": f"c{i}"} for i in (1, 2, 3)],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1.0, "segmentation": square},
            {"id": 2, "image_id": 1, "category_id": "2", "segmentation": square},
        ],
    }
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    found = [{"image_id": 1, "category_id": i, "segmentation": square, "score": 1} for i in (1, 3)]
    (tmp_path / "results.json").write_text(json.dumps(found))
    arguments = ["panoptic", "results.json", "--dataset", "truth.json", "-o", "out"]
    result = CliRunner().invoke(
        app, [str(tmp_path / a) if "." in a or a == "out" else a for a in arguments]
    )
    assert result.exit_code == 0, result.output
    categories = json.loads((tmp_path / "out" / "panoptic.json").read_text())["categories"]
    assert [category["isthing"] for category in categories] == [1, 1, 0]
