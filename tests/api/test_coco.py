"""COCO's objects to masks and back: both walkers, all forms, and every error by name."""

import array as arrays
import base64
import collections
import gzip
import importlib.util
import json
import math
import pathlib
import types
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import dense
from support.util import (
    Pycocotools,
    slow,
)

import segcore as sc
from segcore.formats import _coco_python, coco

SIZE = (4, 6)
RLE = {"size": [4, 6], "counts": "5220007"}  # pixels (1..2, 1..3)
RUNS = {"size": [4, 6], "counts": [5, 2, 2, 2, 2, 2, 9]}
RING = [1, 1, 1, 3, 4, 3, 4, 1]
ANNOTATION = {"id": 42, "segmentation": [RING], "iscrowd": 0}


@pytest.fixture(autouse=True, params=["segcore.formats._coco", "segcore.formats._coco_python"])
def walker(request, monkeypatch):
    """Walk with compiled code, then with Python."""
    try:
        module = importlib.import_module(request.param)
    except ImportError:
        pytest.skip(f"{request.param} was not compiled")
    monkeypatch.setattr(coco, "walker", module)
    return module


def outcome(call):
    try:
        return call()
    except Exception as error:
        return type(error), str(error)


def outcome_in_python(call):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(coco, "walker", _coco_python)
        return outcome(call)


ZLIB_TEXT = base64.b64encode(zlib.compress(b"5220007")).decode()
EXPECTED = sc.Masks.from_boxes([[1, 1, 4, 3]], SIZE)


def test_the_compiled_walker_is_taken_where_there_is_one():
    assert (importlib.util.find_spec("segcore.formats._coco") is not None) == coco.COMPILED


# -- what is read -------------------------------------------------------------------------------


class Floats(list):
    """A list that is none of the common form."""


def boxed(*values):
    """Make an array of objects, as tables read from Parquet files have."""
    array = np.empty(len(values), object)
    for place, value in enumerate(values):
        array[place] = value
    return array


def alone(value):
    """Make a 0-d array of an object, as np.load gives."""
    array = np.empty((), object)
    array[()] = value
    return array


DENSE = np.zeros(SIZE, bool)
DENSE[1:3, 1:4] = True

FORMS = {
    "str": RLE,
    "bytes": {**RLE, "counts": b"5220007"},
    "bytearray": {**RLE, "counts": bytearray(b"5220007")},
    "np.str_": {**RLE, "counts": np.str_("5220007")},
    "np.bytes_": {**RLE, "counts": np.bytes_(b"5220007")},
    "memoryview": {**RLE, "counts": memoryview(b"5220007")},
    "memoryview of characters": {**RLE, "counts": memoryview(b"5220007").cast("c")},
    "array of one str": {**RLE, "counts": np.array("5220007")},
    "array of one bytes": {**RLE, "counts": np.array(b"5220007")},
    "array of an object": {**RLE, "counts": alone("5220007")},
    "tuple size": {**RLE, "size": (4, 6)},
    "array size": {**RLE, "size": np.array([4, 6], np.int32)},
    "array.array size": {**RLE, "size": arrays.array("h", [4, 6])},
    "size of objects": {**RLE, "size": np.array([4, 6], object)},
    "size of another class": {**RLE, "size": collections.UserList([4, 6])},
    "size of 0-d arrays": {**RLE, "size": [np.array(4), np.array(6)]},
    "numpy size": {**RLE, "size": [np.int64(4), np.uint8(6)]},
    "runs": RUNS,
    "tuple of runs": {**RUNS, "counts": tuple(RUNS["counts"])},
    "array of runs": {**RUNS, "counts": np.array(RUNS["counts"], np.uint32)},
    "strided runs": {**RUNS, "counts": np.repeat(np.array(RUNS["counts"], ">u8"), 2)[::2]},
    "list of numpy runs": {**RUNS, "counts": list(np.array(RUNS["counts"]))},
    "runs of objects": {**RUNS, "counts": np.array(RUNS["counts"], object)},
    "runs of 0-d arrays": {**RUNS, "counts": [*RUNS["counts"][:-1], np.array(9)]},
    "array.array of runs": {**RUNS, "counts": arrays.array("I", RUNS["counts"])},
    "memoryview of runs": {**RUNS, "counts": memoryview(arrays.array("q", RUNS["counts"]))},
    "deque of runs": {**RUNS, "counts": collections.deque(RUNS["counts"])},
    "runs with zeros": {**RUNS, "counts": [5, 1, 0, 1, 2, 2, 2, 2, 9, 0, 0]},
    "OrderedDict": collections.OrderedDict(RLE),
    "mapping": types.MappingProxyType(RLE),
    "rings": [RING],
    "rings of floats": [[float(x) for x in RING]],
    "rings in a tuple": (tuple(RING),),
    "flat ring": RING,
    "flat tuple": tuple(RING),
    "flat array": np.array(RING, np.int16),
    "(K, 2) array": np.array(RING, float).reshape(-1, 2),
    "list of (K, 2) arrays": [np.array(RING, ">f4").reshape(-1, 2)],
    "list of flat arrays": [np.array(RING, float)],
    "OpenCV's contour": np.array(RING, np.int32).reshape(-1, 1, 2),
    "list of OpenCV's contours": [np.array(RING, np.int32).reshape(-1, 1, 2)],
    "(R, K, 2) array": np.array([RING], np.longdouble).reshape(1, -1, 2),
    "points": [RING[i : i + 2] for i in range(0, 8, 2)],
    "tuples of points": [tuple(RING[i : i + 2]) for i in range(0, 8, 2)],
    "arrays of points": list(np.array(RING).reshape(-1, 2)),
    "rings of points": [[RING[i : i + 2] for i in range(0, 8, 2)]],
    "mixed numbers": [[1, 1.0, np.float32(1), np.int8(3), 4, 3, True * 4, 1]],
    "a list of another class": Floats([Floats(RING)]),
    "objects of rings": boxed(np.array(RING, float)),
    "objects of rings of objects": boxed(boxed(*RING)),
    "ring of objects": boxed(*RING),
    "objects of points": boxed(*[np.array(RING[i : i + 2]) for i in range(0, 8, 2)]),
    "(K, 2) objects": np.array(RING, object).reshape(-1, 2),
    "deque of deques": collections.deque([collections.deque(RING)]),
    "array.array ring": [arrays.array("d", RING)],
    "list of one RLE": [RLE],
    "list of one RLE of runs": (RUNS,),
    "list of RLEs": [
        {"size": (4, 6), "counts": [5, 2, 17]},
        {"size": [4, 6], "counts": b"92="},
        {"size": np.array([4, 6]), "counts": [0, 0, 12, 0, 1, 2, 9]},
    ],
    "objects of RLEs": boxed(RLE, RUNS),
    "annotation with a list of RLEs": {"id": 2, "segmentation": [RUNS, RLE]},
    "annotation alone": alone(ANNOTATION),
    "parts": [[1, 1, 1, 3, 3, 3, 3, 1], [3, 1, 3, 3, 4, 3, 4, 1]],
    "degenerate rings": [RING, [], [1, 1], [0, 0, 5, 5]],
    "an empty ring first": [[], RING],
    "annotation": ANNOTATION,
    "annotation with RLE": {"id": 1, "segmentation": RLE},
    "annotation of another class": collections.OrderedDict(ANNOTATION),
}


