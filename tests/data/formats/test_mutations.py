"""Damaged files of every format: a DatasetError that names the file, or a data set."""

import pytest
from fuzz.formats import TARGETS, check, damage, write
from hypothesis import given, settings
from hypothesis import strategies as st
from support.formats import small

import segcore as sc

pytest.importorskip("PIL")
pytest.importorskip("yaml")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Return the path of a small data set in each format, and its files."""
    return write(tmp_path_factory.mktemp("written"))


@pytest.mark.parametrize("name", TARGETS)
def test_damaged_files(name, written, request):
    path, files = written[name]

    @settings(max_examples=60 if request.config.option.slow else 20, deadline=None)
    @given(st.integers(0, 2**32))
    def run(seed):
        damage(path, files, name, seed)

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
