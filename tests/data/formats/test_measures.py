"""Areas and boxes of annotations that are read from files without them, as COCO has them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.formats import document

import segcore as sc
from segcore.data.columns.segmentations import Segmentations
from segcore.data.formats import _measures

pytest.importorskip("PIL.Image")
pytest.importorskip("yaml")

TRIANGLE, SQUARE = [1, 1, 5, 1, 5, 4], [8, 2, 11, 2, 11, 5, 8, 5]
FORMATS = ("yolo", "labelme", "cvat", "label-studio", "geojson", "kaggle", "binary-masks", "voc")


@pytest.mark.parametrize("name", FORMATS)
def test_areas_and_boxes_of_every_format(name, tmp_path):
    annotations = [
        {"id": 1, "image_id": 1, "category_id": 3, "segmentation": [TRIANGLE]},
        {"id": 2, "image_id": 1, "category_id": 3, "segmentation": [SQUARE]},
        {"id": 3, "image_id": 2, "category_id": 3, "segmentation": [TRIANGLE, SQUARE]},
    ]
    dataset = sc.data.from_coco(document(annotations=annotations))
    target = {"cvat": "a.xml", "label-studio": "a.json", "geojson": "a.geojson", "kaggle": "a.csv"}
    path = tmp_path / target.get(name, "out")
    sc.data.write(dataset, path, name)
    options = {"dataset": dataset} if name == "kaggle" else {}
    back = sc.data.read(path, **options)
    objects = sc.data.to_coco(back)["annotations"]
    assert [found["id"] for found in objects] == [1, 2, 3]
    masks = [mask for sample in back for mask in sample.masks]
    for found, mask in zip(objects, masks, strict=True):
        left, top, right, bottom = mask.boxes[0].tolist()
        x, y, width, height = found["bbox"]
        assert max(abs(x - left), abs(y - top), abs(x + width - right)) <= 1
        assert abs(y + height - bottom) <= 1
        assert abs(found["area"] - int(mask.area[0])) <= 3
    is_polygon = isinstance(objects[0]["segmentation"], list)
    if is_polygon:
        assert objects[0]["area"] == 6
        assert objects[0]["bbox"] == [1, 1, 4, 3]
    if name in ("labelme", "cvat"):  # several rings
        assert objects[2]["area"] == 15
        assert objects[2]["bbox"] == [1, 1, 10, 4]


POINT = st.tuples(st.integers(-50, 50), st.integers(-50, 50))
RING = st.lists(POINT, min_size=3, max_size=8)


@given(st.lists(st.lists(RING, min_size=1, max_size=3), min_size=1, max_size=8), st.integers(1, 9))
def test_measures_are_those_of_each_polygon(polygons, chunk):
    rings = [np.array(ring, np.float64) / 4 for polygon in polygons for ring in polygon]
    counts = np.array([len(polygon) for polygon in polygons])
    coordinates = np.concatenate(rings).ravel()
    segmentations = Segmentations(
        np.full(len(polygons), 3, np.uint8),
        *(np.zeros(len(polygons), np.int64) for _ in range(2)),
        np.cumsum(counts) - counts,
        counts,
        np.empty(0, np.uint8),
        np.empty(0, np.int64),
        np.cumsum([len(ring) for ring in rings]),
        coordinates,
        np.zeros(len(coordinates), np.uint8),
    )
    before, _measures.CHUNK = _measures.CHUNK, chunk
    try:
        areas, boxes = _measures.polygon_measures(segmentations, np.arange(len(polygons)))
    finally:
        _measures.CHUNK = before
    for polygon, area, box in zip(polygons, areas, boxes, strict=True):
        expected = 0.0
        for ring in polygon:
            pairs = zip(ring, ring[1:] + ring[:1], strict=True)
            expected += abs(sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in pairs)) / 2 / 16
        points = np.array([point for ring in polygon for point in ring]) / 4
        assert area == pytest.approx(expected, abs=1e-6)
        low, high = points.min(axis=0), points.max(axis=0)
        assert box.tolist() == [*low, *(high - low)]