DENSE_FORMS = {
    "bools": DENSE,
    "uint8 of 0 and 1": DENSE.astype(np.uint8),
    "uint8 of 0 and 255": DENSE * np.uint8(255),
    "big-endian integers": DENSE.astype(">i4"),
    "bools in Fortran order": np.asfortranarray(DENSE),
    "bools with steps": np.repeat(DENSE, 2, axis=1)[:, ::2],
    "SAM's automatic masks": {
        "segmentation": DENSE,
        "area": 6,
        "bbox": [1, 1, 3, 2],
        "predicted_iou": 0.9,
        "point_coords": [[2.0, 2.0]],
        "stability_score": 0.95,
        "crop_box": [0, 0, 6, 4],
    },
    "annotation with an object": {"segmentation": alone(RLE)},
}


@pytest.mark.parametrize("form", [*FORMS, *DENSE_FORMS])
def test_forms(form):
    item = FORMS[form] if form in FORMS else DENSE_FORMS[form]
    assert sc.Masks.from_coco([item], SIZE) == EXPECTED
    assert sc.Masks.from_coco(iter([RLE, item, RUNS, ANNOTATION])) == EXPECTED[[0] * 4]


def test_a_dict_alone_is_a_batch_of_one():
    assert sc.Masks.from_coco(RLE) == EXPECTED
    assert sc.Masks.from_coco(ANNOTATION, SIZE) == EXPECTED
    assert sc.Masks.from_coco(types.MappingProxyType(RUNS)) == EXPECTED


@pytest.mark.parametrize("empty", [[], (), np.empty((0, 2)), np.empty(0), [[]], [np.empty(0)]])
def test_an_empty_segmentation_is_an_empty_mask(empty):
    masks = sc.Masks.from_coco([RLE, empty, {"segmentation": empty}])
    assert masks.area.tolist() == [6, 0, 0]


def test_an_empty_list():
    assert sc.Masks.from_coco([], (4, 6)) == EXPECTED[:0]
    with pytest.raises(ValueError, match=r"pass size=\(height, width\)"):
        sc.Masks.from_coco([])


def test_kinds_may_be_mixed():
    boxes = [[0, 0, 1 + i % 6, 1 + i % 4] for i in range(20)]
    masks = sc.Masks.from_boxes(boxes, SIZE)
    strings, runs = masks.to_coco(), masks.to_coco(compressed=False)
    rings = [[[0, 0, 0, y, x, y, x, 0]] for _, _, x, y in boxes]
    objects = [(strings, runs, rings)[i % 3][i] for i in range(20)]
    assert sc.Masks.from_coco(objects) == masks
    assert sc.Masks.from_coco(objects[::-1], SIZE) == masks[::-1]


def test_nothing_is_written_to():
    before = json.dumps([RLE, RUNS, ANNOTATION, RING])
    sc.Masks.from_coco([RLE, RUNS, ANNOTATION, RING])
    assert json.dumps([RLE, RUNS, ANNOTATION, RING]) == before


def test_dense_masks_tell_the_size():
    masks = sc.Masks.from_coco([DENSE, RING, {"segmentation": DENSE[:, ::-1]}, DENSE * 1])
    assert masks.size == SIZE
    np.testing.assert_array_equal(masks.to_dense(), [DENSE, DENSE, DENSE[:, ::-1], DENSE])
    assert sc.Masks.from_coco(np.array([DENSE, ~DENSE])).area.tolist() == [6, 18]
    with pytest.raises(ValueError, match=r"^object 1: size \[4, 5\] differs from the batch's"):
        sc.Masks.from_coco([DENSE, DENSE[:, :5]])
    for empty in (np.zeros((0, 6), bool), np.zeros((4, 0), bool)):
        assert sc.Masks.from_coco([empty]).size == empty.shape


def test_integers_of_two_columns_are_a_ring():
    points = np.array(RING, np.uint8).reshape(-1, 2)
    assert sc.Masks.from_coco([points], SIZE) == EXPECTED
    assert sc.Masks.from_coco([points > 1]).size == (4, 2)


def test_tensors_are_dense_masks():
    torch = pytest.importorskip("torch")
    masks = [torch.tensor(DENSE), torch.tensor(DENSE).to(torch.uint8)]
    assert sc.Masks.from_coco([*masks, {"segmentation": masks[0]}]) == EXPECTED[[0] * 3]


