"""Kaggle's CSV files of run lengths."""

import pytest
from support.formats import check_round_trip, sample, small

import segcore as sc
from segcore.data.formats._account import POLYGONS

Image = pytest.importorskip("PIL.Image")


@pytest.mark.parametrize("name", ["coco", "lvis", "taco", "panoptic"])
def test_real_data_keep_every_pixel(name, tmp_path):
    report, _ = check_round_trip(sample(name), tmp_path, "kaggle", "train.csv")
    assert not report.gained.any()
    assert not report.lost.any()
    assert not report.dropped


def test_all_forms_of_masks(tmp_path):
    report, back = check_round_trip(small(), tmp_path, "kaggle", "a.csv")
    assert report.unwritten == {"iscrowd flags": 1, "category ids": 2, POLYGONS: 3}
    assert back.images["file_name"].tolist() == ["a.jpg", "sub/b.png"]


def test_images_without_masks_and_fields_with_commas(tmp_path):
    dataset = small().select([])
    sc.data.write(dataset, tmp_path / "a.csv", "kaggle")
    back = sc.data.read(tmp_path / "a.csv")
    assert back.images["file_name"].tolist() == ["a.jpg", "sub/b.png"]
    assert len(back.categories) == len(back.annotations) == 0


def save(tmp_path, text, suffix=".csv"):
    path = tmp_path / f"train{suffix}"
    path.write_text(text)
    return path


FISH = "Image_Label,EncodedPixels\na_1.png_Fish,1 3 10 5\na_1.png_Sugar,\nb.png_Fish,\n"
SEVERSTAL = "ImageId,ClassId,EncodedPixels\na_1.png,2,1 3\na_1.png,4,9 1\nb.png,2,-1\n"
TGS = "id,rle_mask\na_1,1 3\nb,\n"
AIRBUS = "ImageId,EncodedPixels\na_1.png,1 3\na_1.png,9 1\nb.png,nan\n"
TABS = "id\tsegmentation\na_1\t[1, 3]\nb\t[]\n"


@pytest.mark.parametrize(
    ("text", "areas", "categories"),
    [
        (FISH, [8], ["Fish", "Sugar"]),
        (SEVERSTAL, [3, 1], ["2", "4"]),
        (TGS, [3], ["object"]),
        (AIRBUS, [3, 1], ["object"]),
        (TABS, [3], ["object"]),
    ],
)
def test_files_of_competitions(text, areas, categories, tmp_path):
    (tmp_path / "train_images").mkdir()
    for name in ("a_1.png", "b.png"):
        Image.new("L", (7, 5)).save(tmp_path / "train_images" / name)
    dataset = sc.data.read(save(tmp_path, text, ".tsv" if text is TABS else ".csv"))
    assert [image.size for image in dataset] == [(5, 7)] * 2
    assert dataset[0].masks.area.tolist() == areas
    assert len(dataset[1]) == 0
    assert dataset.categories["name"].tolist() == categories


def test_sizes_of_another_data_set(tmp_path):
    path = save(tmp_path, "ImageId,EncodedPixels\na,1 3\n")
    with pytest.raises(sc.data.DatasetError, match=r"line 2: the size of 'a' is unknown: put the"):
        sc.data.read(path)
    assert sc.data.read(path, dataset=small())[0].size == (12, 16)


def test_long_strings(tmp_path):
    string = " ".join(f"{start} 1" for start in range(1, 200_000, 2))
    assert len(string) > 131_072
    path = save(tmp_path, f"ImageId,Height,Width,EncodedPixels\na,1000,1000,{string}\n")
    assert sc.data.read(path)[0].masks.area.tolist() == [100_000]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a,3,3", "expected 4 fields, got 3"),
        ("a,x,3,1 1", "height: expected a number of pixels, got 'x'"),
        ("a,4,3,1 1", "its size (4, 3) differs from (3, 3) of other rows"),
        ("../a,3,3,1 1", 'the file name "../a" leaves its folder'),
        (",3,3,1 1", "the file name is"),
        ("a,3,3,1", "expected"),
        ("a,3,3,9 2", ""),
        ("a,3,3,0 2", ""),
        ("a,3,3,1 2 2 2", ""),
        ("a,3,3,hello", "expected a string of only digits and spaces"),
    ],
)
def test_malformed_rows(row, message, tmp_path):
    path = save(tmp_path, f"ImageId,Height,Width,EncodedPixels\na,3,3,1 1\n{row}\n")
    with pytest.raises(sc.data.DatasetError) as caught:
        sc.data.read(path)
    assert str(caught.value).startswith(f"{path}: line 3: {message}")
    dataset = sc.data.read(path, invalid="skip")
    assert len(dataset.annotations) == len(dataset.skipped) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "expected a header, got an empty file"),
        (b"a,b\n1,2\n", "line 1: expected columns such as ImageId and EncodedPixels, got 'a, b'"),
        (b"id,rle\n\xff,1 1\n", "line 2: expected text in UTF-8"),
        (b'id,rle\n"a,1 1\n', "not CSV: unexpected end of data"),
        (b"Image_Label,EncodedPixels\na,1 1\n", "line 2: expected an image and a class, got 'a'"),
    ],
)
def test_malformed_files(text, message, tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(text)
    with pytest.raises(sc.data.DatasetError) as caught:
        sc.data.read(path)
    assert message in str(caught.value)
