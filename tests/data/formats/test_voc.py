"""Pascal VOC's PNGs of classes and objects."""

import numpy as np
import pytest
from support.formats import check_round_trip, sample, small

import segcore as sc
from segcore.data.formats._account import POLYGONS
from segcore.data.formats._images import voc_colors

Image = pytest.importorskip("PIL.Image")

CLASSES = np.array([[0, 15, 15, 255], [255, 255, 255, 255], [15, 15, 0, 1]], np.uint8)
OBJECTS = np.array([[0, 1, 1, 255], [255, 255, 255, 255], [2, 2, 0, 3]], np.uint8)


def save(folder, name, pixels, colors=None):
    (folder / name).mkdir(exist_ok=True)
    if colors is None:
        image = Image.fromarray(pixels)
        image.putpalette(voc_colors().tobytes())
    else:
        image = Image.fromarray(colors[pixels])
    image.save(folder / name / "2007_000032.png")


def test_the_palette():
    assert voc_colors()[[0, 1, 2, 3, 15, 255]].tolist() == [
        [0, 0, 0],
        [128, 0, 0],
        [0, 128, 0],
        [128, 128, 0],
        [192, 128, 128],
        [224, 224, 192],
    ]


@pytest.mark.parametrize("name", ["coco", "lvis", "taco", "panoptic"])
def test_real_data_lose_what_is_reported(name, tmp_path):
    dataset = sample(name)
    if len(dataset.categories) > 254:
        with pytest.raises(ValueError, match="at most 254 classes, got 1230 categories"):
            sc.data.write(dataset, tmp_path / "out", "voc")
        return
    report, _ = check_round_trip(dataset, tmp_path, "voc")
    assert not report.gained.any()


def test_pngs_of_older_versions_of_labelme(tmp_path):
    save(tmp_path, "SegmentationClassPNG", CLASSES)
    (tmp_path / "SegmentationClass").mkdir()
    np.save(tmp_path / "SegmentationClass/2007_000032.npy", CLASSES)
    dataset = sc.data.read(tmp_path)
    assert dataset.categories["name"].tolist() == ["aeroplane", "person"]
    assert dataset[0].masks.area.tolist() == [1, 4]


def test_a_voc_data_set(tmp_path):
    save(tmp_path, "SegmentationClass", CLASSES)
    save(tmp_path, "SegmentationObject", OBJECTS)
    dataset = sc.data.read(tmp_path)
    assert dataset.images["file_name"].tolist() == ["2007_000032.jpg"]
    assert dataset.categories["name"].tolist() == ["aeroplane", "person"]
    assert dataset.categories["id"].tolist() == [1, 15]
    assert dataset[0].category_ids.tolist() == [15, 15, 1]
    assert dataset[0].masks.area.tolist() == [2, 2, 1]
    [note] = dataset.notes
    assert note.startswith("5 pixels of the label 255, the border of objects, the first: ")
    report, back = check_round_trip(dataset, tmp_path, "voc")
    assert not report.lost.any()
    assert back.categories["id"].tolist() == [1, 15]


def test_classes_or_objects_alone(tmp_path):
    save(tmp_path, "SegmentationClass", CLASSES)
    dataset = sc.data.read(tmp_path)
    assert dataset[0].category_ids.tolist() == [1, 15]
    assert dataset[0].masks.area.tolist() == [1, 4]
    (tmp_path / "SegmentationClass").rename(tmp_path / "classes")
    save(tmp_path, "SegmentationObject", OBJECTS)
    dataset = sc.data.read(tmp_path)
    assert dataset.categories["name"].tolist() == ["object"]
    assert len(dataset[0]) == 3


def test_colors_of_cvat(tmp_path):
    colors = np.zeros((256, 3), np.uint8)
    colors[[1, 15, 255]] = (9, 8, 7), (1, 2, 3), (224, 224, 192)
    save(tmp_path, "SegmentationClass", CLASSES, colors)
    save(tmp_path, "SegmentationObject", OBJECTS, voc_colors())
    table = "# label:color_rgb:parts:actions\nbackground:0,0,0::\nbus:9,8,7::\nman:1,2,3::\n"
    (tmp_path / "labelmap.txt").write_text(table)
    dataset = sc.data.read(tmp_path)
    names = dataset.categories["name"].tolist()
    assert [names[index] for index in dataset[0].categories] == ["man", "man", "bus"]
    (tmp_path / "labelmap.txt").write_text(table.replace("man:1,2,3::", ""))
    with pytest.raises(sc.data.DatasetError, match="it has the color 1,2,3, which is of no class"):
        sc.data.read(tmp_path)


def test_pixels_without_an_object_are_counted(tmp_path):
    save(tmp_path, "SegmentationClass", CLASSES)
    save(tmp_path, "SegmentationObject", OBJECTS * (OBJECTS != 3))
    dataset = sc.data.read(tmp_path)
    assert dataset.notes[0].startswith("1 pixels of a class without an object, the first: ")


def test_an_object_of_two_classes(tmp_path):
    save(tmp_path, "SegmentationClass", CLASSES)
    save(tmp_path, "SegmentationObject", np.where(OBJECTS == 3, 2, OBJECTS).astype(np.uint8))
    message = "2007_000032.png: object 2: its pixels are of the classes 1 and 15"
    with pytest.raises(sc.data.DatasetError, match=message):
        sc.data.read(tmp_path)
    dataset = sc.data.read(tmp_path, invalid="skip")
    assert len(dataset) == 0
    assert message in dataset.skipped[0]


def test_sizes_that_differ(tmp_path):
    save(tmp_path, "SegmentationClass", CLASSES)
    save(tmp_path, "SegmentationObject", OBJECTS[:2])
    with pytest.raises(sc.data.DatasetError, match=r"expected the size \(3, 4\) of .*got \(2, 4\)"):
        sc.data.read(tmp_path)


def test_more_objects_than_labels(tmp_path):
    y, x = np.divmod(np.arange(260), 20)
    boxes = sc.Masks.from_boxes(np.stack([x, y, x + 1, y + 1], axis=1), (20, 20))
    annotations = [
        {"id": index, "image_id": 1, "category_id": 1, "segmentation": rle}
        for index, rle in enumerate(boxes.to_coco(), 1)
    ]
    dataset = sc.data.from_coco(
        {
            "images": [{"id": 1, "file_name": "a.jpg", "height": 20, "width": 20}],
            "categories": [{"id": 1, "name": "dot"}],
            "annotations": annotations,
        }
    )
    report, _ = check_round_trip(dataset, tmp_path, "voc")
    [dropped] = report.dropped
    assert dropped.rows.tolist() == [254, 255, 256, 257, 258, 259]
    assert dropped.reason == "its image has more than 254 objects"


def test_a_folder_without_maps(tmp_path):
    (tmp_path / "SegmentationClass").mkdir()
    with pytest.raises(sc.data.DatasetError, match="expected PNG files in SegmentationClass or"):
        sc.data.read(tmp_path)


def test_the_small_data_set(tmp_path):
    report, _ = check_round_trip(small(), tmp_path, "voc")
    assert report.unwritten == {
        "file names of images": 1,
        "iscrowd flags": 1,
        "category ids": 2,
        POLYGONS: 3,
    }