def test_rings_of_four_numbers_are_boxes():
    mask = Pycocotools()
    boxes = [[5, 2, 15, 7], [1.5, 1, 5.25, 5]]
    [first, second] = mask.frPyObjects(np.array(boxes, float), 30, 31)
    both = mask.merge([first, second])
    with pytest.warns(
        UserWarning, match=r"^object 1 \(annotation id 5\) and 1 more: rings of four"
    ):
        masks = sc.Masks.from_coco(
            [
                [[1, 1, 5, 1, 5, 5], [5, 2, 15, 7]],  # a line after a ring covers nothing
                {"id": 5, "segmentation": boxes[:1]},
                [np.array(box) for box in boxes],
            ],
            (30, 31),
        )
    assert [rle["counts"].encode() for rle in masks[1:].to_coco()] == [
        first["counts"],
        both["counts"],
    ]
    assert masks[0] == sc.Masks.from_coco([[1, 1, 5, 1, 5, 5]], (30, 31))


def test_the_warning_is_about_the_line_of_the_caller():
    with pytest.warns(UserWarning, match="rings of four numbers") as warned:
        sc.Masks.from_coco([[[5, 2, 15, 7]]], (30, 31))
    assert warned[0].filename == __file__


@pytest.mark.parametrize("read", [sc.Masks.from_coco, sc.Masks.from_polygons])
def test_normalized_coordinates_are_warned_of(read):
    ring = [0.1, 0.25, 0.5, 0.25, 0.5, 1]
    with pytest.warns(UserWarning, match=r"multiply x by the width, 640, and y by .*, 480"):
        assert read([ring, [ring]], (480, 640)).area.tolist() == [1, 1]
    # Not for whole pixels, other coordinates, and images of one pixel.
    read([[0, 0, 0, 1, 1, 1, 1, 0]], (480, 640))
    read([ring, [0.5, 0, 2, 0, 2, 2]], (480, 640))
    read([[-0.5, *ring[1:]]], (480, 640))
    read([ring], (1, 1))
    read([[]], (480, 640))


def test_dense_masks_as_lists_are_warned_of():
    rows = np.eye(8, dtype=int).tolist()
    with pytest.warns(UserWarning, match=r"all coordinates of 8 rings are 0 or 1; .*asarray"):
        sc.Masks.from_coco([rows], (8, 8))
    sc.Masks.from_coco([[[0, 0, 0, 1, 1, 1, 1, 0]]] * 2, (8, 8))


# -- GeoJSON --------------------------------------------------------------------------------------


@given(dense())
def test_geojson_there_and_back(array):
    masks = sc.Masks.from_dense(array)
    for connectivity in (4, 8):
        geometries = masks.to_polygons(connectivity=connectivity).to_geojson()
        assert sc.Masks.from_polygons(json.loads(json.dumps(geometries)), masks.size) == masks


def ring_with_hole():
    square = [[1, 1], [7, 1], [7, 7], [1, 7], [1, 1]]
    hole = [[2, 3], [2, 5], [5, 5], [5, 3], [2, 3]]
    masks = sc.Masks.from_boxes([[1, 1, 7, 7], [2, 3, 5, 5]], (9, 8))
    return {"type": "Polygon", "coordinates": [square, hole]}, masks[0] - masks[1]


def test_geometries_of_every_kind():
    polygon, expected = ring_with_hole()
    corner = {
        "type": "Polygon",
        "coordinates": [[[7, 8, 3.5], [8, 8, 3.5], [8, 9, 3.5], [7, 9, 0]]],
    }
    both = {"type": "GeometryCollection", "geometries": [polygon, corner]}
    forms = [
        polygon,
        {"type": "Feature", "geometry": polygon, "properties": {}},
        types.SimpleNamespace(__geo_interface__=polygon),
        {"type": "MultiPolygon", "coordinates": [polygon["coordinates"], corner["coordinates"]]},
        both,
        {"type": "Feature", "geometry": None},
        {"type": "Polygon", "coordinates": []},
        [[1, 1, 7, 1, 7, 7, 1, 7]],
    ]
    masks = sc.Masks.from_polygons(forms, (9, 8))
    assert masks.area.tolist() == [30, 30, 30, 31, 31, 0, 0, 36]
    assert masks[0] == masks[1] == masks[2] == expected
    assert sc.Masks.from_polygons(polygon, (9, 8)) == expected
    assert sc.Masks.from_polygons(forms[2], (9, 8)) == expected


def test_geometries_of_shapely():
    shapely = pytest.importorskip("shapely")
    polygon, expected = ring_with_hole()
    geometry = shapely.geometry.shape(polygon)
    assert sc.Masks.from_polygons([geometry], (9, 8)) == expected
    assert sc.Masks.from_polygons(geometry, (9, 8)) == expected


NO_GEOMETRIES = {
    "points": (
        {"type": "Point", "coordinates": [1, 2]},
        "expected a GeoJSON Polygon or MultiPolygon",
    ),
    "no coordinates": ({"type": "Polygon"}, "expected a GeoJSON Polygon, but it has no 'coord"),
    "a number": ({"type": "Polygon", "coordinates": 5}, "expected GeoJSON rings of points, got"),
    "flat": ({"type": "Polygon", "coordinates": [RING]}, "expected GeoJSON rings of points"),
    "a line": ({"type": "Polygon", "coordinates": [[[1, 1], [2, 2]]]}, "ring 0: .* got 2"),
    "4-D points": ({"type": "Polygon", "coordinates": [[[1] * 4] * 4]}, r"expected a point \[x, y"),
    "many": ({"type": "FeatureCollection", "features": []}, "pass its list of features"),
    "no geometry": ({"type": "MultiPolygon", "coordinates": None}, "expected a GeoJSON MultiPoly"),
    "NaN": (
        {"type": "Polygon", "coordinates": [[[1, 1], [2, 2], [math.nan, 3]]]},
        "ring 0: coordinate 4 is not a finite number",
    ),
    "a hierarchy": (np.array([[[-1, -1, -1, -1]]]), "it looks like OpenCV's hierarchy of contours"),
}


