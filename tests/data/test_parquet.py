"""Data sets as Parquet files and Arrow tables, also read without segcore."""

from __future__ import annotations

import io
import json
import pickle
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import real_data
from support.coco_files import ANNOTATION, IMAGE, SQUARE, STRANGE, assert_same_json, document

import segcore as sc

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
from segcore.data.parquet.arrays import packed, unpacked  # noqa: E402

BEST = {"coco": 123_744, "lvis": 105_401, "taco": 1_745_887}
"""Bytes of the masks alone, as COCO strings in Parquet with zstd."""


def stored(dataset, path):
    """Write a data set and read it again."""
    sc.data.write(dataset, path, overwrite=True)
    return sc.data.read(path)


def same_documents(got, expected):
    """Compare the COCO documents of two data sets."""
    assert_same_json(sc.data.to_coco(got), sc.data.to_coco(expected))


def many(images=40, each=3):
    """Return a data set whose images and annotations are in a random order."""
    rng = np.random.default_rng(0)
    ids = rng.permutation(1000)[:images].tolist()
    annotations = [
        {
            "id": i,
            "image_id": ids[i % images],
            "category_id": 3,
            "segmentation": [SQUARE, None][i % 2],
        }
        for i in range(images * each)
    ]
    order = rng.permutation(len(annotations)).tolist()
    return sc.data.from_coco(
        {
            "images": [{**IMAGE, "id": i, "file_name": f"{i}.jpg"} for i in [*ids, 5000]],
            "categories": [{"id": 3, "name": "sofa"}],
            "annotations": [annotations[i] for i in order],
        }
    )


@pytest.fixture
def small_groups(monkeypatch):
    """Write row groups of few rows."""
    partitions = sc.data.Dataset.partitions
    monkeypatch.setattr(sc.data.Dataset, "partitions", lambda self: partitions(self, 10))


# -- there and back -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", real_data.FILES)
def test_real_data_there_and_back(name, tmp_path):
    expected = real_data.read(name)
    dataset = sc.data.read(real_data.path(name))
    path = tmp_path / "a.parquet"
    back = stored(dataset, path)
    if isinstance(expected, list):
        sc.data.write(back, tmp_path / "a.json", "coco-results")
        assert_same_json(json.loads((tmp_path / "a.json").read_bytes()), expected)
    else:
        assert_same_json(sc.data.to_coco(back), expected)
        some = dataset[:20]
        in_memory = sc.data.from_arrow(some.to_arrow())
        assert_same_json(sc.data.to_coco(in_memory), sc.data.to_coco(some))
    for image in range(0, len(dataset), 37):
        assert back[image].masks == dataset[image].masks
    if name in BEST:
        metadata = pq.ParquetFile(path).metadata
        groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
        columns = [group.column(i) for group in groups for i in range(group.num_columns)]
        masks = [c.total_compressed_size for c in columns if c.path_in_schema.startswith("mask")]
        assert sum(masks) <= 1.05 * BEST[name]
        report = sc.data.write(dataset, path, overwrite=True, masks_only=True)
        assert path.stat().st_size <= 1.05 * BEST[name]
        assert not report.lost.any()
        assert not report.gained.any()
        small = sc.data.read(path)
        for image in range(0, len(dataset), 37):
            assert small[image].masks == dataset[image].masks


