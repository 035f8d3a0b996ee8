"""Progress of writing, in every format."""

import pytest
from support.formats import small

import segcore as sc

pytest.importorskip("PIL")
pytest.importorskip("yaml")

TARGETS = {
    "coco": "a.json",
    "coco-panoptic": "a.json",
    "cvat": "a.xml",
    "label-studio": "a.json",
    "kaggle": "a.csv",
    "geojson": "a.geojson",
}
FOLDERS = ("yolo", "labelme", "maps", "binary-masks", "voc", "cityscapes")


@pytest.mark.parametrize("name", [*TARGETS, *FOLDERS])
def test_the_images_that_are_written(name, tmp_path):
    calls = []
    target = tmp_path / TARGETS.get(name, "out")
    sc.data.write(small(), target, name, progress=lambda done, total: calls.append((done, total)))
    assert calls == ([(2, 2)] if name == "coco" else [(1, 2), (2, 2)])
