"""The commands on every format that segcore.data reads: the same maps, findings and errors."""

from __future__ import annotations

import gzip
import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("click")
pytest.importorskip("rich")
Image = pytest.importorskip("PIL.Image")

from support.commands import good, refused  # noqa: E402

import segcore as sc  # noqa: E402

BOXES = [[1, 1, 5, 5], [4, 3, 9, 7]]
SIZE = (8, 10)
MASKS = sc.Masks.from_boxes(BOXES, SIZE)


def instances() -> dict[str, Any]:
    annotations = [
        {"id": 10 + i, "image_id": 1, "category_id": [7, 3][i], "segmentation": rle, "iscrowd": 0}
        for i, rle in enumerate(MASKS.to_coco())
    ]
    return {
        "images": [{"id": 1, "file_name": "sub/a.jpg", "height": 8, "width": 10}],
        "categories": [{"id": 7, "name": "cat"}, {"id": 3, "name": "dog"}],
        "annotations": annotations,
    }


def results() -> list[dict[str, Any]]:
    keys = ("image_id", "category_id", "segmentation")
    return [{key: a[key] for key in keys} | {"score": 0.5} for a in instances()["annotations"]]


def dump(path: Path, document: object) -> Path:
    path.write_text(json.dumps(document))
    return path


def labels(folder: Path, name: str = "sub/a.png") -> np.ndarray:
    return np.asarray(Image.open(folder / name))


EXPECTED = sc.compose_semantic(MASKS, [2, 1])


# -- formats with the same content ----------------------------------------------------------------


def as_json(folder: Path) -> Path:
    return dump(folder / "in.json", instances())


def as_gzip(folder: Path) -> Path:
    path = folder / "in.json.gz"
    path.write_bytes(gzip.compress(json.dumps(instances()).encode()))
    return path


def as_lvis(folder: Path) -> Path:
    document = instances()
    [image] = document["images"]
    image["coco_url"] = f"http://x.org/{image.pop('file_name')}"
    for annotation in document["annotations"]:
        del annotation["iscrowd"]
    for category in document["categories"]:
        category["synset"], category["frequency"] = "a.n.01", "r"
    return dump(folder / "in.json", document)


def as_parquet(folder: Path) -> Path:
    pytest.importorskip("pyarrow")
    sc.data.write(sc.data.from_coco(instances()), folder / "in.parquet")
    return folder / "in.parquet"


def as_parquet_folder(folder: Path) -> Path:
    (folder / "parts").mkdir()
    as_parquet(folder).rename(folder / "parts" / "0.parquet")
    return folder / "parts"


def as_panoptic(folder: Path) -> Path:
    """Make a panoptic file, in which the second object covers the first one."""
    ids = sc.compose_semantic(MASKS, [5, 600], dtype=np.uint16).astype(int)
    (folder / "in").mkdir()
    Image.fromarray(sc.maps.ids.to_rgb(ids)).save(folder / "in" / "a.png")
    segments = [{"id": 5, "category_id": 7, "iscrowd": 0}, {"id": 600, "category_id": 3}]
    entry = {"image_id": 1, "file_name": "a.png", "segments_info": segments}
    return dump(folder / "in.json", instances() | {"annotations": [entry]})


FORMATS = [as_json, as_gzip, as_lvis, as_parquet, as_parquet_folder, as_panoptic]


@pytest.mark.parametrize("make", FORMATS)
def test_maps_of_every_format(tmp_path: Path, make: Any) -> None:
    path = make(tmp_path)
    name = "a.png" if make is as_lvis else "sub/a.png"
    good("semantic", path, "-o", tmp_path / "maps", "--priority", "last")
    np.testing.assert_array_equal(labels(tmp_path / "maps", name), EXPECTED)
    good("panoptic", path, "-o", tmp_path / "panoptic", "--priority", "last")
    described = json.loads((tmp_path / "panoptic" / "panoptic.json").read_text())
    [entry] = described["annotations"]
    assert entry["file_name"] == name
    areas = {s["category_id"]: s["area"] for s in entry["segments_info"]}
    assert areas == {7: int((EXPECTED == 2).sum()), 3: 20}


@pytest.mark.parametrize("make", FORMATS)
def test_every_format_is_compared_with_results(tmp_path: Path, make: Any) -> None:
    path, found = make(tmp_path), dump(tmp_path / "results.json", results())
    output = good("compare", path, found, "--json", tmp_path / "f.json").stdout
    assert "2 objects in 1 image: 2 matched" in output
    document = json.loads((tmp_path / "f.json").read_text())
    covered = 2 if make is as_panoptic else 0  # of the cat's 16 pixels
    mean = ((16 - covered) / 16 + 1) / 2
    assert document["summary"]["mean_iou"] == pytest.approx(mean)
    good("view", path, "--prediction", found, "-o", tmp_path / "a.html")
    good("view", found, "--dataset", path, "-o", tmp_path / "b.html")


def test_parquet_of_results_needs_the_data_set(tmp_path: Path) -> None:
    """A table of masks with the ids of images alone, as a query returns it."""
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    table = pa.table({
        "image_id": [1, 1], "category_id": [7, 3], "score": [0.5, 0.6],
        "mask": [{"size": [8, 10], "counts": rle["counts"].encode()} for rle in MASKS.to_coco()],
    })  # fmt: skip
    parquet.write_table(table, tmp_path / "found.parquet")
    found, truth = tmp_path / "found.parquet", as_json(tmp_path)
    assert "(--dataset)" in refused("semantic", found, "-o", tmp_path / "maps")
    good("semantic", found, "--dataset", truth, "-o", tmp_path / "maps")
    np.testing.assert_array_equal(labels(tmp_path / "maps"), EXPECTED)
    assert "2 matched" in good("compare", truth, found).stdout