@pytest.mark.parametrize("name", NO_GEOMETRIES)
def test_errors_of_geometries(name):
    geometry, message = NO_GEOMETRIES[name]
    with pytest.raises(ValueError, match=f"^mask 1: .*{message}"):
        sc.Masks.from_polygons([RING, geometry], SIZE)


def test_geometries_nested_too_deeply():
    geometry = {"type": "Polygon", "coordinates": []}
    for _ in range(10_000):
        geometry = {"type": "GeometryCollection", "geometries": [geometry]}
    with pytest.raises(ValueError, match=r"^mask 0: .*nested too deeply"):
        sc.Masks.from_polygons([geometry], SIZE)


# -- what is written ----------------------------------------------------------------------------


@given(dense())
def test_there_and_back(array):
    masks = sc.Masks.from_dense(array)
    for compressed in (True, False):
        objects = masks.to_coco(compressed=compressed)
        loaded = json.loads(json.dumps(objects))
        assert loaded == objects
        assert sc.Masks.from_coco(loaded, array.shape[1:]) == masks


def test_plain_objects():
    strings, runs = EXPECTED.to_coco(), EXPECTED.to_coco(compressed=False)
    assert strings == [RLE]
    assert runs == [RUNS]
    assert type(strings[0]["counts"]) is str
    assert {type(n) for n in runs[0]["counts"] + runs[0]["size"] + strings[0]["size"]} == {int}
    assert EXPECTED[:0].to_coco() == EXPECTED[:0].to_coco(compressed=False) == []


def every_way_to_a_batch():
    """Make batches, from sizes and numbers that are NumPy's."""
    labels = np.array([[0, 1, 1], [2, 2, 0]], np.uint8)
    size = np.array([2, 3], np.int32)
    yield "dense", sc.Masks.from_dense(np.asfortranarray(labels))
    yield "boxes", sc.Masks.from_boxes(np.array([[0, 0, 2, 1]], np.float32), size)
    yield "polygons", sc.Masks.from_polygons(np.array([[[0, 0], [0, 2], [3, 2]]]), size)
    yield "labels", sc.Masks.from_label_map(labels)[1]
    yield "run ends", sc.Masks(np.array([3, 4], np.uint64), np.array([0, 2]), size)
    coco_objects = [{"size": size, "counts": np.array([3, 2, 1], np.uint8)}, [[0, 0, 0, 2, 3, 2]]]
    yield "coco", sc.Masks.from_coco(boxed(*coco_objects))
    yield "coco with a size", sc.Masks.from_coco(coco_objects, (np.int64(2), np.uint8(3)))
    yield "kaggle", sc.formats.kaggle.decode(["3 2", ""], size)
    yield "huggingface", sc.formats.huggingface.decode([np.array([3, 2])], size)


@pytest.mark.parametrize("compressed", [True, False])
def test_all_that_is_written_is_ready_for_json(compressed):
    for way, masks in every_way_to_a_batch():
        for each in (masks, masks[0], ~masks, masks | masks, masks.union(), masks[::-1]):
            objects = each.to_coco(compressed=compressed)
            assert json.loads(json.dumps(objects)) == objects, way
            assert sc.Masks.from_coco(objects, (2, 3)) == each, way


def test_each_dict_is_its_own():
    for compressed in (True, False):
        one, other = EXPECTED[[0, 0]].to_coco(compressed=compressed)
        assert one["size"] is not other["size"]


def test_lists_of_rles_are_united_as_by_pycocotools():
    mask = Pycocotools()
    rng = np.random.default_rng(5)
    for count in (1, 2, 5):
        array = rng.random((count, 13, 17)) < 0.2
        runs = sc.Masks.from_dense(array).to_coco(compressed=False)
        # What COCO.annToRLE does with a list.
        expected = mask.merge(mask.frPyObjects(runs, 13, 17))
        masks = sc.Masks.from_coco([[[0, 0, 5, 0, 5, 5]], runs, {"segmentation": runs}])
        assert masks[1].to_coco()[0]["counts"].encode() == expected["counts"]
        assert masks[2] == masks[1]
        assert masks[0].area == 10


def test_errors_name_the_part():
    broken = {"id": 7, "segmentation": [RLE, {**RUNS, "counts": [25]}]}
    with pytest.raises(ValueError, match=r"^object 3 \(annotation id 7\): RLE 1: runs"):
        sc.Masks.from_coco([[RLE, RLE], RING, [RUNS], broken, [RLE]])


def test_strings_of_pycocotools():
    mask = Pycocotools()
    rng = np.random.default_rng(0)
    array = rng.random((5, 31, 47)) < rng.random((5, 1, 1))
    expected = mask.encode(np.asfortranarray(array.transpose(1, 2, 0).astype(np.uint8)))
    got = sc.Masks.from_coco(expected)
    assert got == sc.Masks.from_dense(array)
    assert [rle["counts"].encode() for rle in got.to_coco()] == [r["counts"] for r in expected]


def test_sizes_beyond_32_bits():
    full = {"size": [2**29, 2**30 - 1], "counts": [0, 2**59 - 2**29]}
    assert sc.Masks.from_coco([full]).to_coco(compressed=False) == [full]
    assert sc.Masks.from_coco(sc.Masks.from_coco(full).to_coco()).area == [2**59 - 2**29]


# -- errors -------------------------------------------------------------------------------------

