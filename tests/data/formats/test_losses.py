"""What comes back from every format is what was written, but for what the report counts."""

import gzip
import json
from pathlib import PurePosixPath

import numpy as np
import pytest

import segcore as sc
from segcore.data.formats._account import AREAS, POLYGONS

pytest.importorskip("PIL")
pytest.importorskip("yaml")

SUFFIXES = {
    "coco": ".json",
    "coco-panoptic": ".json",
    "parquet": ".parquet",
    "cvat": ".xml",
    "label-studio": ".json",
    "kaggle": ".csv",
    "geojson": ".geojson",
}
FOLDERS = ("yolo", "labelme", "maps", "binary-masks", "voc")
KEEPS_ALL = ("coco", "parquet")
NAMES = [
    *("a", "a", "a 1", "", "  first", "last ", "b:1,2,3", "#hash", "background", "Background"),
    *("class 2", "object", "1", "null", "~", "- x", "key: v", "a/b", "a,b", "<&>", "x\"q'", "é"),
    *("tab\there", "\t", "two\nlines", "back\rhome", "\u2028line", "\x85line", "\x01", "\x1c"),
    *("\U0001f600", "\ud800half", "\u00a0blank", "\ufeffmark", "\ufffe"),
]
RING = [[1, 1, 5, 1, 5, 5]]


@pytest.fixture(params=[*SUFFIXES, *FOLDERS])
def format_name(request):
    if request.param == "parquet":
        pytest.importorskip("pyarrow")
    return request.param


def dataset(names=("a",), files=(), stuff=(), **changes):
    """Return an image of each file name, or of each category, and an annotation in each image."""
    files = files or [f"{index:03}.jpg" for index in range(len(names))]
    categories = [
        {"id": i, "name": name, "isthing": int(name not in stuff)}
        for i, name in enumerate(names, 1)
    ]
    images = [
        {"id": i, "file_name": file, "height": 8, "width": 9} for i, file in enumerate(files, 1)
    ]
    annotations = [
        {"id": i, "image_id": i, "category_id": min(i, len(names)), "segmentation": RING}
        for i in range(1, len(files) + 1)
    ]
    annotations = [{**item, **changes} for item in annotations]
    return sc.data.from_coco(
        {"images": images, "annotations": annotations, "categories": categories}
    )


def there_and_back(source, folder, name):
    path = folder / f"out{SUFFIXES.get(name, '')}"
    report = sc.data.write(source, path, name)
    return report, sc.data.read(path, name)


def categories_of(found):
    """Return the row of the category of each image, by the images' names without suffix."""
    stems = [PurePosixPath(name).stem for name in found.images["file_name"]]
    rows = found.annotations["category"].tolist()
    images = found.annotations["image"].tolist()
    return {stems[image]: row for image, row in zip(images, rows, strict=True)}


def test_names_of_categories(format_name, tmp_path):
    source = dataset(NAMES)
    report, back = there_and_back(source, tmp_path, format_name)
    rows = [row for _, row in sorted(categories_of(back).items())]
    assert sorted(rows) == list(range(len(NAMES)))  # no two became one
    names = [back.categories["name"][row] for row in rows]
    changed = [name for name, found in zip(NAMES, names, strict=True) if name != found]
    assert report.unwritten.get("names of categories", 0) == len(changed)
    keeps_all = format_name in (*KEEPS_ALL, "coco-panoptic")
    assert len(set(names)) == len(NAMES) - keeps_all
    assert bool(changed) != keeps_all
    assert names[2] == "a 1"
    assert names[NAMES.index("\U0001f600")] == "\U0001f600"


def test_ids_of_categories(format_name, tmp_path):
    source = dataset(["a", "b", "c"])
    annotations = source.annotations.replace(category=np.array([2, 1, 0]))
    source = sc.data.Dataset(source.images, source.categories, annotations)
    report, back = there_and_back(source, tmp_path, format_name)
    ids = back.categories["id"][[row for _, row in sorted(categories_of(back).items())]]
    assert ("category ids" in report.unwritten) == (ids.tolist() != [3, 2, 1])


def test_names_of_images(format_name, tmp_path):
    files = ["", "s\\b.jpg", " first.jpg", "c d#1?%41.jpg", "\U0001f600.png", "e;f&g.jpg"]
    report, back = there_and_back(dataset(files=files), tmp_path, format_name)
    # Formats list the images in the order of their names.
    assert len(back) == len(files)
    names = list(back.images["file_name"])
    changed = sum((names.count(name) == 0) for name in files)
    assert report.unwritten.get("file names of images", 0) == changed
    assert report.is_lossless is (format_name in KEEPS_ALL)


def test_stuff(format_name, tmp_path):
    report, back = there_and_back(dataset(["a", "b"], stuff=["a"]), tmp_path, format_name)
    lost = int(back.categories["isthing"][0])
    assert lost == (format_name not in (*KEEPS_ALL, "coco-panoptic"))
    assert report.unwritten.get("categories that are not things", 0) == lost


