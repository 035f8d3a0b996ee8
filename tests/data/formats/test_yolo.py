"""YOLO segmentation: what Ultralytics, Roboflow and others write, and what is written here."""

import numpy as np
import pytest
from support.formats import check_round_trip, document, sample, small

import segcore as sc
from segcore.data.formats._account import POLYGONS

Image = pytest.importorskip("PIL.Image")

pytest.importorskip("yaml")


@pytest.mark.parametrize("name", ["coco", "lvis", "taco", "panoptic"])
def test_real_data_keep_every_pixel(name, tmp_path):
    report, back = check_round_trip(sample(name), tmp_path, "yolo")
    assert not report.dropped
    assert not report.gained.any()
    assert not report.lost.any()
    assert not back.notes


def test_all_forms_of_masks_keep_every_pixel(tmp_path):
    dataset = small()
    report, back = check_round_trip(dataset, tmp_path, "yolo")
    assert not report.gained.any()
    assert not report.lost.any()
    assert report.unwritten == {"iscrowd flags": 1, "category ids": 2, POLYGONS: 2}
    assert back.images["id"].tolist() == [1, 2]
    assert back.images["file_name"].tolist() == ["a.jpg", "sub/b.png"]
    segmentation = back.annotations["segmentation"]
    assert segmentation.value(0) == [[1, 1, 6.5, 1.25, 4, 9.333]]


def test_overlapping_rings_of_a_mask_are_not_cut_out(tmp_path):
    rings = [[1, 1, 8, 1, 8, 8, 1, 8], [4, 4, 11, 4, 11, 11, 4, 11]]
    annotation = {"id": 1, "image_id": 1, "category_id": 3, "segmentation": rings}
    dataset = sc.data.from_coco(document(annotations=[annotation]))
    _, back = check_round_trip(dataset, tmp_path, "yolo")
    assert back[0].masks == dataset[0].masks


def test_empty_masks_and_boxes_are_named(tmp_path):
    common = {"image_id": 1, "category_id": 3}
    annotations = [
        {**common, "id": 5, "segmentation": {"size": [12, 16], "counts": [192]}},
        {**common, "id": 6, "segmentation": [[40, 40, 50, 40, 50, 50]]},
        {**common, "id": 7, "bbox": [1, 1, 2, 2]},
        {**common, "id": 9, "bbox": [1, 1, 2, 2], "segmentation": []},
        {**common, "id": 8, "segmentation": [[0, 0, 4, 0, 4, 4]]},
    ]
    report = sc.data.write(
        sc.data.from_coco(document(annotations=annotations)), tmp_path / "out", "yolo"
    )
    assert report.annotations == 1
    assert [(str(item), item.rows.tolist()) for item in report.dropped] == [
        ("annotation 7 of image 1 and 1 more: it has no mask", [2, 3]),
        ("annotation 5 of image 1 and 1 more: its mask is empty", [0, 1]),
    ]
    assert "not written: annotation 7 of image 1 and 1 more: it has no mask" in str(report)
    assert report.to_dict()["dropped"][1]["rows"] == [0, 1]
    assert not report.is_lossless


def ultralytics(folder, split="images/train", labels="labels/train", text="0 .5 .5 1 .5 1 1\n"):
    """Make a data set as Ultralytics' documentation describes it."""
    for name in (split, labels):
        (folder / name).mkdir(parents=True)
    Image.new("RGB", (40, 20)).save(folder / split / "a.JPG", "JPEG")
    Image.new("RGB", (8, 6)).save(folder / split / "b.png")
    (folder / labels / "a.txt").write_text(text)
    yaml = f"path: ../datasets/coco8\ntrain: {split}\nval: {split}\nnames:\n  0: person\n  1: car\n"
    (folder / "data.yaml").write_text(yaml)
    return folder


def test_ultralytics_data_yaml(tmp_path):
    back = sc.data.read(ultralytics(tmp_path) / "data.yaml")
    assert back.images["file_name"].tolist() == ["train/a.JPG", "train/b.png"]
    assert back[0].size == (20, 40)
    assert back.categories["name"].tolist() == ["person", "car"]
    assert back[0].masks == sc.Masks.from_polygons([[[20, 10, 40, 10, 40, 20]]], (20, 40))
    assert len(back[1]) == 0


