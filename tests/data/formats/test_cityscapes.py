"""Cityscapes' PNGs of ids and files of polygons."""

import json

import numpy as np
import pytest
from support.formats import check_round_trip, document, small

import segcore as sc

Image = pytest.importorskip("PIL.Image")

IDS = np.array([[7, 7, 26000, 26001], [26, 24, 1, 0]], np.uint16)


def save(folder, pixels, kind="instanceIds"):
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(folder / f"aachen_000000_000019_gtFine_{kind}.png")


def dataset():
    """Return a data set with the categories of Cityscapes."""
    categories = [{"id": 3, "name": "car"}, {"id": 7, "name": "road"}, {"id": 9, "name": "cup"}]
    box = {"image_id": 1, "category_id": 3, "segmentation": [[1, 1, 9, 1, 9, 9, 1, 9]]}
    image = {"id": 1, "file_name": "a_leftImg8bit.png", "height": 12, "width": 16}
    annotations = [
        {**box, "id": 1, "category_id": 7, "segmentation": [[0, 9, 16, 9, 16, 12, 0, 12]]},
        {**box, "id": 2, "iscrowd": 1, "segmentation": {"size": [12, 16], "counts": [96, 96]}},
        {**box, "id": 3},
        {**box, "id": 4, "segmentation": [[2, 2, 4, 2, 4, 4, 2, 4]]},
        {**box, "id": 5, "category_id": 9},
    ]
    return sc.data.from_coco(
        document(images=[image], categories=categories, annotations=annotations)
    )


def test_ids(tmp_path):
    save(tmp_path / "gtFine/val/aachen", IDS)
    save(tmp_path / "gtFine/val/aachen", (IDS % 256).astype(np.uint8), "labelIds")
    found = sc.data.read(tmp_path / "gtFine")
    name = "val/aachen/aachen_000000_000019_leftImg8bit.png"
    assert found.images["file_name"].tolist() == [name]
    assert len(found.categories) == 33
    assert found[0].category_ids.tolist() == [1, 7, 24, 26, 26, 26]
    assert found[0].iscrowd.tolist() == [False, False, True, True, False, False]
    assert found[0].masks.area.tolist() == [1, 2, 1, 1, 1, 1]
    report, _ = check_round_trip(found, tmp_path, "cityscapes")
    assert not report.gained.any()
    assert not report.lost.any()
    written = tmp_path / "out/val/aachen"
    with Image.open(written / "aachen_000000_000019_gtFine_instanceIds.png") as image:
        assert (np.asarray(image) == IDS).all()
    with Image.open(written / "aachen_000000_000019_gtFine_labelIds.png") as image:
        assert (np.asarray(image) == np.where(IDS > 999, IDS // 1000, IDS)).all()


def test_losses(tmp_path):
    report, _ = check_round_trip(dataset(), tmp_path, "cityscapes")
    assert [str(item) for item in report.dropped] == [
        "annotation 5 of image 1: its category is not one of Cityscapes"
    ]
    assert report.lost.tolist() == [0, 32, 4, 0, 0]


def test_no_category_fits(tmp_path):
    report = sc.data.write(small(), tmp_path / "out", "cityscapes")
    assert report.annotations == 0
    assert len(report.dropped[0].rows) == 5


def test_label_ids(tmp_path):
    save(tmp_path, np.where(IDS > 999, 26, IDS).astype(np.uint8), "labelIds")
    found = sc.data.read(tmp_path)
    assert found[0].category_ids.tolist() == [1, 7, 24, 26]
    assert found[0].iscrowd.tolist() == [False, False, True, True]


def polygons(folder, *objects, **changes):
    path = folder / "aachen_000000_000019_gtFine_polygons.json"
    path.write_text(json.dumps({"imgHeight": 20, "imgWidth": 30, "objects": objects, **changes}))
    return path


def test_polygons(tmp_path):
    square = [[0, 0], [5, 0], [5, 5], [0, 5]]
    path = polygons(
        tmp_path,
        {"label": "road", "polygon": square},
        {"label": "cargroup", "polygon": square},
        {"label": "polegroup", "polygon": square},
        {"label": "license plate", "polygon": square},
        {"label": "car", "polygon": square, "deleted": 1},
    )
    for source in (path, tmp_path):
        found = sc.data.read(source)
        assert found.images["file_name"].tolist() == ["aachen_000000_000019_leftImg8bit.png"]
        assert found[0].category_ids.tolist() == [7, 26, 18]
        assert found[0].iscrowd.tolist() == [False, True, False]
        assert found[0].masks.area.tolist() == [25] * 3
        assert found.notes[0].startswith("1 objects of 'license plate', which is of no class")


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (3, 'expected an object with a "label"'),
        ({"label": "cup", "polygon": []}, "label: 'cup' is not one of Cityscapes"),
        ({"label": "car"}, "polygon: expected a list of points"),
        ({"label": "car", "polygon": [[0, 0], [1, 1]]}, "expected at least 3 points, got 2"),
        ({"label": "car", "polygon": [[0, 0, 0]] * 3}, "polygon: expected a list of points"),
    ],
)
def test_malformed_objects(item, message, tmp_path):
    path = polygons(tmp_path, item)
    with pytest.raises(sc.data.DatasetError) as caught:
        sc.data.read(path)
    assert str(caught.value).startswith(f"{path}: objects[0]: {message}")
    assert len(sc.data.read(path, invalid="skip").skipped) == 1


def test_malformed_files(tmp_path):
    with pytest.raises(sc.data.DatasetError, match="imgHeight, imgWidth: height: expected"):
        sc.data.read(polygons(tmp_path, imgHeight=None))
    with pytest.raises(sc.data.DatasetError, match='expected an object with a list "objects"'):
        sc.data.read(polygons(tmp_path, objects={}))
    save(tmp_path / "ids", np.array([[34]], np.uint8))
    with pytest.raises(sc.data.DatasetError, match="it has the id 34, which is of no class"):
        sc.data.read(tmp_path / "ids")
    save(tmp_path / "rgb", np.arange(12, dtype=np.uint8).reshape(2, 2, 3))
    with pytest.raises(sc.data.DatasetError, match="expected a gray PNG of ids, got colors"):
        sc.data.read(tmp_path / "rgb")
    (tmp_path / "empty").mkdir()
    with pytest.raises(sc.data.DatasetError, match="expected files such as"):
        sc.data.read(tmp_path / "empty", "cityscapes")


def test_polygons_are_written(tmp_path):
    categories = [{"id": 3, "name": "car"}, {"id": 7, "name": "road"}]
    dataset = sc.data.from_coco(document(categories=categories))[:1]
    sc.data.write(dataset, tmp_path / "out", "cityscapes")
    for path in (tmp_path / "out").rglob("*.png"):
        path.unlink()
    back = sc.data.read(tmp_path / "out")
    assert len(back.annotations) == len(dataset.annotations)
    written = {mask.to_coco()[0]["counts"] for mask in back[0].masks}
    assert written == {mask.to_coco()[0]["counts"] for mask in dataset[0].masks}