VALUES = {
    "size differs": ({**RLE, "size": [4, 7]}, r"size \[4, 7\] differs from the batch's \(4, 6\)"),
    "size turned": ({**RLE, "size": [6, 4]}, r"size \[6, 4\] differs from the batch's \(4, 6\)"),
    "size negative": ({**RLE, "size": [-1, -1]}, r"size \[-1, -1\] differs"),
    "size of 3": ({**RLE, "size": [4, 6, 1]}, r"size: expected \[height, width\], got list"),
    "size huge": ({**RLE, "size": [2**70, 6]}, "a number is too large"),
    "no size": ({"counts": "5220007"}, r"expected an RLE dict .* got the keys \['counts'\]"),
    "no counts": ({"size": [4, 6]}, r"expected an RLE dict .* got the keys \['size'\]"),
    "whole file": ({"images": [], "annotations": []}, r"the keys \['images', 'annotations'\]"),
    "no keys": ({}, r"expected an RLE dict"),
    "sum": ({**RUNS, "counts": [5, 2]}, r"runs sum to 7, but size \(4, 6\) has 24 pixels"),
    "too long": ({**RUNS, "counts": [5, 20]}, "runs 0 to 1 sum to 25"),
    "no counts at all": ({**RUNS, "counts": []}, "runs sum to 0"),
    "empty string": ({**RLE, "counts": ""}, "runs sum to 0"),
    "negative": ({**RUNS, "counts": [5, -2, 21]}, "run 1 has the negative length -2"),
    "huge run": ({**RUNS, "counts": [5, 2**63]}, "a number is too large"),
    "huge runs": ({**RUNS, "counts": np.array([5, 2**63], "u8")}, r"counts: .* below 2\*\*63"),
    "byte": ({**RLE, "counts": "5 20007"}, "byte 1 of its counts string is 32"),
    "truncated": ({**RLE, "counts": b"5220o"}, "ends in the middle of a count"),
    "not ASCII": ({**RLE, "counts": "522é007"}, "contains a non-ASCII character"),
    "surrogate": ({**RLE, "counts": "5\ud800"}, "contains a non-ASCII character"),
    "text of bytes": ({**RLE, "counts": "b'5220007'"}, r"byte 1 .* 39.*; .*counts\.decode\(\)"),
    'text of bytes with "': ({**RLE, "counts": 'b"5220007"'}, "byte 1 .* 34.*; if it is the repr"),
    "pairs as runs": ({**RUNS, "counts": [6, 2, 10, 2, 14, 2]}, "runs 0 to 3 sum to 20|sum to 34"),
    "empty memoryview": ({**RLE, "counts": memoryview(b"")}, "runs sum to 0"),
    "list of an empty dict": ([{}], "expected an RLE dict"),
    "list of RLEs of other sizes": (
        [RLE, {**RLE, "size": [6, 4]}],
        r"RLE 1: size \[6, 4\] differs from that of RLE 0, \[4, 6\]",
    ),
    "list of RLEs of another size": (
        [{**RLE, "size": [6, 4]}] * 2,
        r"size \[6, 4\] differs from the batch's \(4, 6\)",
    ),
    "list with a broken RLE": (
        [RLE, {**RUNS, "counts": [5, 2]}],
        "RLE 1: runs sum to 7",
    ),
    "list with a broken string": (
        [RUNS, RUNS, {**RLE, "counts": "5 2"}],
        "RLE 2: byte 1 of its counts string is 32",
    ),
    "base64 as counts": (
        {**RLE, "counts": ZLIB_TEXT},
        "looks like base64: .* compressed with zlib",
    ),
    "other base64 as counts": ({**RLE, "counts": "QUJDREVGRw=="}, "; it looks like base64"),
    "zlib as counts": ({**RLE, "counts": zlib.compress(b"5220007")}, "; .* compressed with zlib"),
    "Kaggle's string as counts": ({**RLE, "counts": "6 2 10 2"}, "; it looks like Kaggle's format"),
    "JSON as counts": (
        {**RLE, "counts": "[5, 2, 17]"},
        "runs 0 to 0 sum to 171.*; it looks like JSON",
    ),
    "pairs": (
        {**RUNS, "counts": [6, 2, 10, 2, 14, 1]},
        "sum to 35?.*; if these are pairs of start",
    ),
    "an empty annotation": ({"id": 1, "bbox": [1, 2, 3, 4]}, "it has only a bbox; .* Masks.from_b"),
    "a pipeline's output": ({"mask": 1, "label": "a"}, "huggingface.from_pipeline"),
    "a panoptic result": ({"segments_info": [], "segmentation_id": 1}, "huggingface.from_segm"),
    "torchvision's output": ({"boxes": [], "masks": []}, "integrations.torchvision"),
    "a LabelMe file": ({"shapes": [], "imageHeight": 4}, "looks like a LabelMe file"),
    "Label Studio's brush": ({"format": "rle", "rle": [1]}, "formats.label_studio"),
    "GeoJSON": ({"type": "Polygon", "coordinates": []}, "GeoJSON, which Masks.from_polygons reads"),
    "a box and a ring": (
        [[1, 1, 3, 2], RING],
        r"ring 1: expected 4 numbers like ring 0 \(rings of four numbers are read as boxes x, y, "
        r"width, height, as by pycocotools\), got 8 numbers",
    ),
    "a line": ([[1, 1], [3, 2]], "ring 0: expected a ring of at least three points, got 4 numbers"),
    "a nested line": ([[[1, 1], [3, 2]]], "ring 0: .* at least three points, got 4 numbers"),
    "a point": ([1, 1], "ring 0: expected a ring of at least three points, got 2 numbers"),
    "a nested point": (
        [[[1, 1]]],
        "ring 0: expected a ring of at least three points, got 2 numbers",
    ),
    "a contour of two points": (
        np.array([[[1, 1]], [[3, 2]]]),
        "at least three points, got 4 numb",
    ),
    "a label map": (np.arange(24).reshape(4, 6), "single nonzero value, .*Masks.from_label_map"),
    "negative values": (np.full((4, 6), -1), "single nonzero value"),
    "an array of boxes": (np.arange(8).reshape(2, 4), "; convert boxes with Masks.from_boxes"),
    "an array of flat rings": (np.array([RING]), r"pass an array of flat rings as list\(array\)"),
    "a soft mask": (np.ones((4, 6)), r"Masks.from_dense\(mask, threshold=0.5\)"),
    "a dense mask of another size": (np.ones((6, 4), bool), r"size \[6, 4\] differs .* swapped"),
    "odd": (
        [[*RING, 1]],
        "ring 0: expected an even number of coordinates, x and y of each point, got 9",
    ),
    "odd second": ([RING, RING[:7]], "ring 1: expected an even number .* got 7"),
    "odd flat": ([*RING, 1], "ring 0: expected an even number .* got 9"),
    "a box": ([1, 1, 3, 2], r"a ring of at least three points, got 4 numbers; .*from_boxes"),
    "a box array": (np.array([1, 1, 3, 2]), r"got 4 numbers; .*from_boxes"),
    "NaN": ([[*RING[:7], math.nan]], "coordinate 7 is not a finite number"),
    "infinite": ([RING, [*RING[:7], math.inf]], "ring 1: coordinate 7 is not a finite number"),
    "far": ([[*RING[:7], 1e12]], "coordinate 7 is not a finite number"),
    "huge": ([[*RING[:7], 10**400]], "a number is too large"),
    "huge int": ([[*RING[:7], 10**30]], "coordinate 7 is not a finite number"),
    "point of 3": ([[1, 2], [3, 4, 5], [6, 7]], "point 1: expected .x, y., got list"),
    "deep point": ([[[1, 2], [3], [6, 7]]], "point 1: expected .x, y., got list"),
    "(K, 3) array": (np.zeros((4, 3)), r"shape \(K, 2\) or \(2 K,\), got \(4, 3\)"),
    "4-D array": (np.zeros((1, 1, 4, 2)), "expected a ring of shape|expected a ring of coord"),
}

