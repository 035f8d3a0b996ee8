"""The command line, as its users meet it: files in, files out, one line for what is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("click")
pytest.importorskip("rich")
Image = pytest.importorskip("PIL.Image")

from click.testing import CliRunner, Result  # noqa: E402
from support.json_reader import IS_COMPILED  # noqa: E402

import segcore  # noqa: E402
from segcore.cli.app import app  # noqa: E402
from segcore.show import palette  # noqa: E402

DATA = os.environ.get("SEGCORE_TEST_DATA")


# -- making and running ---------------------------------------------------------------------------


def square(x: float, y: float, size: float) -> list[list[float]]:
    return [[x, y, x + size, y, x + size, y + size, x, y + size]]


def coco(*annotations: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Make a file with an image of 8 x 10 pixels, the categories 30 and 20, and annotations."""
    return {
        "images": [{"id": 7, "file_name": "photo.jpg", "height": 8, "width": 10}],
        "categories": [{"id": 30, "name": "tree"}, {"id": 20, "name": "car"}],
        "annotations": [
            {"id": 100 + i, "image_id": 7, "category_id": 20, "iscrowd": 0} | annotation
            for i, annotation in enumerate(annotations)
        ],
    } | changes


def image(**changes: Any) -> dict[str, Any]:
    return {"id": 7, "file_name": "photo.jpg", "height": 8, "width": 10} | changes


def write(path: Path, document: object) -> Path:
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)


def semantic(tmp_path: Path, document: object, *options: object) -> Result:
    path = write(tmp_path / "in.json", document)
    return run("semantic", path, "-o", tmp_path / "out", *options)


def labels(tmp_path: Path, name: str = "photo.png") -> np.ndarray:
    return np.asarray(Image.open(tmp_path / "out" / name))


def files(folder: Path) -> list[str]:
    """List everything below a folder, hidden things too."""
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*"))


def refused(tmp_path: Path, result: Result, *parts: str) -> None:
    """Check for exit code 2, one line that says the parts, and nothing written."""
    assert result.exit_code == 2
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    for part in parts:
        assert part in line
    assert files(tmp_path) in (["in.json"], [])


# -- semantic: what it paints ---------------------------------------------------------------------

BIG, SMALL = square(1, 1, 6), square(3, 3, 2)


def test_map_is_an_indexed_png_of_class_indices(tmp_path: Path) -> None:
    result = semantic(
        tmp_path,
        coco({"segmentation": BIG}, {"segmentation": SMALL, "category_id": 30}),
    )
    assert result.exit_code == 0, result.output
    expected = np.zeros((8, 10), np.uint8)
    expected[1:7, 1:7] = 1  # category 20, the lower id
    expected[3:5, 3:5] = 2
    np.testing.assert_array_equal(labels(tmp_path), expected)
    with Image.open(tmp_path / "out" / "photo.png") as png:
        assert png.mode == "P"
        colors = np.array(png.getpalette()).reshape(-1, 3)
    np.testing.assert_array_equal(colors[0], [0, 0, 0])
    np.testing.assert_array_equal(colors[1:3], palette(2))
    header = (tmp_path / "out" / "photo.png").read_bytes()
    assert (header[24], header[25]) == (8, 3)  # bits, and the colour type "indexed"


def test_classes_json_tells_what_the_pixels_mean(tmp_path: Path) -> None:
    semantic(tmp_path, coco())
    described = json.loads((tmp_path / "out" / "classes.json").read_text())
    assert described["png"].startswith("8-bit indexed")
    assert [(c["index"], c["category_id"], c["name"]) for c in described["classes"]] == [
        (0, None, "background"),
        (1, 20, "car"),
        (2, 30, "tree"),
    ]
    assert described["classes"][2]["color"] == palette(2)[1].tolist()


def test_image_without_annotations_is_background(tmp_path: Path) -> None:
    assert semantic(tmp_path, coco()).exit_code == 0
    np.testing.assert_array_equal(labels(tmp_path), np.zeros((8, 10)))


@pytest.mark.parametrize(
    ("priority", "on_top"), [("last", 1), ("first", 2), ("smallest", 2), ("score", 1)]
)
def test_priority(tmp_path: Path, priority: str, on_top: int) -> None:
    document = coco(
        {"segmentation": SMALL, "category_id": 30, "score": 0.2},
        {"segmentation": BIG, "score": 0.7},
    )
    assert semantic(tmp_path, document, "--priority", priority).exit_code == 0
    assert labels(tmp_path)[4, 4] == on_top


