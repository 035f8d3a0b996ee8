"""Large JSON files, whose segmentations stay there: the same as those that are read into memory."""

from __future__ import annotations

import functools
import gc
import gzip
import json
import os
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from support.coco_files import IMAGE, SQUARE, STRANGE, assert_same_json, document
from support.executors import Pickling

import segcore as sc
from segcore.data import DatasetError, Segmentations
from segcore.data.coco import in_file
from segcore.data.coco.in_file import FileSegmentations

pytestmark = pytest.mark.skipif(
    not in_file.CAN_READ_AGAIN, reason="segcore is not compiled, or the system has no pread"
)
VALID = [item for item in STRANGE if item["id"] <= 4]


@pytest.fixture
def in_the_file(tmp_path, monkeypatch):
    """Return a function that reads a document whose segmentations stay in the file."""

    def read(given, *, encode=json.dumps, name="large.json", **options):
        path = tmp_path / name
        text = encode(given)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        monkeypatch.setattr(in_file, "LARGE", 0)
        found = sc.data.read(path, **options)
        monkeypatch.undo()
        return found

    return read


def column(dataset):
    return dataset.annotations["segmentation"]


def many(images=30, seed=0):
    """Return a document of annotations of all kinds, in no order of images."""
    rng = np.random.default_rng(seed)
    rle = sc.Masks.from_boxes([[1, 1, 4, 3]], (4, 6)).to_coco()[0]
    kinds = [*(item["segmentation"] for item in VALID[:3]), rle, [], None]
    rows = [
        {"image_id": int(rng.integers(images)), "segmentation": kinds[rng.integers(len(kinds))]}
        for _ in range(4 * images)
    ]
    rows = [{"id": i, "category_id": 3, **row} for i, row in enumerate(rows)]
    return {
        "images": [{**IMAGE, "id": i, "file_name": f"{i}.jpg"} for i in range(images)],
        "categories": [{"id": 3, "name": "sofa"}],
        "annotations": rows,
        "note": {"x": [1.0]},
    }  # fmt: skip


def test_every_form_is_read_as_into_memory(in_the_file, tmp_path):
    found = column(in_the_file(document(*STRANGE)))
    expected = column(sc.data.read(tmp_path / "large.json"))
    assert type(found) is FileSegmentations
    assert np.array_equal(found.is_missing, expected.is_missing)
    assert [found.value(row) for row in range(-1, len(found))] == [
        expected.value(row) for row in range(-1, len(expected))
    ]
    with pytest.raises(IndexError):
        found.value(len(found))
    for name in Segmentations.__slots__:
        values, known = getattr(found, name), getattr(expected, name)
        known = known * (expected.lengths > 0) if name == "starts" else known
        assert np.array_equal(values, known)
        assert not values.flags.writeable
    assert type(found[2:5]) is Segmentations  # since everything was read before


@pytest.mark.parametrize(
    "rows",
    [
        slice(None),
        slice(7, 2, -2),
        slice(0, 0),
        np.array([8, 3, 3, 0, -1]),
        np.arange(10) % 2 == 0,
    ],
)
def test_rows_of_it_are_read(rows, in_the_file):
    given = document(*STRANGE)
    expected, found = column(sc.data.from_coco(given))[rows], column(in_the_file(given))[rows]
    assert type(found) is FileSegmentations
    for part in (found, pickle.loads(pickle.dumps(found)), found.loaded(), found[:]):
        assert len(part) == len(expected)
        assert [part.value(i) for i in range(len(part))] == [
            expected.value(i) for i in range(len(expected))
        ]


def test_it_is_written_as_it_was(in_the_file):
    given = document(*STRANGE, info={"a": 1.0})
    assert_same_json(sc.data.to_coco(in_the_file(given)), given)


@pytest.mark.parametrize(
    "encode",
    [
        functools.partial(json.dumps, indent=3),
        lambda given: b"\xef\xbb\xbf" + json.dumps(given, ensure_ascii=True).encode(),
        # Further apart than what is read together.
        lambda given: json.dumps(given).replace('"segmentation":', '"segmentation":' + " " * 5000),
    ],
)
def test_places_in_any_text(encode, in_the_file):
    given = many()
    found = in_the_file(given, encode=encode)
    assert type(column(found)) is FileSegmentations
    assert_same_json(sc.data.to_coco(found), given)


def with_repeated_name(given):
    return json.dumps(given).replace('"id": 4,', '"id": 7, "id": 4,')


@pytest.mark.parametrize(
    "encode",
    [
        lambda given: json.dumps(given).encode("utf-16"),
        lambda given: gzip.compress(json.dumps(given).encode()),
        with_repeated_name,
    ],
)
def test_other_text_is_read_into_memory(encode, in_the_file):
    given = document(*VALID)
    found = in_the_file(given, encode=encode)
    assert type(column(found)) is Segmentations
    assert_same_json(sc.data.to_coco(found), given)
    assert len(found.skipped) == (encode is with_repeated_name)


def test_small_files_and_pipes_are_read_into_memory(tmp_path):
    path = tmp_path / "small.json"
    path.write_text(json.dumps(document(*VALID)))
    assert type(column(sc.data.read(path))) is Segmentations
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(1) as pool:
        patch.setattr(in_file, "LARGE", 0)
        pool.submit(pipe.write_bytes, path.read_bytes())
        assert type(column(sc.data.read(pipe, format="coco"))) is Segmentations