def test_masks_only(tmp_path):
    polygon = {"id": 3, "segmentation": SQUARE, "bbox": [1, 1, 4, 2], "area": 8, "mine": 1}
    rle = {"size": [4, 6], "counts": [5, 2, 17]}
    given_ = document(
        polygon,
        {"id": 1, "segmentation": rle, "iscrowd": 1},
        {"id": 2, "segmentation": [[1, 1, 2]]},
        info={"year": 2026},
    )
    dataset = sc.data.from_coco(given_)
    path = tmp_path / "a.parquet"
    report = sc.data.write(dataset, path, masks_only=True)
    assert report.unwritten == {
        "areas": 1,
        "boxes": 1,
        "annotations with other JSON fields": 1,
        "other members of the JSON file": 1,
        "polygons, whose masks were written": 1,
        "segmentations without a valid mask": 1,
    }
    assert not report.is_lossless
    back = sc.data.read(path)
    assert back.annotations["id"].tolist() == [3, 1, 2]
    assert back.annotations["iscrowd"].tolist() == [False, True, False]
    assert np.isnan(back.annotations["area"]).all()
    assert np.isnan(back.annotations["bbox"]).all()
    assert back.categories["name"] == dataset.categories["name"]
    assert back.images["file_name"] == dataset.images["file_name"]
    counts = [back.annotations["segmentation"].value(row) for row in range(3)]
    expected = sc.Masks.from_coco([polygon["segmentation"], rle], (4, 6)).to_coco()
    assert [each["counts"] for each in counts[:2]] == [each["counts"] for each in expected]
    assert counts[2] is None
    assert sc.data.to_coco(back)["annotations"][1]["segmentation"] == counts[1]
    parts = [dataset[:0], dataset]
    sc.data.write(iter(parts), path, overwrite=True, masks_only=True)
    assert_same_json(sc.data.to_coco(sc.data.read(path)), sc.data.to_coco(back))
    with pytest.raises(ValueError, match='masks_only: expected the format "parquet", got "coco"'):
        sc.data.write(dataset, tmp_path / "a.json", masks_only=True)
    assert not (tmp_path / "a.json").exists()


def test_strange_annotations_there_and_back(tmp_path):
    given_ = document(*STRANGE, info={"year": 2026, "text": "\ud800"}, extra=[1.0, {"z": -0.0}])
    given_["images"] = [{**IMAGE, "file_name": "\udc00.jpg", "b": [1, None]}]
    dataset = sc.data.from_coco(given_)
    assert_same_json(sc.data.to_coco(stored(dataset, tmp_path / "a.parquet")), given_)
    assert_same_json(sc.data.to_coco(sc.data.from_arrow(dataset.to_arrow())), given_)


@pytest.mark.parametrize(
    "segmentation",
    [
        {"size": [4, 6], "counts": [5, 2, 17]},  # follows from the mask
        {"counts": [5, 2, 17], "size": [4, 6]},
        {"size": [4, 6], "counts": [5, 0, 0, 2, 17]},  # a run of length zero
        {"size": [4, 6], "counts": [5, 2]},  # too short
        {"size": [4, 6], "counts": [-5, 2]},
        {"size": [0, 6], "counts": []},
        {"size": [2**31 - 1, 2**31 - 1], "counts": [1, 2, 3]},
        {"size": [4, 6], "counts": "broken"},
        [[0, 0, 4, 0, 4, 4], [float("nan"), 0, 1, 1, 2, 2]],
        [[0.0, -0.0, 4, 0, 4.0, 4], []],
        [[0, 0, 4e0, 0, 4, 4e30]],
        [[2**53, 0, 2.0**53, 0, 4, 4]],
    ],
)
def test_segmentations_there_and_back(segmentation):
    given_ = document(*({"id": i, "segmentation": s} for i, s in enumerate([segmentation, SQUARE])))
    dataset = sc.data.from_coco(given_)
    assert_same_json(sc.data.to_coco(sc.data.from_arrow(dataset.to_arrow())), given_)


@given(st.lists(ANNOTATION, max_size=5))
def test_any_annotations_there_and_back(annotations):
    given_ = document(*annotations)
    dataset = sc.data.from_coco(given_)
    assert_same_json(sc.data.to_coco(sc.data.from_arrow(dataset.to_arrow())), given_)


