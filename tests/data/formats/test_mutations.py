"""Damaged files of every format: a DatasetError that names the file, or a data set."""

import contextlib
import random
import warnings
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.formats import document, small

import segcore as sc

pytest.importorskip("PIL")
pytest.importorskip("yaml")

TARGETS = {
    "yolo": "out",
    "labelme": "out",
    "maps": "out",
    "binary-masks": "out",
    "voc": "out",
    "cityscapes": "out",
    "cvat": "a.xml",
    "label-studio": "a.json",
    "kaggle": "a.csv",
    "geojson": "a.geojson",
}
WORDS = (
    *(b"-1", b"nan", b"1e999", b"99999999999999999999", b"null", b"{}", b"[]", b'""', b"true"),
    *(b"\x00", b"\xff", b"\xed\xa0\x80", b",", b'"', b"<", b"&x;", b"]]>", b"../", b"\r\n", b"0.5"),
)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Return the path of a small data set in each format, and its files."""
    folder = tmp_path_factory.mktemp("written")
    categories = [{"id": 3, "name": "car"}, {"id": 7, "name": "road"}]
    dataset = sc.data.from_coco(document(categories=categories))
    found = {}
    for name, target in TARGETS.items():
        path = folder / name / target
        path.parent.mkdir()
        sc.data.write(dataset, path, name)
        files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        found[name] = path, [(file, file.read_bytes()) for file in files]
    return found


def mutated(data: bytes, rng: random.Random) -> bytes:
    """Return data with a few changes."""
    for _ in range(rng.randint(1, 3)):
        start = rng.randint(0, len(data))
        stop = min(len(data), start + rng.choice((0, 1, 1, 2, 5, 40)))
        kind = rng.randrange(5)
        if kind == 0:  # replace
            data = data[:start] + rng.choice(WORDS) + data[stop:]
        elif kind == 1:  # delete
            data = data[:start] + data[stop:]
        elif kind == 2:  # repeat
            data = data[:stop] + data[start:]
        elif kind == 3:  # cut
            data = data[:start]
        elif data[start : start + 1]:  # flip a bit
            bit = bytes([data[start] ^ 1 << rng.randrange(8)])
            data = data[:start] + bit + data[start + 1 :]
    return data


def check(path: Path, name: str) -> None:
    """Read a data set that may be damaged."""
    for invalid in ("raise", "skip"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # coordinates that seem to be normalized
            try:
                dataset = sc.data.read(path, name, invalid=invalid)
            except sc.data.DatasetError as error:
                root = path if path.is_dir() else path.parent
                assert str(error).startswith(str(root))  # noqa: PT017
                assert "\n" not in str(error)  # noqa: PT017
                continue
            except OSError:  # a folder where a file is expected, or the reverse
                continue
            for image in dataset:
                with contextlib.suppress(ValueError):  # a mask that is missing or invalid
                    assert len(image.masks) == len(image)


@pytest.mark.parametrize("name", TARGETS)
def test_damaged_files(name, written):
    path, files = written[name]

    @settings(max_examples=25, deadline=None)
    @given(st.integers(0, 2**32))
    def run(seed):
        rng = random.Random(seed)
        for file, data in files:
            try:
                file.write_bytes(mutated(data, rng))
                check(path, name)
            finally:
                file.write_bytes(data)

    run()


@pytest.mark.parametrize("name", TARGETS)
def test_files_of_other_formats(name, written):
    """Each file is read in the format of all others, and by its contents."""
    for other, (path, _) in written.items():
        check(path, name)
        assert len(sc.data.read(path)) == len(small())
        assert other in TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_missing_paths(name, tmp_path):
    with pytest.raises((sc.data.DatasetError, OSError)):
        sc.data.read(tmp_path / "missing", name)


@pytest.mark.parametrize("name", ["labelme", "label-studio", "geojson", "cityscapes"])
@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "3", "null", '{"a":1,"a":2}', "9" * 5000])
def test_json_that_cannot_be_read(name, text, tmp_path):
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(sc.data.DatasetError) as caught:
        sc.data.read(path, name)
    assert str(caught.value).startswith(f"{path}: ")
