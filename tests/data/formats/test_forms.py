"""Files in the forms in which other tools write them."""

import base64
import io
import json

import numpy as np
import pytest

import segcore as sc

Image = pytest.importorskip("PIL.Image")
pytest.importorskip("yaml")

RING = "0.1 0.1 0.9 0.1 0.9 0.9"


def save(path, height=10, width=20):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.zeros((height, width, 3), np.uint8)).save(path)


def yolo(root, files, yaml):
    for name in files:
        save(root / name)
        label = root / name.replace("images", "labels").replace(".jpg", ".txt")
        label.parent.mkdir(parents=True, exist_ok=True)
        label.write_text(f"0 {RING}\n1 0.5 0.5 0.2 0.2\n")
    (root / "data.yaml").write_text(yaml)
    return sc.data.read(root / "data.yaml")


@pytest.mark.parametrize(
    "yaml",
    [
        "train: images/train\nval: images/train\nnc: 2\nnames: [a, b]",
        "path: /home/someone/datasets/x\ntrain: images/train\nnames: {0: a, 1: b}",
        "path: ../datasets/x\ntrain: ./images/train/\nnames:\n  0: a\n  1: b",
        "train: ../images/train\nnames: ['a', 'b']",
        "train: /home/someone/x/images/train\nnames: [a, b]",
        "train: C:\\data\\x\\images\\train\nnames: [a, b]",
        "train: [images/train]\nnames: [a, b]",
        "train: list.txt\nnames: [a, b]",
    ],
)
@pytest.mark.parametrize("prefix", ["./", "", "/home/someone/x/"])
def test_yolo_paths(yaml, prefix, tmp_path):
    (tmp_path / "list.txt").write_text(f"{prefix}images/train/a.jpg\n\n{prefix}images/train/b.jpg")
    dataset = yolo(tmp_path, ["images/train/a.jpg", "images/train/b.jpg"], yaml)
    assert dataset.categories["name"].tolist() == ["a", "b"]
    assert len(dataset) == 2
    assert [len(image) for image in dataset] == [2, 2]  # a ring, and a box without a mask


def test_yolo_labels_next_to_images_and_classes_without_names(tmp_path):
    dataset = yolo(tmp_path, ["train/a.jpg"], "train: train\nnc: 2")
    assert dataset.categories["name"].tolist() == ["class_0", "class_1"]
    assert len(dataset[0]) == 2


@pytest.mark.parametrize("yaml", ["names:", "nc: 0", "nc: x", "nc: 1.5", "train: images"])
def test_yolo_without_classes(yaml, tmp_path):
    with pytest.raises(sc.data.DatasetError, match=r"data.yaml: (nc: |names: )?expected a"):
        yolo(tmp_path, ["images/a.jpg"], yaml)


@pytest.mark.parametrize(
    "text",
    [
        f"0 {RING} \n0 {RING}\r\n",  # a space at the end, Windows
        f"0.0 {RING}\n\n0\t{RING}",
        f"  0  {RING}\n0 {RING} \n",
        f"0 {RING}\n0 {RING.replace('0.1', '1e-1')}",
    ],
)
def test_yolo_lines(text, tmp_path):
    yolo(tmp_path, ["images/a.jpg"], "train: images\nnames: [a, b]")
    (tmp_path / "labels" / "a.txt").write_text(text)
    dataset = sc.data.read(tmp_path)
    assert dataset[0].masks[0] == dataset[0].masks[1]
    assert dataset.annotations["segmentation"].value(0) == [[2, 1, 18, 1, 18, 9]]


def labelme(path, shapes, **members):
    document = {"version": "3.16.7", "flags": {}, "imagePath": "a.jpg", "shapes": shapes}
    path.write_text(json.dumps({**document, **members}))
    return sc.data.read(path)


CORNERS = [[2, 1], [8, 1], [8, 5], [2, 5]]