@pytest.mark.parametrize("ids", [[7, 5], ["b", "a"], ["5", 5], [2**70, "\ud800"]])
def test_ids_of_any_type(ids, tmp_path):
    given_ = {
        "images": [{**IMAGE, "id": i} for i in ids],
        "annotations": [
            {"id": i, "image_id": i, "category_id": i, "segmentation": SQUARE} for i in ids
        ],
        "categories": [{"id": i, "name": str(i)} for i in ids],
    }
    back = stored(sc.data.from_coco(given_), tmp_path / "a.parquet")
    assert_same_json(sc.data.to_coco(back), given_)
    for i in ids:
        sample = back[back.index_of(i)]
        assert sample.ids.tolist() == sample.category_ids.tolist() == [i]


def test_empty_data_sets(tmp_path):
    for given_ in (
        {"images": [], "annotations": []},
        {"images": [IMAGE, {**IMAGE, "id": 2}], "annotations": [], "categories": []},
    ):
        back = stored(sc.data.from_coco(given_), tmp_path / "a.parquet")
        assert_same_json(sc.data.to_coco(back), given_)
        assert all(len(sample) == 0 and len(sample.masks) == 0 for sample in back)


# -- row groups -----------------------------------------------------------------------------------


def test_images_are_read_from_their_row_groups(tmp_path, small_groups):
    dataset = many()
    path = tmp_path / "a.parquet"
    back = stored(dataset, path)
    metadata = pq.ParquetFile(path).metadata
    assert metadata.num_row_groups > 5
    ids = [metadata.row_group(g).column(0).statistics for g in range(metadata.num_row_groups)]
    assert all(a.max < b.min for a, b in pairwise(ids))  # cut between images
    for image, sample in enumerate(dataset):
        same = back[image]
        assert np.array_equal(np.arange(len(dataset.annotations))[sample.rows], same.rows)
        assert same.ids.tolist() == sample.ids.tolist()
        assert same.size == sample.size
        assert same.file_name == sample.file_name
    same_documents(back, dataset)
    same_documents(back[10:20], dataset[10:20])
    same_documents(back.select([3, 1]), dataset.select([3, 1]))
    same_documents(pickle.loads(pickle.dumps(back)), dataset)
    visited = np.concatenate(back.partitions()).tolist()
    assert sorted(visited) == list(range(len(dataset)))
    same_documents(stored(back, tmp_path / "b.parquet"), dataset)


def test_only_what_is_asked_for_is_read(tmp_path, small_groups, monkeypatch):
    from segcore.data.parquet import files

    back = stored(many(), tmp_path / "a.parquet")
    read, original = [], files._File.read

    def spy(file, groups, columns):
        read.append((len(groups), columns))
        return original(file, groups, columns)

    monkeypatch.setattr(files._File, "read", spy)
    assert len(back) == 41
    assert not read
    back.annotations["score"]
    assert {tuple(columns) for _, columns in read} == {("score",), ("json.row",)}
    read.clear()
    assert back[3].ids.tolist()
    assert all(groups == 1 for groups, _ in read)
    count = len(read)
    assert back[3].ids.tolist()
    assert len(read) == count


def test_adjoining_row_groups_are_read_together(tmp_path, small_groups, monkeypatch):
    from segcore.data.parquet import files

    parts = [many()[:20], many()[20:]]
    dataset = sc.data.Dataset.concatenate(parts)
    for part, name in zip(parts, "ab", strict=True):
        sc.data.write(part, tmp_path / f"{name}.parquet")
    back = sc.data.read([tmp_path / "a.parquet", tmp_path / "b.parquet"])
    read, original = [], files._File.read

    def spy(file, groups, columns):
        read.append((file.path[-9], len(groups), tuple(columns)))
        return original(file, groups, columns)

    monkeypatch.setattr(files._File, "read", spy)
    ids = back[2:40].annotations["id"]
    assert ids.tolist() == dataset[2:40].annotations["id"].tolist()
    of_ids = [(file, groups) for file, groups, columns in read if columns == ("id",)]
    assert [file for file, _ in of_ids] == ["a", "b"]
    assert all(groups > files.FEW for _, groups in of_ids)
    expected = dataset.select([39, 1, 20, 5])
    assert back.select([39, 1, 20, 5]).annotations["id"].tolist() == (
        expected.annotations["id"].tolist()
    )


