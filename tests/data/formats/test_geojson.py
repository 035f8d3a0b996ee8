"""GeoJSON in pixels."""

import json

import pytest
from support.formats import check_round_trip, sample, small

import segcore as sc

Image = pytest.importorskip("PIL.Image")


@pytest.mark.parametrize("name", ["coco", "lvis", "taco", "panoptic"])
def test_real_data_keep_every_pixel(name, tmp_path):
    report, back = check_round_trip(sample(name), tmp_path, "geojson", "a.geojson")
    assert not report.gained.any()
    assert not report.lost.any()
    assert not report.dropped
    assert not back.notes


def test_all_forms_of_masks(tmp_path):
    report, back = check_round_trip(small(), tmp_path, "geojson", "a.json")
    assert report.is_lossless
    assert back.annotations["iscrowd"].tolist() == [False, False, False, True, False]
    assert back.categories["id"].tolist() == [3, 7]
    original = small().annotations["segmentation"]
    segmentation = back.annotations["segmentation"]
    assert [segmentation.value(row) for row in (0, 1, 4)] == [
        original.value(row) for row in (0, 1, 4)
    ]


SQUARE = [[0, 0], [9, 0], [9, 9], [0, 9], [0, 0]]
HOLE = [[3, 3], [3, 6], [6, 6], [6, 3], [3, 3]]


def feature(kind="Polygon", coordinates=(SQUARE,), **properties):
    geometry = {"type": kind, "coordinates": list(coordinates)}
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def save(tmp_path, *features, **members):
    path = tmp_path / "slide.geojson"
    document = {"type": "FeatureCollection", "features": list(features), **members}
    path.write_text(json.dumps(document))
    return path


def test_a_file_of_qupath(tmp_path):
    Image.new("RGB", (40, 30)).save(tmp_path / "slide.png")
    path = save(
        tmp_path,
        feature(coordinates=[SQUARE, HOLE], classification={"name": "Tumor", "color": [1, 2, 3]}),
        feature("MultiPolygon", [[SQUARE], [[[20, 20], [22, 20], [22, 22]]]], label="b"),
        feature("Point", [1, 2]),
        feature("LineString", [[1, 2], [3, 4]]),
        {"type": "Feature", "geometry": None, "properties": None},
        feature(coordinates=[]),
    )
    dataset = sc.data.read(path)
    assert dataset.images["file_name"].tolist() == ["slide.png"]
    assert dataset.categories["name"].tolist() == ["Tumor", "b"]
    small_triangle = [[20, 20], [22, 20], [22, 22]]
    assert dataset[0].masks.area[0] == 72
    assert dataset[0].masks[1] == sc.Masks.from_polygons([[SQUARE, small_triangle]], (30, 40))
    assert [note.partition(",")[0] for note in dataset.notes] == [
        "1 features of the type Point",
        "1 features of the type LineString",
        "1 features of the type None",
        "1 features without coordinates",
    ]


def test_without_the_image_the_size_is_unknown(tmp_path):
    dataset = sc.data.read(save(tmp_path, feature()))
    assert dataset[0].size == (0, 0)
    assert "their size is unknown" in dataset.notes[0]
    with pytest.raises(ValueError, match="its size is unknown"):
        dataset[0].masks  # noqa: B018


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (3, "expected a Feature, got int 3"),
        (feature("Circle"), "expected a GeoJSON Polygon or MultiPolygon"),
        (feature(coordinates=[[[0, 0], [1, 1]]]), "ring 0: expected at least three points"),
        (feature(coordinates=[3]), "expected GeoJSON rings of points"),
        (feature(coordinates=[[[0, 0], [1, "x"], [2, 2]]]), "coordinates: expected a list of po"),
        (feature(coordinates=[[[0, 0], [1, 1e99], [2, 2]]]), "coordinates: expected finite"),
        ({**feature(), "properties": 3}, "properties: expected an object, got int 3"),
        ({"geometry": 5}, "expected a GeoJSON Polygon or MultiPolygon"),
        ({"geometry": {"type": "Polygon"}}, "expected a GeoJSON Polygon, but it has no 'coord"),
        ({"geometry": {"type": []}}, "expected a GeoJSON Polygon or MultiPolygon"),
    ],
)
def test_malformed_features(bad, message, tmp_path):
    path = save(tmp_path, feature(), bad)
    with pytest.raises(sc.data.DatasetError) as caught:
        sc.data.read(path)
    assert str(caught.value).startswith(f"{path}: features[1]: {message}")
    dataset = sc.data.read(path, invalid="skip")
    assert len(dataset.annotations) == len(dataset.skipped) == 1


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"images": 3}, "images: expected a list"),
        ({"images": [3]}, r'images\[0\]: expected an object with an "id"'),
        ({"images": [{"id": 1}]}, r"images\[0\]: height: expected a number"),
        (
            {"images": [{"id": 1, "file_name": "/a", "height": 1, "width": 1}]},
            r"images\[0\]: the file name .* is absolute",
        ),
        ({"images": []}, r"features\[0\]: properties.image_id: expected the id of an image"),
        ({"categories": [{}]}, r'categories\[0\]: expected an object with "id" and "name"'),
    ],
)
def test_malformed_members(members, message, tmp_path):
    path = save(tmp_path, feature(), **members)
    with pytest.raises(sc.data.DatasetError, match=message):
        sc.data.read(path)


@pytest.mark.parametrize("step", [1, -1])
def test_areas_are_without_holes(step, tmp_path):
    hole = [[2, 2, 0], [4, 2, 0], [4, 4, 0], [2, 4, 0], [2, 2, 0]][::step]  # with altitudes
    outline = [[0, 0], [8, 0], [8, 8], [0, 8], [0, 0]]
    geometry = {"type": "Polygon", "coordinates": [outline, hole]}
    feature = {"type": "Feature", "properties": {}, "geometry": geometry}
    path = tmp_path / "a.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    dataset = sc.data.read(path)
    assert dataset.annotations["area"].tolist() == [60]
    assert dataset.annotations["bbox"].tolist() == [[0, 0, 8, 8]]
