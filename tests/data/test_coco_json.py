"""COCO files in columns: what json reads, and back."""

from __future__ import annotations

import gzip
import io
import json
import math
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import real_data
from support.coco_files import ANNOTATION, SQUARE, STRANGE, assert_same_json, document, written
from support.json_reader import IS_COMPILED
from support.real_data import FILES
from support.real_data import read as read_document

import segcore as sc
from segcore.data.coco import json_python, reading, stream, writing

TWINS = [stream.JsonReader, json_python.JsonReader]


@pytest.fixture(params=["compiled", "python"])
def twin(request, monkeypatch):
    """Read and write with the compiled code, and with its twin."""
    if request.param == "compiled":
        if not IS_COMPILED:
            pytest.skip("segcore is not compiled")
        return
    monkeypatch.setattr(stream, "JsonReader", json_python.JsonReader)
    monkeypatch.setattr(stream, "JsonTable", json_python.JsonTable)
    monkeypatch.setattr(writing, "write_json_rows", json_python.write_json_rows)


@pytest.mark.parametrize("name", FILES)
def test_real_data_there_and_back(name, twin):
    document = read_document(name)
    path = real_data.path(name)
    dataset = sc.data.read(path)
    assert_same_json(written(dataset, document), document)
    annotations = document if isinstance(document, list) else document["annotations"]
    by_image = {}
    for annotation in annotations:
        by_image.setdefault(annotation["image_id"], []).append(annotation)
    for sample in dataset[:50]:
        expected = by_image.get(sample.image_id, [])
        assert sample.ids.tolist() == [
            a.get("id", i) for a, i in zip(expected, sample.ids.tolist(), strict=True)
        ]
        assert sample.category_ids.tolist() == [a["category_id"] for a in expected]
        if expected:
            assert sample.masks == sc.Masks.from_coco(expected, sample.size)


def test_strange_annotations_there_and_back(twin):
    given_ = document(*STRANGE, info={"year": 2026}, extra=[1.0, {"z": -0.0}])
    dataset = sc.data.from_coco(given_)
    assert_same_json(sc.data.to_coco(dataset), given_)
    backwards = dataset.select(np.arange(len(STRANGE))[::-1])
    assert_same_json(sc.data.to_coco(backwards)["annotations"], given_["annotations"][::-1])


@given(st.lists(ANNOTATION, max_size=5), st.integers(1, 300))
def test_any_annotations_there_and_back(annotations, chunk):
    given_ = document(*annotations)
    for piece in (chunk, 1 << 22):
        old, stream.CHUNK = stream.CHUNK, piece
        try:
            dataset = sc.data.from_coco(given_)
        finally:
            stream.CHUNK = old
        assert_same_json(sc.data.to_coco(dataset), given_)