def test_parts_and_folders(tmp_path):
    dataset = many()
    parts = [dataset[:10], dataset[10:25], dataset[25:]]
    sc.data.write(iter(parts), tmp_path / "a.parquet")
    joined = sc.data.Dataset.concatenate(parts)
    same_documents(sc.data.read(tmp_path / "a.parquet"), joined)
    folder = tmp_path / "folder"
    folder.mkdir()
    files = []
    for i, part in enumerate(parts):
        files.append(folder / f"{i}.parquet")
        sc.data.write(part, files[-1])
    (folder / "_common.parquet").write_bytes(b"not data")
    for back in (sc.data.read(folder), sc.data.read(files), sc.data.read([folder])):
        same_documents(back, joined)
        assert [s.ids.tolist() for s in back] == [s.ids.tolist() for s in joined]
    with pytest.raises(sc.data.DatasetError, match="two images have the id"):
        sc.data.read([files[0], files[0]])
    with pytest.raises(ValueError, match="two images have the id"):
        sc.data.write([dataset, dataset], tmp_path / "b.parquet")
    assert not (tmp_path / "b.parquet").exists()
    other = sc.data.from_coco({"images": [{**IMAGE, "id": 9999}], "annotations": []})
    sc.data.write(other, tmp_path / "other.parquet")
    with pytest.raises(sc.data.DatasetError, match="categories differ"):
        sc.data.read([files[0], tmp_path / "other.parquet"])
    with pytest.raises(ValueError, match="same categories"):
        sc.data.write([dataset, other], tmp_path / "b.parquet")


def test_results_belong_to_a_data_set(tmp_path):
    dataset = many()
    results = stored(dataset[:5], tmp_path / "a.parquet")
    read = sc.data.read(tmp_path / "a.parquet", dataset=dataset)
    assert len(read) == len(dataset)
    assert [s.ids.tolist() for s in read][:5] == [s.ids.tolist() for s in results]
    with pytest.raises(sc.data.DatasetError, match="expected the id of an image"):
        sc.data.read(tmp_path / "a.parquet", dataset=dataset[5:])


def test_an_interrupted_write_leaves_nothing(tmp_path):
    def parts():
        yield many()[:5]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sc.data.write(parts(), tmp_path / "a.parquet")
    assert list(tmp_path.iterdir()) == []


# -- files of others, and malformed ones -----------------------------------------------------------


def test_a_table_without_metadata():
    dataset = many()
    table = dataset.to_arrow().replace_schema_metadata(None)
    back = sc.data.from_arrow(table)
    assert len(back) == len(dataset) - 1  # without the image that has no annotations
    for sample in back:
        same = dataset[dataset.index_of(sample.image_id)]
        assert sample.file_name == same.file_name
        assert sample.ids.tolist() == same.ids.tolist()
        assert sample.category_ids.tolist() == same.category_ids.tolist()
    few = sc.data.from_arrow(table.select(["image_id", "mask", "height", "width"]))
    rows = np.flatnonzero(few.annotations["segmentation"].kinds)
    assert few.select(rows)[0].masks.area.tolist() == [8] * len(few.select(rows)[0])


def test_other_members_of_a_table_without_metadata():
    texts = ['{"note":"caf\\u00e9","score":3,"a":[1, {"b":null}]}', None, "{}", '{"z":1}']
    table = pa.table(
        {
            "image_id": [1, 1, 2, 2],
            "id": [4, 5, 6, 7],
            "mask": [{"size": [4, 6], "counts": b"52203"}] * 4,
            "extra": pa.array(texts),
        }
    )
    dataset = sc.data.from_arrow(table)
    members = [dataset.annotations.extra(row) for row in range(4)]
    # The score is not one of the other members.
    assert members == [{"note": "caf\u00e9", "a": [1, {"b": None}]}, {}, {}, {"z": 1}]
    written = sc.data.to_coco(dataset)["annotations"]
    assert [row.get("note") for row in written] == ["caf\u00e9", None, None, None]
    assert [row.get("z") for row in written] == [None, None, None, 1]
    for text in ("[]", "{", "3", "[" * 3000):
        bad = table.set_column(3, "extra", pa.array([None, None, text, None]))
        with pytest.raises(sc.data.DatasetError, match="row 2: extra: expected a JSON object"):
            sc.data.from_arrow(bad).annotations.extra(0)


