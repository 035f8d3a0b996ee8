"""segcore labels: folders of maps in, one COCO file out, one line for what is wrong."""

from __future__ import annotations

import json
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("click")
pytest.importorskip("rich")
Image = pytest.importorskip("PIL.Image")

from click.testing import CliRunner, Result  # noqa: E402
from support import commands  # noqa: E402

import segcore as sc  # noqa: E402
from segcore.cli.app import app  # noqa: E402

DATA = os.environ.get("SEGCORE_TEST_DATA")

MAP = np.array(
    [
        [0, 0, 7, 7, 0, 7],
        [0, 3, 0, 0, 0, 7],
        [3, 3, 0, 255, 0, 0],
    ],
    np.uint8,
)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)


def save(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def labels(folder: Path, *options: object) -> Result:
    return run("labels", folder / "maps", "-o", folder / "out" / "coco.json", *options)


def read(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "out" / "coco.json").read_text())


def dense(annotation: dict[str, Any]) -> np.ndarray:
    return sc.Masks.from_coco([annotation["segmentation"]]).to_dense()[0]


def refused(folder: Path, result: Result, *parts: str) -> None:
    """Check for exit code 2, one line that says the parts, and nothing written."""
    assert result.exit_code == 2
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    for part in parts:
        assert part in line
    assert not (folder / "out").exists()


# -- label maps -----------------------------------------------------------------------------------


def test_each_label_becomes_an_annotation(tmp_path: Path) -> None:
    save(tmp_path / "maps" / "b.png", MAP)
    save(tmp_path / "maps" / "a" / "a.png", (MAP * np.uint16(1)) + np.uint16(300) * (MAP == 3))
    result = labels(tmp_path)
    assert result.exit_code == 0, result.output
    assert "2 images, 4 annotations, 3 categories in" in result.stdout
    document = read(tmp_path)
    assert document["images"] == [
        {"id": 1, "file_name": "a/a.png", "height": 3, "width": 6},
        {"id": 2, "file_name": "b.png", "height": 3, "width": 6},
    ]
    assert document["categories"] == [{"id": i, "name": f"class {i}"} for i in (3, 7, 303)]
    found = [(a["id"], a["image_id"], a["category_id"]) for a in document["annotations"]]
    assert found == [(1, 1, 7), (2, 1, 303), (3, 2, 3), (4, 2, 7)]
    last = document["annotations"][-1]
    np.testing.assert_array_equal(dense(last), MAP == 7)
    assert (last["area"], last["bbox"], last["iscrowd"]) == (4, [2, 0, 4, 2], 0)


@pytest.mark.parametrize(("connectivity", "count"), [(4, 4), (8, 3)])
def test_components_are_annotations_of_their_own(tmp_path, connectivity, count) -> None:
    save(tmp_path / "maps" / "a.png", np.array([[7, 0, 3], [0, 7, 0], [3, 0, 0]], np.uint8))
    result = labels(tmp_path, "--components", connectivity)
    assert result.exit_code == 0, result.output
    document = read(tmp_path)
    assert len(document["annotations"]) == count
    assert len(document["categories"]) == 2


def test_background_and_ignored_labels_can_be_others(tmp_path: Path) -> None:
    save(tmp_path / "maps" / "a.png", MAP)
    assert labels(tmp_path, "--background", 7, "--ignore", 3).exit_code == 0
    assert [a["category_id"] for a in read(tmp_path)["annotations"]] == [0, 255]


def test_semantic_maps_come_back_with_their_categories(tmp_path: Path) -> None:
    """What segcore semantic wrote has the categories of what it read."""
    demo = tmp_path / "demo"
    assert run("demo", "-o", demo).exit_code == 0
    truth = json.loads((demo / "room.json").read_text())
    assert run("semantic", demo / "room.json", "-o", tmp_path / "maps").exit_code == 0
    result = labels(tmp_path)
    assert result.exit_code == 0, result.output
    document = read(tmp_path)
    names = {c["id"]: c["name"] for c in truth["categories"]}
    assert {c["id"]: c["name"] for c in document["categories"]} == names
    assert run("semantic", tmp_path / "out" / "coco.json", "-o", tmp_path / "again").exit_code == 0
    for path in (tmp_path / "maps").glob("*.png"):
        with Image.open(path) as one, Image.open(tmp_path / "again" / path.name) as other:
            np.testing.assert_array_equal(np.asarray(one), np.asarray(other))