def test_twins_have_the_same_columns(monkeypatch):
    given_ = document(*STRANGE)
    one = sc.data.from_coco(given_)
    monkeypatch.setattr(stream, "JsonReader", json_python.JsonReader)
    monkeypatch.setattr(stream, "JsonTable", json_python.JsonTable)
    other = sc.data.from_coco(given_)
    for name in one.annotations.names:
        a, b = one.annotations[name], other.annotations[name]
        if name != "segmentation":
            np.testing.assert_array_equal(a, b)
            continue
        for part in a.__slots__:
            np.testing.assert_array_equal(getattr(a, part), getattr(b, part), part)
    assert one.annotations.layout.shapes == other.annotations.layout.shapes


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ({"image_id": 2}, "image_id: expected the id of an image, got 2"),
        (
            {"image_id": None},
            "image_id: expected an integer or a string, got null",
        ),
        (
            {"image_id": True},
            "image_id: expected an integer or a string, got True",
        ),
        ({"category_id": 4}, "category_id: expected the id of a category, got 4"),
        ({"iscrowd": 2}, "iscrowd: expected 0 or 1, got 2"),
        ({"iscrowd": "no"}, "iscrowd: expected 0 or 1, got str 'no'"),
        ({"score": "high"}, "score: expected a number, got str 'high'"),
        (
            {"score": -(2**53) - 1},
            "score: expected an integer from -2**53 to 2**53, got int -9007199254740993",
        ),
        ({"score": math.nan}, "score: expected a number, got nan"),
        ({"area": "5"}, "area: expected a finite number, got str '5'"),
        ({"area": [5]}, "area: expected a finite number, got list [5]"),
        ({"area": True}, "area: expected a finite number, got bool True"),
        ({"area": math.nan}, "area: expected a finite number, got nan"),
        ({"area": math.inf}, "area: expected a finite number, got inf"),
        ({"bbox": [1, 2, 3]}, "bbox: expected 4 finite numbers, got list [1, 2, 3]"),
        ({"bbox": [[1, 2, 3, 4]]}, "bbox: expected 4 finite numbers, got list [[1, 2, 3, 4]]"),
        ({"bbox": [1, 2, "3", 4]}, "bbox: expected 4 finite numbers, got list [1, 2, '3', 4]"),
        ({"bbox": "1 2 3 4"}, "bbox: expected 4 finite numbers, got str '1 2 3 4'"),
        (
            {"bbox": [1, 2, math.nan, 4]},
            "bbox: expected 4 finite numbers, got [1.0, 2.0, nan, 4.0]",
        ),
        ({"bbox": [True, 2, 3, 4]}, "bbox: expected 4 finite numbers, got list [True, 2, 3, 4]"),
    ],
)
def test_invalid_annotations_are_named_or_skipped(change, detail, tmp_path, twin):
    path = tmp_path / "a.json"
    good = {"id": 1, "segmentation": SQUARE}
    path.write_text(json.dumps(document(good, {"id": 2, **change}, {**good, "id": 3})))
    with pytest.raises(sc.data.DatasetError) as raised:
        sc.data.read(path)
    assert (raised.value.item, raised.value.detail) == ("annotations[1]", detail)
    dataset = sc.data.read(path, invalid="skip")
    assert dataset.annotations["id"].tolist() == [1, 3]
    assert len(dataset.skipped) == 1
    assert dataset.skipped[0].endswith(detail)
    with pytest.raises(sc.data.DatasetError) as in_memory:
        sc.data.from_coco(json.loads(path.read_text()))
    assert (in_memory.value.item, in_memory.value.detail) == ("annotations[1]", detail)


@pytest.mark.parametrize(
    ("change", "values"),
    [
        ({"bbox": None, "area": None}, [[math.nan] * 4, math.nan]),
        ({"bbox": []}, [[math.nan] * 4, math.nan]),
        ({"bbox": [2**60, 0, 1, 2.5], "area": 2**60}, [[2.0**60, 0, 1, 2.5], 2.0**60]),
    ],
)
def test_areas_and_boxes_that_are_used(change, values, twin):
    given = document({"id": 2, **change})
    dataset = sc.data.from_coco(given)
    found = [dataset.annotations[name].tolist()[0] for name in ("bbox", "area")]
    np.testing.assert_array_equal(found[0], values[0])
    np.testing.assert_array_equal(found[1], values[1])
    assert json.dumps(sc.data.to_coco(dataset)) == json.dumps(given)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"area": -5}, "area: -5.0, a negative area, is used as it is (2 such annotations)"),
        (
            {"bbox": [1, 2, -3, 4]},
            "bbox: [1.0, 2.0, -3.0, 4.0], a negative width or height, is used as it is "
            "(2 such annotations)",
        ),
    ],
)
def test_negative_areas_and_boxes_are_warned_of(change, message, tmp_path, twin):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(document({"id": 1}, {"id": 2, **change}, {"id": 3, **change})))
    with pytest.warns(match="negative") as warned:
        dataset = sc.data.read(path)
    assert str(warned[0].message).startswith(f"{path}: annotations[1] (id 2, byte ")
    assert str(warned[0].message).endswith(message)
    assert len(dataset.annotations) == 3


@pytest.mark.parametrize("name", ["images", "annotations", "categories"])
@pytest.mark.parametrize("value", [None, 5, "x", {}])
def test_a_member_that_is_no_array(name, value, twin):
    given = {"images": [], "annotations": [], "categories": [], name: value}
    with pytest.raises(sc.data.DatasetError) as raised:
        sc.data.from_coco(given)
    assert (raised.value.item, raised.value.detail) == (name, "expected an array of objects")


