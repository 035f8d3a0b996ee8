"""Files that several processes encode: the same bytes as from one."""

from __future__ import annotations

import numpy as np
import pytest
from support.coco_files import assert_same_json
from support.detections import data_set
from support.executors import Pickling

import segcore as sc
from segcore.data.coco import in_file, writing

PART = 4


@pytest.fixture
def truth(tmp_path, monkeypatch):
    """Give a data set in the file truth.json, in no order of images, and make its parts small."""
    document, _ = data_set(3)
    images, rows = document["images"], document["annotations"]
    extra = {"images": [], "annotations": []}
    for copy in range(12):
        for image in images:
            extra["images"].append({**image, "id": image["id"] + 1000 * copy})
        for row in rows:
            image_id = row["image_id"] + 1000 * copy
            number = len(extra["annotations"])
            extra["annotations"].append({**row, "id": number, "image_id": image_id})
            extra["annotations"][-1] |= {"x": [1.0]} if number % 3 else {"area": None}
    order = np.random.default_rng(0).permutation(len(extra["annotations"])).tolist()
    extra["annotations"] = [extra["annotations"][row] for row in order]
    document = {**document, **extra, "info": {"year": 2024}}
    partitions = sc.data.Dataset.partitions
    monkeypatch.setattr(sc.data.Dataset, "partitions", lambda self, _=0: partitions(self, PART))
    monkeypatch.setattr(writing, "ROWS", PART)
    sc.data.write(sc.data.from_coco(document), tmp_path / "truth.json")
    return sc.data.from_coco(document)


def written(dataset, path, **options):
    report = sc.data.write(dataset, path, overwrite=True, **options)
    return path.read_bytes(), report.annotations, report.unwritten


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.json", {}),
        ("a.json", {"format": "coco-results"}),
        ("a.parquet", {}),
        ("a.parquet", {"masks_only": True}),
    ],
)
def test_files_do_not_depend_on_what_encodes_them(name, options, truth, tmp_path, monkeypatch):
    if name == "a.parquet":
        pytest.importorskip("pyarrow")
    expected = written(truth, tmp_path / name, **options)
    assert expected[1] == len(truth.annotations) > 5 * PART
    monkeypatch.setattr(in_file, "LARGE", 0)
    located = sc.data.read(tmp_path / "truth.json")
    for dataset in (truth, located):
        with Pickling(2) as pool:
            assert written(dataset, tmp_path / name, client=pool, **options) == expected
    if name == "a.parquet" and not options:
        assert written(located, tmp_path / name, workers=2) == expected


@pytest.mark.parametrize("format", ["yolo", "labelme", "voc", "cityscapes", "binary-masks", "maps"])
def test_folders_do_not_depend_on_what_writes_them(format, truth, tmp_path):
    reports, contents = [], []
    with Pickling(2) as pool:
        for name, engine in (("one", {}), ("two", {"client": pool})):
            folder = tmp_path / name
            report = sc.data.write(truth, folder, format, **engine).to_dict()
            reports.append({**report, "path": ""})
            files = (path for path in folder.rglob("*") if path.is_file())
            contents.append({path.relative_to(folder): path.read_bytes() for path in files})
    assert reports[0] == reports[1]
    assert contents[0] == contents[1]
    assert len(contents[0]) >= len(truth)


def test_json_from_parquet_is_read_in_parts(truth, tmp_path, monkeypatch):
    pytest.importorskip("pyarrow")
    monkeypatch.undo()  # parts as they are
    monkeypatch.setattr(writing, "ROWS", PART)
    in_order = truth.select(np.argsort(truth.images["id"][truth.annotations["image"]]))
    expected = written(in_order, tmp_path / "a.json")
    sc.data.write(in_order, tmp_path / "a.parquet")
    lazy = sc.data.read(tmp_path / "a.parquet")
    assert written(lazy, tmp_path / "b.json") == expected
    assert callable(lazy.annotations._columns["segmentation"])  # the whole column was not read


def test_parquet_from_parquet(truth, tmp_path):
    pytest.importorskip("pyarrow")
    expected = written(truth, tmp_path / "a.parquet")
    lazy = sc.data.read(tmp_path / "a.parquet")
    with Pickling(2) as pool:
        assert written(lazy, tmp_path / "b.parquet", client=pool)[:2] == expected[:2]
    assert_same_json(sc.data.to_coco(lazy), sc.data.to_coco(truth))
    halves = [truth[:4], truth[4:]]
    expected = written(halves, tmp_path / "c.parquet")
    with Pickling(2) as pool:
        assert written(halves, tmp_path / "c.parquet", client=pool) == expected


def test_row_groups_are_joined_as_pyarrow_writes_them(truth, tmp_path):
    """Every offset is right: pages are read by all columns, with their checksums."""
    pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    path = tmp_path / "a.parquet"
    sc.data.write(truth, path)
    file = pq.ParquetFile(path, page_checksum_verification=True)
    parts = truth.partitions()
    assert file.num_row_groups == len(parts) > 15  # as many as need a long list
    assert file.metadata.num_rows == len(truth.annotations)
    expected = truth.to_arrow()
    assert file.read().replace_schema_metadata() == expected.replace_schema_metadata()
    start = 0
    for number, part in enumerate(parts):
        count = len(truth.rows_of_images(part)[0])
        assert file.read_row_group(number) == file.read().slice(start, count)
        ids = file.metadata.row_group(number).column(0).statistics
        assert [ids.min, ids.max] == np.sort(truth.images["id"][part])[[0, -1]].tolist()
        start += count
    assert file.schema_arrow.metadata == expected.schema.metadata


def test_parts_of_other_types_are_refused(tmp_path):
    pytest.importorskip("pyarrow")
    import pyarrow as pa
    import pyarrow.parquet as pq

    from segcore.data.parquet.join import JoinedFile

    with (tmp_path / "a.parquet").open("wb") as file:
        joined = JoinedFile(file)
        for values in ([1, 2], ["a"]):
            sink = pa.BufferOutputStream()
            pq.write_table(pa.table({"x": values}), sink)
            data = sink.getvalue().to_pybytes()
            if values == [1, 2]:
                joined.add(data)
            else:
                with pytest.raises(ValueError, match="columns are of the same types"):
                    joined.add(data)
        joined.finish({b"key": b"value"})
    table = pq.read_table(tmp_path / "a.parquet")
    assert table.to_pydict() == {"x": [1, 2]}
    assert table.schema.metadata == {b"key": b"value"}


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"workers": 0}, ValueError, "workers: expected 1 to"),
        ({"workers": "2"}, TypeError, "workers"),
        ({"client": object()}, TypeError, "client: expected a dask.distributed.Client"),
    ],
)
def test_what_cannot_encode(options, error, said, truth, tmp_path):
    with pytest.raises(error, match=said):
        sc.data.write(truth, tmp_path / "a.json", **options)
    assert not (tmp_path / "a.json").exists()


def test_errors_of_workers_leave_nothing(truth, tmp_path):
    document = sc.data.to_coco(truth)
    document["annotations"][-1]["area"] = 1.5
    broken = sc.data.from_coco(document)
    with Pickling() as pool, pytest.MonkeyPatch.context() as patch:
        patch.setattr(writing, "write_json_rows", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            sc.data.write(broken, tmp_path / "a.json", client=pool)
    assert not (tmp_path / "a.json").exists()
