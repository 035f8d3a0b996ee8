"""Folders of PNG label maps and binary masks."""

import json
from pathlib import Path

import numpy as np
import pytest
from support.formats import check_round_trip, document, sample, small

import segcore as sc

Image = pytest.importorskip("PIL.Image")

LABELS = np.array([[0, 1, 1, 2], [0, 0, 2, 2], [3, 3, 0, 0]], np.uint8)


def save(path, pixels, mode=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(pixels) if mode is None else mode(pixels)
    image.save(path)


def indexed(pixels):
    image = Image.fromarray(pixels)
    image.putpalette(bytes(range(256)) * 3)
    return image


@pytest.mark.parametrize("name", ["coco", "lvis", "taco", "panoptic"])
def test_real_data_lose_what_is_reported(name, tmp_path):
    """Annotations of one category merge, so maps are compared, and losses counted, by pixel."""
    dataset = sample(name)
    report = sc.data.write(dataset, tmp_path / "out", "maps")
    back = sc.data.read(tmp_path / "out")
    dropped = {row for item in report.dropped for row in item.rows.tolist()}
    names = back.categories["name"].tolist()
    merged = 0
    stems = {Path(image.file_name).stem: image for image in back}
    for index, original in enumerate(dataset):
        rows = np.arange(len(dataset.annotations))[dataset.rows_of(index)].tolist()
        found = stems[Path(original.file_name).stem]
        regions = {
            names[c]: m for c, m in zip(found.categories, found.masks.to_dense(), strict=True)
        }
        used = set()
        for mask, category, row in zip(
            original.masks.to_dense(), original.categories, rows, strict=True
        ):
            region = regions.get(dataset.categories["name"][int(category)], np.zeros_like(mask))
            lost = int((mask & ~region).sum())
            if row in dropped:
                assert not (mask & region).all() or not mask.any()
                continue
            assert lost == report.lost[row]
            merged += category in used
            used.add(category)
        painted = original.masks.union().to_dense()[0]
        assert (found.masks.union().to_dense()[0] == painted).all()
    assert not report.gained.any()
    assert report.unwritten.get("annotations merged with others of their category", 0) == merged


def test_maps_round_trip_bit_for_bit(tmp_path):
    save(tmp_path / "in/a.png", LABELS)
    save(tmp_path / "in/sub/b.PNG", np.array([[0, 254], [7, 7]], np.uint8))
    dataset = sc.data.read(tmp_path / "in")
    assert dataset.categories["name"].tolist() == [f"class {n}" for n in (1, 2, 3, 7, 254)]
    report, back = check_round_trip(dataset, tmp_path, "maps")
    assert report.unwritten == {"file names of images": 1}  # b.PNG becomes b.png
    assert back.categories["id"].tolist() == [1, 2, 3, 7, 254]
    with Image.open(tmp_path / "out/a.png") as image:
        assert image.mode == "P"
        assert (np.asarray(image) == LABELS).all()


def test_many_categories_need_16_bits(tmp_path):
    save(tmp_path / "in/a.png", np.array([[0, 700], [65535, 255]], np.uint16))
    dataset = sc.data.read(tmp_path / "in/a.png")
    assert dataset.categories["id"].tolist() == [700, 65535]
    assert dataset.notes == ("1 pixels of the label 255, which are ignored, the first: a.png",)
    report, _ = check_round_trip(dataset, tmp_path, "maps")
    assert report.is_lossless
    with Image.open(tmp_path / "out/a.png") as image:
        assert image.mode.startswith("I;16")


def test_smaller_masks_are_on_top_of_larger_ones_and_of_crowds(tmp_path):
    table = {"segmentation": [[2, 2, 14, 2, 14, 10, 2, 10]], "category_id": 3}
    cup = {"segmentation": [[4, 4, 6, 4, 6, 6, 4, 6]], "category_id": 7}
    hidden = {**table, "iscrowd": 1, "segmentation": [[4, 4, 5, 4, 5, 5, 4, 5]]}
    annotations = [
        {"image_id": 1, "id": index, **item} for index, item in enumerate((table, cup, hidden), 1)
    ]
    dataset = sc.data.from_coco(document(annotations=annotations))
    report, _ = check_round_trip(dataset, tmp_path, "maps")
    assert report.lost.tolist() == [4, 0, 0]
    assert [str(item) for item in report.dropped] == [
        "annotation 3 of image 1: it is hidden by smaller ones"
    ]


def test_the_small_data_set(tmp_path):
    report = sc.data.write(small(), tmp_path / "out", "maps")
    assert report.unwritten["annotations merged with others of their category"] == 2
    classes = json.loads((tmp_path / "out/classes.json").read_text())["classes"]
    assert [item["index"] for item in classes] == [0, 3, 7]


def test_an_id_of_zero_is_numbered_anew(tmp_path):
    categories = [{"id": 0, "name": "cup"}, {"id": 1, "name": "plate"}]
    annotation = {"id": 1, "image_id": 1, "category_id": 0, "segmentation": [[0, 0, 9, 0, 9, 9]]}
    dataset = sc.data.from_coco(document(categories=categories, annotations=[annotation]))
    _, back = check_round_trip(dataset, tmp_path, "maps")
    assert back.categories["id"].tolist() == [0, 1]


# -- what other tools write -----------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["gray", "bits", "palette", "rgb", "rgba", "both"])
def test_binary_masks_are_objects(kind, tmp_path):
    mask = np.zeros((40, 60), bool)
    mask[10:30, 20:50] = True
    gray = mask.astype(np.uint8) * 255
    saved = {
        "gray": gray,
        "both": gray,
        "bits": mask,
        "palette": gray,
        "rgb": np.stack([gray] * 3, axis=2),
        "rgba": np.dstack([gray] * 3 + [np.full_like(gray, 255)]),
    }[kind]
    save(tmp_path / "a.png", saved, indexed if kind == "palette" else None)
    save(tmp_path / "b.png", mask if kind == "both" else np.zeros_like(mask))
    dataset = sc.data.read(tmp_path)
    assert dataset.categories["name"].tolist() == ["object"]
    assert dataset.categories["id"].tolist() == [1]
    assert dataset[0].masks.area.tolist() == [600]
    assert len(dataset[1]) == (1 if kind == "both" else 0)
    assert not dataset.notes


def test_255_is_ignored_beside_other_labels_and_counted(tmp_path):
    save(tmp_path / "a.png", np.array([[255, 1], [0, 1]], np.uint8))
    save(tmp_path / "b.png", np.array([[255, 255], [0, 0]], np.uint8))
    dataset = sc.data.read(tmp_path)
    assert [len(image) for image in dataset] == [1, 0]
    assert dataset.categories["name"].tolist() == ["class 1"]
    assert dataset.annotations["id"].tolist() == [1]
    assert dataset.notes == ("3 pixels of the label 255, which are ignored, the first: a.png",)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_gray_of_few_bits(bits, tmp_path):
    labels = np.arange(12, dtype=np.uint8).reshape(3, 4) % 2**bits
    image = indexed(labels)
    image.save(tmp_path / "a.png", bits=bits)
    dataset = sc.data.read(tmp_path)
    expected = np.unique(labels[labels > 0]).tolist()
    assert dataset.categories["id"].tolist() == expected
    assert int(dataset[0].masks.area.sum()) == int((labels > 0).sum())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "labelmap.txt",
            "# label:color_rgb:\nbackground:0,0,0::\ncat:128,0,0::\ndog:0,64,9::\n",
        ),
        ("label_colors.txt", "0 0 0 background\n128 0 0\tcat\n0 64 9\tdog\n"),
        ("class_dict.csv", "name,r,g,b\ncat,128,0,0\ndog,0,64,9\n"),
    ],
)
def test_colors_with_a_table(name, text, tmp_path):
    pixels = np.zeros((2, 3, 3), np.uint8)
    pixels[0, 0], pixels[1, :2] = (128, 0, 0), (0, 64, 9)
    save(tmp_path / "a.png", pixels)
    with pytest.raises(sc.data.DatasetError, match=r"a.png: it is an RGB PNG of 2 colors, which"):
        sc.data.read(tmp_path)
    (tmp_path / name).write_text(text)
    dataset = sc.data.read(tmp_path)
    assert dataset.categories["name"].tolist() == ["cat", "dog"]
    assert dataset[0].masks.area.tolist() == [1, 2]
    pixels[1, 2] = 9, 9, 1
    save(tmp_path / "a.png", pixels)
    with pytest.raises(sc.data.DatasetError, match="color 9,9,1, which the table does not list"):
        sc.data.read(tmp_path)
    assert sc.data.read(tmp_path, invalid="skip").skipped


