"""COCO panoptic, SA-1B and SA-V: what their files say, and back."""

from __future__ import annotations

import json

import numpy as np
import pytest
from support import real_data
from support.coco_files import assert_same_json

import segcore as sc

pytest.importorskip("PIL")


# -- COCO panoptic --------------------------------------------------------------------------------


def test_panoptic_there_and_back(tmp_path):
    path = real_data.folder() / "panoptic_sample" / "panoptic_examples.json"
    document = json.loads(path.read_bytes())
    dataset = sc.data.read(path)
    by_image = {entry["image_id"]: entry for entry in document["annotations"]}
    for sample in dataset:
        infos = by_image[sample.image_id]["segments_info"]
        assert sample.ids.tolist() == [info["id"] for info in infos]
        assert sample.category_ids.tolist() == [info["category_id"] for info in infos]
        assert sample.masks.area.tolist() == [info["area"] for info in infos]
    out = tmp_path / "out.json"
    sc.data.write(dataset, out, "coco-panoptic")
    assert_same_json(json.loads(out.read_bytes()), document)
    for entry in document["annotations"]:
        png = (path.with_suffix("") / entry["file_name"]).read_bytes()
        assert (tmp_path / "out" / entry["file_name"]).read_bytes() == png
    rle = dataset.with_rle()
    assert [sample.masks for sample in rle] == [sample.masks for sample in dataset]
    assert dataset[[1]][0].masks == dataset[1].masks
    backwards = dataset[::-1]
    assert [sample.masks for sample in backwards] == [dataset[1].masks, dataset[0].masks]


ENTRY = {
    "image_id": 1,
    "file_name": "a.png",
    "segments_info": [{"id": 5, "category_id": 1, "area": 2, "bbox": [0, 0, 1, 1]}],
}


def panoptic(**change):
    return {
        "images": [{"id": 1, "height": 2, "width": 2}],
        "annotations": [{**ENTRY, **change}],
        "categories": [{"id": 1, "name": "sky", "isthing": 0}],
    }


@pytest.mark.parametrize(
    ("change", "item", "detail"),
    [
        ({"image_id": 9}, "annotations[0]", "image_id: expected the id of an image, got 9"),
        ({"file_name": "../a.png"}, "annotations[0]", "file_name: "),
        ({"segments_info": None}, "annotations[0]", "segments_info: expected a list of segments"),
        (
            {"segments_info": [{"id": 1, "category_id": 1, "iscrowd": 2}]},
            "annotations[0].segments_info[0]",
            "iscrowd: expected 0 or 1, got 2",
        ),
        (
            {"segments_info": [{"id": 1, "category_id": 8}]},
            "annotations[0].segments_info[0]",
            "category_id: expected the id of a category, got 8",
        ),
    ],
)
def test_invalid_panoptic_files(change, item, detail, tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(panoptic(**change)))
    with pytest.raises(sc.data.DatasetError) as raised:
        sc.data.read(path)
    assert raised.value.item == item
    assert raised.value.detail.startswith(detail)


def test_panoptic_pngs_that_disagree(tmp_path):
    from PIL import Image

    path = tmp_path / "a.json"
    path.write_text(json.dumps(panoptic()))
    dataset = sc.data.read(path)
    (tmp_path / "a").mkdir()
    for ids, message in (
        (np.full((2, 3), 5), "its height 2 and width 3 are not those of the image, 2 and 2"),
        (np.full((2, 2), 6), "no pixel has the id 5"),
    ):
        Image.fromarray(sc.maps.ids.to_rgb(ids)).save(tmp_path / "a" / "a.png")
        with pytest.raises(sc.data.DatasetError, match=message):
            _ = dataset[0].masks


def test_panoptic_as_instances(tmp_path):
    from PIL import Image

    path = tmp_path / "a.json"
    path.write_text(json.dumps(panoptic()))
    (tmp_path / "a").mkdir()
    Image.fromarray(sc.maps.ids.to_rgb([[5, 5], [0, 5]])).save(tmp_path / "a" / "a.png")
    dataset = sc.data.read(path)
    [rle] = dataset[0].masks.to_coco()
    for document in (sc.data.to_coco(dataset), written(dataset, tmp_path / "b.json", "coco")):
        [annotation] = document["annotations"]
        assert (annotation["image_id"], annotation["segmentation"]) == (1, rle)
    [result] = written(dataset, tmp_path / "c.json", "coco-results")
    assert (result["category_id"], result["segmentation"]) == (1, rle)
    sc.data.write(dataset, tmp_path / "d", "sa-1b")
    [file] = (tmp_path / "d").iterdir()
    assert json.loads(file.read_bytes())["annotations"][0]["segmentation"] == rle