@pytest.mark.parametrize(("option", "values"), [("--crowd", (1, 2)), ("--no-crowd", (0, 2))])
def test_crowds_lie_underneath_or_are_left_out(
    tmp_path: Path, option: str, values: tuple[int, int]
) -> None:
    crowd = {"size": [8, 10], "counts": [0, 80]}
    document = coco(
        {"segmentation": SMALL, "category_id": 30}, {"segmentation": crowd, "iscrowd": 1}
    )
    assert semantic(tmp_path, document, option).exit_code == 0
    assert (labels(tmp_path)[0, 0], labels(tmp_path)[4, 4]) == values


@pytest.mark.parametrize("counts", [[9, 2, 69], "92U2"])
def test_rle_of_both_kinds(tmp_path: Path, counts: object) -> None:
    document = coco({"segmentation": {"size": [8, 10], "counts": counts}})
    assert semantic(tmp_path, document).exit_code == 0
    np.testing.assert_array_equal(np.argwhere(labels(tmp_path)), [[1, 1], [2, 1]])


@pytest.mark.parametrize(("classes", "dtype", "color_type"), [(255, "u1", 3), (256, "u2", 0)])
def test_many_classes_take_16_bits(
    tmp_path: Path, classes: int, dtype: str, color_type: int
) -> None:
    categories = [{"id": i, "name": f"class {i}"} for i in range(classes)]
    document = coco({"segmentation": BIG, "category_id": classes - 1}, categories=categories)
    assert semantic(tmp_path, document).exit_code == 0
    assert (tmp_path / "out" / "photo.png").read_bytes()[24:26] == bytes(
        [8 * np.dtype(dtype).itemsize, color_type]
    )
    got = labels(tmp_path)
    assert got.dtype == dtype
    assert got[4, 4] == classes
    described = json.loads((tmp_path / "out" / "classes.json").read_text())
    assert described["png"].startswith("16-bit gray" if classes > 255 else "8-bit indexed")
    assert len(described["classes"]) == classes + 1


def test_summary_counts_what_is_painted(tmp_path: Path) -> None:
    result = semantic(tmp_path, coco({"segmentation": BIG}, {"segmentation": SMALL}))
    (row,) = (line for line in result.stdout.splitlines() if "car" in line)
    assert [cell.strip() for cell in row.strip("│ ").split("│")] == ["1", "car", "2", "36", "1"]
    assert "1 label map and classes.json" in " ".join(result.stdout.split())


def test_names_in_brackets_are_not_markup(tmp_path: Path) -> None:
    result = semantic(
        tmp_path, coco({"segmentation": BIG}, categories=[{"id": 20, "name": "[red]x[/blue]"}])
    )
    assert result.exit_code == 0
    assert "[red]x[/blue]" in result.stdout


def test_subfolders_are_kept(tmp_path: Path) -> None:
    images = [
        image(id=1, file_name="a/photo.jpg"),
        image(id=2, file_name="b/./photo.jpg"),
        image(id=3, file_name="b\\c\\v1.2 photo.tar.jpg"),
        image(id=4, file_name="plain"),
    ]
    assert semantic(tmp_path, coco(images=images)).exit_code == 0
    assert files(tmp_path / "out") == [
        "a", "a/photo.png", "b", "b/c", "b/c/v1.2 photo.tar.png", "b/photo.png", "classes.json",
        "plain.png",
    ]  # fmt: skip


def test_lvis_names_its_images_by_address(tmp_path: Path) -> None:
    entry = {"id": 7, "coco_url": "http://x.org/val/000042.jpg", "height": 8, "width": 10}
    assert semantic(tmp_path, coco(images=[entry])).exit_code == 0
    assert labels(tmp_path, "000042.png").shape == (8, 10)


# -- semantic: what it refuses --------------------------------------------------------------------