TYPES = {
    "None": (
        None,
        r"expected an RLE dict, rings of .*, a mask \(H, W\), or an annotation dict, got None",
    ),
    "None in a table": (
        None,
        r"NoneType None; leave out objects without a segmentation, or pass \[\]",
    ),
    "NaN in a table": (math.nan, "float nan; leave out objects without a segmentation"),
    "np.nan in a table": (np.float64("nan"), "leave out objects without a segmentation"),
    "an object None": (alone(None), "NoneType None; leave out objects without a segmentation"),
    "not a time": (np.datetime64("NaT", "s"), "got datetime64"),
    "number": (3.5, "got float 3.5"),
    "str": ("5220007", "got str '5220007'"),
    "JSON": ("[[1, 1, 1, 3, 4, 3]]", "got str .*; read JSON with json.loads"),
    "bytes": (b"5220007", "got bytes .* put a counts string into"),
    "list of RLEs and a ring": ([RLE, RING], "RLE 1: expected an RLE dict, got list"),
    "ring and an RLE": ([RING, RLE], "expected a ring of coordinates, got dict"),
    "list of RLEs and None": ([RLE, None], "RLE 1: expected an RLE dict, got NoneType"),
    "memoryview of floats": (
        {**RUNS, "counts": memoryview(arrays.array("d", [5, 19]))},
        "counts: expected integers in one dim",
    ),
    "counts of one number": ({**RUNS, "counts": np.array(24)}, "counts: expected str, bytes or"),
    "counts of floats in an array": ({**RUNS, "counts": boxed(5, 19.0)}, "expected integers, but"),
    "size of one number": (
        {**RLE, "size": np.array(24)},
        "size: expected .height, width., got",
    ),
    "size of bytes": ({**RLE, "size": b"46"}, "size: expected .height, width., got bytes"),
    "size of NaN": ({**RLE, "size": [math.nan, 6]}, "size: expected an integer, got float nan"),
    "size None": ({**RLE, "size": None}, "size: expected .height, width., got NoneType"),
    "size str": ({**RLE, "size": "46"}, "size: expected .height, width., got str"),
    "size of floats": ({**RLE, "size": [4.0, 6.0]}, "size: expected an integer, got float 4.0"),
    "size of bools": ({**RLE, "size": [True, 6]}, "size: expected an integer, got bool True"),
    "size of lists": ({**RLE, "size": [[4], [6]]}, "size: expected an integer, got list"),
    "counts None": ({**RLE, "counts": None}, "counts: expected str, bytes or integers"),
    "counts dict": ({**RLE, "counts": {}}, "counts: expected str, bytes or integers"),
    "counts of floats": ({**RLE, "counts": [5.0, 19]}, "counts: expected integers, but 'float'"),
    "counts of None": ({**RLE, "counts": [5, None]}, "counts: expected integers, but 'None"),
    "counts of NaN": ({**RLE, "counts": [5, math.nan]}, "counts: expected integers, but 'float'"),
    "counts of str": ({**RLE, "counts": ["5", "19"]}, "counts: expected integers, but 'str'"),
    "counts nested": ({**RLE, "counts": [[5, 19]]}, "counts: expected integers, but 'list'"),
    "float array": ({**RLE, "counts": np.ones(2)}, "counts: expected integers in one dim"),
    "2-D array": ({**RLE, "counts": np.ones((2, 2), int)}, "counts: expected integers in one dim"),
    "ring of None": ([[1, 2, 3, 4, 5, None]], "expected numbers as coordinates"),
    "ring of str": ([["1", "2", "3", "4", "5", "6"]], "expected numbers as coordinates"),
    "ring of complex": ([[1, 2, 3, 4, 5, 6j]], "expected real numbers as coordinates, got complex"),
    "ring of complex64": ([[1, 2, 3, 4, 5, np.complex64(6)]], "expected real numbers as coord"),
    "str as ring": ([RING, "123456"], "expected a ring of coordinates, got str"),
    "dict as ring": ([RING, {}], "expected a ring of coordinates, got dict"),
    "number as ring": ([RING, 5], "expected a ring of coordinates, got int"),
    "ring among numbers": ([1, 2, 3, 4, 5, RING], "expected numbers as coordinates"),
    "too deep": ([[[[1, 2], [3, 4]]]], "expected|point"),
    "bool array": (np.ones((4, 2, 2), bool), "a ring of numbers, got bool .*Masks.from_dense"),
    "a row of bools": (np.ones(8, bool), "a ring of numbers, got bool .*Masks.from_dense"),
    "lists of bools": (np.ones((4, 6), bool).tolist(), r"got bools; .* numpy.asarray\(mask"),
    "a list with a dense mask": ([np.ones((4, 6), bool)], "ring 0: .*got bool .*Masks.from_dense"),
    "Masks": (sc.Masks.from_boxes([[1, 1, 2, 2]], (4, 6)), "these are Masks already"),
    "Polygons": (sc.Masks.from_boxes([[1, 1, 2, 2]], (4, 6)).to_polygons(), "from_polygons reads"),
    "a path": (pathlib.Path("a.json"), "it looks like a path; .* json.load"),
    "a path as text": ("masks/a.png", "it looks like a path; .*PIL.Image.open"),
    "Kaggle's string": ("6 2 10 2", "it looks like Kaggle's format: segcore.formats.kaggle.dec"),
    "WKT": ("POLYGON ((1 1, 2 2, 3 1, 1 1))", "it looks like WKT"),
    "base64 of zlib": (ZLIB_TEXT, "looks like base64: .* compressed with zlib; decompress"),
    "zlib": (zlib.compress(b"5220007"), "compressed with zlib; decompress them first"),
    "gzip": (gzip.compress(b"5220007"), "compressed with gzip; decompress them first"),
    "the bytes of a PNG": (b"\x89PNG\r\n", "the bytes of a PNG file; open it with Pillow"),
    "array of None": (np.array([None] * 6), "expected numbers as coordinates, but"),
    "array of rings and None": (boxed(RING, None), "expected a ring of coordinates, got NoneType"),
}