def test_classes_name_labels(tmp_path):
    save(tmp_path / "a.png", LABELS)
    classes = [{"index": n, "category_id": n * 10 or None, "name": f"c{n}"} for n in range(4)]
    (tmp_path / "classes.json").write_text(json.dumps({"classes": classes}))
    assert sc.data.read(tmp_path).categories["id"].tolist() == [10, 20, 30]
    (tmp_path / "classes.json").write_text(json.dumps({"classes": classes[:3]}))
    with pytest.raises(
        sc.data.DatasetError, match=r"a.png: 2 of its pixels have the label 3, which"
    ):
        sc.data.read(tmp_path)


def test_malformed(tmp_path):
    for name, pixels, message in (
        ("jpeg", None, "not a PNG: it looks like a JPEG image, which cannot hold labels"),
        ("text", None, "not a PNG"),
        ("cut", LABELS, "cannot read it|not a PNG"),
        ("alpha", np.zeros((2, 2, 4), np.uint8), "without transparent pixels"),
    ):
        folder = tmp_path / name
        folder.mkdir()
        path = folder / "a.png"
        if pixels is not None:
            save(path, pixels)
        if name == "jpeg":
            Image.fromarray(LABELS).save(path, "JPEG")
        elif name == "text":
            path.write_text("hello")
        elif name == "cut":
            path.write_bytes(path.read_bytes()[:45])
        with pytest.raises(sc.data.DatasetError, match=message) as caught:
            sc.data.read(folder)
        assert str(caught.value).startswith(f"{path}: ")
        assert len(sc.data.read(folder, invalid="skip")) == 0
    with pytest.raises(ValueError, match="dataset: not used"):
        sc.data.read(path, dataset=small())


