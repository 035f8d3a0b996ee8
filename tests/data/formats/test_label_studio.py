"""Label Studio's JSON export."""

import json

import numpy as np
import pytest
from support.formats import check_round_trip, document, sample, small

import segcore as sc
from segcore.data.formats._account import POLYGONS


@pytest.mark.parametrize("name", ["coco", "lvis", "taco", "panoptic"])
def test_real_data_keep_every_pixel(name, tmp_path):
    report, back = check_round_trip(sample(name), tmp_path, "label-studio", "a.json")
    assert not report.gained.any()
    assert not report.lost.any()
    assert not report.dropped
    assert not back.notes


def test_all_forms_of_masks(tmp_path):
    report, back = check_round_trip(small(), tmp_path, "label-studio", "a.json")
    assert report.unwritten == {
        "file names of images": 1,
        "iscrowd flags": 1,
        "category ids": 2,
        POLYGONS: 1,
    }
    assert back.annotations["segmentation"].value(0) == [[1, 1, 6.5, 1.25, 4, 9.333]]


def test_boxes_alone_and_images_without_masks(tmp_path):
    annotation = {"id": 1, "image_id": 1, "category_id": 3, "bbox": [1, 2, 3, 4]}
    dataset = sc.data.from_coco(document(annotations=[annotation]))
    report = sc.data.write(dataset, tmp_path / "a.json", "label-studio")
    assert report.annotations == 1
    back = sc.data.read(tmp_path / "a.json")
    assert back.annotations["bbox"].tolist() == [[1, 2, 3, 4]]
    assert [image.size for image in back] == [(12, 16)] * 2


def result(kind, value, **changes):
    return {
        "id": "x",
        "type": kind,
        "value": value,
        "original_width": 40,
        "original_height": 20,
        "image_rotation": 0,
        "from_name": "label",
        "to_name": "image",
        **changes,
    }


TRIANGLE = {"points": [[0, 0], [50, 0], [50, 50]], "closed": True, "polygonlabels": ["cat"]}


def task(*results, **changes):
    return {
        "id": 3,
        "data": {"image": "/data/upload/1/0a1b2c3d-my%20cat.jpg"},
        "annotations": [{"id": 1, "was_cancelled": False, "result": list(results)}],
        "predictions": [],
        **changes,
    }


def save(tmp_path, *tasks):
    path = tmp_path / "export.json"
    path.write_text(json.dumps(tasks))
    return path


def test_an_export(tmp_path):
    mask = np.zeros((1, 20, 40), bool)
    mask[0, 3:7, 5:30] = True
    rle = sc.formats.label_studio.encode(sc.Masks.from_dense(mask))[0]
    box = {"x": 10, "y": 50, "width": 20, "height": 25, "rotation": 0, "rectanglelabels": ["dog"]}
    path = save(
        tmp_path,
        task(
            result("polygonlabels", TRIANGLE),
            result("brushlabels", {"format": "rle", "rle": rle, "brushlabels": ["dog"]}),
            result("rectanglelabels", box),
            result("keypointlabels", {}),
            result("choices", {}),
        ),
    )
    dataset = sc.data.read(path)
    assert dataset.images["file_name"].tolist() == ["my cat.jpg"]
    assert dataset.categories["name"].tolist() == ["cat", "dog"]
    masks = dataset.select([0, 1])[0].masks
    assert masks[0] == sc.Masks.from_polygons([[[0, 0, 20, 0, 20, 10]]], (20, 40))
    assert (masks.to_dense()[1] == mask[0]).all()
    assert dataset.annotations["bbox"][2].tolist() == [4, 10, 8, 5]
    assert [note.partition(",")[0] for note in dataset.notes] == [
        "1 results of the type 'keypointlabels'",
        "1 results of the type 'choices'",
    ]


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("/data/local-files/?d=images/a%20b.jpg", "a b.jpg"),
        ("https://example.org/x/a.png?token=3", "a.png"),
        ("s3://bucket/x/a.png", "a.png"),
        ("..\\a.png", "a.png"),
    ],
)
def test_names_of_images(address, name, tmp_path):
    path = save(tmp_path, task(result("polygonlabels", TRIANGLE), data={"image": address}))
    assert sc.data.read(path).images["file_name"].tolist() == [name]


