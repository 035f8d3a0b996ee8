"""Folders of binary masks."""

import numpy as np
import pytest
from support.formats import check_round_trip, sample, small

import segcore as sc
from segcore.data.formats._account import POLYGONS

Image = pytest.importorskip("PIL.Image")


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def square(size=(4, 5), value=255):
    pixels = np.zeros(size, np.uint8)
    pixels[1:3, 1:3] = value
    return pixels


@pytest.mark.parametrize("name", ["coco", "lvis", "taco", "panoptic"])
def test_real_data_keep_every_pixel(name, tmp_path):
    report, back = check_round_trip(sample(name), tmp_path, "binary-masks")
    assert not report.gained.any()
    assert not report.lost.any()
    assert not report.dropped
    assert back.annotations["iscrowd"].sum() == sample(name).annotations["iscrowd"].sum()


def test_overlaps_crowds_and_names_are_kept(tmp_path):
    report, back = check_round_trip(small(), tmp_path, "binary-masks")
    assert set(report.unwritten) == {"category ids", POLYGONS}
    assert back[0].file_name == "a.jpg"
    assert back[0].iscrowd.tolist() == small()[0].iscrowd.tolist()
    assert np.asarray(Image.open(tmp_path / "out" / "a" / "cup_2.png")).max() == 255


def test_one_folder_per_image(tmp_path):
    """The form of the Data Science Bowl of 2018."""
    for name in ("0a7d30b252359a10fd298b638b90cb9a", "1f", "2"):
        save(tmp_path / "train" / "id1" / "masks" / f"{name}.png", square())
    save(tmp_path / "train" / "id2" / "masks" / "x_1.png", square(value=1))
    dataset = sc.data.read(tmp_path / "train")
    assert [len(image) for image in dataset] == [3, 1]
    assert dataset.images["file_name"].tolist() == ["id1", "id2"]
    assert dataset.categories["name"].tolist() == ["object", "1f", "x"]
    assert (dataset[0].masks.area == 4).all()


def test_one_file_per_class(tmp_path):
    save(tmp_path / "street" / "car.png", square())
    save(tmp_path / "street" / "road_1.png", square(value=0))
    dataset = sc.data.read(tmp_path, "binary-masks")
    assert dataset.categories["name"].tolist() == ["car", "road"]
    assert dataset[0].masks.area.tolist() == [4, 0]


@pytest.mark.parametrize(
    ("pixels", "said"),
    [
        (np.arange(20, dtype=np.uint8).reshape(4, 5), "expected a mask of 0 and 255, got 19"),
        (square((3, 5)), r"expected the size \(4, 5\) of the image 'a', got \(3, 5\)"),
        (np.dstack([square(), square(), square() // 2]), "got colors"),
    ],
)
def test_other_pngs_are_refused(pixels, said, tmp_path):
    save(tmp_path / "a" / "x_1.png", square())
    save(tmp_path / "a" / "x_2.png", pixels)
    with pytest.raises(sc.data.DatasetError, match=said):
        sc.data.read(tmp_path, "binary-masks")
    dataset = sc.data.read(tmp_path, "binary-masks", invalid="skip")
    assert len(dataset.annotations) == len(dataset.skipped) == 1


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("a/x.png,a.jpg,4,5,x", "line 2: expected 6 fields, got 5"),
        ("../x.png,a.jpg,4,5,x,0", "line 2: .*leaves its folder"),
        ("a/x.png,a.jpg,0,5,x,0", "line 2: height"),
        ("a/x.png,a.jpg,4,5,x,0", "x.png: cannot read it: No such file"),
    ],
)
def test_lines_that_are_refused(line, said, tmp_path):
    (tmp_path / "masks.csv").write_text(f"mask,image,height,width,category,iscrowd\n{line}\n")
    with pytest.raises(sc.data.DatasetError, match=said):
        sc.data.read(tmp_path)
