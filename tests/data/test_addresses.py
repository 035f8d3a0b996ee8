"""Data sets at addresses that fsspec opens."""

import pytest

import segcore as sc

fsspec = pytest.importorskip("fsspec")

DOCUMENT = {
    "images": [{"id": 1, "file_name": "a.jpg", "height": 4, "width": 6}],
    "annotations": [
        {
            "id": 1,
            "image_id": 1,
            "category_id": 3,
            "segmentation": [[1, 1, 5, 1, 5, 3, 1, 3]],
            "note": "kept",
        }
    ],
    "categories": [{"id": 3, "name": "sofa"}],
}
NAMES = ["a.json", "folder/a.json", "folder/a[1]*.json", "a.parquet"]


@pytest.fixture
def files():
    """Yield the files in memory, of which there are none."""
    found = fsspec.filesystem("memory")
    found.store.clear()
    yield found
    found.store.clear()


@pytest.fixture
def dataset():
    return sc.data.from_coco(DOCUMENT)


def require_format_of(name):
    if name.endswith(".parquet"):
        pytest.importorskip("pyarrow")


@pytest.mark.parametrize("name", NAMES)
def test_written_and_read(files, dataset, name):
    require_format_of(name)
    sc.data.write(dataset, f"memory://{name}")
    assert sc.data.to_coco(sc.data.read(f"memory://{name}")) == DOCUMENT
    assert list(files.store) == [f"/{name}"]


@pytest.mark.parametrize("name", NAMES)
def test_an_existing_file_is_replaced_when_asked(files, dataset, name):
    require_format_of(name)
    files.pipe_file(f"/{name}", b"old")
    with pytest.raises(FileExistsError, match="overwrite=True replaces it"):
        sc.data.write(dataset, f"memory://{name}")
    assert files.cat_file(f"/{name}") == b"old"
    sc.data.write(dataset, f"memory://{name}", overwrite=True)
    assert sc.data.to_coco(sc.data.read(f"memory://{name}")) == DOCUMENT
    assert list(files.store) == [f"/{name}"]


def test_an_error_leaves_everything_as_it_was(files, dataset):
    pytest.importorskip("pyarrow")

    def parts():
        yield dataset
        assert len(files.store) > 1, "the first part is written before the second is made"
        raise ZeroDivisionError

    files.pipe_file("/a.parquet", b"old")
    with pytest.raises(ZeroDivisionError):
        sc.data.write(parts(), "memory://a.parquet", overwrite=True)
    assert list(files.store) == ["/a.parquet"]
    assert files.cat_file("/a.parquet") == b"old"


def test_a_failed_rename_leaves_everything_as_it_was(files, dataset, monkeypatch):
    def fail(*_):
        raise OSError("no space left")

    files.pipe_file("/a.json", b"old")
    monkeypatch.setattr(type(files), "cp_file", fail)
    with pytest.raises(OSError, match="no space left"):
        sc.data.write(dataset, "memory://a.json", overwrite=True)
    assert files.cat_file("/a.json") == b"old"
    assert list(files.store) == ["/a.json"]


def test_a_local_address(tmp_path, dataset):
    address = f"file://{tmp_path}/a.json"
    sc.data.write(dataset, address)
    assert sc.data.to_coco(sc.data.read(address)) == DOCUMENT
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_what_cannot_be_written(files, dataset):
    with pytest.raises(ValueError, match="expected a local path"):
        sc.data.write(dataset, "memory://folder", "sa-1b")
    files.pipe_file("/folder/b.json", b"")
    with pytest.raises(IsADirectoryError, match="it is a folder"):
        sc.data.write(dataset, "memory://folder", "coco", overwrite=True)
    assert list(files.store) == ["/folder/b.json"]