def test_missing_file(tmp_path: Path) -> None:
    result = run("semantic", tmp_path / "no.json", "-o", tmp_path / "out")
    refused(tmp_path, result, "no.json", "No such file")


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("", "not JSON"),
        ("{", "byte 1: "),
        ("[" * 100_000, "expected an object" if IS_COMPILED else "expected fewer nested values"),
        ("\ud800".encode("utf-16", "surrogatepass").decode("latin1"), "not JSON"),
        ([], "a list"),
        (3, "not JSON: expected an object or an array"),
        ({"images": [], "captions": []}, 'expected "images" and "annotations"'),
        ({"images": [], "categories": {}, "annotations": []}, "expected an array of objects"),
        ({"images": [], "annotations": []}, '"categories" is missing'),
        (coco(categories=[]), '"categories" is empty'),
        (coco(categories=[{"id": 1}, {"id": "a"}]), "use one kind"),
        (coco(categories=[None]), "categories[0] (byte 91): expected an object"),
    ],
)
def test_files_that_are_not_coco(tmp_path: Path, document: object, said: str) -> None:
    refused(tmp_path, semantic(tmp_path, document), "in.json", said)
    refused(tmp_path, semantic(tmp_path, document, "--skip-invalid"), said)


@pytest.mark.parametrize(
    ("categories", "said", "code"),
    [
        ([{"id": 20}, {"id": 20}], "categories[1] (id 20, byte 103): id: 20 occurs twice", 0),
        ([{"name": "x"}], "categories[0] (byte 91): id: expected an integer or a string", 2),
        ([{"id": 20, "name": []}], "categories[0] (id 20, byte 91): name: expected a string", 2),
    ],
)
def test_bad_categories_are_named(
    tmp_path: Path, categories: list[Any], said: str, code: int
) -> None:
    document = coco({"segmentation": BIG}, categories=categories)
    refused(tmp_path, semantic(tmp_path, document), "in.json: ", said)
    result = semantic(tmp_path, document, "--skip-invalid")
    assert result.exit_code == code
    assert ('"categories" is invalid' if code else said) in result.stderr


def test_numbers_as_names_of_categories(tmp_path: Path) -> None:
    document = coco({"segmentation": BIG}, categories=[{"id": 20, "name": 7}, {"id": 30}])
    assert semantic(tmp_path, document).exit_code == 0
    described = json.loads((tmp_path / "out" / "classes.json").read_text())
    assert [c["name"] for c in described["classes"]] == ["background", "7", "30"]


BAD_ANNOTATIONS = {
    "unknown image": ({"image_id": 8}, "image_id: expected the id of an image, got 8"),
    "unknown category": ({"category_id": 21}, "the id of a category, got 21"),
    "no image": ({"image_id": None}, "image_id: expected an integer or a string, got null"),
    "boolean image": ({"image_id": True}, "image_id: expected an integer or a string, got True"),
    "list for an id": ({"category_id": [20]}, "expected an integer or a string, got list"),
    "crowd": ({"iscrowd": 2}, "iscrowd: expected 0 or 1, got 2"),
    "crowd list": ({"iscrowd": []}, "iscrowd: expected 0 or 1, got list"),
    "size": ({"segmentation": {"size": [10, 8], "counts": [80]}}, "the image's (8, 10)"),
    "too short": ({"segmentation": {"size": [8, 10], "counts": [79]}}, "79"),
    "too long": ({"segmentation": {"size": [8, 10], "counts": [1, 80]}}, "81"),
    "negative": ({"segmentation": {"size": [8, 10], "counts": [-1, 81]}}, "-1"),
    "bad string": ({"segmentation": {"size": [8, 10], "counts": "!!"}}, "byte 0"),
    "cut string": ({"segmentation": {"size": [8, 10], "counts": "P"}}, "counts string"),
    "no counts": ({"segmentation": {"size": [8, 10]}}, "counts"),
    "no size": ({"segmentation": {"counts": [80]}}, "size"),
    "infinite": ({"segmentation": [[1, 1, 2, 2, float("inf"), 1]]}, "coordinate"),
    "not numbers": ({"segmentation": [["a", 1, 2, 2, 3, 1]]}, "annotation 101 of"),
    "odd": ({"segmentation": "none"}, "annotation 101"),
}


@pytest.mark.parametrize("case", BAD_ANNOTATIONS)
def test_bad_annotations_are_named(tmp_path: Path, case: str) -> None:
    bad, said = BAD_ANNOTATIONS[case]
    document = coco({"segmentation": BIG}, {"segmentation": BIG} | bad, {"segmentation": SMALL})
    named = "annotations[1] (id 101, byte 2" if "got" in said else "annotation 101 of image 7 (byte"
    refused(tmp_path, semantic(tmp_path, document), "in.json: ", named, said)

    result = semantic(tmp_path, document, "--skip-invalid")
    assert result.exit_code == 0
    assert labels(tmp_path).sum() == 36
    first, second = result.stderr.splitlines()
    assert first == "skipped 1:"
    assert named in second
    assert said in second


