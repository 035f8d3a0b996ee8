"""Formats are recognized by name and contents; what is not, is named."""

import gzip
import json

import pytest

import segcore as sc
from segcore.data.files.kinds import TITLES
from segcore.data.io import FORMATS
from segcore.data.recognize import _outer_keys


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", b"0 0.1 0.2 0.3 0.4 0.5 0.6\n", "YOLO's text format .* this\\. Pass data.yaml"),
        ("a.zip", b"PK\x03\x04xx", "a ZIP archive"),
        ("a.xml", b"<annotation><object/></annotation>", "Pascal VOC's XML, which has boxes"),
        ("a.xml", b"<svg/>", "XML"),
        ("a.npy", b"\x93NUMPY", "a NumPy array"),
        ("a.jpg", b"\xff\xd8\xff\xe0", "a JPEG image, which cannot hold labels"),
        (
            "a.tif",
            b"II*\x00",
            "a TIFF image; segcore does not read this\\. Save it as PNG\\. It reads: COCO",
        ),
        ("a.html", b"<!doctype html><html></html>", "an HTML page"),
        ("a", b"", "an empty file"),
    ],
)
def test_files_that_are_not_read(name, content, message, tmp_path):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(sc.data.DatasetError, match=f"it looks like {message}") as caught:
        sc.data.read(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    assert "\n" not in text
    assert all(TITLES[name] in text for name in FORMATS)


def test_folders_that_are_not_read(tmp_path):
    with pytest.raises(sc.data.DatasetError, match="it looks like an empty folder; segcore does"):
        sc.data.read(tmp_path)
    (tmp_path / "a.jpg").write_bytes(b"")
    (tmp_path / "b.docx").write_bytes(b"")
    with pytest.raises(sc.data.DatasetError, match=r"a folder with \.docx, \.jpg files"):
        sc.data.read(tmp_path)


def test_a_folder_with_json_files_below_it_names_the_first(tmp_path):
    (tmp_path / "train").mkdir()
    (tmp_path / "train/_annotations.coco.json").write_text('{"images": [], "annotations": []}')
    with pytest.raises(sc.data.DatasetError, match=r"below it is .*_annotations\.coco\.json"):
        sc.data.read(tmp_path)


def test_a_folder_with_a_panoptic_file_names_the_file(tmp_path):
    (tmp_path / "a.png").write_bytes(b"")
    entry = {"image_id": 1, "file_name": "a.png", "segments_info": []}
    (tmp_path / "p.json").write_text(json.dumps({"images": [], "annotations": [entry]}))
    with pytest.raises(
        sc.data.DatasetError, match=r"COCO panoptic file; .* Pass p\.json\. It reads"
    ):
        sc.data.read(tmp_path)


def test_json_is_told_apart_by_its_outermost_keys(tmp_path):
    """The names of members of nested objects do not count, nor does the order."""
    path = tmp_path / "a.json"
    coco = {"info": {"shapes": [], "features": 1, "type": 2}, "images": [], "annotations": []}
    path.write_text(json.dumps(coco))
    assert len(sc.data.read(path)) == 0
    path.write_bytes(gzip.compress(json.dumps(coco).encode()))
    assert len(sc.data.read(path)) == 0
    path.write_text('{"features": [], "images": [], "type": "FeatureCollection"}')
    assert len(sc.data.read(path)) == 0
    path.write_text('\ufeff{"x": "}\\"", "shapes": []}')
    with pytest.raises(sc.data.DatasetError, match="imagePath: expected a name"):
        sc.data.read(path)


def test_an_unknown_format_is_an_error(tmp_path):
    with pytest.raises(ValueError, match=r'format: expected "coco", .*"yolo", .*voc2012'):
        sc.data.read(tmp_path, "voc2012")


def test_missing_files(tmp_path):
    for name in ("a.json", "a.csv", "a.xml", "a.yaml", "folder"):
        with pytest.raises(FileNotFoundError):
            sc.data.read(tmp_path / name)


def test_formats_by_the_name_that_is_written(tmp_path):
    dataset = sc.data.from_coco({"images": [], "annotations": []})
    for name, format in (
        ("a.json", "coco"),
        ("a.csv", "kaggle"),
        ("a.xml", "cvat"),
        ("a.geojson", "geojson"),
    ):
        assert sc.data.write(dataset, tmp_path / name).format == format
        assert len(sc.data.read(tmp_path / name)) == 0


def test_reports_of_formats_that_keep_all_masks(tmp_path):
    annotation = {"id": 1, "image_id": 1, "category_id": 1, "segmentation": [[0, 0, 9, 0, 9, 9]]}
    dataset = sc.data.from_coco(
        {
            "images": [{"id": 1, "file_name": "a.jpg", "height": 10, "width": 10}],
            "categories": [{"id": 1, "name": "cup"}],
            "annotations": [annotation],
        }
    )
    report = sc.data.write(dataset, tmp_path / "a.json")
    assert (report.format, report.images, report.annotations) == ("coco", 1, 1)
    assert report.is_lossless
    assert str(report) == f"1 annotation in 1 image written to {tmp_path / 'a.json'}"
    json.dumps(report.to_dict())
    report = sc.data.write(dataset, tmp_path / "b.json", "coco-results")
    assert report.unwritten == {"names and sizes of images": 1, "categories": 1}
    report = sc.data.write(dataset, tmp_path / "c", "sa-1b")
    assert report.unwritten == {"categories": 1}
    assert str(report).endswith("no place in this format for: 1 categories")


def test_a_string_that_is_cut_off_is_looked_at_once():
    """The beginning of a file may end within a long string with many quotes."""
    opening, keys = _outer_keys(b'{"images": 1, "x": "' + b'\\"' * 32_000 + b"\\")
    assert (opening, keys) == (b"{", {"images", "x"})
    assert _outer_keys(b'[{"a": [{"b": 1}], "c": 2}, {"d": 3}]') == (b"[", {"a", "c"})