@pytest.mark.parametrize("shift", [-5, 0, 2**61])
@pytest.mark.parametrize("step", [1, 3, 10**6])
def test_annotations_find_their_images(shift, step):
    ids = [shift + step * row for row in (3, 1, 2)]
    images = [{"id": id_, "height": 4, "width": 6} for id_ in ids]
    found = [{"id": row, "image_id": ids[row]} for row in (2, 0, 1)]
    dataset = sc.data.from_coco({"images": images, "annotations": found})
    assert dataset.annotations["image"].tolist() == [2, 0, 1]
    for wrong in (min(ids) - 1, max(ids) + 1, -(2**62), 2**62):
        with pytest.raises(sc.data.DatasetError, match=f"the id of an image, got {wrong}"):
            sc.data.from_coco({"images": images, "annotations": [{"id": 1, "image_id": wrong}]})


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        (b"", 0),
        (b"{", 1),
        (b'{"images": [}', 12),
        (b'{"images": [], "annotations": [{"id": 01}]}', 39),
        (b'{"images": [], "annotations": [{"id": 1,}]}', 40),
        (b'{"images": [], "annotations": [{"id": "\x01"}]}', 39),
        (b'{"images": [], "annotations": [{"id": "\xff"}]}', 39),
        (b'{"images": [], "annotations": []} x', 34),
        (b'{"images": [], "annotations": [{"a": ' + b"[" * 501 + b"]" * 501 + b"}]}", 537),
        (b"[1]", 1),
    ],
)
def test_what_is_not_json_is_named_with_its_place(text, offset, tmp_path):
    if not IS_COMPILED:
        pytest.skip("segcore is not compiled")
    path = tmp_path / "a.json"
    path.write_bytes(text)
    with pytest.raises(sc.data.DatasetError, match=r"a\.json") as raised:
        sc.data.read(path)
    assert raised.value.offset == offset


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be", "utf-32"])
def test_encodings_of_json(encoding, tmp_path, twin):
    given_ = document({"id": 1, "segmentation": SQUARE, "note": "\u00e9"})
    path = tmp_path / "a.json"
    path.write_bytes(json.dumps(given_, ensure_ascii=False).encode(encoding))
    assert_same_json(sc.data.to_coco(sc.data.read(path)), given_)


def test_gzip(tmp_path):
    path = tmp_path / "a.json.gz"
    path.write_bytes(gzip.compress(json.dumps(document({"segmentation": SQUARE})).encode()))
    assert sc.data.read(path)[0].masks.area.tolist() == [8]


def test_the_last_of_repeated_names_counts(twin):
    text = (
        b'{"images": [{"id": 1, "height": 9, "width": 9, "id": 2}], "annotations": ['
        b'{"image_id": 1, "image_id": 2, "a": 1, "b": 2, "a": 3}, {"image_id": 2}], "images": '
        b'[{"id": 2, "height": 5, "height": 4, "width": 6}]}'
    )
    dataset = reading.read_stream("", io.BytesIO(text), None)
    assert_same_json(sc.data.to_coco(dataset), json.loads(text))


def test_results_belong_to_a_data_set():
    truth = sc.data.from_coco(document({"id": 1, "segmentation": SQUARE}))
    results = [
        {
            "image_id": 1,
            "category_id": 3,
            "segmentation": {"size": [4, 6], "counts": [5, 2, 17]},
            "score": 0.5,
        },
        {"image_id": 1, "category_id": 3, "segmentation": SQUARE, "score": 0.25},
    ]
    dataset = sc.data.from_coco(results, truth)
    assert dataset[0].masks == sc.Masks.from_coco([r["segmentation"] for r in results])
    assert dataset[0].scores.tolist() == [0.5, 0.25]
    assert dataset[0].ids.tolist() == [1, 2]
    alone = sc.data.from_coco(results[:1])
    assert (alone[0].size, alone[0].category_ids.tolist()) == ((4, 6), [3])
    with pytest.raises(sc.data.DatasetError, match="expected the id of an image, got 7"):
        sc.data.from_coco([{**results[0], "image_id": 7}], truth)


def test_string_ids(twin):
    given_ = {
        "images": [{"id": "sav_1", "height": 4, "width": 6}, {"id": "x", "height": 4, "width": 6}],
        "categories": [{"id": "sofa", "name": "sofa"}, {"id": 2, "name": "lamp"}],
        "annotations": [
            {"id": "b", "image_id": "x", "category_id": 2, "segmentation": SQUARE},
            {"id": 5, "image_id": "sav_1", "category_id": "sofa", "segmentation": SQUARE},
        ],
    }
    dataset = sc.data.from_coco(given_)
    assert dataset.annotations["image"].tolist() == [1, 0]
    assert dataset[dataset.index_of("x")].ids.tolist() == ["b"]
    assert dataset[0].category_ids.tolist() == ["sofa"]
    assert_same_json(sc.data.to_coco(dataset), given_)