def test_annotation_without_segmentation_or_id(tmp_path: Path) -> None:
    document = coco({}, {"segmentation": BIG})
    document["annotations"][0] = {"image_id": 9}
    refused(tmp_path, semantic(tmp_path, document), "annotations[0] (byte ", "got 9")
    document["annotations"][0] = 5
    refused(tmp_path, semantic(tmp_path, document), "annotations[0] (byte ", "expected an object")


@pytest.mark.parametrize("score", [None, "high", True, float("nan"), float("-inf")])
def test_priority_by_score_needs_scores(tmp_path: Path, score: object) -> None:
    document = coco({"segmentation": BIG, "score": score})
    result = semantic(tmp_path, document, "--priority", "score")
    refused(tmp_path, result, "100", "score")
    is_number = score in (None, float("-inf"))
    result = semantic(tmp_path, document, "--priority", "last")
    assert result.exit_code == (0 if is_number else 2)


BAD_IMAGES = {
    "no height": ({"height": None}, 'its "height" is missing'),
    "zero": ({"width": 0}, "width: expected a number of pixels, got 0"),
    "negative": ({"height": -8}, "height: expected a number of pixels, got -8"),
    "fraction": ({"height": 8.5}, "height: expected a number of pixels, got float 8.5"),
    "text": ({"height": "8"}, "height: expected a number of pixels, got str '8'"),
    "boolean": ({"height": True}, "height: expected a number of pixels, got True"),
    "huge": ({"height": 10**9, "width": 10**9}, "pixels"),
    "absurd": ({"height": 10**400}, "height: expected a number of pixels"),
    "no name": ({"file_name": None}, '"file_name" is missing'),
    "empty name": ({"file_name": ""}, '"file_name"'),
    "up": ({"file_name": "../photo.jpg"}, "leaves its folder"),
    "up inside": ({"file_name": "a/../../photo.jpg"}, "leaves its folder"),
    "up, backslash": ({"file_name": "a\\..\\..\\photo.jpg"}, "leaves its folder"),
    "absolute": ({"file_name": "/tmp/photo.jpg"}, "absolute"),
    "drive": ({"file_name": "C:photo.jpg"}, "absolute"),
    "folder": ({"file_name": "photos/"}, "names a folder"),
    "dot": ({"file_name": "."}, "names a folder"),
    "nul": ({"file_name": "a\0.jpg"}, "control character"),
    "c1": ({"file_name": "a\x9b31m.jpg"}, "control character"),
    "surrogate": ({"file_name": "\ud800.jpg"}, "not a valid name"),
    "same id": ({"id": 1}, "occurs twice"),
    "same file": ({"file_name": "other.png"}, "image 1 goes to the same file, other.png"),
}


@pytest.mark.parametrize("case", BAD_IMAGES)
def test_bad_images_are_named(tmp_path: Path, case: str) -> None:
    bad, said = BAD_IMAGES[case]
    entry = image(**bad)
    images = [image(id=1, file_name="other.jpg"), entry]
    document = coco({"segmentation": BIG, "image_id": 1}, images=images)
    named = "images[1] (id " if "expected a number" in said or "twice" in said else "image 7"
    refused(tmp_path, semantic(tmp_path, document), "in.json: ", named, said)

    result = semantic(tmp_path, document, "--skip-invalid")
    assert result.exit_code == 0
    assert files(tmp_path) == ["in.json", "out", "out/classes.json", "out/other.png"]
    assert labels(tmp_path, "other.png").sum() == 36
    assert said in result.stderr


def test_annotations_of_a_skipped_image_go_with_it(tmp_path: Path) -> None:
    images = [image(height=0), image(id=8, file_name="good.jpg")]
    document = coco({"segmentation": BIG}, {"segmentation": BIG, "image_id": 8}, images=images)
    result = semantic(tmp_path, document, "--skip-invalid")
    assert result.exit_code == 0
    first, *lines = result.stderr.splitlines()
    assert first == "skipped 2:"
    said = "images[0] (id 7, byte 12): height: expected a number of pixels, got 0"
    assert said in lines[0]
    assert "1 annotation of images that were skipped" in lines[1]
    assert files(tmp_path / "out") == ["classes.json", "good.png"]


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (coco({"segmentation": BIG}, images=[image(height=0)]), "all its images are invalid"),
        (coco({"segmentation": None}, {"image_id": 9}), "all its annotations are invalid"),
    ],
)
@pytest.mark.parametrize("command", ["semantic", "panoptic", "view"])
def test_where_everything_is_skipped_nothing_is_written(
    tmp_path: Path, command: str, document: object, said: str
) -> None:
    path = write(tmp_path / "in.json", document)
    result = run(command, path, "-o", tmp_path / "out", "--skip-invalid")
    refused(tmp_path, result, "in.json", said)