@pytest.mark.parametrize(
    ("kind", "name"),
    [(ValueError, name) for name in VALUES] + [(TypeError, name) for name in TYPES],
)
def test_errors_name_the_object(kind, name):
    item, message = (VALUES if kind is ValueError else TYPES)[name]
    if name == "too deep":
        kind = (ValueError, TypeError)
    with pytest.raises(kind, match=f"^object 2: .*({message})"):
        sc.Masks.from_coco([RLE, ANNOTATION, item, RUNS])
    with pytest.raises(kind, match=f"^object 0: .*({message})"):
        sc.Masks.from_coco([item], SIZE)
    if "segmentation" not in (item if isinstance(item, dict) else {}):
        annotation = {"id": 42, "segmentation": item}
        with pytest.raises(kind, match=rf"^object 3 \(annotation id 42\): .*({message})"):
            sc.Masks.from_coco([RUNS, RLE, RING, annotation, RLE])


@pytest.mark.parametrize("name", [*VALUES, *TYPES, *FORMS])
def test_both_walkers_do_the_same(name):
    item = FORMS[name] if name in FORMS else (VALUES.get(name) or TYPES[name])[0]
    for call in (
        lambda: sc.Masks.from_coco([item, RLE], SIZE),
        lambda: sc.Masks.from_coco([item, RLE]),
        lambda: sc.Masks.from_polygons([RING, item], SIZE),
    ):
        assert outcome(call) == outcome_in_python(call)


def test_the_first_size_is_checked():
    with pytest.raises(ValueError, match=r"^object 1: size: expected a nonnegative"):
        sc.Masks.from_coco([RING, {**RLE, "size": [-4, 6]}])
    with pytest.raises(ValueError, match=r"^object 0: size: expected fewer than 2\*\*59"):
        sc.Masks.from_coco([{**RLE, "size": [2**40, 2**40]}])
    with pytest.raises(ValueError, match=r"^size: expected a nonnegative"):
        sc.Masks.from_coco([RLE], (-4, 6))


def test_ids_of_annotations_are_shown_in_short():
    with pytest.raises(TypeError) as raised:
        sc.Masks.from_coco([{"id": "x" * 9999, "segmentation": None}], SIZE)
    assert len(str(raised.value)) < 300


@pytest.mark.parametrize("objects", [3, None, 0.5])
def test_a_list_is_expected(objects):
    with pytest.raises(TypeError, match="objects: expected a list"):
        sc.Masks.from_coco(objects, SIZE)
    with pytest.raises(TypeError, match="polygons: expected a list"):
        sc.Masks.from_polygons(objects, SIZE)


def test_endless_lists_end():
    endless: list = []
    endless.append(endless)
    for item in (endless, [endless], {"segmentation": endless}, {**RLE, "counts": endless}):
        with pytest.raises((TypeError, ValueError), match=r"^object 0: "):
            sc.Masks.from_coco([item], SIZE)
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises((TypeError, ValueError), match=r"^object 0: "):
        sc.Masks.from_coco([deep], SIZE)
    nested = {"segmentation": RLE}
    for _ in range(3):
        nested = {"segmentation": nested}
    with pytest.raises(ValueError, match=r"^object 0: expected an RLE dict"):
        sc.Masks.from_coco([nested])


garbage = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.binary(max_size=5)
    | st.sampled_from([RLE, RUNS, RING, ANNOTATION, np.zeros((3, 2)), np.zeros(6), "5220007"])
    | st.sampled_from([[RLE, RUNS], boxed(RING, RING), alone(RLE), np.array(3), memoryview(b"00")]),
    lambda inner: (
        st.lists(inner, max_size=8)
        | st.dictionaries(st.sampled_from(["size", "counts", "segmentation", "id"]), inner)
        | st.tuples(inner, inner)
        | st.builds(boxed, inner, inner)
    ),
    max_leaves=12,
)


@given(st.lists(garbage, max_size=4), st.sampled_from([None, SIZE]))
def test_garbage_is_refused_by_name(objects, size):
    result = outcome(lambda: sc.Masks.from_coco(objects, size))
    assert result == outcome_in_python(lambda: sc.Masks.from_coco(objects, size))
    if isinstance(result, tuple):
        kind, message = result
        assert kind in (ValueError, TypeError, sc.MaskError, sc.MaskTypeError)
        assert message.startswith(("object ", "size: ", "no object is an RLE"))
    else:
        assert len(result) == len(objects)


# -- polygons -----------------------------------------------------------------------------------


RINGS = [
    name
    for name, form in FORMS.items()
    if isinstance(form, (list, tuple, np.ndarray))
    and "annotation" not in name
    and "RLE" not in name
]


