"""Nothing is lost in silence: what a command leaves out is counted, named, and a loss for --strict.

Each kind of loss comes with the commands that have it, and the option that changes it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("click")
pytest.importorskip("rich")
Image = pytest.importorskip("PIL.Image")

from support.commands import good, refused, run  # noqa: E402

import segcore as sc  # noqa: E402

SIZE = (8, 10)
SQUARE = [[1, 1, 5, 1, 5, 4, 1, 4]]
OTHER = [[6, 4, 9, 4, 9, 7, 6, 7]]


def coco(path: Path, *annotations: dict[str, Any], size: tuple[int, int] = SIZE) -> Path:
    document = {
        "images": [{"id": 1, "file_name": "a.jpg", "height": size[0], "width": size[1]}],
        "categories": [{"id": 3, "name": "cat"}, {"id": 7, "name": "dog"}],
        "annotations": [
            {"id": 10 + i, "image_id": 1, "category_id": 3, "iscrowd": 0, **annotation}
            for i, annotation in enumerate(annotations)
        ],
    }
    path.write_text(json.dumps(document))
    return path


COMMANDS = {
    "semantic": lambda path, out: ["semantic", path, "-o", out],
    "panoptic": lambda path, out: ["panoptic", path, "-o", out],
    "labels": lambda path, out: ["labels", path, "-o", out / "a.json"],
    "view": lambda path, out: ["view", path, "-o", out / "a.html"],
    "compare": lambda path, out: ["compare", path, path, "--html", out / "a.html"],
    "evaluate semantic": lambda path, out: ["evaluate", "semantic", path, path],
    "evaluate panoptic": lambda path, out: ["evaluate", "panoptic", path, path],
}
EVERY = pytest.mark.parametrize("command", COMMANDS)


def account(tmp_path: Path, command: str, path: Path, *options: object) -> dict[str, Any]:
    """Run a command, check its --strict, and return what its --json says is left out."""
    out, report = tmp_path / "out", tmp_path / "report.json"
    words = [*COMMANDS[command](path, out), *options]
    result = good(*words, "--json", report, "--overwrite")
    found = json.loads(report.read_text())
    for item in found["left_out"]:
        assert item["why"] in result.stderr
        assert item["first"] in result.stderr
        assert item["option"] in result.stderr
    is_loss = found["skipped"] or found["not_read"]
    is_loss = is_loss or any(not item["is_asked"] for item in found["left_out"])
    strict = tmp_path / "strict"
    words = [*COMMANDS[command](path, strict), *options]
    result = run(*words, "--json", tmp_path / "strict.json", "--strict")
    assert result.exit_code == (3 if is_loss else 0), result.output
    if is_loss:
        assert "--strict: nothing was written, since " in result.stderr
        assert not strict.exists()
        assert not (tmp_path / "strict.json").exists()
    return found


def left_out(found: dict[str, Any]) -> dict[str, int]:
    return {f"{item['what']} {item['why']}": item["count"] for item in found["left_out"]}


@EVERY
def test_nothing_is_left_out(tmp_path: Path, command: str) -> None:
    path = coco(tmp_path / "in.json", {"segmentation": SQUARE}, {"segmentation": OTHER})
    found = account(tmp_path, command, path)
    assert (found["skipped"], found["not_read"], found["left_out"]) == ([], [], [])


@EVERY
@pytest.mark.parametrize("missing", [{"segmentation": []}, {"segmentation": None}, {}])
def test_boxes_without_masks(tmp_path: Path, command: str, missing: dict[str, Any]) -> None:
    box = missing | {"bbox": [6, 4, 3, 3]}
    path = coco(tmp_path / "in.json", {"segmentation": SQUARE}, box, missing)
    found = account(tmp_path, command, path)
    sources = 2 if command in ("compare", "evaluate semantic", "evaluate panoptic") else 1
    assert left_out(found) == {
        "annotation with a box and no mask": sources,
        "annotation without a mask": sources,
    }
    assert found["left_out"][0]["first"] == "annotation 11 of image 1"
    found = account(tmp_path, command, path, "--boxes")
    assert left_out(found) == {"annotation without a mask": sources}


def test_boxes_are_masks(tmp_path: Path) -> None:
    path = coco(tmp_path / "in.json", {"segmentation": [], "bbox": [6, 4, 3, 3]})
    good("labels", path, "-o", tmp_path / "a.json", "--boxes")
    assert sc.data.read(tmp_path / "a.json")[0].masks.area.tolist() == [9]
    good("convert", path, tmp_path / "b.csv", "--boxes")
    assert sc.data.read(tmp_path / "b.csv")[0].masks.area.tolist() == [9]
    result = run("convert", path, tmp_path / "c.csv")
    assert "1 annotation not written: it has no mask, the first: annotation 10" in result.stderr
    assert "(--boxes takes the box as the mask)" in result.stderr
    good("convert", path, tmp_path / "d.json", "--boxes", "--strict")
    [annotation] = json.loads((tmp_path / "d.json").read_text())["annotations"]
    assert annotation["segmentation"] == [[6, 4, 9, 4, 9, 7, 6, 7]]
    result = good("compare", path, tmp_path / "d.json", "--boxes")
    assert "1 object in 1 image: 1 matched; mean IoU 1.000" in result.stdout


def test_all_annotations_are_crowds(tmp_path: Path) -> None:
    crowd = {"segmentation": SQUARE, "iscrowd": 1}
    path = coco(tmp_path / "in.json", crowd, crowd | {"segmentation": OTHER})
    found = account(tmp_path, "compare", path)
    assert left_out(found) == {"crowd annotation not judged (iscrowd 1)": 2}
    found = account(tmp_path, "compare", path, "--crowd-as-object")
    assert left_out(found) == {}
    assert found["summary"]["objects"] == found["summary"]["matched"] == 2
    found = account(tmp_path, "semantic", path, "--no-crowd")
    assert left_out(found) == {"crowd annotation not painted": 2}  # as asked for
    assert left_out(account(tmp_path, "semantic", path)) == {}


@EVERY
@pytest.mark.parametrize(
    ("segmentation", "size", "said"),
    [
        # A portrait photograph, of which the annotations have the sides swapped.
        ([[10, 90, 70, 90, 70, 115, 10, 115]], (80, 120), "it would fit if height and width were"),
        ([[110, 20, 115, 20, 115, 70, 110, 70]], (120, 80), "outside the image of height 120"),
        ([[-9, -9, -2, -9, -2, -2]], (80, 120), "outside the image of height 80 and width 120"),
        ([[0.1, 0.1, 0.6, 0.1, 0.6, 0.4]], (80, 120), "from 0 to 1, perhaps shares of the sides"),
        ({"size": [80, 120], "counts": [9600]}, (80, 120), "whose RLE has no foreground"),
    ],
)
def test_masks_without_pixels(
    tmp_path: Path, command: str, segmentation: Any, size: tuple[int, int], said: str
) -> None:
    path = coco(
        tmp_path / "in.json", {"segmentation": SQUARE}, {"segmentation": segmentation}, size=size
    )
    found = account(tmp_path, command, path)
    [item] = found["left_out"]
    assert (item["what"], item["why"]) == ("annotation", "without pixels")
    assert item["first"].startswith("annotation 11 of image 1, whose ")
    assert said in item["first"]


def test_table_and_cup(tmp_path: Path) -> None:
    """The semantic and the panoptic command agree about order and hidden objects."""
    table = {"segmentation": [[1, 1, 9, 1, 9, 7, 1, 7]]}
    cup = {"segmentation": [[3, 3, 5, 3, 5, 5, 3, 5]], "category_id": 7}
    covered, hidden = "pixel covered by other annotations", "annotation hidden by others"
    for priority, listed, expected in (
        ("last", (table, cup), {covered: 4}),
        ("last", (cup, table), {hidden: 1}),
        ("first", (table, cup), {hidden: 1}),
        ("smallest", (cup, table), {covered: 4}),
    ):
        path = coco(tmp_path / "in.json", *listed)
        for command in ("semantic", "panoptic"):
            found = account(tmp_path, command, path, "--priority", priority)
            assert left_out(found) == expected
        [entry] = json.loads((tmp_path / "out" / "panoptic.json").read_text())["annotations"]
        areas = [segment["area"] for segment in entry["segments_info"]]
        assert min(areas) > 0
        assert len(areas) == 2 - expected.get(hidden, 0)
        file = tmp_path / "out" / "panoptic.json"
        assert "100.0" in good("evaluate", "panoptic", file, file).stdout


@EVERY
def test_options_that_are_named_exist(tmp_path: Path, command: str) -> None:
    table = {"segmentation": [[1, 1, 9, 1, 9, 7, 1, 7]]}
    cup = {"segmentation": [[3, 3, 5, 3, 5, 5, 3, 5]], "category_id": 7}
    box = {"bbox": [1, 1, 2, 2]}
    path = coco(tmp_path / "in.json", table, cup, table, box, {"segmentation": []})
    found = account(tmp_path, command, path)
    assert found["left_out"]
    help_text = good(*command.split(), "--help").stdout
    for item in found["left_out"]:
        assert item["option"].split(" ")[0] in help_text


@EVERY
def test_ids_of_other_kinds(tmp_path: Path, command: str) -> None:
    """Files that pandas wrote have numbers as text, and integers with a fraction."""
    path = coco(tmp_path / "in.json", {"segmentation": SQUARE, "image_id": "1", "category_id": 3.0})
    document = json.loads(path.read_text())
    document["images"][0]["height"] = 8.0
    path.write_text(json.dumps(document))
    assert account(tmp_path, command, path)["left_out"] == []


@EVERY
def test_invalid_items_are_losses(tmp_path: Path, command: str) -> None:
    bad = {"segmentation": {"size": list(SIZE), "counts": [5]}}
    path = coco(tmp_path / "in.json", {"segmentation": SQUARE}, bad)
    words = COMMANDS[command](path, tmp_path / "out")
    assert "annotation 11 of image 1" in refused(*words)
    found = account(tmp_path, command, path, "--skip-invalid")
    assert "annotation 11 of image 1" in found["skipped"][0]


# -- label maps -----------------------------------------------------------------------------------


def save(path: Path, pixels: np.ndarray, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)
    return path.parent


def binary(folder: Path, shift: int = 0) -> Path:
    mask = np.zeros((40, 60), np.uint8)
    mask[10:30, 20 + shift : 50 + shift] = 255
    return save(folder / "a.png", mask)


def test_masks_of_0_and_255_are_objects(tmp_path: Path) -> None:
    path, shifted = binary(tmp_path / "masks"), binary(tmp_path / "shifted", 5)
    blank = save(tmp_path / "blank" / "a.png", np.zeros((40, 60), np.uint8))
    result = good("labels", path, "-o", tmp_path / "a.json", "--strict")
    assert "1 image, 1 annotation, 1 category" in result.stdout
    assert sc.data.read(tmp_path / "a.json")[0].masks.area.tolist() == [600]
    result = good("compare", path, shifted, "--strict")
    assert "1 object in 1 image: 1 matched; mean IoU 0.714" in result.stdout
    assert "1 object in 1 image: 1 missed" in good("compare", path, blank).stdout
    assert "1 object in 1 image: 1 missed" in good("compare", path / "a.png", blank).stdout
    report = tmp_path / "report.json"
    good("evaluate", "semantic", path, shifted, "--json", report, "--strict")
    classes = {c["name"]: c["iou"] for c in json.loads(report.read_text())["classes"]}
    assert classes["object"] == pytest.approx(500 / 700)
    good("semantic", path, "-o", tmp_path / "maps")
    assert np.asarray(Image.open(tmp_path / "maps" / "a.png")).sum() == 600


@EVERY
def test_ignored_pixels_are_counted(tmp_path: Path, command: str) -> None:
    pixels = np.array([[0, 1, 1], [2, 255, 255]], np.uint8)
    path = save(tmp_path / "maps" / "a.png", pixels)
    if command == "evaluate semantic":
        found = account(tmp_path, command, path, "--num-classes", 3)
        assert left_out(found) == {"pixel of the true label 255, which is ignored": 2}
        return
    found = account(tmp_path, command, path)
    assert found["not_read"][0] == "2 pixels of the label 255, which are ignored, the first: a.png"
    found = account(tmp_path, command, path, "--ignore", 2)
    assert found["not_read"] == []


def test_labels_of_other_forms(tmp_path: Path) -> None:
    mask = np.zeros((6, 8), np.uint8)
    mask[1:4, 2:7] = 1
    forms = {
        "bits": Image.fromarray(mask.astype(bool)),
        "deep": Image.fromarray(mask.astype(np.uint16) * 700),
        "palette": Image.fromarray(mask).convert("P"),
        "colors": Image.fromarray(mask[..., None] * np.array([10, 20, 30], np.uint8)),
    }
    for name, image in forms.items():
        (tmp_path / name).mkdir()
        image.save(tmp_path / name / "a.png")
        options = []
        if name == "colors":
            assert "need a table beside it" in refused("view", tmp_path / name)
            (tmp_path / "labelmap.txt").write_text(
                "nothing:0,0,0\nbackground:0,0,0\ncat:10,20,30\n"
            )
            options = ["--colors", tmp_path / "labelmap.txt"]
            table = tmp_path / "mine.txt"  # a table of any name may have the same form
            table.write_text("# name:r,g,b\n0:0,0,0\ncat: 10, 20, 30 ::\n")
            words = ["convert", tmp_path / name, tmp_path / "c.json", "--colors", table]
            good(*words)
            assert sc.data.read(tmp_path / "c.json").categories["name"][-1] == "cat"
        for command in ("labels", "convert"):
            target = tmp_path / f"{name}-{command}.json"
            words = ["-o", target] if command == "labels" else [target]
            good(command, tmp_path / name, *words, *options, "--strict")
            assert sc.data.read(target)[0].masks.area.tolist() == [15]
        good("semantic", tmp_path / name, "-o", tmp_path / f"{name}-maps", *options)
    line = refused("view", tmp_path / "bits" / "a.png", "--from", "coco", "--ignore", 3)
    assert "--ignore: only for label maps, but the format is 'coco'" in line


def test_masks_that_lose_pixels_are_refused_or_counted(tmp_path: Path) -> None:
    binary(tmp_path / "masks")
    blurred = np.zeros((40, 60, 3), np.uint8)
    Image.fromarray(blurred).save(tmp_path / "masks" / "a.jpg")  # the photograph of a.png
    Image.fromarray(blurred).save(tmp_path / "masks" / "b.jpg")
    found = account(tmp_path, "labels", tmp_path / "masks")
    assert found["not_read"] == ["1 image files that are not PNGs, the first: b.jpg"]
    (tmp_path / "masks" / "a.png").unlink()
    line = refused("labels", tmp_path / "masks", "-o", tmp_path / "x.json")
    assert "JPEG files, which cannot hold labels: their compression changes pixels" in line


@pytest.mark.skipif(sys.platform != "linux", reason="other file systems ignore case")
@EVERY
def test_the_case_of_suffixes(tmp_path: Path, command: str) -> None:
    path = save(
        tmp_path / "maps" / "a.PNG", np.array([[0, 255], [255, 255]], np.uint8), format="PNG"
    )
    assert account(tmp_path, command, path)["left_out"] == []
    save(tmp_path / "maps" / "a.png", np.ones((2, 2), np.uint8))
    words = COMMANDS[command](path, tmp_path / "again")
    assert "a.PNG and a.png differ in case alone" in refused(*words)


# -- formats --------------------------------------------------------------------------------------


@EVERY
def test_the_format_can_be_named(tmp_path: Path, command: str) -> None:
    path = coco(tmp_path / "data", {"segmentation": SQUARE})
    named = ["--from", "coco"]
    if command in ("compare", "evaluate semantic", "evaluate panoptic"):
        named += ["--pred-from", "coco"]
    account(tmp_path, command, path, *named)
    words = COMMANDS[command](path, tmp_path / "again")
    assert 'format: expected "coco"' in refused(*words, "--from", "word")
    assert refused(*words, "--from", "cvat").startswith(f"Error: {path}")


def test_categories_of_other_numbers_are_matched_by_name(tmp_path: Path) -> None:
    """YOLO numbers its classes from 0."""
    pytest.importorskip("yaml")
    path = coco(
        tmp_path / "in.json",
        {"segmentation": SQUARE, "category_id": 7},
        {"segmentation": OTHER, "category_id": 3},
    )
    good("convert", path, tmp_path / "yolo", "--to", "yolo")
    result = good("compare", path, tmp_path / "yolo")
    assert "2 objects in 1 image: 2 matched; mean IoU 1.000" in result.stdout