def test_where_there_are_no_annotations_none_were_skipped(tmp_path: Path) -> None:
    document = coco(images=[image(), image(id=8, height=0)])
    assert semantic(tmp_path, document, "--skip-invalid").exit_code == 0
    assert files(tmp_path / "out") == ["classes.json", "photo.png"]


# -- outputs, whole or not at all -----------------------------------------------------------------


def test_failure_leaves_an_older_result_as_it_was(tmp_path: Path) -> None:
    semantic(tmp_path, coco({"segmentation": BIG}))
    out = tmp_path / "out"
    (out / "notes.txt").write_text("mine")
    before = {p: p.read_bytes() for p in out.iterdir()}
    images = [image(), image(id=8, file_name="second.jpg")]
    bad = {"segmentation": {"size": [1, 1], "counts": [1]}, "image_id": 8}
    assert semantic(tmp_path, coco(bad, images=images)).exit_code == 2
    assert {p: p.read_bytes() for p in out.iterdir()} == before

    assert semantic(tmp_path, coco(images=images)).exit_code == 0
    assert files(out) == ["classes.json", "notes.txt", "photo.png", "second.png"]
    assert labels(tmp_path).sum() == 0


def test_folder_in_the_place_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "out" / "photo.png").mkdir(parents=True)
    result = semantic(tmp_path, coco())
    assert result.exit_code == 2
    assert "photo.png: it is a folder, expected a file" in result.stderr
    assert files(tmp_path / "out") == ["photo.png"]


def test_file_in_the_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    result = semantic(tmp_path, coco())
    assert result.exit_code == 2
    assert "out: it is a file, expected a folder" in result.stderr
    assert (tmp_path / "out").read_text() == "mine"


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege on Windows")
def test_links_do_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "sub").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    result = semantic(tmp_path, coco(images=[image(file_name="sub/photo.jpg")]))
    assert result.exit_code == 2
    assert "leads out of the output folder" in result.stderr
    assert files(tmp_path / "elsewhere") == []