@pytest.mark.parametrize(
    ("values", "is_own"),
    [
        ({}, False),
        ({"area": 8.0, "bbox": [1, 1, 4, 4]}, False),
        ({"area": 8, "bbox": [1.004, 1, 3.996, 4]}, False),  # rounded to two decimals, as COCO's
        ({"area": 10, "bbox": [1, 1, 4, 4]}, True),
        ({"area": 6, "bbox": [2, 1, 3, 3]}, False),  # those of the pixels
        ({"area": 8, "bbox": [0, 0, 9, 9]}, True),
        ({"area": 6, "bbox": [1, 1, 4, 4], "segmentation": None}, True),
        ({"area": 12, "bbox": [1, 2, 4, 3], "segmentation": None}, False),
        ({"area": 12, "bbox": [1, 2, 4, 3], "segmentation": "rle"}, False),
        ({"area": 13, "bbox": [1, 2, 4, 3], "segmentation": "rle"}, True),
    ],
)
@pytest.mark.parametrize("name", ["geojson", "cvat", "yolo", "maps", "label-studio"])
def test_areas_and_boxes(values, is_own, name, tmp_path):
    if values.get("segmentation") == "rle":
        [rle] = sc.Masks.from_boxes([[1, 2, 5, 5]], (8, 9)).to_coco()
        values = {**values, "segmentation": rle}
    report, _ = there_and_back(dataset(**values), tmp_path, name)
    is_own &= report.annotations > 0
    assert report.unwritten.get(AREAS, 0) == is_own


@pytest.mark.parametrize("name", ["kaggle", "binary-masks", "maps", "voc", "geojson", "cvat"])
def test_polygons_that_become_masks(name, tmp_path):
    report, back = there_and_back(dataset(), tmp_path, name)
    is_polygon = isinstance(back.annotations["segmentation"].value(0), list)
    assert report.unwritten.get(POLYGONS, 0) == (not is_polygon)
    assert is_polygon == (name in ("geojson", "cvat"))


def test_an_annotation_without_a_score_is_named(tmp_path):
    source = dataset(["a", "b"])
    scores = source.annotations.replace(score=np.array([0.9, np.nan]))
    source = sc.data.Dataset(source.images, source.categories, scores)
    report, _ = there_and_back(source, tmp_path, "coco-panoptic")
    assert [(item.reason, item.rows.tolist()) for item in report.dropped] == [
        ("it has no score, which others have", [1])
    ]


@pytest.mark.parametrize("name", ["sa-1b", "yolo", "labelme"])
def test_images_of_one_output_are_named(name, tmp_path):
    files = ["s/a.jpg", "t/a.jpg"] if name == "sa-1b" else ["a.jpg", "a.png"]
    with pytest.raises(ValueError, match=r"images 1 and 2: both would be written to a\."):
        sc.data.write(dataset(files=files), tmp_path / "out", name)
    assert not (tmp_path / "out").exists()


# -- reading --------------------------------------------------------------------------------------


def test_emojis_in_yaml_as_json_writes_them(tmp_path):
    sc.data.write(dataset(["\U0001f600"]), tmp_path / "out", "yolo")
    path = tmp_path / "out" / "data.yaml"
    path.write_text('names: ["\\ud83d\\ude00"]\ntrain: images')
    assert sc.data.read(path).categories["name"].tolist() == ["\U0001f600"]
    path.write_text('names: ["a", "\\ud83d"]\ntrain: images')
    with pytest.raises(sc.data.DatasetError, match=r"names\[1\]: expected a name in Unicode"):
        sc.data.read(path)


def test_classes_of_one_name_stay_apart(tmp_path):
    sc.data.write(dataset(["x", "y", "z"]), tmp_path / "out", "maps")
    path = tmp_path / "out" / "classes.json"
    listed = json.loads(path.read_text())
    for item, name in zip(listed["classes"][1:], ["a", "a", "a 1"], strict=True):
        item["name"] = name
    path.write_text(json.dumps(listed))
    back = sc.data.read(tmp_path / "out")
    assert back.categories["name"].tolist() == ["a 1 2", "a 2", "a 1"]
    assert [image.category_ids.tolist() for image in back] == [[1], [2], [3]]


def test_files_beside_parquet_are_noted(tmp_path):
    pytest.importorskip("pyarrow")
    sc.data.write(dataset(), tmp_path / "in" / "a.parquet")
    assert sc.data.read(tmp_path / "in").notes == ()
    for name in ("b.json", "c.json", "photograph.jpg"):
        (tmp_path / "in" / name).write_text("{}")
    [note] = sc.data.read(tmp_path / "in").notes
    path = tmp_path / "in" / "b.json"
    assert note == f"2 files beside the Parquet files, the first: {path}"


# -- names of files -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["x", "x.png", "x.txt", "x.csv.gz", "x.json.zip"])
def test_a_name_that_tells_no_format(name, tmp_path):
    with pytest.raises(ValueError, match=r'does not tell the format; .*\.json\.gz.*"cityscapes"'):
        sc.data.write(dataset(), tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["coco", None])
def test_compressed_files(name, tmp_path):
    source = dataset(score=0.5)
    for path in ("a.json", "a.json.gz", "b.JSON.GZ"):
        sc.data.write(source, tmp_path / path, name)
    data = (tmp_path / "a.json.gz").read_bytes()
    assert gzip.decompress(data) == (tmp_path / "a.json").read_bytes()
    assert data == (tmp_path / "b.JSON.GZ").read_bytes()
    assert sc.data.read(tmp_path / "a.json.gz")[0].masks == source[0].masks


@pytest.mark.parametrize("name", ["kaggle", "parquet", "coco-panoptic", "geojson"])
def test_formats_that_are_not_compressed(name, tmp_path):
    with pytest.raises(ValueError, match=f'the format "{name}" is not written with gzip'):
        sc.data.write(dataset(), tmp_path / "x.json.gz", name)
