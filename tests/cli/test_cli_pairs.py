"""What any command writes, every other command reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("click")
pytest.importorskip("rich")
pytest.importorskip("PIL")
pytest.importorskip("yaml")

from support.commands import good

import segcore as sc

NAMES = ["a_leftImg8bit.png", "b_leftImg8bit.png"]
"""Cityscapes names its images so."""
SIZE = (12, 16)
BOXES = [[1, 1, 7, 6], [8, 2, 15, 9], [2, 7, 6, 11]]


def document() -> dict[str, Any]:
    """Return two images with objects that do not overlap, so that each form has all pixels."""
    rles = sc.Masks.from_boxes(BOXES, SIZE).to_coco()
    owners = [(1, 26), (1, 24), (2, 26)]
    return {
        "images": [
            {"id": i, "file_name": name, "height": SIZE[0], "width": SIZE[1]}
            for i, name in enumerate(NAMES, 1)
        ],
        "categories": [
            {"id": 24, "name": "person", "isthing": 1},
            {"id": 26, "name": "car", "isthing": 1},
        ],
        "annotations": [
            {
                "id": number,
                "image_id": image_id,
                "category_id": category_id,
                "iscrowd": 0,
                "segmentation": rle,
                "area": float(sc.Masks.from_coco([rle]).area[0]),
                "score": 0.9,
            }
            for number, ((image_id, category_id), rle) in enumerate(
                zip(owners, rles, strict=True), 1
            )
        ],
    }


AREAS = {"car": 6 * 5 + 4 * 4, "person": 7 * 7}

TARGETS = {
    "coco": "a.json",
    "coco-results": "results.json",
    "sa-1b": "sa",
    "parquet": "a.parquet",
    "yolo": "yolo",
    "labelme": "labelme",
    "maps": "maps",
    "voc": "voc",
    "cvat": "a.xml",
    "label-studio": "tasks.json",
    "kaggle": "a.csv",
    "geojson": "a.geojson",
    "cityscapes": "cityscapes",
}


def written_by_convert(name: str) -> Any:
    def write(folder: Path, source: Path) -> Path:
        if name == "parquet":
            pytest.importorskip("pyarrow")
        good("convert", source, folder / TARGETS[name], "--to", name)
        return folder / TARGETS[name]

    return write


def written_by_semantic(folder: Path, source: Path) -> Path:
    good("semantic", source, "-o", folder / "semantic")
    return folder / "semantic"


def written_by_panoptic(folder: Path, source: Path) -> Path:
    good("panoptic", source, "-o", folder / "panoptic")
    return folder / "panoptic" / "panoptic.json"


def converted_panoptic(folder: Path, source: Path) -> Path:
    path = written_by_panoptic(folder, source)
    good("convert", path, folder / "again" / "p.json", "--to", "coco-panoptic")
    return folder / "again" / "p.json"


def written_by_labels(folder: Path, source: Path) -> Path:
    good("labels", source, "-o", folder / "labels.json")
    return folder / "labels.json"


def binary_masks(folder: Path, source: Path) -> Path:
    """Masks of 0 and 255, which are objects for every command."""
    image = pytest.importorskip("PIL.Image")
    (folder / "binary").mkdir()
    for sample in sc.data.read(source):
        pixels = sample.masks.to_dense().any(axis=0) * np.uint8(255)
        image.fromarray(pixels).save(folder / "binary" / sample.file_name)
    return folder / "binary"


WRITERS = {
    "semantic": written_by_semantic,
    "panoptic": written_by_panoptic,
    "labels": written_by_labels,
    "convert to coco-panoptic": converted_panoptic,
    "masks of 0 and 255": binary_masks,
    **{f"convert to {name}": written_by_convert(name) for name in TARGETS},
}


@pytest.fixture(scope="module", params=WRITERS)
def made(request: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path, list[Any]]:
    """What was written, the data set it was made of, and the options to read it."""
    folder = tmp_path_factory.mktemp("pairs")
    source = folder / "source.json"
    source.write_text(json.dumps(document()))
    path = WRITERS[request.param](folder, source)
    options = ["--dataset", source] if request.param == "convert to coco-results" else []
    return request.param, path, options


HAS_CATEGORIES = {"convert to sa-1b", "masks of 0 and 255"}
"""Those that have no categories, or one for all objects."""


def check_areas(name: str, dataset: Any) -> None:
    """Check the pixels of each category of a data set."""
    names = dataset.categories["name"].tolist()
    found: dict[str, int] = {}
    for sample in dataset:
        for category, area in zip(sample.categories, sample.masks.area.tolist(), strict=True):
            key = names[category] if len(names) else "object"
            found[key] = found.get(key, 0) + area
    if name in HAS_CATEGORIES:
        assert found == {"object": sum(AREAS.values())}
    else:
        assert found == AREAS


@pytest.mark.parametrize("reader", ["semantic", "panoptic", "labels", "convert"])
def test_what_is_converted(made: Any, reader: str, tmp_path: Path) -> None:
    name, path, options = made
    target = tmp_path / "out"
    if reader == "convert":
        good(reader, path, target / "x.json", *options)
        check_areas(name, sc.data.read(target / "x.json"))
        return
    output = target / "x.json" if reader == "labels" else target
    report = tmp_path / "report.json"
    good(reader, path, "-o", output, *options, "--json", report)
    written = output / "panoptic.json" if reader == "panoptic" else output
    check_areas(name, sc.data.read(written))
    left_out = json.loads(report.read_text())
    assert (left_out["skipped"], left_out["not_read"], left_out["left_out"]) == ([], [], [])


def test_what_is_looked_at(made: Any, tmp_path: Path) -> None:
    _, path, options = made
    result = good("view", path, *options, "-o", tmp_path / "a.html")
    assert "2 images in" in result.stdout
    assert result.stderr == ""
    assert "in 2 images" in good("stats", path, *options).stdout


def test_what_is_compared(made: Any, tmp_path: Path) -> None:
    name, path, options = made
    objects = 2 if name == "masks of 0 and 255" else 3
    result = good("compare", path, path, *options)
    assert f"{objects} objects in 2 images: {objects} matched; mean IoU 1.000" in result.stdout
    if name not in HAS_CATEGORIES:  # in another form, as the truth and as the prediction
        source = tmp_path / "source.json"
        source.write_text(json.dumps(document()))
        result = good("compare", source, path)
        assert "3 objects in 2 images: 3 matched; mean IoU 1.000" in result.stdout


def test_what_is_evaluated(made: Any, tmp_path: Path) -> None:
    name, path, options = made
    result = good("evaluate", "semantic", path, path, *options)
    assert "mean IoU 100.00, accuracy 100.00" in result.stdout
    report = tmp_path / "report.json"
    good("evaluate", "panoptic", path, path, *options, "--json", report)
    assert json.loads(report.read_text())["all"]["pq"] == 1
    if name not in HAS_CATEGORIES:
        source = tmp_path / "source.json"
        source.write_text(json.dumps(document()))
        result = good("evaluate", "semantic", source, path)
        assert "mean IoU 100.00, accuracy 100.00" in result.stdout
        good("evaluate", "panoptic", source, path, "--json", report, "--overwrite")
        assert json.loads(report.read_text())["all"]["pq"] == 1
