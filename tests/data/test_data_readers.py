"""Reading of data sets from Python: imports, and errors that are not those of a command."""

import importlib.util
import json
import pkgutil
import subprocess
import sys

import pytest

import segcore.data
from segcore.data import DatasetError
from segcore.data.files.images import opened
from segcore.data.per_image.instance_set import read_instances
from segcore.data.problems import Problems


def test_data_imports_nothing_of_the_command_line():
    walked = pkgutil.walk_packages(segcore.data.__path__, "segcore.data.")
    names = [module.name for module in walked]
    assert "segcore.data.per_image.instance_set" in names
    if importlib.util.find_spec("pyarrow") is None:
        names = [name for name in names if not name.startswith("segcore.data.parquet.")]
    code = f"import sys, {', '.join(names)}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    unwanted = {"click", "rich", "PIL", "segcore.cli", "segcore.show", "segcore.diagnosis"}
    assert not unwanted.intersection(done.stdout.split())


def test_without_pillow_the_error_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with (
        pytest.raises(ImportError, match=r'needs Pillow: pip install "segcore\[cli\]"'),
        opened(tmp_path / "map.png", ("PNG",)),
    ):
        pass


def dataset(tmp_path, **changes):
    annotation = {"id": 5, "image_id": 1, "category_id": 2, "segmentation": [[1, 1, 4, 1, 4, 3]]}
    document = {
        "images": [{"id": 1, "file_name": "a.jpg", "height": 6, "width": 8}],
        "categories": [{"id": 2, "name": "cat"}],
        "annotations": [annotation, {**annotation, "id": 6, **changes}],
    }
    path = tmp_path / "instances.json"
    path.write_text(json.dumps(document))
    return path


def test_the_first_problem_is_a_value_error(tmp_path):
    path = dataset(tmp_path, category_id=3)
    message = (
        r"annotations\[1\] \(id 6, byte \d+\): category_id: expected the id of a category, got 3"
    )
    with pytest.raises(ValueError, match=message) as caught:
        read_instances(path, Problems(skip=False))
    assert type(caught.value) is DatasetError
    assert (caught.value.path, caught.value.id) == (str(path), 6)


def test_problems_are_collected(tmp_path):
    problems = Problems(skip=True)
    source = read_instances(dataset(tmp_path, image_id="\x1b[31m"), problems)
    [message] = problems.skipped
    assert "annotations[1] (id 6, " in message
    assert [len(source.read(image)) for image in source.images] == [1]
    assert [category.name for category in source.categories] == ["cat"]