@pytest.mark.parametrize("name", ["image_id", "category_id"])
@pytest.mark.parametrize(("value", "kind"), [(1.5, "double"), (2**63, "uint64")])
def test_ids_of_a_table_that_are_no_integers(name, value, kind):
    mask = {"size": [4, 6], "counts": b"52203"}
    table = pa.table({"image_id": [1], "mask": [mask]})
    assert sc.data.from_arrow(table)[0].ids.tolist() == [1]
    table = table.drop_columns([name]) if name in table.column_names else table
    with pytest.raises(sc.data.DatasetError, match=f"column {name}"):
        sc.data.from_arrow(table.append_column(name, pa.array([value], kind)))


def test_an_empty_table():
    dataset = sc.data.from_arrow(many().to_arrow().replace_schema_metadata(None)[:0])
    assert (len(dataset), len(dataset.categories), len(dataset.annotations)) == (0, 0, 0)


def test_some_rows_of_a_table():
    dataset = many()
    table = dataset.to_arrow()
    back = sc.data.from_arrow(table.slice(7, 20))
    assert back.annotations["id"].tolist() == table["id"][7:27].to_pylist()
    assert len(back) == len(dataset)


def replaced(table, name, values):
    """Return the table with another column; None removes it."""
    index = table.column_names.index(name)
    return table.remove_column(index) if values is None else table.set_column(index, name, values)


def with_header(table, **changes):
    metadata = dict(table.schema.metadata)
    header = json.loads(unpacked(metadata[b"segcore.data"]))
    header.update(changes)
    metadata[b"segcore.data"] = packed(json.dumps(header).encode())
    return table.replace_schema_metadata(metadata)


def rows(value, kind=None):
    return lambda table: pa.array([value] * len(table), kind)


@pytest.mark.parametrize(
    ("name", "make", "detail"),
    [
        ("image_id", lambda table: None, 'expected the columns "image_id" and "mask"'),
        ("image_id", rows([1]), "expected integers or strings"),
        ("image_id", rows(12345), "expected the id of an image, got 12345"),
        ("image_id", rows(None, pa.int64()), "expected an id, got null"),
        ("category_id", rows(77), "expected the id of a category, got 77"),
        ("id", rows(None, pa.int64()), "expected an id, got null"),
        ("iscrowd", rows("x"), "expected bool"),
        ("score", rows("high"), "expected double"),
        ("bbox", rows([1.0, 2.0]), "expected four numbers"),
        ("bbox", rows(1), "expected list"),
        ("mask", rows("x"), "expected a struct of size and counts"),
        ("mask", rows({"size": [4], "counts": b""}), "expected height and width"),
        ("mask", rows({"size": [4, -1], "counts": b""}), "sides from 0"),
        ("mask", rows({"size": [4, None], "counts": b""}), "sides from 0"),
        ("mask", rows(None, pa.struct([("size", pa.list_(pa.int32())), ("counts", pa.binary())])),
         "expected the form"),
        ("polygons", rows([1.0]), "expected list"),
        ("extra", rows("[]"), "expected JSON objects"),
        ("json", rows(1), "column"),
    ],
)  # fmt: skip
def test_malformed_columns_are_named(name, make, detail):
    rle = {"size": [4, 6], "counts": "52203"}
    segmentation = SQUARE if name == "polygons" else rle
    item = {"id": 1, "segmentation": segmentation, "score": 1.0}
    table = sc.data.from_coco(document(item)).to_arrow()
    with pytest.raises(sc.data.DatasetError, match=detail):
        everything(sc.data.from_arrow(replaced(table, name, make(table))))