def test_write_appears_whole_or_not_at_all(tmp_path):
    dataset = sc.data.from_coco(document({"id": 1, "segmentation": SQUARE}))
    path = Path(tmp_path, "a.json")
    sc.data.write(dataset, path)
    with pytest.raises(FileExistsError, match="overwrite=True"):
        sc.data.write(dataset, path)
    sc.data.write(dataset, path, overwrite=True)
    assert sc.data.read(path)[0].masks == dataset[0].masks
    with pytest.raises(ValueError, match="format: expected"):
        sc.data.write(dataset, path, "tiff")


def test_text_ids_of_made_tables_are_written():
    """They were written as 0."""
    given_ = {
        "images": [{"id": "a", "height": 4, "width": 6}, {"id": 2**70, "height": 4, "width": 6}],
        "categories": [{"id": "cat", "name": "cat"}],
        "annotations": [
            {"id": f"z{i}", "image_id": image_id, "category_id": "cat", "segmentation": SQUARE}
            for i, image_id in enumerate(["a", 2**70, "a"])
        ],
    }
    found = sc.data.to_coco(sc.data.from_coco(given_).with_rle())
    for got, expected in zip(found["annotations"], given_["annotations"], strict=True):
        assert {key: got[key] for key in ("id", "image_id", "category_id")} == {
            key: expected[key] for key in ("id", "image_id", "category_id")
        }


def test_repeated_names_are_noted(twin):
    text = (
        b'{"images": [{"id": 1, "id": 2}, {"id": 1}, {"id": 3, "id": 3}], "annotations": [], '
        b'"x": 1, "x": {"y": 1, "y": 2}}'
    )
    dataset = reading.read_stream("a.json", io.BytesIO(text), None)
    said = "images[0], and 1 more: a name occurs twice in one object; the last value counts"
    assert dataset.skipped == (f"a.json: {said}", 'a.json: "x" occurs twice; the last counts')
    panoptic = (
        b'{"images": [], "categories": [], "annotations": [{"file_name": "a.png", "image_id": 1, '
        b'"segments_info": [{"id": 1, "id": 2}, %s]}]}'
    )
    items = stream.Stream("a.json", io.BytesIO(panoptic % b"{}"), None, None)
    reading.read_tables(items)
    assert [line.split(":")[1] for line in items.repeated] == [" annotations[0]"]
    items = stream.Stream("a.json", io.BytesIO(panoptic % b"3"), None, None)
    with pytest.raises(sc.data.DatasetError, match=r"annotations\[0\].*expected an object"):
        reading.read_tables(items)


@pytest.fixture
def restored_threads():
    before = sc.get_num_threads()
    yield
    sc.set_num_threads(before)


