"""Data sets at addresses that fsspec opens."""

import json

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


def clear(files):
    files.store.clear()
    files.pseudo_dirs[:] = [""]


@pytest.fixture
def files():
    """Yield the files in memory, of which there are none."""
    found = fsspec.filesystem("memory")
    clear(found)
    yield found
    clear(found)


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


FOLDERS = [
    *("sa-1b", "yolo", "labelme", "maps", "binary-masks", "voc", "cityscapes", "coco-panoptic"),
]


def files_below(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def contents(files, root=""):
    return {key.removeprefix(root): files.cat_file(key) for key in files.find(root or "/")}


def manifest(found):
    """Return what a manifest has to say about files."""
    counts = {"files": len(found), "bytes": sum(map(len, found.values()))}
    return {"info": {"software": f"segcore {sc.__version__}"}, **counts}


@pytest.mark.parametrize("format", FOLDERS)
def test_folders_have_the_files_of_local_ones_and_a_manifest(files, tmp_path, format):
    pytest.importorskip("PIL")
    pytest.importorskip("yaml")
    category = {"id": 24, "name": "person"}
    document = DOCUMENT | {
        "categories": [category],
        "annotations": [DOCUMENT["annotations"][0] | {"category_id": 24}],
    }
    dataset = sc.data.from_coco(document)
    name = "out.json" if format == "coco-panoptic" else "out"
    sc.data.write(dataset, tmp_path / name, format)
    sc.data.write(dataset, f"memory://{name}", format)
    written = contents(files)
    found = json.loads(written.pop("/out/_SUCCESS"))
    assert {key[1:]: data for key, data in written.items()} == files_below(tmp_path)
    assert found == manifest({k: v for k, v in written.items() if k.startswith("/out/")})


@pytest.fixture
def many():
    """Give a data set of more files than are sent at once."""
    document = DOCUMENT | {
        "images": [DOCUMENT["images"][0] | {"id": n, "file_name": f"{n}.jpg"} for n in range(150)],
        "annotations": [
            DOCUMENT["annotations"][0] | {"id": n + 1, "image_id": n} for n in range(150)
        ],
    }
    return sc.data.from_coco(document)


@pytest.mark.parametrize("fails_at", [0, 2])
def test_a_folder_is_whole_or_not_there(files, many, monkeypatch, fails_at):
    pytest.importorskip("PIL")
    calls = []
    pipe = type(files).pipe

    def failing(self, *arguments):
        calls.append(arguments)
        if len(calls) == fails_at + 1:
            raise OSError("the storage is away")
        pipe(self, *arguments)

    files.pipe_file("/maps/other.txt", b"stays")
    monkeypatch.setattr(type(files), "pipe", failing)
    with pytest.raises(OSError, match="the storage is away"):
        sc.data.write(many, "memory://maps", "maps", overwrite=True)
    assert contents(files) == {"/maps/other.txt": b"stays"}
    sc.data.write(many, "memory://maps", "maps", overwrite=True)  # it is back
    written = contents(files, "/maps/")
    assert written.pop("other.txt") == b"stays"
    assert json.loads(written.pop("_SUCCESS")) == manifest(written)
    assert len(written) == 151


def test_a_folder_that_is_written_again_is_not_complete_meanwhile(files, many, monkeypatch):
    pytest.importorskip("PIL")
    sc.data.write(many[:2], "memory://maps", "maps")
    assert files.exists("/maps/_SUCCESS")
    with pytest.raises(FileExistsError):
        sc.data.write(many, "memory://maps", "maps")
    pipe = type(files).pipe

    def checked(self, *arguments):
        assert not self.exists("/maps/_SUCCESS")
        pipe(self, *arguments)

    monkeypatch.setattr(type(files), "pipe", checked)
    sc.data.write(many, "memory://maps", "maps", overwrite=True)
    assert json.loads(files.cat_file("/maps/_SUCCESS"))["files"] == 151


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # what boto and moto deprecate is not ours
def test_a_bucket(many, monkeypatch):
    server = pytest.importorskip("moto.server")
    s3fs = pytest.importorskip("s3fs")
    pytest.importorskip("PIL")
    pytest.importorskip("pyarrow")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    running = server.ThreadedMotoServer("127.0.0.1", 0)
    running.start()
    try:
        host, port = running.get_host_and_port()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        s3fs.S3FileSystem.clear_instance_cache()
        files = fsspec.filesystem("s3")
        files.mkdir("bucket")
        sc.data.write(many, "s3://bucket/maps", "maps")
        written = contents(files, "bucket/maps/")
        assert json.loads(written.pop("_SUCCESS")) == manifest(written)
        sc.data.write(many, "s3://bucket/masks.parquet")
        lazy = sc.data.read("s3://bucket/masks.parquet")
        areas = list(sc.data.map(lazy, _areas, annotations=40, workers=2))
        assert [area for part in areas for area in part] == [8] * 150
    finally:
        running.stop()
        s3fs.S3FileSystem.clear_instance_cache()


def _areas(part):
    return [int(sample.masks.area[0]) for sample in part]


def test_what_cannot_be_written(files, dataset):
    files.pipe_file("/file", b"x")
    with pytest.raises(NotADirectoryError, match="it is a file"):
        sc.data.write(dataset, "memory://file", "sa-1b", overwrite=True)
    files.rm_file("/file")
    files.pipe_file("/folder/b.json", b"")
    with pytest.raises(IsADirectoryError, match="it is a folder"):
        sc.data.write(dataset, "memory://folder", "coco", overwrite=True)
    assert list(files.store) == ["/folder/b.json"]