def test_errors_are_the_same(in_the_file, tmp_path):
    given = document({"id": 1, "segmentation": SQUARE}, {"id": 2, "category_id": 9})
    for text in (
        json.dumps(given),
        json.dumps(given)[:-9],
        json.dumps(given).replace("5, 1", "5 1"),
    ):
        (tmp_path / "x.json").write_text(text)
        with pytest.raises(DatasetError) as expected:
            sc.data.read(tmp_path / "x.json")
        with pytest.raises(DatasetError) as error:
            in_the_file(None, encode=lambda _, text=text: text, name="x.json")
        assert str(error.value) == str(expected.value)
    skipped = in_the_file(given, invalid="skip")
    assert len(skipped.annotations) == len(skipped.skipped) == 1
    assert skipped[0].masks.area.tolist() == [8]


def test_masks_and_results(in_the_file):
    truth = in_the_file(many())
    expected = sc.data.from_coco(many())
    rows = [i for i, item in enumerate(many()["annotations"]) if item["segmentation"]]
    for part in (truth.select(rows), truth[::-1].select(np.arange(len(truth.annotations)) < 0)):
        assert type(column(part)) is FileSegmentations
    assert [s.masks for s in truth.select(rows)] == [s.masks for s in expected.select(rows)]
    results = [{**item, "score": 0.5} for item in many()["annotations"] if item["segmentation"]]
    found = in_the_file(results, name="results.json", dataset=truth)
    assert type(column(found)) is FileSegmentations
    assert [s.masks for s in found] == [s.masks for s in expected.select(rows)]
    alone = in_the_file([item for item in results if isinstance(item["segmentation"], dict)])
    assert set(alone.images["height"].tolist()) == {4}


def test_data_sets_made_of_it(in_the_file):
    given = many()
    for item in given["annotations"][::3]:
        item["bbox"] = [1, 1, 3, 2]
    found, expected = in_the_file(given), sc.data.from_coco(given)
    for change in (
        lambda ds: ds.with_box_masks(),
        lambda ds: ds.without_crowds(),
        lambda ds: ds[[4, 2, 9]],
        lambda ds: ds.select(np.arange(len(ds.annotations)) % 5 == 0),
        lambda ds: sc.data.Dataset.concatenate([ds[:4], ds[6:]]),
        lambda ds: pickle.loads(pickle.dumps(ds)),
    ):
        assert_same_json(sc.data.to_coco(change(found)), sc.data.to_coco(change(expected)))


def test_nothing_is_read_before_it_is_needed(in_the_file, monkeypatch):
    truth = in_the_file(many())
    monkeypatch.setattr(in_file.SourceFile, "read", lambda *_: pytest.fail("read"))
    rows = truth[[3, 1]].select([0])
    assert len(column(rows).kinds) == len(column(rows).is_missing) == 1
    assert len(pickle.dumps(column(truth))) < 60 * len(truth.annotations)
    with pytest.raises(AttributeError, match="other"):
        column(truth).other  # noqa: B018


# -- files that change -----------------------------------------------------------------------------


def test_a_file_that_changed(in_the_file, tmp_path):
    path = tmp_path / "large.json"
    sent = pickle.dumps(column(in_the_file(many())))
    text = path.read_bytes()
    time = path.stat().st_mtime_ns

    def refused(said, dataset):
        for segmentations in (column(dataset), pickle.loads(sent)):
            with pytest.raises(DatasetError, match=said) as error:
                segmentations.loaded()
            assert error.value.path == str(path)

    changed = "has changed since it was read"
    dataset = in_the_file(many())
    os.utime(path, ns=(time, time))
    with path.open("r+b") as file:  # cut
        file.truncate(len(text) - 10)
    refused(changed, dataset)
    path.write_bytes(text)
    os.utime(path, ns=(time + 10, time + 10))
    refused(changed, dataset)
    for new in (
        text.replace(b"[24]", b"[23]"),
        text.replace(b"[4, 6]", b"[6, 4]"),
        b" " * len(text),
    ):
        assert len(new) == len(text)
        path.write_bytes(new)
        os.utime(path, ns=(time, time))
        if new != text.replace(b"[24]", b"[23]"):  # that is only seen by its time
            with pytest.raises(DatasetError, match=changed):
                pickle.loads(sent).loaded()
    path.unlink()
    with pytest.raises(DatasetError, match="cannot be read again: No such file"):
        pickle.loads(sent).loaded()


def test_a_file_that_is_replaced_stays_readable_in_this_process(in_the_file, tmp_path):
    given = many()
    dataset = in_the_file(given)
    sc.data.write(dataset[:3], tmp_path / "large.json", overwrite=True)
    assert_same_json(sc.data.to_coco(dataset), given)
    (tmp_path / "large.json").unlink()
    assert_same_json(sc.data.to_coco(dataset), given)


def test_files_are_closed(in_the_file, tmp_path):
    folder = "/proc/self/fd"
    if not os.path.isdir(folder):
        pytest.skip("the system does not list open files")

    def opened():
        names = [os.path.join(folder, name) for name in os.listdir(folder)]
        return sum(os.path.realpath(name) == str(tmp_path / "large.json") for name in names)

    dataset = in_the_file(many())
    part = column(dataset)[:5]
    copy = pickle.loads(pickle.dumps(part))
    assert copy.value(0) == part.value(0)
    assert opened() == 2
    del dataset, part, copy
    gc.collect()
    assert opened() == 0


# -- jobs ------------------------------------------------------------------------------------------


def test_jobs_in_other_processes(in_the_file):
    found, expected = in_the_file(many()), sc.data.from_coco(many())
    with Pickling(2) as pool:
        assert sc.data.statistics(found, client=pool) == sc.data.statistics(expected)
    assert sc.data.statistics(found, workers=2) == sc.data.statistics(expected)
