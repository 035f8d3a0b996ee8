"""LabelMe's JSON files."""

import base64
import io
import json

import numpy as np
import pytest
from support.formats import check_round_trip, sample, small

import segcore as sc

Image = pytest.importorskip("PIL.Image")


@pytest.mark.parametrize("name", ["coco", "lvis", "taco", "panoptic"])
def test_real_data_keep_every_pixel(name, tmp_path):
    report, back = check_round_trip(sample(name), tmp_path, "labelme")
    assert not report.gained.any()
    assert not report.lost.any()
    assert not report.dropped
    assert not back.notes


def test_all_forms_of_masks_and_crowds(tmp_path):
    report, back = check_round_trip(small(), tmp_path, "labelme")
    assert report.unwritten == {"category ids": 2}
    assert back.annotations["iscrowd"].tolist() == [False, False, False, True, False]
    assert back.images["file_name"].tolist() == ["a.jpg", "sub/b.png"]
    original = small().annotations["segmentation"]
    segmentation = back.annotations["segmentation"]
    assert [segmentation.value(row) for row in (0, 1, 4)] == [
        original.value(row) for row in (0, 1, 4)
    ]
    assert back.annotations["segmentation"].value(3)["size"] == [12, 16]


def file(tmp_path, *shapes, **changes):
    document = {
        "version": "5.2.1",
        "flags": {},
        "shapes": list(shapes),
        "imagePath": "a.jpg",
        "imageData": None,
        "imageHeight": 30,
        "imageWidth": 40,
        **changes,
    }
    path = tmp_path / "a.json"
    path.write_text(json.dumps(document))
    return path


def shape(kind, points, **changes):
    return {
        "label": "cat",
        "points": points,
        "group_id": None,
        "shape_type": kind,
        "flags": {},
        **changes,
    }


def png(mask):
    data = io.BytesIO()
    Image.fromarray(mask).save(data, "PNG")
    return base64.b64encode(data.getvalue()).decode()


def test_shapes(tmp_path):
    mask = np.array([[1, 0, 1], [1, 1, 0]], np.uint8)
    path = file(
        tmp_path,
        shape("polygon", [[0, 0], [10, 0], [10, 10]]),
        shape("rectangle", [[9, 8], [3, 2]], label="dog"),
        shape("circle", [[20, 15], [25, 15]]),
        shape("mask", [[5, 6], [7, 7]], mask=png(mask)),
        shape("line", [[0, 0], [3, 3]]),
        shape("point", [[0, 0]]),
        shape("point", [[1, 0]]),
        shape("points", [[1, 0]]),
        shape("hexagon", [[1, 0]]),
    )
    dataset = sc.data.read(path)
    assert dataset.categories["name"].tolist() == ["cat", "dog"]
    masks = dataset[0].masks.to_dense()
    assert masks[1].sum() == 36
    assert masks[1, 2:8, 3:9].all()
    y, x = np.mgrid[:30, :40] + 0.5
    circle = np.hypot(x - 20, y - 15) < 5
    assert (masks[2] ^ circle).sum() < 12
    assert (masks[3, 6:8, 5:8] == mask).all()
    assert masks[3].sum() == 4
    assert [note.partition(",")[0] for note in dataset.notes] == [
        "1 shapes of the type line",
        "2 shapes of the type point",
        "1 shapes of the type points",
        "1 shapes of the type hexagon",
    ]
    assert dataset.notes[1].endswith(f"the first: {path}: shapes[5]")


def test_groups_are_parts(tmp_path):
    a, b = [[0, 0], [4, 0], [4, 4]], [[9, 9], [14, 9], [14, 14]]
    dataset = sc.data.read(
        file(
            tmp_path,
            shape("polygon", a, group_id=1),
            shape("polygon", a, label="dog", group_id=1),
            shape("polygon", b, group_id=1),
            shape("mask", [[0, 0], [0, 0]], mask=png(np.ones((1, 1), bool)), group_id=2),
            shape("rectangle", [[0, 0], [2, 1]], group_id=2),
        )
    )
    assert dataset.annotations["category"].tolist() == [0, 1, 0]
    assert len(dataset.annotations["segmentation"].value(0)) == 2
    assert dataset[0].masks.area.tolist()[2] == 2