@pytest.mark.parametrize("form", RINGS)
def test_from_polygons(form):
    assert sc.Masks.from_polygons([FORMS[form], [], [RING]], SIZE).area.tolist() == [6, 0, 6]


def unaligned(array):
    """Give the same numbers, but lying between the places where the processor likes them."""
    raw = np.empty(array.nbytes + 1, np.uint8)[1:]
    raw[:] = np.frombuffer(array.tobytes(), np.uint8)
    return raw.view(array.dtype).reshape(array.shape)


ARRAY_SHAPES = [(0,), (1,), (2,), (4,), (6,), (7,), (8,), (0, 2), (1, 2), (2, 2), (4, 2), (2, 4)]
ARRAY_SHAPES += [(4, 0), (4, 3), (4, 1, 2), (1, 4, 2), (4, 1, 1), (0, 1, 2), (2, 2, 2)]
ARRAY_SHAPES += [(1, 1, 4, 2)]
ARRAY_DTYPES = [*"?bBhHiIlLqQefdgFDOUSmM", ">f8", ">i4", "V8", "V0", "S0", "f8,f8", "M8[s]"]
CORE_DTYPES = {"?", "B", "q", "f", "d", "O", "U", ">f8", "V0"}
LAYOUTS = {
    "in rows": lambda array: array,
    "in columns": np.asfortranarray,
    "with steps": lambda array: np.repeat(array, 2, axis=0)[::2],
    "turned": lambda array: array[::-1],
    "unaligned": unaligned,
    "memory map": lambda array: array.view(np.memmap),
}


def arrays_of(dtype):
    """Make small arrays of every shape and layout."""
    dtype = np.dtype(dtype)
    for shape in ARRAY_SHAPES:
        array = np.resize(np.array([*RING, 2, 2, 3, 3], "i1"), shape)
        array = np.zeros(shape, dtype) if dtype.kind in "OV" else array.astype(dtype)
        for layout in LAYOUTS.values():
            if layout is not unaligned or (dtype.itemsize and not dtype.hasobject):
                yield layout(array)


@pytest.mark.parametrize(
    "dtype", [dtype if dtype in CORE_DTYPES else slow(dtype) for dtype in ARRAY_DTYPES]
)
def test_both_walkers_read_the_same_arrays(dtype):
    for array in arrays_of(dtype):
        for polygon in (array, [array], [array, RING], [RING, array]):
            for call in (
                lambda polygon=polygon: sc.Masks.from_polygons([RING, polygon], SIZE),
                lambda polygon=polygon: sc.Masks.from_coco([{"segmentation": polygon}, RLE]),
            ):
                assert outcome(call) == outcome_in_python(call)


@pytest.mark.parametrize("dtype", "ilqfd")
def test_common_arrays_are_read_by_compiled_code(walker, dtype, monkeypatch):
    if walker is _coco_python:
        pytest.skip("this one is not compiled")

    def never(*_):
        pytest.fail("the array was left to Python")

    monkeypatch.setattr(walker, "read_polygon", never)
    flat = np.array(RING, dtype)
    points, contour = flat.reshape(-1, 2), flat.reshape(-1, 1, 2)
    polygons = [flat, points, contour, [flat], [points, points], [contour, RING], [RING, flat]]
    assert sc.Masks.from_polygons(polygons, SIZE) == EXPECTED[[0] * 7]


@pytest.mark.parametrize("dtype", "ilqfd")
def test_extreme_coordinates_in_arrays(dtype):
    limits = np.iinfo(dtype) if dtype in "ilq" else np.finfo(dtype)
    others = [limits.min, limits.max, 2**30, 2**30 - 1, -(2**30) - 1]
    others += [] if dtype in "ilq" else [np.nan, np.inf, -np.inf, limits.tiny, -0.0]
    for value in others:
        array = np.array([0, 0, 6, 0, 6, 4, 0, value]).astype(dtype)
        for polygon in (array, [array.reshape(-1, 2)]):

            def call(polygon=polygon):
                return sc.Masks.from_polygons([RING, polygon], SIZE)

            assert outcome(call) == outcome_in_python(call)


def test_from_no_polygons():
    assert sc.Masks.from_polygons([], SIZE) == EXPECTED[:0]
    assert sc.Masks.from_polygons(iter([[], RING]), SIZE).area.tolist() == [0, 6]


def test_an_array_of_polygons():
    rings = np.array([RING, RING], float)
    assert sc.Masks.from_polygons(rings, SIZE) == EXPECTED[[0, 0]]
    assert sc.Masks.from_polygons(rings.reshape(2, 4, 2), SIZE) == EXPECTED[[0, 0]]


@pytest.mark.parametrize(
    "item", [RLE, ANNOTATION, None, "abc", 3, [RLE], (RLE, RLE), boxed(RLE), DENSE]
)
def test_from_polygons_of_other_things(item):
    with pytest.raises(TypeError, match=r"^mask 1: (ring 0: )?expected (a ring|rings) of "):
        sc.Masks.from_polygons([RING, item], SIZE)


@pytest.mark.parametrize("name", ["odd", "odd second", "a box", "NaN", "far", "huge", "point of 3"])
def test_errors_name_the_polygon(name):
    item, message = VALUES[name]
    with pytest.raises(ValueError, match=f"^mask 1: .*{message}"):
        sc.Masks.from_polygons([RING, item, RING], SIZE)


def test_polygons_of_pycocotools():
    mask = Pycocotools()
    rng = np.random.default_rng(2)
    polygons = [[(rng.random(2 * n) * 130 - 10).tolist() for n in (3, 17)] for _ in range(20)]
    expected = [mask.merge(mask.frPyObjects(rings, 100, 110)) for rings in polygons]
    for masks in (
        sc.Masks.from_polygons(polygons, (100, 110)),
        sc.Masks.from_coco(polygons, (100, 110)),
    ):
        assert [r["counts"].encode() for r in masks.to_coco()] == [r["counts"] for r in expected]