def test_without_pyarrow_the_error_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in.parquet").write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.delitem(sys.modules, "segcore.data.parquet.files", raising=False)
    line = refused("semantic", tmp_path / "in.parquet", "-o", tmp_path / "maps")
    assert "install segcore[arrow]" in line


# -- data sets without categories -----------------------------------------------------------------


def sa_1b(image_id: int) -> dict[str, Any]:
    image = {"image_id": image_id, "file_name": f"sa_{image_id}.jpg", "height": 8, "width": 10}
    annotations = [
        {"id": i, "segmentation": rle, "predicted_iou": 0.9}
        for i, rle in enumerate(MASKS.to_coco())
    ]
    return {"image": image, "annotations": annotations}


def test_sa_1b(tmp_path: Path) -> None:
    folder = tmp_path / "sa"
    folder.mkdir()
    for image_id in (1, 2):
        dump(folder / f"sa_{image_id}.json", sa_1b(image_id))
    good("semantic", folder, "-o", tmp_path / "maps")
    np.testing.assert_array_equal(labels(tmp_path / "maps", "sa_2.png"), EXPECTED > 0)
    listed = json.loads((tmp_path / "maps" / "classes.json").read_text())["classes"]
    assert [c["name"] for c in listed] == ["background", "object"]
    good("semantic", folder / "sa_1.json", "-o", tmp_path / "one")
    assert "2 images in" in good("view", folder, "-o", tmp_path / "a.html").stdout
    result = good("compare", folder, folder / "sa_1.json", "--only-predicted")
    assert "2 objects in 1 image: 2 matched" in result.stdout
    assert "1 image without predictions (--only-predicted)" in result.stderr
    assert "it is an input" in refused("view", folder, "-o", folder / "sa_1.json", "--overwrite")


def test_sa_v(tmp_path: Path) -> None:
    rles = MASKS.to_coco()
    video = {"video_id": "v", "video_height": 8, "video_width": 10, "masklet": [rles, [rles[0]]]}
    path = dump(tmp_path / "v.json", video | {"masklet_id": [3, 8]})
    good("semantic", path, "-o", tmp_path / "maps")
    np.testing.assert_array_equal(labels(tmp_path / "maps", "v/00000.png"), EXPECTED > 0)
    assert labels(tmp_path / "maps", "v/00004.png").sum() == 16
    assert "2 images in" in good("view", path, "-o", tmp_path / "a.html").stdout


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"video_height": float("inf")}, "video_height: expected an integer, got inf"),
        ({"video_height": 10**30}, "video_height: expected an integer, got 1000"),
        ({"video_height": None}, 'its "height" is missing'),
        ({"masklet": [[{"size": [float("inf"), 10], "counts": "0"}]]}, "masklet[0][0]"),
        ({"masklet": [[{"size": [10**30, 10], "counts": "0"}]]}, "masklet[0][0]"),
        ({"masklet": 3}, "masklet: expected a list of RLEs per frame"),
        ({"masklet_id": [10**30]}, "masklet_id[0]: expected an integer"),
        ({"masklet_id": ["a"]}, 'masklet_id[0]: expected an integer, got "a"'),
    ],
)
def test_sa_v_that_is_wrong(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    rles = MASKS.to_coco()
    video = {"video_id": "v", "video_height": 8, "video_width": 10, "masklet": [rles]}
    path = dump(tmp_path / "v.json", video | change)
    assert said in refused("semantic", path, "-o", tmp_path / "maps")


# -- files that are read once ---------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such pipes")
@pytest.mark.parametrize("make", [as_json, as_gzip])
def test_pipes(tmp_path: Path, make: Any) -> None:
    """As with ``segcore semantic <(...)``."""
    data = make(tmp_path).read_bytes()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=[data])
    writer.start()
    good("semantic", pipe, "-o", tmp_path / "maps", "--priority", "last")
    writer.join()
    np.testing.assert_array_equal(labels(tmp_path / "maps"), EXPECTED)


# -- what is left out is counted ------------------------------------------------------------------


def test_problems_of_the_truth_are_listed_once(tmp_path: Path) -> None:
    document = instances()
    document["images"].append({"id": 2, "file_name": "../b.jpg", "height": 8, "width": 10})
    lost = document["annotations"][0] | {"id": 12, "image_id": 2}
    document["annotations"] += [lost, lost | {"id": 13}]
    truth = dump(tmp_path / "in.json", document)
    found = dump(tmp_path / "results.json", [*results(), results()[0] | {"image_id": 2}])
    assert "image 2 (byte " in refused("compare", truth, found)
    words = ["compare", truth, found, "--json", tmp_path / "f.json"]
    lines = good(*words, "--skip-invalid").stderr.splitlines()
    assert lines[0] == "skipped 3:"
    assert 'its "file_name" "../b.jpg" leaves its folder' in lines[1]
    assert lines[2].endswith("in.json: 2 annotations of images that were skipped")
    assert lines[3].endswith("results.json: 1 annotation of images that were skipped")
    report = json.loads((tmp_path / "f.json").read_text())
    assert report["skipped"] == [line.strip() for line in lines[1:]]


def test_all_predictions_skipped(tmp_path: Path) -> None:
    bad = [r | {"segmentation": {"size": [8, 10], "counts": "!!"}} for r in results()]
    truth, found = as_json(tmp_path), dump(tmp_path / "results.json", bad)
    line = refused("compare", truth, found)
    assert "results.json: annotation at index 0 of image 1 (byte 1): byte 0 " in line
    line = refused("compare", truth, found, "--skip-invalid")
    assert "all its annotations are invalid, the first of 2 messages: " in line