COLORS = {"cup": (128, 128, 128), "café, größer": (0, 7, 255), "background": (9, 9, 9)}


def test_colors_are_written_and_read(tmp_path):
    report = sc.data.write(small(), tmp_path / "out", "maps", colors=COLORS)
    with Image.open(tmp_path / "out" / "a.png") as image:
        assert image.mode == "RGB"
        assert {color for _, color in image.getcolors()} == set(COLORS.values())
    sc.data.write(small(), tmp_path / "labels", "maps")
    labels = sc.data.read(tmp_path / "labels")
    assert report.lost.sum() > 0
    for given in (None, COLORS):
        back = sc.data.read(tmp_path / "out", colors=given)
        assert back.categories["name"].tolist() == ["cup", "café, größer"]
        assert [image.masks for image in back] == [image.masks for image in labels]


def test_colors_that_nothing_is_read_by_are_noted(tmp_path):
    save(tmp_path / "a.png", LABELS)
    [note] = sc.data.read(tmp_path, colors=COLORS).notes
    assert note == (
        "1 PNGs of labels, not colors, for which the table of colors is not used, the first: a.png"
    )
    assert sc.data.read(tmp_path).notes == ()


def test_gray_colors_are_colors_where_there_is_a_table(tmp_path):
    pixels = np.repeat(LABELS[..., None] * np.uint8(50), 3, axis=2)
    save(tmp_path / "a.png", pixels)
    colors = {"background": (0, 0, 0), "a": (50, 50, 50), "b": (100,) * 3, "c": (150,) * 3}
    dataset = sc.data.read(tmp_path, colors=colors)
    assert dataset.categories["name"].tolist() == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("colors", "said"),
    [
        ({"cup": (1, 2, 3)}, "a color for each category, got none of 'café, größer'"),
        ({**COLORS, "cup": (1, 2)}, r"red, green and blue from 0 to 255 for 'cup', got \(1, 2\)"),
        ({**COLORS, "cup": (1, 2, 256)}, "from 0 to 255 for 'cup'"),
        ({**COLORS, "cup": (0, 7, 255)}, "have the same color"),
        ({**COLORS, "cup": (0, 0, 0), "background": (1, 1, 1)}, None),
        ({"cup": (0, 0, 0), "café, größer": (1, 1, 1)}, "'cup' has the color of the background"),
    ],
)
def test_colors_that_are_refused(colors, said, tmp_path):
    if said is None:
        sc.data.write(small(), tmp_path / "out", "maps", colors=colors)
        return
    with pytest.raises(ValueError, match=said):
        sc.data.write(small(), tmp_path / "out", "maps", colors=colors)
    assert not (tmp_path / "out").exists()


