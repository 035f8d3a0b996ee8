"""Documents in memory, as models and pycocotools make them: with bytes, and values of NumPy."""

import enum
import io
import json
from collections import OrderedDict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.coco_files import ANNOTATION, SQUARE, STRANGE, assert_same_json, document

import segcore as sc
from segcore.compat.pycocotools import mask as mask_util
from segcore.data.coco import reading
from segcore.formats import coco


@pytest.fixture(autouse=True, params=["segcore.formats._coco", "segcore.formats._coco_python"])
def walker(request, monkeypatch):
    """Walk with compiled code, then with Python."""
    monkeypatch.setattr(coco, "walker", pytest.importorskip(request.param))


IMAGES = [{"id": np.int64(3), "height": np.int32(9), "width": 12, "file_name": "a.jpg"}]
MASK = np.zeros((9, 12), bool)
MASK[2:7, 3:9] = True


def detections(segmentation):
    return [
        {
            "image_id": np.int64(3),
            "category_id": np.uint8(1),
            "segmentation": segmentation,
            "score": np.float32(0.5),
            "bbox": np.array([3, 2, 6, 5], np.float64),
        }
    ]


RLE = mask_util.encode(np.asfortranarray(MASK, np.uint8))


@pytest.mark.parametrize(
    "segmentation",
    [
        RLE,  # whose counts are bytes
        {**RLE, "size": np.array(RLE["size"])},
        {"size": [9, 12], "counts": np.diff(sc.Masks.from_dense(MASK).run_ends, prepend=0)},
        MASK,
        [np.array([3, 2, 9, 2, 9, 7, 3, 7], np.float32)],
    ],
)
def test_values_of_numpy_and_bytes(segmentation):
    truth = sc.data.from_coco({"images": IMAGES, "annotations": []})
    if isinstance(segmentation, dict) and isinstance(segmentation["counts"], np.ndarray):
        rest = MASK.size - segmentation["counts"].sum()
        segmentation["counts"] = np.append(segmentation["counts"], rest)
    [sample] = sc.data.from_coco(detections(segmentation), dataset=truth)
    assert sample.masks == sc.Masks.from_dense(MASK)
    assert sample.scores.tolist() == [0.5]
    assert sample.category_ids.tolist() == [1]
    assert sample.image_id == 3


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (b"\xff", "bytes"),
        (1j, "complex"),
        (np.complex128(1), "complex"),
        (np.array(["a"], object), "array"),
        ({1}, "set"),
    ],
)
def test_other_values_are_refused(value, shown):
    document = {"images": IMAGES, "annotations": [], "info": value}
    with pytest.raises(TypeError, match="document: expected JSON values, got ") as caught:
        sc.data.from_coco(document)
    assert shown in str(caught.value)


def test_results_keep_categories_that_the_other_data_set_lacks():
    truth = sc.data.from_coco({"images": IMAGES, "annotations": []})
    results = [*detections(RLE), {**detections(RLE)[0], "category_id": 40}]
    [sample] = (ds := sc.data.from_coco(results, dataset=truth))
    assert ds.categories["id"].tolist() == [1, 40]
    assert sample.category_ids.tolist() == [1, 40]
    assert [each["category_id"] for each in sc.data.to_coco(ds)["annotations"]] == [1, 40]


def test_no_categories_at_all():
    shape = {"segmentation": [[1, 1, 5, 1, 5, 5]], "image_id": 3}
    [sample] = sc.data.from_coco({"images": IMAGES, "annotations": [shape]})
    with pytest.raises(ValueError, match="image 3: its data set has no categories"):
        sample.category_ids  # noqa: B018
    [sample] = sc.data.from_coco({"images": IMAGES, "annotations": []})
    assert sample.category_ids.tolist() == []


# -- equality with the same document as a file -----------------------------------------------------


def outcome(read):
    """Return the data set, or the error without the place in the file."""
    try:
        return read()
    except (ValueError, TypeError) as error:
        return type(error), getattr(error, "detail", str(error)), getattr(error, "item", "")


def stream_of(value):
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    data = text.encode("utf-8", "surrogatepass")
    return reading.Stream("", io.BytesIO(data), None, len(data))


