"""What commands write of findings: pages of evaluations, CSV files, and the worst objects."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("click")
pytest.importorskip("rich")

from PIL import Image
from support.commands import good, refused, run

import segcore as sc

SCENES = Path(sc.__file__).parent / "cli" / "scenes"
ROOM = SCENES / "room.json", SCENES / "room-prediction.json"
COMMANDS = (
    ("compare",),
    ("evaluate", "instances"),
    ("evaluate", "semantic"),
    ("evaluate", "panoptic"),
)


def embedded(path: Path, key: str) -> Any:
    [text] = re.findall(f'id="{key}">(.*?)</script>', path.read_text("utf-8"))
    return json.loads(text)


@pytest.mark.parametrize(
    ("words", "scores", "columns"),
    [
        (("instances",), {"AP": 0.845, "AP50": 0.983}, ["AP", "AP50"]),
        (("semantic",), {"mean IoU": 0.826}, ["IoU", "accuracy", "precision", "Dice"]),
        (("panoptic",), {"PQ": 0.887, "RQ of stuff": 1.0}, ["PQ", "SQ", "RQ"]),
    ],
)
def test_every_evaluation_has_a_page(tmp_path: Path, words, scores, columns) -> None:
    page = tmp_path / "page.html"
    good("evaluate", *words, *ROOM, "--html", page)
    found = embedded(page, "index")["evaluation"]
    summary = dict(found["summary"])
    assert {name: round(summary[name], 3) for name in scores} == scores
    assert found["columns"][: len(columns)] == columns
    assert "sofa" in [name for name, *_ in found["classes"]]
    assert len(embedded(page, "findings")["image"]) == 26
    assert (found["confusion"] is None) == (words != ("semantic",))


def test_the_report_has_errors_and_causes(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    good("evaluate", "instances", *ROOM, "--html", tmp_path / "page.html", "--json", report)
    numbers = json.loads(report.read_text())
    assert numbers["errors"]["missed"] == {"count": 1, "gain": pytest.approx(0.0165, abs=1e-3)}
    assert numbers["AP_without_cause"]["missed"]["thin"] == pytest.approx(0.892, abs=1e-3)
    assert numbers["AP_without_cause"]["spurious"]["filled"] == pytest.approx(numbers["AP"])


def test_confusions_of_pixels(tmp_path: Path) -> None:
    page, report = tmp_path / "page.html", tmp_path / "report.json"
    good("evaluate", "semantic", *ROOM, "--html", page, "--json", report)
    matrix = np.array(json.loads(report.read_text())["confusion_matrix"])
    confusion = embedded(page, "index")["evaluation"]["confusion"]
    got = np.zeros_like(matrix)
    for true, predicted, pixels in confusion["pixels"]:
        got[true, predicted] = pixels
    assert np.array_equal(got, matrix)
    assert len(confusion["names"]) == len(matrix)


def test_label_maps_without_names(tmp_path: Path) -> None:
    """Their classes have the same names in scores and findings."""
    for name, shift in (("truth", 0), ("found", 3)):
        (tmp_path / name).mkdir()
        labels = np.zeros((20, 30), np.uint8)
        labels[5:15, 5 + shift : 20 + shift] = 7
        Image.fromarray(labels).save(tmp_path / name / "a.png")
    page = tmp_path / "page.html"
    words = "--num-classes", 9, "--html", page
    good("evaluate", "semantic", tmp_path / "truth", tmp_path / "found", *words)
    index = embedded(page, "index")
    assert [name for name, *_ in index["evaluation"]["classes"]] == ["class 0", "class 7"]
    assert [found["name"] for found in index["classes"]] == ["class 7"]


@pytest.mark.parametrize("words", COMMANDS)
def test_the_worst_objects(tmp_path: Path, words: tuple[str, ...]) -> None:
    folder = tmp_path / "worst"
    for _ in range(2):  # what segcore wrote may be replaced
        done = good(*words, *ROOM, "--export-worst", 4, folder)
        assert "the worst 4 objects in" in done.stdout
    document = json.loads((folder / "worst.json").read_text())
    assert [item["id"] for item in document["annotations"]] == [1, 2, 3, 4]
    assert [item["status"] for item in document["annotations"]] == ["missed", *["matched"] * 3]
    ious = [item["iou"] for item in document["annotations"]]
    assert ious == sorted(ious)
    truth = sc.data.read(ROOM[0])
    masks = {int(key): mask for key, mask in zip(truth[0].ids, truth[0].masks, strict=True)}
    exported = sc.data.read(folder / "worst.json")
    for item, mask in zip(document["annotations"], exported[0].masks, strict=True):
        assert mask == masks[item["truth_id"]]
        with Image.open(folder / item["crop"]) as crop:
            colors = np.asarray(crop)
        red = int((colors == (214, 28, 48)).all(axis=-1).sum())
        missed = sum(n for name, n in item["pixels"].items() if name.startswith("missed"))
        assert red == missed


def test_the_worst_objects_over_photographs(tmp_path: Path) -> None:
    photographs = tmp_path / "photographs"
    photographs.mkdir()
    Image.new("RGB", (960, 640), (10, 200, 30)).save(photographs / "room.png")
    words = "--images", photographs, "--export-worst", 1, tmp_path / "worst"
    good("compare", *ROOM, *words)
    with Image.open(tmp_path / "worst" / "crops" / "0001.png") as crop:
        assert crop.getpixel((0, 0)) == (10, 200, 30)


def test_all_commands_write_the_same_findings(tmp_path: Path) -> None:
    tables = []
    for i, words in enumerate(COMMANDS[:2]):
        table = tmp_path / f"{i}.csv"
        assert "26 findings in" in good(*words, *ROOM, "--csv", table).stdout
        tables.append(table.read_text())
    assert tables[0] == tables[1]
    assert tables[0].count("\n") == 27


def test_no_more_than_there_are(tmp_path: Path) -> None:
    good("compare", *ROOM, "--export-worst", 100, tmp_path / "worst")
    assert len(json.loads((tmp_path / "worst" / "worst.json").read_text())["annotations"]) == 26
    assert len(list((tmp_path / "worst" / "crops").iterdir())) == 26


def test_objects_of_all_kinds(tmp_path: Path) -> None:
    """A merged, a confused, a duplicate and a spurious one, and one without pixels."""
    square = [[2, 2, 20, 20], [24, 2, 44, 20], [44, 2, 54, 20], [2, 25, 20, 40], [0, 0, 0, 0]]
    found = [[2, 2, 20, 18], [4, 4, 24, 22], [24, 2, 54, 20], [2, 25, 20, 38], [40, 30, 60, 40]]

    def items(boxes: list[list[int]], classes: list[int]) -> list[dict[str, Any]]:
        masks = sc.Masks.from_boxes(np.array(boxes, float), (45, 70)).to_coco()
        return [
            {"image_id": 1, "category_id": c, "segmentation": rle, "iscrowd": 0}
            for c, rle in zip(classes, masks, strict=True)
        ]

    document = {
        "images": [{"id": 1, "file_name": "a.jpg", "height": 45, "width": 70}],
        "categories": [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}],
        "annotations": [
            item | {"id": i} for i, item in enumerate(items(square, [1, 1, 1, 2, 1]), 1)
        ],
    }
    results = [item | {"score": 0.5} for item in items(found, [1] * 5)]
    paths = tmp_path / "t.json", tmp_path / "r.json"
    for path, content in zip(paths, (document, results), strict=True):
        path.write_text(json.dumps(content))
    good("compare", *paths, "--export-worst", 9, tmp_path / "worst")
    annotations = json.loads((tmp_path / "worst" / "worst.json").read_text())["annotations"]
    kinds = {item["status"]: item for item in annotations}
    assert set(kinds) == {"matched", "merged", "confused", "duplicate", "spurious", "missed"}
    assert kinds["spurious"]["prediction_id"] == 4
    for kind, item in kinds.items():
        with Image.open(tmp_path / "worst" / item["crop"]) as crop:
            is_blue = (np.asarray(crop) == (64, 130, 220)).all(axis=-1).any()
        assert is_blue == (kind in ("duplicate", "spurious")), kind


@pytest.mark.parametrize("score", ["nan", "1e400", "-inf"])
@pytest.mark.parametrize("words", COMMANDS[:2])
def test_scores_are_finite(tmp_path: Path, words: tuple[str, ...], score: str) -> None:
    done = run(*words, *ROOM, "--csv", tmp_path / "a.csv", "--score", score)
    assert done.exit_code == 2
    assert "is not a finite number" in done.stderr


def test_refuses(tmp_path: Path) -> None:
    assert run("compare", *ROOM, "--export-worst", 0, tmp_path / "a").exit_code == 2
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "worst.json").write_text("{}")
    text = refused("compare", *ROOM, "--export-worst", 1, tmp_path / "a")
    assert "segcore did not write it" in text
    assert "--images" in refused("evaluate", "semantic", *ROOM, "--images", tmp_path)


def test_the_table_is_the_same_when_all_findings_are_kept(tmp_path: Path) -> None:
    """Without --json and --csv, only the rows of the table are kept."""
    printed = good("compare", *ROOM, "--rows", 3).stdout
    assert "23 more rows" in printed
    assert good("compare", *ROOM, "--rows", 3, "--json", tmp_path / "r.json").stdout.startswith(
        printed.rstrip()
    )
    assert "26 objects in 1 image: 25 matched, 1 missed; mean IoU 0.896" in printed


def several_images(folder: Path) -> tuple[Path, Path]:
    """Write six images of two sizes: with crowds, without predictions, or without objects."""
    rng = np.random.default_rng(0)
    images, annotations, results = [], [], []
    for key in range(1, 7):
        size = (40, 60) if key % 3 else (30, 50)
        images.append({"id": key, "file_name": f"{key}.jpg", "height": size[0], "width": size[1]})
        for _ in range(0 if key == 4 else 3):
            x, y, width, height = (int(n) for n in rng.integers((0, 0, 8, 8), (30, 20, 25, 20)))
            found = [[x, y, x + width, y + height], [x + 2, y, x + width, y + height - 3]]
            true, predicted = sc.Masks.from_boxes(np.array(found, float), size).to_coco()
            category = int(rng.integers(1, 3))
            common = {"image_id": key, "category_id": category}
            annotations.append(
                {"id": len(annotations) + 1, **common, "segmentation": true, "area": width * height,
                 "iscrowd": int(rng.random() < 0.2)}
            )  # fmt: skip
            if key != 2:
                results.append({**common, "segmentation": predicted, "score": float(rng.random())})
    categories = [{"id": 1, "name": "sofa"}, {"id": 2, "name": "lamp"}]
    truth, prediction = folder / "truth.json", folder / "prediction.json"
    document = {"images": images, "annotations": annotations, "categories": categories}
    truth.write_text(json.dumps(document))
    prediction.write_text(json.dumps(results))
    return truth, prediction


@pytest.mark.parametrize(
    ("num_files", "words"),
    [
        (8, ("compare", "--json", "report.json", "--csv", "all.csv", "--export-worst", 5, "worst")),
        (1, ("compare", "--score", "0.3", "--only-predicted", "--html", "page.html")),
        (2, ("evaluate instances", "--json", "report.json", "--html", "page.html")),
        (1, ("view", "-o", "page.html", "--prediction")),
    ],
)
def test_parts_and_processes_do_not_change_the_outputs(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    num_files: int,
    words: tuple[Any, ...],
) -> None:
    truth, prediction = several_images(tmp_path)
    outputs = {}
    # The second run has a part for all images, and the third one the parts of the first one. That
    # one starts processes, which takes long: without --slow, only what writes several files does.
    starts_processes = num_files > 1 or request.config.option.slow
    for workers, images in ((1, 2), (1, 128), *([(2, 2)] if starts_processes else [])):
        folder = tmp_path / f"{workers}-{images}"
        folder.mkdir()
        monkeypatch.chdir(folder)
        monkeypatch.setattr("segcore.show.report.pairs.IMAGES", images)
        if words[0] == "view":
            arguments = ["view", truth, *words[1:], prediction]
        else:
            arguments = [*words[0].split(), truth, prediction, *words[1:]]
        printed = good(*arguments, "--workers", workers).output
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        contents = {str(path.relative_to(folder)): path.read_bytes() for path in files}
        outputs[folder.name] = (printed, contents)
    assert outputs["1-2"] == outputs.get("2-2", outputs["1-2"])
    assert len(outputs["1-2"][1]) == num_files
    for name, content in outputs["1-128"][1].items():
        # The mean is a sum of sums, which may be rounded in another way.
        digits = re.compile(rb'("mean_iou": [\d.]{14})\d*')
        expected = digits.sub(rb"\1", outputs["1-2"][1][name])
        assert digits.sub(rb"\1", content) == expected, name