def test_unwritable_folder(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir(mode=0o500)
    if os.access(folder, os.W_OK):  # root may write everywhere, but not there
        folder = Path("/proc")
        if not folder.exists():
            pytest.skip("no folder here is unwritable")
    result = run("semantic", write(tmp_path / "in.json", coco()), "-o", folder)
    assert result.exit_code == 2
    assert "cannot write" in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("name", ["x" * 300 + ".jpg", "a/" * 600 + "b.jpg"])
def test_names_that_no_disk_has(tmp_path: Path, name: str) -> None:
    result = semantic(tmp_path, coco(images=[image(file_name=name)]))
    refused(tmp_path, result, 'image 7 (byte 12): its "file_name"', "too long")


def test_missing_parents_of_the_folder_are_made(tmp_path: Path) -> None:
    path = write(tmp_path / "in.json", coco())
    assert run("semantic", path, "-o", tmp_path / "a" / "b").exit_code == 0
    assert files(tmp_path / "a") == ["b", "b/classes.json", "b/photo.png"]


# -- real data ------------------------------------------------------------------------------------


@pytest.mark.skipif(not DATA, reason="SEGCORE_TEST_DATA is not set")
@pytest.mark.filterwarnings("ignore:__array__ implementation")  # pycocotools with NumPy 2
def test_coco_maps_equal_pycocotools_and_numpy(tmp_path: Path) -> None:
    mask = pytest.importorskip("pycocotools.mask")
    source = Path(str(DATA)) / "coco_val2014_100" / "instances_val2014_100.json"
    result = run("semantic", source, "-o", tmp_path / "out", "--priority", "last")
    assert result.exit_code == 0, result.output
    document = json.loads(source.read_text())
    index = {c: i for i, c in enumerate(sorted(c["id"] for c in document["categories"]), 1)}
    assert len(files(tmp_path / "out")) == len(document["images"]) + 1
    for entry in document["images"]:
        height, width = entry["height"], entry["width"]
        expected = np.zeros((height, width), np.uint8)
        mine = [a for a in document["annotations"] if a["image_id"] == entry["id"]]
        for a in sorted(mine, key=lambda a: -a["iscrowd"]):  # stable: crowds come first
            rles = mask.frPyObjects(a["segmentation"], height, width)
            rle = mask.merge(rles) if isinstance(rles, list) else rles
            expected[mask.decode(rle).astype(bool)] = index[a["category_id"]]
        name = Path(entry["file_name"]).with_suffix(".png").name
        np.testing.assert_array_equal(labels(tmp_path, name), expected, err_msg=name)


# -- demo, info and the program -------------------------------------------------------------------


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """Give the folder in whose `out` the demo is, and what the command printed."""
    folder = tmp_path_factory.mktemp("demo")
    return folder, run("demo", "-o", folder / "out")


def test_demo_finds_what_the_prediction_lost(demo: tuple[Path, Result]) -> None:
    folder, result = demo
    assert result.exit_code == 0
    assert files(folder / "out") == [
        "demo.png", "difference.png", "instances.png", "iou.csv", "page.html", "prediction.png",
        "room-prediction.json", "room.json", "semantic.png",
    ]  # fmt: skip
    rows = [line.split(",") for line in (folder / "out" / "iou.csv").read_text().splitlines()]
    lost = {(thing, part) for thing, part, *_, flag in rows[1:] if flag == "1"}
    assert {("cushion 2", ""), ("sofa", "legs"), ("table", "legs")} <= lost
    assert {thing for thing, part in lost if not part} == {"cushion 2"}
    ious = {thing: float(iou) for thing, part, _, iou, *_ in rows[1:] if not part}
    assert 0.9 < ious["sofa"] < 1
    assert len(ious) == 26
    for line in result.stdout.splitlines():
        if "cushion 2" in line and "│" in line:
            assert "LOST" in line
    assert f"in {folder / 'out'}:" in result.stdout.splitlines()


def test_demo_semantic_map_has_one_colour_for_both_persons(demo: tuple[Path, Result]) -> None:
    folder, _ = demo
    got = labels(folder, "semantic.png")
    document = json.loads((folder / "out" / "room.json").read_text())
    size = (document["images"][0]["height"], document["images"][0]["width"])
    assert got.shape == size == (640, 960)
    persons = [a for a in document["annotations"] if a["name"].startswith("person")]
    assert len(persons) == 2
    for person in segcore.Masks.from_coco(persons, size).to_dense():
        assert np.mean(got[person] == 1) > 0.98  # at borders, a neighbour may share a pixel


def test_demo_room_is_a_file_for_semantic(demo: tuple[Path, Result], tmp_path: Path) -> None:
    folder, _ = demo
    words = ["-o", tmp_path / "out", "--priority", "last"]
    result = run("semantic", folder / "out" / "room.json", *words)
    assert result.exit_code == 0
    with Image.open(folder / "out" / "semantic.png") as png:
        np.testing.assert_array_equal(labels(tmp_path, "room.png"), np.asarray(png))


def test_demo_default_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("demo").exit_code == 0
    assert (tmp_path / "segcore-demo" / "instances.png").exists()


def test_info_prints_the_runtime() -> None:
    result = run("info")
    assert result.exit_code == 0
    assert segcore.backends.current() in result.stdout


def test_version() -> None:
    assert segcore.__version__ in run("--version").stdout


def program(*arguments: object, code: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code + "; import segcore.cli; segcore.cli.main()"]
    return subprocess.run(
        [*command, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=300
    )


def test_exit_codes_of_the_program(tmp_path: Path) -> None:
    good = write(tmp_path / "good.json", coco({"segmentation": BIG}))
    result = program("semantic", good, "-o", tmp_path / "out", code="pass")
    assert (result.returncode, result.stderr) == (0, "")  # not a terminal: no progress bar
    assert labels(tmp_path).sum() == 36

    bad = write(tmp_path / "bad.json", coco({"segmentation": BIG, "image_id": 3}))
    result = program("semantic", bad, "-o", tmp_path / "new", code="pass")
    assert (result.returncode, result.stdout) == (2, "")
    assert len(result.stderr.splitlines()) == 1
    assert "annotations[0] (id 100" in result.stderr


@pytest.mark.parametrize(
    ("module", "name"), [("click", "click"), ("rich", "rich"), ("PIL", "Pillow")]
)
def test_program_says_which_extra_it_needs(module: str, name: str) -> None:
    result = program("info", code=f"import sys; sys.modules[{module!r}] = None")
    assert (result.returncode, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert module.replace("PIL", "Pillow") in line
    assert 'pip install "segcore[cli]"' in line