def everything(dataset):
    """Ask for all columns."""
    for name in dataset.annotations.names:
        dataset.annotations[name]
    return sc.data.to_coco(dataset)


@pytest.mark.parametrize(
    "changes",
    [
        {"annotation": {"names": ["id"], "shapes": ["00"]}},
        {"annotation": {"names": ["unknown"], "shapes": []}},
        {"annotation": {"names": [], "shapes": []}},
        {"annotation": 1},
        {"ids": []},
        {"members": [1]},
        {"categories": "[{]"},
        {"annotations": "x"},
    ],
)
def test_malformed_metadata(changes):
    table = with_header(many().to_arrow(), **changes)
    with pytest.raises(sc.data.DatasetError):
        everything(sc.data.from_arrow(table))


@pytest.mark.parametrize("key", [b"segcore", b"segcore.data", b"segcore.images"])
@pytest.mark.parametrize("value", [b"", b"[]", b"1", b"AAAA", b"\xff"])
def test_malformed_metadata_texts(key, value):
    table = many().to_arrow()
    metadata = {**table.schema.metadata, key: value}
    with pytest.raises(sc.data.DatasetError):
        everything(sc.data.from_arrow(table.replace_schema_metadata(metadata)))


def test_a_newer_version():
    table = many().to_arrow()
    metadata = {**table.schema.metadata, b"segcore": b'{"version": 2}'}
    with pytest.raises(sc.data.DatasetError, match="newer version of segcore"):
        sc.data.from_arrow(table.replace_schema_metadata(metadata))


NOT_READ = ("file_name", "height", "width", "mask", "json.segmentation")
"""What the table of images has, too, and what is not needed if all masks are polygons."""


def test_broken_files(tmp_path):
    path = tmp_path / "a.parquet"
    sc.data.write(many(), path)
    whole = path.read_bytes()
    for cut in (0, 3, 8, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:cut])
        with pytest.raises(sc.data.DatasetError, match=r"a\.parquet"):
            sc.data.read(path)
    group = pq.ParquetFile(io.BytesIO(whole)).metadata.row_group(0)
    for column in map(group.column, range(group.num_columns)):
        if column.path_in_schema.startswith(NOT_READ):
            continue
        start = column.dictionary_page_offset or column.data_page_offset
        broken = bytearray(whole)
        broken[start + column.total_compressed_size - 1] ^= 1
        path.write_bytes(broken)
        with pytest.raises(sc.data.DatasetError, match=r"a\.parquet: row group 0: cannot be read"):
            everything(sc.data.read(path))
    (tmp_path / "b.parquet").write_text("{}")
    with pytest.raises(sc.data.DatasetError, match="expected a Parquet file"):
        sc.data.read(tmp_path / "b.parquet")
    with pytest.raises(FileNotFoundError):
        sc.data.read(tmp_path / "none.parquet")
    with pytest.raises(ValueError, match="expected one or more Parquet files, got an empty list"):
        sc.data.read([])


def test_the_extra_is_named(monkeypatch, tmp_path):
    for module in ("arrays", "decode", "encode", "files", "segmentations"):
        monkeypatch.delitem(sys.modules, f"segcore.data.parquet.{module}", raising=False)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r"install segcore\[arrow\]"):
        sc.data.write(many(), tmp_path / "a.parquet")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ImportError, match=r"install segcore\[arrow\]"):
        many().to_arrow()


def test_evaluation_imports_little(tmp_path):
    crowd = {"size": [4, 6], "counts": [5, 2, 17]}
    annotations = [
        {"id": i, "segmentation": segmentation, "score": 0.5}
        for i, segmentation in enumerate((SQUARE, crowd), 1)
    ]
    path = tmp_path / "a.parquet"
    sc.data.write(sc.data.from_coco(document(*annotations)), path)
    code = (
        "import sys; import segcore as sc\n"
        f"dataset = sc.data.read({str(path)!r})\n"
        "print(sc.data.evaluate(dataset, dataset).compute().stats['AP'])\n"
        "print(*{'pyarrow.compute', 'pandas'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1.0"]