def written(dataset, path, format):
    sc.data.write(dataset, path, format)
    return json.loads(path.read_bytes())


# -- Segment Anything -----------------------------------------------------------------------------


def sa1b(image_id):
    counts = sc.Masks.from_boxes([[1, 1, 3, 3]], (4, 6)).to_coco()[0]["counts"]
    image = {"image_id": image_id, "width": 6, "height": 4, "file_name": f"sa_{image_id}.jpg"}
    annotation = {
        "bbox": [1.0, 1.0, 2.0, 2.0],
        "area": 4,
        "segmentation": {"size": [4, 6], "counts": counts},
        "predicted_iou": 0.93,
        "point_coords": [[1.5, 2.0]],
        "crop_box": [0.0, 0.0, 6.0, 4.0],
        "id": 100 + image_id,
        "stability_score": 0.97,
    }
    return {"image": image, "annotations": [annotation]}


def test_sa_1b_there_and_back(tmp_path):
    documents = {f"sa_{image_id}.json": sa1b(image_id) for image_id in (1, 7)}
    for name, document in documents.items():
        (tmp_path / name).write_text(json.dumps(document))
    dataset = sc.data.read(tmp_path)
    assert dataset.images["id"].tolist() == [1, 7]
    assert [sample.masks.area.tolist() for sample in dataset] == [[4], [4]]
    assert dataset.annotations["id"].tolist() == [101, 107]
    assert dataset.annotations.extra(1)["stability_score"] == 0.97
    sc.data.write(dataset, tmp_path / "out", "sa-1b")
    for name, document in documents.items():
        assert_same_json(json.loads((tmp_path / "out" / name).read_bytes()), document)
    again = sc.data.from_coco(sc.data.to_coco(dataset))
    assert [sample.masks for sample in again] == [sample.masks for sample in dataset]
    sc.data.write(again, tmp_path / "again", "sa-1b")
    assert sc.data.read(tmp_path / "again")[1].masks == dataset[1].masks
    assert sc.data.read(tmp_path / "sa_7.json")[0].masks == dataset[1].masks


def of_images(*images):
    """Give a data set with one annotation per image, of the ids and file names given."""
    return sc.data.from_coco(
        {
            "images": [
                {"id": key, "file_name": name, "height": 4, "width": 6} for key, name in images
            ],
            "annotations": [
                {"image_id": key, "category_id": 1, "segmentation": [[1, 1, 3, 1, 3, 3]]}
                for key, _ in images
            ],
            "categories": [{"id": 1, "name": "a"}],
        }
    )


def test_sa_1b_with_text_as_image_id(tmp_path):
    dataset = of_images(("s", "a.jpg"))
    sc.data.write(dataset, tmp_path / "out", "sa-1b")
    [image] = sc.data.read(tmp_path / "out")
    assert image.image_id == "s"
    assert image.masks == dataset[0].masks


@pytest.mark.parametrize("invalid", ["raise", "skip"])
def test_an_invalid_image_of_sa_1b_is_named(invalid, tmp_path):
    path = tmp_path / "sa_1.json"
    path.write_text('{"images": [{"id": 1, "id": 1}], "image": {"height": 3}, "annotations": []}')
    with pytest.raises(sc.data.DatasetError) as caught:
        sc.data.read(path, "coco", invalid=invalid)
    detail = "image_id: expected an integer or a string, got none"
    assert str(caught.value) == f"{path}: image[0] (byte 42): {detail}"


def test_sa_v_there_and_back(tmp_path):
    masks = sc.Masks.from_boxes([[1, 1, 3, 3], [0, 0, 6, 1]], (4, 6)).to_coco()
    document = {
        "video_id": "sav_000001",
        "video_height": 4.0,
        "video_width": 6.0,
        "masklet": [[masks[0], masks[1]], [], [masks[1], masks[0]]],
        "masklet_id": [3, 8],
        "masklet_type": "manual",
    }
    path = tmp_path / "sav_000001_manual.json"
    path.write_text(json.dumps(document))
    dataset = sc.data.read(path)
    assert dataset.images["file_name"][2] == "sav_000001/00008.jpg"
    assert [sample.ids.tolist() for sample in dataset] == [[3, 8], [], [3, 8]]
    assert dataset[2].masks.area.tolist() == [6, 4]
    out = tmp_path / "out.json"
    sc.data.write(dataset, out, "sa-v")
    assert_same_json(json.loads(out.read_bytes()), document)
    document["masklet"][2][1] = {"size": [4, 6]}
    path.write_text(json.dumps(document))
    with pytest.raises(sc.data.DatasetError, match=r"masklet\[2\]\[1\]: expected an RLE"):
        sc.data.read(path)