def test_any_number_of_threads_reads_the_same(tmp_path, restored_threads):
    rng = np.random.default_rng(0)
    path = tmp_path / "a.json"
    detections = [
        {
            "image_id": int(rng.integers(1, 50)),
            "category_id": 1,
            "segmentation": {"size": [4, 6], "counts": "52203"} if row % 3 else SQUARE,
            "score": float(rng.random()),
            "note": ', {"image_id": 7, "x": [{"image_id": 1}, {"image_id": 2}]' * (row % 5),
        }
        for row in range(5000)
    ]
    whole = json.dumps(detections)
    middle = whole.index("{", len(whole) // 2)
    repeated = f'{{"id": 1, "id": 2, {whole[middle + 1 :]}'
    for text in (
        whole,
        whole[:middle] + repeated if whole[middle + 1] == '"' else whole,
        whole[:middle] + "?" + whole[middle:],
        whole[:-1],
        json.dumps(detections, indent=1),
    ):
        path.write_text(text)
        found, steps = [], []
        for threads in (1, 2, 7):
            sc.set_num_threads(threads)
            done = []
            try:
                dataset = sc.data.read(path, progress=lambda *step, done=done: done.append(step))
                found.append((pickle.dumps(dataset.annotations), dataset.skipped))
                steps.append(done[-1])
            except sc.data.DatasetError as error:
                found.append(str(error))
        assert found[0] == found[1] == found[2]
        assert set(steps) <= {(len(text), len(text))}


@pytest.mark.parametrize(
    ("reference", "found"), [(1, 0), ("1", 0), (1.0, 0), ("01", None), ("2", 1), (2, 1)]
)
def test_numbers_refer_to_text_and_text_to_numbers(reference, found):
    given_ = document({"id": 5, "image_id": reference, "segmentation": SQUARE})
    given_["images"] = [{"id": i, "height": 4, "width": 6} for i in (1, "2")]
    if found is None:
        with pytest.raises(sc.data.DatasetError, match=r"\(id 5.*image_id: expected"):
            sc.data.from_coco(given_)
    else:
        dataset = sc.data.from_coco(given_)
        assert dataset.annotations["image"].tolist() == [found]
        assert_same_json(sc.data.to_coco(dataset), given_)


def test_annotations_of_skipped_images_are_counted(tmp_path):
    given_ = document(*({"id": i, "segmentation": SQUARE} for i in range(3)))
    given_["images"] = [{"id": 1, "height": -4, "width": 6}, {"id": 2, "height": 4, "width": 6}]
    path = tmp_path / "a.json"
    path.write_text(json.dumps(given_))
    dataset = sc.data.read(path, invalid="skip")
    assert len(dataset.annotations) == 0
    assert [line.removeprefix(f"{path}: ").split(" (")[0] for line in dataset.skipped] == [
        "images[0]",
        "3 annotations of images that were skipped",
    ]


def test_images_without_annotations(twin, tmp_path):
    document = {
        "info": {"year": 2017},
        "images": [{"id": 7, "height": 4, "width": 6, "file_name": "a.jpg"}],
        "licenses": [],
        "categories": [{"id": 1, "name": "cup"}],
    }
    path = tmp_path / "image_info_test.json"
    path.write_text(json.dumps(document))
    images = sc.data.read(path)
    assert len(images) == 1
    assert len(images.annotations) == 0
    assert sc.data.to_coco(images) == document
    results = [{"image_id": 7, "category_id": 1, "segmentation": {"size": [4, 6], "counts": "0h0"}}]
    path.write_text(json.dumps(results))
    assert sc.data.read(path, dataset=images)[0].file_name == "a.jpg"
    path.write_text(json.dumps({**document, "annotation": []}))
    with pytest.raises(sc.data.DatasetError, match='expected "images" and "annotations"'):
        sc.data.read(path)


def test_twins_tell_the_same_positions(monkeypatch):
    """Of rows behind characters of several bytes and white space."""
    segments = [{"id": 1, "é": [{"id": 3}]}, {"id": 2}]
    entries = [
        {"x": 1, "segments_info": segments, "image_id": "ü"},
        {"segments_info": None},
        {"segments_info": []},
        {"file_name": "é", "segments_info": segments[:1]},
    ]
    document = {"info": "\U0001f600", "images": [{"id": 1}, {"id": "é"}], "annotations": entries}
    for indent in (None, 1):
        data = json.dumps(document, ensure_ascii=False, indent=indent).encode()
        found = []
        for reader, table in ((None, None), (json_python.JsonReader, json_python.JsonTable)):
            if reader is not None:
                monkeypatch.setattr(stream, "JsonReader", reader)
                monkeypatch.setattr(stream, "JsonTable", table)
            raw, _ = reading.read_tables(stream.Stream("", io.BytesIO(data), None, len(data)))
            monkeypatch.undo()
            tables = raw["images"], raw["annotations"]
            found.append([part["positions"].tolist() for part in tables])
        assert found[0] == found[1]
        assert [data[at : at + 1] for part in found[0] for at in part] == [b"{"] * 6


def test_an_rle_that_repeats_a_name_is_kept_as_text(twin, tmp_path):
    path = tmp_path / "a.json"
    rle = '{"counts": "0", "counts": "52203", "size": [4, 6]}'
    path.write_text(f'[{{"image_id": 1, "category_id": 1, "segmentation": {rle}}}]')
    dataset = sc.data.read(path)
    assert dataset.annotations["segmentation"].kinds.tolist() == [4]
    assert dataset.annotations["segmentation"].value(0)["counts"] == "52203"
