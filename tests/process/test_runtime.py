"""The runtime: what it says, and the number of threads."""

import subprocess
import sys

import numpy as np
import pytest
from support.util import slow

import segcore as sc
from segcore import backends
from segcore.formats import coco


@pytest.fixture(autouse=True)
def restored():
    before = sc.get_num_threads()
    yield
    sc.set_num_threads(before)


def run(code):
    command = [sys.executable, "-c", f"import segcore as sc; {code}"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_info_tells_what_runs():
    info = sc.runtime_info()
    assert info["segcore"] == sc.__version__
    assert info["numpy"] == np.__version__
    assert info["python"].endswith(sys.version.split()[0])
    assert backends.current() in (info["backend"], f"{info['backend']}:{info['instructions']}")
    assert info["available"].split(", ") == list(backends.available())
    assert info["coco"].startswith("compiled") == coco.COMPILED
    assert all(type(value) is str and value for value in info.values())


def test_show_prints_each_item_on_its_line(capsys):
    assert sc.show_runtime() is None
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(maxsplit=1) for line in lines] == [
        [name, value] for name, value in sc.runtime_info().items()
    ]


def test_threads_are_set():
    sc.set_num_threads(np.int64(3))
    assert sc.get_num_threads() == 3
    if backends.current().startswith("native:"):
        from segcore import _native

        assert _native.get_num_threads() == 3
        assert sc.runtime_info()["threads"] == "3"
    else:
        assert sc.runtime_info()["threads"].startswith("1 (")


@pytest.mark.parametrize("count", [0, -1, 1025, 2**80])
def test_impossible_numbers_of_threads(count):
    with pytest.raises(ValueError, match="count: expected 1 to 1024 threads"):
        sc.set_num_threads(count)


@pytest.mark.parametrize("count", [2.0, "2", None, True])
def test_other_things_than_numbers_of_threads(count):
    with pytest.raises(TypeError, match="count: expected an integer"):
        sc.set_num_threads(count)


@pytest.mark.parametrize("backend", ["", "numba", "reference", *map(slow, backends.available())])
def test_the_environment_sets_threads(monkeypatch, backend):
    monkeypatch.setenv("SEGCORE_BACKEND", backend)
    monkeypatch.setenv("SEGCORE_NUM_THREADS", " 5 ")
    done = run("print(sc.get_num_threads(), sc.runtime_info()['threads'])")
    number, shown = done.stdout.split()[:2]
    assert number == "5"
    assert shown == ("5" if "native" in (backend or backends.available()[0]) else "1")


@pytest.mark.parametrize("value", ["0", "two", *map(slow, ("-1", "1.5", "4096", "²", "9" * 5000))])
def test_a_wrong_environment_is_an_error(monkeypatch, value):
    monkeypatch.setenv("SEGCORE_NUM_THREADS", value)
    done = run("")
    assert done.returncode == 1
    assert "ValueError: SEGCORE_NUM_THREADS: expected an integer from 1 to 1024" in done.stderr


@pytest.mark.parametrize("value", ["", " "])
def test_an_empty_environment_is_none(monkeypatch, value):
    monkeypatch.setenv("SEGCORE_NUM_THREADS", value)
    assert int(run("print(sc.get_num_threads())").stdout) >= 1


def test_results_do_not_depend_on_threads():
    rng = np.random.default_rng(0)
    dense = rng.random((40, 200, 300)) < 0.5
    results = []
    for count in (1, 2, 7):
        sc.set_num_threads(count)
        masks = sc.Masks.from_dense(dense)
        results.append((masks, sc.iou(masks, masks).tobytes(), masks.to_dense().tobytes()))
    assert results[0] == results[1] == results[2]