@pytest.mark.parametrize(
    "shape",
    [
        {"label": "a", "line_color": None, "fill_color": None, "points": CORNERS},
        {"label": "a", "points": CORNERS, "shape_type": "rectangle", "group_id": None},
        {"label": "a", "points": [[8, 5], [2, 1]], "shape_type": "rectangle", "flags": {}},
        {"label": "a", "points": CORNERS, "shape_type": "rotation", "direction": 0.1},
        {"label": "a", "points": CORNERS, "shape_type": "oriented_rectangle", "mask": None},
    ],
)
def test_labelme_shapes(shape, tmp_path):
    size = {"imageHeight": 10, "imageWidth": 20, "imageData": None}
    dataset = labelme(tmp_path / "a.json", [shape], **size)
    assert dataset[0].masks == sc.Masks.from_boxes([[2, 1, 8, 5]], (10, 20))


def test_labelme_3_has_the_size_in_the_embedded_image(tmp_path):
    file = io.BytesIO()
    Image.fromarray(np.zeros((10, 20), np.uint8)).save(file, "PNG")
    shapes = [{"label": "a", "points": CORNERS}]
    data = base64.b64encode(file.getvalue()).decode()
    assert labelme(tmp_path / "a.json", shapes, imageData=data)[0].size == (10, 20)
    for broken in ("!!", data[:30], base64.b64encode(b"no").decode()):
        with pytest.raises(sc.data.DatasetError, match="imageData: not an image"):
            labelme(tmp_path / "a.json", shapes, imageData=broken)


def label_studio(path, *tasks):
    path.write_text(json.dumps(tasks))
    return sc.data.read(path)


SIZE = {"original_width": 20, "original_height": 10, "image_rotation": 0}


def test_label_studio_json_min(tmp_path):
    polygon = {"points": [[10, 10], [40, 10], [40, 50], [10, 50]], "closed": True}
    task = {
        "image": "/data/upload/1/0a1b2c3d-a.jpg",
        "id": 1,
        "label": [
            {**polygon, "polygonlabels": ["cat"], **SIZE},
            {"x": 0, "y": 0, "width": 50, "height": 50, "rotation": 0,
             "rectanglelabels": ["dog"], **SIZE},
        ],
        "annotator": 1,
        "annotation_id": 1,
        "created_at": "2024-01-01T00:00:00Z",
        "lead_time": 3.5,
    }  # fmt: skip
    dataset = label_studio(tmp_path / "a.json", task)
    assert dataset[0].file_name == "a.jpg"
    assert dataset.categories["name"].tolist() == ["cat", "dog"]
    assert dataset[0].segmentations.value(0) == [[2, 1, 8, 1, 8, 5, 2, 5]]
    assert dataset[0].bboxes[1].tolist() == [0, 0, 10, 5]


def test_label_studio_rotated_rectangles_are_polygons(tmp_path):
    value = {"x": 50, "y": 10, "width": 20, "height": 40, "rotation": 90}
    result = {"type": "rectanglelabels", "value": {**value, "rectanglelabels": ["a"]}, **SIZE}
    task = {"data": {"image": "a.jpg"}, "annotations": [{"result": [result]}]}
    dataset = label_studio(tmp_path / "a.json", task)
    assert dataset[0].segmentations.value(0) == [[10, 1, 10, 5, 6, 5, 6, 1]]
    result["value"]["rotation"] = "x"
    with pytest.raises(sc.data.DatasetError, match="rotation: expected degrees"):
        label_studio(tmp_path / "a.json", task)


def test_roboflow_masks(tmp_path):
    pixels = np.array([[0, 1], [2, 2]], np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a_jpg.rf.0a1b_mask.png")
    (tmp_path / "_classes.csv").write_text("Pixel Value, Class\n0, background\n1, cat\n2, dog\n")
    dataset = sc.data.read(tmp_path)
    assert dataset.categories["name"].tolist() == ["cat", "dog"]
    assert dataset[0].masks.area.tolist() == [1, 2]
    (tmp_path / "_classes.csv").write_text("Pixel Value, Class\nx, cat\n")
    with pytest.raises(sc.data.DatasetError, match=r"_classes.csv: line 2: expected a pixel value"):
        sc.data.read(tmp_path)