@pytest.mark.parametrize(
    ("image_path", "name"),
    [
        ("a.jpg", "sub/a.jpg"),
        ("../images/a.jpg", "sub/a.jpg"),
        ("..\\images\\a.jpg", "sub/a.jpg"),
        ("C:\\data\\a.jpg", "sub/a.jpg"),
        ("/data/a.jpg", "sub/a.jpg"),
        ("deep/a.jpg", "sub/deep/a.jpg"),
    ],
)
def test_names_stay_below_the_folder(image_path, name, tmp_path):
    (tmp_path / "sub").mkdir()
    file(tmp_path / "sub", imagePath=image_path)
    assert sc.data.read(tmp_path).images["file_name"].tolist() == [name]


def test_sizes_of_image_files(tmp_path):
    path = file(tmp_path, imageHeight=None, imageWidth=None)
    with pytest.raises(sc.data.DatasetError, match="imageHeight, imageWidth: expected a number"):
        sc.data.read(path)
    Image.new("RGB", (40, 31)).save(tmp_path / "a.jpg")
    assert sc.data.read(path)[0].size == (31, 40)
    with pytest.raises(sc.data.DatasetError, match=r"its size \(30, 40\) differs from \(31, 40\)"):
        sc.data.read(file(tmp_path))


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (5, 'expected an object with a "label"'),
        ({"points": []}, 'expected an object with a "label"'),
        (shape("polygon", [[0, 0], [1, 1]]), "expected at least 3 points, got 2"),
        (shape("polygon", 7), "points: expected a list of points"),
        (shape("polygon", [[0, 0], [1, 1], [2]]), "points: expected a list of points"),
        (shape("polygon", [["0", 0], [1, 1], [2, 1]]), "points: expected a list of points"),
        (shape("polygon", [[True, 0], [1, 1], [2, 1]]), "points: expected a list of points"),
        (shape("polygon", [[1e300, 0], [1, 1], [2, 1]]), "points: expected finite coordinates"),
        (shape("rectangle", [[0, 0]]), "points: expected two points of a rectangle, got 1"),
        (shape("circle", []), "points: expected a list of points"),
        (shape("polygon", [[0, 0]] * 3, group_id=[1]), "group_id: expected an integer or null"),
        (shape("mask", [[0, 0], [1, 1]]), "mask: expected a PNG in base64, got None"),
        (shape("mask", [[0, 0], [1, 1]], mask="?"), "mask: not base64"),
        (shape("mask", [[0, 0], [1, 1]], mask="aGVsbG8="), "mask: not a PNG"),
        (
            shape("mask", [[0, 0], [1, 1]], mask=png(np.ones((1, 2), bool))),
            "mask: expected 2 x 2 pixels, got 1 x 2",
        ),
        (
            shape("mask", [[39, 0], [40, 0]], mask=png(np.ones((1, 2), bool))),
            "expected a box within the image of 30 x 40 pixels, got left 39",
        ),
        (
            shape("mask", [[0.5, 0], [1, 1]], mask=png(np.ones((2, 2), bool))),
            "points: expected integers",
        ),
    ],
)
def test_malformed_shapes(bad, message, tmp_path):
    good = shape("polygon", [[0, 0], [10, 0], [10, 10]])
    path = file(tmp_path, good, bad)
    with pytest.raises(sc.data.DatasetError) as caught:
        sc.data.read(path)
    assert str(caught.value).startswith(f"{path}: shapes[1]: {message}")
    dataset = sc.data.read(path, invalid="skip")
    assert len(dataset.annotations) == len(dataset.skipped) == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"imagePath": None}, "imagePath: expected a name, got None"),
        ({"imagePath": ".."}, "imagePath: expected a name"),
        ({"imageHeight": -3}, "imageHeight, imageWidth: height: expected a number of pixels"),
        ({"imageWidth": 2**40}, "imageHeight, imageWidth: width: expected a number of pixels"),
        ({"imageWidth": [1]}, "imageHeight, imageWidth: width: expected a number of pixels"),
        ({"shapes": {}}, 'expected an object with a list "shapes"'),
    ],
)
def test_malformed_files(changes, message, tmp_path):
    path = file(tmp_path, **changes)
    with pytest.raises(sc.data.DatasetError) as caught:
        sc.data.read(path, "labelme")
    assert str(caught.value).startswith(f"{path}: {message}")
    assert len(sc.data.read(path, "labelme", invalid="skip")) == 0


def test_a_folder_without_files(tmp_path):
    with pytest.raises(sc.data.DatasetError, match="expected JSON files, found none"):
        sc.data.read(tmp_path, "labelme")


def test_a_path_of_the_file_itself(tmp_path):
    path = file(tmp_path, imagePath="a.json")
    assert sc.data.read(path)[0].size == (30, 40)