def from_text(value):
    return reading.read_source(stream_of(value))


def assert_same(found, expected):
    """Compare all columns, and how the rows are written."""
    assert isinstance(found, sc.data.Dataset)
    for table in ("images", "categories", "annotations"):
        one, other = getattr(found, table), getattr(expected, table)
        assert one.names == other.names
        for name in one.names:
            if isinstance(other[name], sc.data.Segmentations):
                assert_same_json(list(map(one[name].value, range(len(one)))),
                                 list(map(other[name].value, range(len(other)))))  # fmt: skip
                assert one[name].kinds.tolist() == other[name].kinds.tolist()
            else:
                np.testing.assert_array_equal(one[name], other[name], name)
                assert getattr(one[name], "dtype", 0) == getattr(other[name], "dtype", 0)
        assert one.layout.shapes == other.layout.shapes
        assert one.layout.shape_ids.tolist() == other.layout.shape_ids.tolist()
        assert list(one.layout.extra) == list(other.layout.extra)
        assert list(one.layout.odd) == list(other.layout.odd)
        assert one.layout.odd_rows.tolist() == other.layout.odd_rows.tolist()
    assert found.skipped == expected.skipped
    assert_same_json(sc.data.to_coco(found), sc.data.to_coco(expected))


RESULTS = [
    {"image_id": 4, "category_id": 2, "segmentation": {"size": [9, 12], "counts": "5220"}},
    {"image_id": 4, "category_id": 2, "segmentation": {"counts": [], "size": [9, 12]}, "score": 1},
    {"score": 0.5, "image_id": 5, "bbox": [1, 2.0, 3, 4], "category_id": True, "keypoints": [1]},
]
BORDERS = [
    *(
        {"id": 1, "segmentation": {"size": size, "counts": counts}}
        for size in ([4, 6], [-1, 6], [2**31, 1], [2**31 - 1, 1], [4.0, 6], [4], [True, 6])
        for counts in ("52\u00e9", "52", [24], [2**62], [2**62 + 1], [2**63], [1.0], [True], None)
    ),
    {"id": 1, "segmentation": {"size": [4, 6], "counts": "52", "more": 1}},
    *({"id": 1, "segmentation": [ring]} for ring in ([], [1] * 5, [1] * 6, [2**53 + 1] * 6)),
    {"id": 1, "segmentation": [[1] * 6, [], [1, 2]]},
    {"id": 1, "segmentation": [[1] * 6, [1.5] * 4, [1, 2, 3]]},
    *({"id": n, "area": n, "score": n, "bbox": [n, 1.0, n, 2]}
      for n in (2**53, 2**53 + 1, 2**62, 2**62 + 1, 2**64, -(2**63), True, -0.0, 1.5)),
]  # fmt: skip
PANOPTIC = {
    "images": [{"id": 1, "height": 2, "width": 3}],
    "categories": [{"id": 3, "name": "sofa", "isthing": 1}],
    "annotations": [
        {"image_id": 1, "file_name": "a.png", "more": {}, "segments_info": [
            {"id": 9, "category_id": 3, "area": 1.5, "bbox": [0, 0, 1, 1], "iscrowd": 0, "x": [1]}
        ]},
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    "value",
    [
        document(*STRANGE, info={"year": 2024}, licenses=[]),
        document(*STRANGE[:3], STRANGE[0], *STRANGE[3:]),
        *(document(annotation) for annotation in BORDERS),
        RESULTS,
        [],
        {"image": {"image_id": 3, "height": 4, "width": 6}, "annotations": [{"id": 1}]},
        {"images": [{"id": 1, "height": 2, "width": 3}], "categories": []},
    ],
)
@pytest.mark.filterwarnings("ignore:.*negative")
def test_equal_to_the_file(value):
    read = outcome(lambda: sc.data.from_coco(value))
    expected = outcome(lambda: from_text(value))
    if isinstance(expected, tuple):
        assert read == expected
    else:
        assert_same(read, expected)


@given(st.lists(ANNOTATION, max_size=4))
def test_any_annotations_are_equal_to_the_file(annotations):
    test_equal_to_the_file(document(*annotations))


def test_panoptic_documents_are_equal_to_the_file():
    found, expected = (
        reading.read_tables(source)[0]["annotations"]["columns"]["segments_info"][1]["columns"]
        for source in (reading.Document(PANOPTIC), stream_of(PANOPTIC))
    )
    assert found["id"].tolist() == expected["id"].tolist() == [9]
    assert found["bbox"].tolist() == expected["bbox"].tolist()


@pytest.mark.parametrize(
    "value",
    [
        *(3, "text", None, {"images": 3, "annotations": []}, {"images": [], "annotations": [3]}),
        {"images": [], "annotations": None},
        {"images": [], "annotations": [{"id": 1, "image_id": 1}, []]},
        {"a": 1},
        document({"id": 1, "image_id": "x"}, {"id": None}),
        [{"image_id": 1, "category_id": 1}, "text"],
    ],
)
def test_errors_are_those_of_the_file(value):
    expected = outcome(lambda: from_text(value))
    assert isinstance(expected, tuple)
    assert outcome(lambda: sc.data.from_coco(value)) == expected


class Color(enum.StrEnum):
    RED = "red"


class Number(enum.IntEnum):
    TWO = 2


def test_other_types_are_those_that_json_writes():
    value = document(
        {
            "id": Number.TWO,
            "segmentation": (tuple(map(float, SQUARE[0])),),
            "bbox": (1, np.float64(2), 3, 4),
            "area": np.float32(0.1),
            1: Color.RED,
            None: OrderedDict(a=(1,)),
            2.5: np.arange(3),
        },
    )
    value["annotations"] = tuple(OrderedDict(a) for a in value["annotations"])
    plain = json.loads(json.dumps(value, default=lambda array: array.tolist()))
    assert_same(sc.data.from_coco(value), from_text(plain))


def test_names_that_become_equal_are_refused():
    with pytest.raises(sc.data.DatasetError, match=r"annotations\[0\]: expected names that differ"):
        sc.data.from_coco(document({"id": 1, 1: 0, "1": 0}))


def test_values_are_nested_as_deeply_as_in_files():
    nested = json.loads("[" * 501 + "]" * 501)
    with pytest.raises(sc.data.DatasetError, match=r"annotations\[0\]: expected fewer nested"):
        sc.data.from_coco(document({"id": 1, "x": nested}))


def test_the_item_of_an_unsuitable_value_is_named():
    with pytest.raises(TypeError) as caught:
        sc.data.from_coco(document({"id": 1}, {"id": 2, "score": {1}}))
    assert caught.value.__notes__ == ["annotations[1]"]


def test_a_warning_of_normalized_coordinates_names_file_and_annotation(tmp_path):
    ring = [0.1, 0.25, 0.5, 0.25, 0.5, 1]
    given_ = document(
        {"id": 8, "segmentation": []}, *({"id": i, "segmentation": [ring]} for i in (9, 7))
    )
    path = tmp_path / "a.json"
    path.write_text(json.dumps(given_))
    dataset = sc.data.read(path).select([1, 2])
    with pytest.warns(match="all coordinates are between 0 and 1, but the image has") as warned:
        assert dataset[0].masks.area.tolist() == [1, 1]
    assert str(warned[0].message).startswith(f"{path}: annotation 9 of image 1 and 1 more: all")
    assert warned[0].filename == __file__
    assert len(dataset[0].masks) == 2  # without a warning: one per file and image size


def test_the_document_is_not_kept():
    runs, ring = [5, 2, 17], [1.0, 1.0, 5.0, 1.0, 5.0, 3.0]
    value = document({"id": 1, "segmentation": {"size": [4, 6], "counts": runs}},
                     {"id": 2, "segmentation": [ring]})  # fmt: skip
    dataset = sc.data.from_coco(value)
    runs[0] = ring[0] = 3
    first, second = sc.data.to_coco(dataset)["annotations"]
    assert first["segmentation"]["counts"] == [5, 2, 17]
    assert second["segmentation"][0][0] == 1.0