@pytest.mark.parametrize("count", [254, 255, 300])
def test_255_is_nothing_unless_it_is_a_class(tmp_path: Path, count: int) -> None:
    listed = [{"index": i, "category_id": i + 1000, "name": f"{i}"} for i in range(count + 1)]
    save(tmp_path / "maps" / "a.png", MAP)
    (tmp_path / "maps" / "classes.json").write_text(json.dumps({"classes": listed}))
    assert labels(tmp_path).exit_code == 0
    found = [a["category_id"] for a in read(tmp_path)["annotations"]]
    assert found == [1003, 1007] + [1255] * (count >= 255)
    assert labels(tmp_path, "--ignore", 255).exit_code == 0
    assert [a["category_id"] for a in read(tmp_path)["annotations"]] == [1003, 1007]


def png(width: int, height: int, depth: int, color: int, rows: bytes) -> bytes:
    """Make a PNG of a kind that Pillow reads and does not write."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    chunks = (b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*each) for each in chunks)


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_gray_of_few_bits(tmp_path: Path, depth: int) -> None:
    """Pillow scales the labels, which are 0 and 1 here; of one bit, they are a binary mask."""
    (tmp_path / "maps").mkdir()
    pixels = bytes([0, 1 << 8 - 2 * depth])
    (tmp_path / "maps" / "a.png").write_bytes(png(2, 1, depth, 0, pixels))
    assert labels(tmp_path).exit_code == 0
    [annotation] = read(tmp_path)["annotations"]
    assert annotation["bbox"] == [1, 0, 1, 1]
    [category] = read(tmp_path)["categories"]
    assert category == {"id": 1, "name": "object" if depth == 1 else "class 1"}


def test_indices_of_few_bits_are_labels(tmp_path: Path) -> None:
    (tmp_path / "maps").mkdir()
    image = Image.fromarray(np.minimum(MAP, 9))
    image.putpalette(list(range(30)))
    image.save(tmp_path / "maps" / "a.png", bits=4)
    with Image.open(tmp_path / "maps" / "a.png") as saved:
        assert saved.tile[0][3] == "P;4"
    assert labels(tmp_path).exit_code == 0
    assert [a["category_id"] for a in read(tmp_path)["annotations"]] == [3, 7, 9]


def test_classes_that_are_wrong(tmp_path: Path) -> None:
    save(tmp_path / "maps" / "a.png", np.ones((2, 2), np.uint8))
    good = {"index": 1, "category_id": 5, "name": "one"}
    for second, part in (
        ({"category_id": [1]}, "class 2: expected an integer or text as its category_id"),
        ({"category_id": 1.5}, "class 2: expected an integer or text as its category_id"),
        ({"category_id": 5}, "several classes have the same category_id"),
        ({"index": 1}, "several classes have the same index"),
        ({"index": True}, "expected classes with an index from 0"),
    ):
        described = {"classes": [good, {"index": 2, "category_id": 6, "name": "two"} | second]}
        (tmp_path / "maps" / "classes.json").write_text(json.dumps(described))
        refused(tmp_path, labels(tmp_path), "maps/classes.json", part)


def test_maps_that_are_wrong(tmp_path: Path) -> None:
    refused(tmp_path, labels(tmp_path), "maps: No such file")
    (tmp_path / "maps").mkdir()
    refused(tmp_path, labels(tmp_path), "maps: it looks like an empty folder")
    save(tmp_path / "maps" / "a.png", np.tile(np.arange(3, dtype=np.uint8), (3, 3, 1)))
    refused(tmp_path, labels(tmp_path), "maps/a.png: it is an RGB PNG of 1 colors", "table")
    save(tmp_path / "maps" / "a.png", MAP)
    described = {"classes": [{"index": 7, "category_id": 70, "name": "seven"}]}
    (tmp_path / "maps" / "classes.json").write_text(json.dumps(described))
    refused(tmp_path, labels(tmp_path), "maps/a.png: 3 of its pixels have the label 3", "--ignore")
    assert labels(tmp_path, "--ignore", 3, "--ignore", 255).exit_code == 0
    assert read(tmp_path)["categories"] == [{"id": 70, "name": "seven"}]


# -- panoptic maps --------------------------------------------------------------------------------


@pytest.fixture
def panoptic(tmp_path: Path) -> Path:
    """Give maps/a.png with the ids 70000 and 5, and panoptic.json."""
    ids = np.zeros((4, 5), int)
    ids[:2] = 70000
    ids[2:, 1:] = 5
    save(tmp_path / "maps" / "a.png", sc.maps.ids.to_rgb(ids))
    write(tmp_path, document())
    return tmp_path


def document(**changes: Any) -> dict[str, Any]:
    segments = [
        {"id": 70000, "category_id": 1, "iscrowd": 1},
        {"id": 5, "category_id": 7, "iscrowd": 0},
    ]
    entry = {"image_id": 3, "file_name": "a.png", "segments_info": segments}
    return {
        "images": [{"id": 3, "file_name": "a.jpg", "height": 4, "width": 5}],
        "annotations": [entry | changes.pop("entry", {})],
        "categories": [
            {"id": 1, "name": "cat", "isthing": 1},
            {"id": 7, "name": "grass", "isthing": 0},
        ],
    } | changes


def write(folder: Path, value: object) -> None:
    (folder / "panoptic.json").write_text(json.dumps(value))


def test_segments_become_annotations(panoptic: Path) -> None:
    result = labels(panoptic, "--panoptic", panoptic / "panoptic.json")
    assert result.exit_code == 0, result.output
    found = read(panoptic)
    assert found["images"] == document()["images"]
    assert found["categories"] == document()["categories"]
    cat, grass = found["annotations"]
    assert (cat["category_id"], cat["iscrowd"], cat["bbox"]) == (1, 1, [0, 0, 5, 2])
    assert cat["area"] == 10
    assert (grass["category_id"], grass["iscrowd"], grass["bbox"]) == (7, 0, [1, 2, 4, 2])
    result = labels(panoptic, "--panoptic", panoptic / "panoptic.json", "--things-only")
    assert result.exit_code == 0
    found = read(panoptic)
    assert [a["category_id"] for a in found["annotations"]] == [1]
    assert [c["id"] for c in found["categories"]] == [1]


def test_images_need_not_say_their_size(panoptic: Path) -> None:
    write(panoptic, document(images=[{"id": 3, "license": 2}]))
    assert labels(panoptic, "--panoptic", panoptic / "panoptic.json").exit_code == 0
    (image,) = read(panoptic)["images"]
    assert image == {"id": 3, "license": 2, "file_name": "a.png", "height": 4, "width": 5}


def test_images_without_a_map_are_counted(panoptic: Path) -> None:
    images = [*document()["images"], {"id": 4, "file_name": "b.jpg", "height": 4, "width": 5}]
    write(panoptic, document(images=images))
    result = labels(panoptic, "--panoptic", panoptic / "panoptic.json")
    assert result.exit_code == 0, result.output
    assert "panoptic.json: 1 image without an annotation" in result.stderr
    assert [image["id"] for image in read(panoptic)["images"]] == [3]


def test_categories_may_have_text_as_ids(tmp_path: Path) -> None:
    save(tmp_path / "maps" / "a.png", np.array([[0, 1], [1, 2]], np.uint8))
    classes = [{"index": i, "category_id": f"c{i}", "name": f"n{i}"} for i in (1, 2)]
    (tmp_path / "maps" / "classes.json").write_text(json.dumps({"classes": classes}))
    assert labels(tmp_path).exit_code == 0
    found = read(tmp_path)
    assert [category["id"] for category in found["categories"]] == ["c1", "c2"]
    assert [a["category_id"] for a in found["annotations"]] == ["c1", "c2"]
    assert [a["id"] for a in found["annotations"]] == [1, 2]


def test_colours_of_16_bits_are_refused(panoptic: Path) -> None:
    """Pillow would read other ids than are there."""
    (panoptic / "maps" / "a.png").write_bytes(png(1, 1, 16, 2, b"\0" + bytes(6)))
    result = labels(panoptic, "--panoptic", panoptic / "panoptic.json")
    refused(panoptic, result, "maps/a.png: expected an RGB PNG of 8 bits", "its mode is RGB;16B")


def test_segments_that_are_wrong(panoptic: Path) -> None:
    segments = document()["annotations"][0]["segments_info"]
    for value, parts in (
        (document(entry={"segments_info": segments[:1]}), ["a.png: it has pixels of the id 5"]),
        (
            document(entry={"segments_info": [*segments, segments[0] | {"id": 6}]}),
            ["a.png: no pixel has the id 6 of a segment"],
        ),
        (
            document(entry={"segments_info": segments * 2}),
            ["segments_info[2] (id 70000, byte ", "70000 occurs twice in this image"],
        ),
        (
            document(entry={"segments_info": [3]}),
            ["annotations[0]", "expected an object"],
        ),
        (
            document(entry={"segments_info": [segments[0] | {"category_id": 2}]}),
            ["annotations[0].segments_info[0] (id 70000, byte ", "the id of a category, got 2"],
        ),
        (
            document(entry={"segments_info": [segments[0] | {"iscrowd": 2}]}),
            ["annotations[0].segments_info[0] (id 70000, byte ", "iscrowd: expected 0 or 1, got 2"],
        ),
        (
            document(images=[{"id": 3, "height": 9, "width": 5}]),
            ["a.png: its height 4 and width 5 are not those of the image, 9 and 5"],
        ),
        (document(images=3), ["images (byte ", "expected an array of objects"]),
        (document(categories=3), ["categories (byte ", "expected an array of objects"]),
        (document(categories=[]), ['the list "categories" is empty']),
        (document(categories=[{"id": 1}, {"id": 1}]), ["categories[1] (id 1", "occurs twice"]),
        ([], ["panoptic.json: expected an instance file, got a list"]),
    ):
        write(panoptic, value)
        refused(panoptic, labels(panoptic, "--panoptic", panoptic / "panoptic.json"), *parts)
    file = panoptic / "panoptic.json"
    for option in ("--components", 8), ("--background", 0), ("--ignore", 3):
        result = labels(panoptic, "--panoptic", file, *option)
        refused(panoptic, result, f"{option[0]}: only for label maps")


@pytest.mark.skipif(not DATA, reason="SEGCORE_TEST_DATA names no folder with real data")
def test_the_sample_is_its_detection_form(tmp_path: Path) -> None:
    sample = Path(DATA or "") / "panoptic_sample"
    result = run(
        *("labels", sample / "panoptic_examples", "-o", tmp_path / "out" / "coco.json"),
        *("--panoptic", sample / "panoptic_examples.json"),
    )
    assert result.exit_code == 0, result.output
    expected = json.loads((sample / "panoptic_coco_detection_format.json").read_text())
    keys = "segmentation", "area", "iscrowd", "image_id", "bbox", "category_id"
    mine, theirs = (
        [[each[key] for key in keys] for each in some["annotations"]]
        for some in (read(tmp_path), expected)
    )
    assert mine == theirs


def test_ids_of_classes_and_instances(tmp_path: Path) -> None:
    (tmp_path / "ids").mkdir()
    pixels = np.array([[0, 26], [26000, 26001]], np.uint16)
    Image.fromarray(pixels).save(tmp_path / "ids/a.png")
    for ids, names in (("cityscapes", ["car"]), ("1000", ["class 26"])):
        target = tmp_path / f"{ids}.json"
        assert commands.run("labels", tmp_path / "ids", "--ids", ids, "-o", target).exit_code == 0
        document = json.loads(target.read_text())
        assert [category["name"] for category in document["categories"]] == names
    assert len(document["annotations"]) == 2
    words = ("labels", tmp_path / "ids", "--ids", "kitti", "-o", tmp_path / "a.json")
    assert "expected cityscapes, two-channels or a number" in commands.run(*words).stderr
    words = ("view", target, "--ids", "1000", "-o", tmp_path / "a.html")
    assert "--ids" in commands.refused(*words)