def test_roboflow_data_yaml(tmp_path):
    ultralytics(tmp_path, "train/images", "train/labels")
    yaml = "train: ../train/images\nval: ../valid/images\nnc: 2\nnames: ['person', 'car']\n"
    (tmp_path / "data.yaml").write_text(yaml)
    back = sc.data.read(tmp_path)
    assert back.images["file_name"].tolist() == ["train/images/a.JPG", "train/images/b.png"]
    assert back[0].masks.area.tolist() == [100]


def test_labels_without_a_yaml(tmp_path):
    ultralytics(tmp_path, "images", "labels", "3 0 0 1 0 1 1\n\n12 0 0 .5 0 .5 .5")
    (tmp_path / "data.yaml").unlink()
    for path in (tmp_path, tmp_path / "labels"):
        back = sc.data.read(path)
        assert back.categories["name"].tolist() == ["3", "12"]
        assert back.categories["id"].tolist() == [3, 12]


@pytest.mark.parametrize("name", ["classes.txt", "obj.names", "labels/classes.txt"])
def test_names_in_a_text_file(name, tmp_path):
    ultralytics(tmp_path, "images", "labels", "1 0 0 1 0 1 1\n")
    (tmp_path / "data.yaml").unlink()
    (tmp_path / name).write_text("person\r\ncar\n\n")
    for path in (tmp_path, tmp_path / "labels"):
        back = sc.data.read(path)
        assert back.categories["name"].tolist() == ["person", "car"]
        assert back.annotations["category"].tolist() == [1]
    (tmp_path / name).write_text("person\nperson\n")
    with pytest.raises(sc.data.DatasetError, match=r"names\[1\]: 'person' occurs twice"):
        sc.data.read(tmp_path)


def test_a_list_of_images(tmp_path):
    ultralytics(tmp_path)
    (tmp_path / "train.txt").write_text("./images/train/a.JPG\n")
    (tmp_path / "data.yaml").write_text("train: train.txt\nnames: [person]\n")
    assert sc.data.read(tmp_path).images["file_name"].tolist() == ["train/a.JPG"]


def test_boxes_are_counted(tmp_path):
    back = sc.data.read(ultralytics(tmp_path, text="1 .5 .5 .5 .25\n0 0 0 1 0 1 1\n"))
    assert back.annotations["bbox"][0].tolist() == [10, 7.5, 20, 5]
    [note] = back.notes
    assert note.startswith("1 boxes without masks, the first: ")
    assert note.endswith("a.txt: line 1")


def test_images_rotated_by_exif(tmp_path):
    folder = ultralytics(tmp_path)
    image = Image.new("RGB", (40, 20))
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(folder / "images/train/a.JPG", "JPEG", exif=exif)
    back = sc.data.read(folder)
    assert back[0].size == (40, 20)
    assert "rotated by EXIF" in back.notes[0]


def test_sizes_that_disagree(tmp_path):
    sc.data.write(small(), tmp_path / "out", "yolo")
    (tmp_path / "out/images").mkdir()
    Image.new("RGB", (16, 13)).save(tmp_path / "out/images/a.jpg")
    with pytest.raises(sc.data.DatasetError, match=r"a.jpg: expected the size \(12, 16\).*13"):
        sc.data.read(tmp_path / "out")


