"""Image files beside annotations: their sizes, and EXIF orientations, in every format."""

import numpy as np
import pytest
from support.formats import document

import segcore as sc

Image = pytest.importorskip("PIL.Image")
pytest.importorskip("yaml")

PLACES = {
    "yolo": ("out", "out/images/a.jpg"),
    "labelme": ("out", "out/a.jpg"),
    "maps": ("out", "out/a.jpg"),
    "binary-masks": ("out", "out/images/a.jpg"),
    "voc": ("out", "out/JPEGImages/a.jpg"),
    "cityscapes": ("gtFine/val", "leftImg8bit/val/a_leftImg8bit.png"),
    "cvat": ("a.xml", "images/a.jpg"),
    "label-studio": ("a.json", "images/a.jpg"),
    "kaggle": ("a.csv", "a.jpg"),
    "geojson": ("a.geojson", "images/a.jpg"),
}
"""What is written, and where the file of its first image is."""


def written(tmp_path, name):
    """Write a data set; return its path, and the path of an image file beside it."""
    target, place = (tmp_path / part for part in PLACES[name])
    categories = [{"id": 3, "name": "car"}, {"id": 7, "name": "road"}]
    target.parent.mkdir(exist_ok=True)
    sc.data.write(sc.data.from_coco(document(categories=categories))[:1], target, name)
    place.parent.mkdir(parents=True, exist_ok=True)
    return target, place


def save(path, height, width, orientation=1):
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(np.zeros((height, width, 3), np.uint8))
    image.save(path, **({"exif": exif} if path.suffix == ".jpg" else {}))


@pytest.mark.parametrize("name", PLACES)
def test_another_size_is_an_error_that_names_both_files(name, tmp_path):
    target, place = written(tmp_path, name)
    save(place, 16, 12)
    with pytest.raises(sc.data.DatasetError) as caught:
        sc.data.read(target)
    for part in (str(place), "16, 12", "12, 16"):
        assert part in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", [name for name in PLACES if name != "cityscapes"])
def test_a_rotated_image_has_the_size_that_is_displayed(name, tmp_path):
    target, place = written(tmp_path, name)
    save(place, 16, 12, orientation=6)
    dataset = sc.data.read(target)
    assert dataset[0].size == (12, 16)
    assert any("rotated by EXIF" in note for note in dataset.notes)
    save(place, 12, 16, orientation=6)
    with pytest.raises(sc.data.DatasetError, match="16, 12"):
        sc.data.read(target)


@pytest.mark.parametrize("name", PLACES)
def test_a_broken_image_is_named(name, tmp_path):
    target, place = written(tmp_path, name)
    place.write_bytes(b"no image")
    with pytest.raises(sc.data.DatasetError) as caught:
        sc.data.read(target)
    assert str(place) in str(caught.value)
    assert "not a JPEG or PNG" in str(caught.value)