def test_recognized_by_its_first_bytes(tmp_path):
    sc.data.write(many(), tmp_path / "a.data", "parquet")
    assert len(sc.data.read(tmp_path / "a.data")) == 41
    with pytest.raises(TypeError, match="expected an Arrow table"):
        sc.data.from_arrow(3)


# -- other libraries ------------------------------------------------------------------------------


def check_masks(records):
    """Compare masks that another library has read with those of segcore."""
    dataset = many()
    found = {r["id"]: r["mask"] for r in records}
    for sample in dataset:
        for annotation_id in sample.ids.tolist():
            mask = found[annotation_id]
            assert (mask is None) == (annotation_id % 2 == 1)
            if mask is not None:
                rle = {"size": list(mask["size"]), "counts": bytes(mask["counts"])}
                assert sc.Masks.from_coco([rle]).area.tolist() == [8]


def test_duckdb(tmp_path):
    duckdb = pytest.importorskip("duckdb")
    sc.data.write(many(), tmp_path / "a.parquet")
    found = duckdb.sql(f"select id, mask from '{tmp_path}/a.parquet' where image_id >= 0")
    check_masks([dict(zip(("id", "mask"), row, strict=True)) for row in found.fetchall()])
    table = duckdb.sql(f"select * from '{tmp_path}/a.parquet' where id < 6").to_arrow_table()
    back = sc.data.from_arrow(table)
    assert sorted(back.annotations["id"].tolist()) == list(range(6))
    assert sum(int(s.masks.area.sum()) for s in back.select(back.annotations["id"] % 2 == 0)) == 24


def test_polars(tmp_path):
    polars = pytest.importorskip("polars")
    sc.data.write(many(), tmp_path / "a.parquet")
    frame = polars.read_parquet(tmp_path / "a.parquet")
    check_masks(frame.select("id", "mask").to_dicts())
    back = sc.data.from_arrow(frame)
    assert len(back.annotations) == 120


def test_pandas(tmp_path):
    pandas = pytest.importorskip("pandas")
    sc.data.write(many(), tmp_path / "a.parquet")
    frame = pandas.read_parquet(tmp_path / "a.parquet")
    check_masks(frame[["id", "mask"]].to_dict("records"))
    frame.to_parquet(tmp_path / "b.parquet")
    assert len(sc.data.read(tmp_path / "b.parquet").annotations) == 120


def test_hugging_face_datasets(tmp_path):
    datasets = pytest.importorskip("datasets")
    sc.data.write(many(), tmp_path / "a.parquet")
    loaded = datasets.Dataset(sc.data.read(tmp_path / "a.parquet").to_arrow())
    check_masks(loaded)


def test_s3(tmp_path, monkeypatch):
    s3fs = pytest.importorskip("s3fs")
    server = pytest.importorskip("moto.server").ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    server.start()
    try:
        host, port = server.get_host_and_port()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        files = s3fs.S3FileSystem()
        files.mkdir("bucket")
        dataset = many()
        sc.data.write(dataset, tmp_path / "a.parquet")
        files.put(str(tmp_path / "a.parquet"), "bucket/folder/a.parquet")
        same_documents(sc.data.read("s3://bucket/folder/a.parquet"), dataset)
        same_documents(sc.data.read("s3://bucket/folder"), dataset)
        for address in ("s3://bucket/new/b.parquet", "s3://bucket/new/c.json"):
            sc.data.write(dataset[:1], address)
            sc.data.write(dataset, address, overwrite=True)
            same_documents(sc.data.read(address), dataset)
            with pytest.raises(FileExistsError):
                sc.data.write(dataset, address)
            with pytest.raises(ZeroDivisionError):
                sc.data.write((dataset[[1 // row]] for row in (1, 0)), address, overwrite=True)
            same_documents(sc.data.read(address), dataset)
        assert files.ls("bucket/new", refresh=True) == ["bucket/new/b.parquet", "bucket/new/c.json"]
    finally:
        server.stop()