def test_sizes_from_another_data_set(tmp_path):
    dataset = small()
    sc.data.write(dataset, tmp_path / "out", "yolo")
    (tmp_path / "out/images.csv").unlink()
    with pytest.raises(sc.data.DatasetError, match=r"a.txt: found no image of this name"):
        sc.data.read(tmp_path / "out")
    back = sc.data.read(tmp_path / "out", dataset=dataset)
    assert back[0].masks == dataset[0].masks


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0 .5 .5 1 .5 1", "line 1: expected pairs of coordinates, got 5 numbers"),
        ("0 0 0 1 0 1 1\n2 0 0 1 0 1 1", "line 2: expected a class from 0 to 1, got '2'"),
        ("0 0 0 1 0 1 x", "line 1: expected a number, got 'x'"),
        ("0 0 0 1 0 1 nan", "line 1: expected finite coordinates below 2**30, got nan"),
        ("0 0 0 100 0 100 100", "line 1: expected coordinates from 0 to 1, got 100"),
        ("0", "line 1: expected at least 3 points, got 0"),
        ("-1 0 0 1 0 1 1", "line 1: expected a class from 0 to 1, got '-1'"),
        ("0 0 0 1 0]],[[1 1", "line 1: expected a number, got '0]],[[1'"),
        ("0 1 1", "line 1: expected at least 3 points, got 1"),
    ],
)
def test_malformed_lines(text, message, tmp_path):
    folder = ultralytics(tmp_path, text=text)
    with pytest.raises(sc.data.DatasetError) as caught:
        sc.data.read(folder)
    label = folder / "labels/train/a.txt"
    assert str(caught.value) == f"{label}: {message}"
    back = sc.data.read(folder, invalid="skip")
    assert back.skipped == (f"{label}: {message}",)
    assert len(back.annotations) == len(text.splitlines()) - 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("names: [a\n", "not YAML: "),
        ("names: [a, a]", r"names\[1\]: 'a' occurs twice"),
        ("names: {1: a}", "names: expected the classes 0, 1, 2"),
        ("train: x", 'expected a mapping with "names"'),
        ("- 1", 'expected a mapping with "names"'),
        ("names: 3", "names: expected a list of names, got 3"),
        ("names: [[]]", r"names\[0\]: expected a name"),
        ("names: [a]\ntrain: /etc", "train: expected a path below"),
        ("names: [a]\ntrain: a/../../b", "train: expected a path below"),
        ("names: [a]\ntrain: 3", "train: expected a path, got 3"),
        ("names: [a]", "found no images"),
        ("[" * 5000, "not YAML: "),
        ("a: &a [x,x]\nb: &b [*a,*a]\nnames: !!python/object:os.system x", "not YAML: "),
    ],
)
def test_malformed_yaml(text, message, tmp_path):
    (tmp_path / "data.yaml").write_text(text)
    with pytest.raises(sc.data.DatasetError, match=message):
        sc.data.read(tmp_path)


def test_spaces_tabs_and_line_ends_of_windows(tmp_path):
    back = sc.data.read(ultralytics(tmp_path, text="\t1  .5 .5\t1  .5 1 1 \r\n0 0 0 1 0 1 1\r\n"))
    assert back.annotations["category"].tolist() == [1, 0]
    assert back[0].masks.area.tolist() == [100, 400]


def test_lines_as_other_tools_read_them(tmp_path):
    sc.data.write(small(), tmp_path / "out", "yolo")
    for line in (tmp_path / "out/labels/a.txt").read_text().splitlines():
        values = np.array(line.split(), float)
        assert values[0] in (0, 1)
        assert len(values) % 2 == 1
        assert (values[1:] >= 0).all()
        assert (values[1:] <= 1).all()


@pytest.mark.parametrize("name", ["../../secret.jpg", "/secret.jpg", "a/../../secret.jpg"])
def test_names_do_not_leave_the_folder(name, tmp_path):
    folder = tmp_path / "data"
    sc.data.write(small(), folder, "yolo")
    (tmp_path / "secret.txt").write_text("0 0 0 1 0 1 1")
    image = {"id": 5, "file_name": name, "height": 12, "width": 16}
    other = sc.data.from_coco({"images": [image], "annotations": []})
    assert len(sc.data.read(folder, dataset=other)) == 2
    listed = (folder / "images.csv").read_text()
    (folder / "images.csv").write_text(f"{listed}5,{name},12,16\n")
    with pytest.raises(sc.data.DatasetError, match=r"images.csv: line 4: the file name"):
        sc.data.read(folder)


def test_broken_lists_of_images(tmp_path):
    sc.data.write(small(), tmp_path / "out", "yolo")
    path = tmp_path / "out/images.csv"
    listed = path.read_text()
    for text, message in (
        ("a,b\n", "line 1: expected id,file_name,height,width"),
        (listed + "7,a.jpg,12,16\n", "line 4: 'a.jpg' occurs twice"),
        (listed + "7,c.jpg,12\n", "line 4: "),
        (listed + "7,c.jpg,12,x\n", "line 4: width: expected a number of pixels, got 'x'"),
    ):
        path.write_text(text)
        with pytest.raises(sc.data.DatasetError) as caught:
            sc.data.read(tmp_path / "out")
        assert str(caught.value).startswith(f"{path}: {message}")