def test_colors_of_other_formats_are_refused(tmp_path):
    with pytest.raises(ValueError, match="colors: only used for PNG label maps, not for 'voc'"):
        sc.data.write(small(), tmp_path / "out", "voc", colors=COLORS)


def test_more_than_254_labels_have_16_bits(tmp_path):
    categories = [{"id": i, "name": f"c{i}"} for i in range(1, 301)]
    annotations = [
        {"id": i, "image_id": 1, "category_id": i, "bbox": [0, 0, 1, 1],
         "segmentation": [[i % 20, i // 20, i % 20 + 1, i // 20, i % 20 + 1, i // 20 + 1,
                           i % 20, i // 20 + 1]]}
        for i in range(1, 301)
    ]  # fmt: skip
    images = [{"id": 1, "file_name": "a.jpg", "height": 16, "width": 20}]
    given = {"images": images, "categories": categories, "annotations": annotations}
    dataset = sc.data.from_coco(given)
    report, back = check_round_trip(dataset, tmp_path, "maps")
    with Image.open(tmp_path / "out" / "a.png") as image:
        assert image.mode == "I;16"
    assert not report.lost.any()
    assert back.categories["id"].tolist() == list(range(1, 301))


def ids_of(tmp_path, pixels, mode=None):
    (tmp_path / "ids").mkdir()
    Image.fromarray(np.array(pixels, mode)).save(tmp_path / "ids/a.png")
    return tmp_path / "ids"


def test_ids_of_cityscapes(tmp_path):
    folder = ids_of(tmp_path, [[0, 7, 26], [26000, 26001, 26001]], np.uint16)
    dataset = sc.data.read(folder, ids="cityscapes")
    assert dataset.categories["name"].tolist() == ["road", "car"]
    assert dataset.categories["id"].tolist() == [7, 26]
    assert dataset[0].category_ids.tolist() == [7, 26, 26, 26]
    assert dataset[0].masks.area.tolist() == [1, 1, 1, 2]
    assert sc.data.read(folder).categories["name"].tolist()[-1] == "class 26001"


@pytest.mark.parametrize("divisor", [256, "256"])
def test_ids_of_a_divisor(divisor, tmp_path):
    folder = ids_of(tmp_path, [[3, 2 * 256, 2 * 256 + 1], [2 * 256 + 1, 255 * 256, 0]], np.uint16)
    (folder / "classes.json").write_text(
        '{"classes": [{"index": 2, "category_id": 5, "name": "cup"}]}'
    )
    dataset = sc.data.read(folder, "maps", ids=divisor)
    assert dataset[0].category_ids.tolist() == [5, 5]  # class 0 is background, 255 ignored
    assert dataset[0].masks.area.tolist() == [1, 2]
    of_background, ignored = dataset.notes
    assert of_background.startswith("1 pixels of ids whose class is 0, the background")
    assert ignored.startswith("1 pixels of the label 255, which are ignored")


def test_ids_in_two_channels(tmp_path):
    pixels = sc.maps.ids.to_two_channels([[0, 4, 4], [9, 9, 4]], [[0, 1, 2], [9, 9, 1]])
    folder = ids_of(tmp_path, pixels)
    dataset = sc.data.read(folder, ids="two-channels")
    assert dataset[0].category_ids.tolist() == [4, 4, 9]
    assert dataset[0].masks.area.tolist() == [2, 1, 2]
    Image.fromarray(np.ones((2, 3), np.uint8)).save(folder / "b.png")
    with pytest.raises(sc.data.DatasetError, match=r"b\.png: expected an RGB PNG"):
        sc.data.read(folder, ids="two-channels")


@pytest.mark.parametrize("ids", ["", "kitti", 0, -1, True, 2.5, 2**31, "9" * 30])
def test_ids_that_are_refused(ids, tmp_path):
    with pytest.raises(ValueError, match=r'ids: expected "cityscapes", "two-channels" or a number'):
        sc.data.read(ids_of(tmp_path, [[1]], np.uint8), ids=ids)


def test_ids_of_other_formats_are_refused(tmp_path):
    (tmp_path / "a.json").write_text('{"images": [], "annotations": []}')
    with pytest.raises(ValueError, match="ids: only used for PNG label maps"):
        sc.data.read(tmp_path / "a.json", ids="cityscapes")