def test_several_annotations_and_predictions(tmp_path):
    good = {"id": 1, "result": [result("polygonlabels", TRIANGLE)]}
    cancelled = {**good, "was_cancelled": True}
    path = save(
        tmp_path,
        task(annotations=[cancelled, good, good, good]),
        task(annotations=[cancelled], predictions=[{**good, "score": 0.25}]),
    )
    dataset = sc.data.read(path)
    assert [len(image) for image in dataset] == [1, 1]
    assert np.isnan(dataset.annotations["score"][0])
    assert dataset.annotations["score"][1] == 0.25
    assert dataset.notes == ("2 further annotations of a task, the first: [0]",)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (3, "expected an object, got int 3"),
        (result("polygonlabels", None), 'expected "value"'),
        (result("polygonlabels", {"points": []}), "polygonlabels: expected a list of labels"),
        (result("polygonlabels", {**TRIANGLE, "points": 3}), "points: expected a list of points"),
        (result("polygonlabels", {**TRIANGLE, "points": [[0, 0]]}), "expected at least 3 points"),
        (
            result("polygonlabels", TRIANGLE, image_rotation=45),
            "image_rotation: expected 0, 90, 180 or 270, got 45",
        ),
        (result("labels", {"points": [[0, 0]], "labels": 3}), "labels: expected a list of labels"),
        (result("brushlabels", {"format": "rle", "rle": [1], "brushlabels": ["a"]}), "expected at"),
        (result("brushlabels", {"format": "png", "brushlabels": ["a"]}), 'format: expected "rle"'),
        (result("rectanglelabels", {"x": 1, "rectanglelabels": ["a"]}), "x, y, width, height: exp"),
        (
            result("rectanglelabels", {"rotation": 3, "rectanglelabels": ["a"]}),
            "x, y, width, height: expected a list of points",
        ),
    ],
)
def test_malformed_results(bad, message, tmp_path):
    path = save(tmp_path, task(result("polygonlabels", TRIANGLE), bad))
    with pytest.raises(sc.data.DatasetError) as caught:
        sc.data.read(path)
    assert str(caught.value).startswith(f"{path}: [0].annotations[0].result[1]: {message}")
    dataset = sc.data.read(path, invalid="skip")
    assert len(dataset.annotations) == len(dataset.skipped) == 1


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (3, '[1]: expected an object with "data"'),
        (task(data={}), "[1]: data: expected the address of an image"),
        (task(data={"image": 3}), "[1]: data: expected the address of an image"),
        (task(result("polygonlabels", TRIANGLE, original_height=0)), "[1]: result[0]: original_he"),
        (
            task(
                result("polygonlabels", TRIANGLE),
                result("polygonlabels", TRIANGLE, original_height=9),
            ),
            "[1]: result[1]: its size (9, 40) differs from (20, 40)",
        ),
    ],
)
def test_malformed_tasks(bad, message, tmp_path):
    path = save(tmp_path, task(result("polygonlabels", TRIANGLE)), bad)
    with pytest.raises(sc.data.DatasetError) as caught:
        sc.data.read(path)
    assert str(caught.value).startswith(f"{path}: {message}")
    dataset = sc.data.read(path, invalid="skip")
    assert len(dataset) == len(dataset.skipped) == 1


def test_a_document_that_is_no_list(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("{}")
    with pytest.raises(sc.data.DatasetError, match="expected a list of tasks"):
        sc.data.read(path, "label-studio")


def test_images_that_were_rotated_on_the_screen(tmp_path):
    rotated = [result("polygonlabels", TRIANGLE, image_rotation=turn) for turn in (0, 90, 270)]
    dataset = sc.data.read(save(tmp_path, task(*rotated)))
    assert dataset[0].masks[[1, 2]] == dataset[0].masks[[0, 0]]
    assert [note.partition(",")[0] for note in dataset.notes] == [
        "2 results on images that were rotated on the screen"
    ]


def test_labels_of_a_tag_of_their_own(tmp_path):
    points = {"points": TRIANGLE["points"], "closed": True}
    box = {"x": 10, "y": 50, "width": 20, "height": 25, "rotation": 0}
    rle = sc.formats.label_studio.encode(sc.Masks.from_boxes([[1, 1, 3, 3]], (20, 40)))[0]
    brush = {"format": "rle", "rle": rle}
    dataset = sc.data.read(
        save(
            tmp_path,
            task(
                result("polygon", points, id="a"),
                result("labels", {**points, "labels": ["cat"]}, id="a"),
                result("rectangle", box, id="b"),
                result("labels", {**box, "labels": ["dog"]}, id="b"),
                result("labels", {**brush, "labels": ["dog"]}, id="c"),
                result("rectangle", box, id="d"),
                result("labels", {"start": 1, "end": 5, "labels": ["cat"]}, id="e"),
            ),
        )
    )
    assert dataset.annotations["category"].tolist() == [0, 1, 1]
    assert dataset.annotations["bbox"][1].tolist() == [4, 10, 8, 5]
    assert dataset.select([0, 2])[0].masks.area.tolist() == [100, 4]
    assert [note.partition(",")[0] for note in dataset.notes] == [
        "1 results of the type 'rectangle'",
        "1 results of the type 'labels'",
    ]
