"""The suite's own options: which runs use every core, and which leave out slow tests."""

from __future__ import annotations

import os
import sys
from types import SimpleNamespace

import conftest
import pytest

DEFAULTS = {
    "numprocesses": None,
    "dist": "no",
    "usepdb": False,
    "trace": False,
    "collectonly": False,
    "capture": "fd",
    "slow": False,
    "markexpr": "",
}


def config_of(arguments=(), **options):
    return SimpleNamespace(option=SimpleNamespace(**{**DEFAULTS, **options}), args=list(arguments))


def test_every_core_is_used():
    config = config_of()
    conftest.pytest_cmdline_main(config)
    assert (config.option.numprocesses, config.option.dist) == ("auto", "worksteal")


@pytest.mark.parametrize(
    "options", [{"usepdb": True}, {"trace": True}, {"collectonly": True}, {"capture": "no"}]
)
def test_what_needs_one_process_has_one(options):
    config = config_of(**options)
    conftest.pytest_cmdline_main(config)
    assert config.option.numprocesses is None


def test_a_number_that_was_given_stays():
    config = config_of(numprocesses=0)
    conftest.pytest_cmdline_main(config)
    assert (config.option.numprocesses, config.option.dist) == (0, "no")


def test_without_xdist_nothing_is_asked_of_it():
    config = config_of()
    del config.option.numprocesses, config.option.dist
    conftest.pytest_cmdline_main(config)
    assert not hasattr(config.option, "numprocesses")


def test_a_worker_starts_no_workers():
    """Otherwise each of these would, without end."""
    config = config_of()
    config.workerinput = {}
    conftest.pytest_cmdline_main(config)
    assert config.option.numprocesses is None


@pytest.mark.parametrize(
    ("arguments", "options", "expected"),
    [
        ([], {}, False),
        (["tests/process/test_leaks.py"], {}, False),
        ([], {"slow": True}, True),
        ([], {"markexpr": "slow"}, True),
        (["tests/process/test_leaks.py::test_no_call_leaks"], {}, True),
    ],
)
def test_slow_tests_run_where_they_are_asked_for(arguments, options, expected):
    config = config_of(arguments, **options)
    assert conftest._runs_slow_tests(config) is expected
    assert (conftest.pytest_report_header(config) is None) is expected


@pytest.mark.parametrize(
    ("marks", "backend", "expected"),
    [
        ([], "numba", False),
        ([pytest.mark.slow], "native:scalar", True),
        ([pytest.mark.slow_on("numba", "reference")], "reference", True),
        ([pytest.mark.slow_on("numba", "reference")], "native:best", False),
        ([pytest.mark.slow_on("numba"), pytest.mark.slow_on("reference")], "reference", True),
        ([pytest.mark.slow_on("numba")], None, False),
    ],
)
def test_tests_are_slow_by_their_marks_and_backend(marks, backend, expected):
    assert conftest._is_slow(item_of(marks, backend, "test_patterns")) is expected


@pytest.mark.parametrize(
    ("name", "backend", "forced", "expected"),
    [
        ("test_patterns", "native:scalar", None, True),
        ("test_patterns", "native:scalar", "native:scalar", False),
        ("test_patterns", "native:best", None, False),
        ("test_boundary_sizes", "native:scalar", None, False),
    ],
)
def test_other_instruction_sets_run_the_edges(monkeypatch, name, backend, forced, expected):
    monkeypatch.setattr(conftest, "OTHER_VARIANTS", ["native:scalar"])
    monkeypatch.setattr(conftest, "FORCED", forced)
    assert conftest._is_slow(item_of([], backend, name)) is expected


def item_of(marks, backend, name):
    """Return what pytest has of a test, as far as it is asked for."""
    marks = [getattr(mark, "mark", mark) for mark in marks]
    item = SimpleNamespace(
        get_closest_marker={mark.name: mark for mark in marks}.get,
        iter_markers=lambda wanted: [mark for mark in marks if mark.name == wanted],
        name=f"{name}[{backend}]",
    )
    if backend is not None:
        item.callspec = SimpleNamespace(params={"kernels": backend})
    return item


def test_bytecode_is_kept_in_the_cache_where_it_may_not_lie_beside_sources(monkeypatch, tmp_path):
    for name, value in (("dont_write_bytecode", True), ("pycache_prefix", None)):
        monkeypatch.setattr(sys, name, value)
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", "")
    conftest._keep_bytecode(SimpleNamespace())  # pytest -p no:cacheprovider
    assert sys.dont_write_bytecode
    cache = SimpleNamespace(mkdir=lambda name: tmp_path / name)
    conftest._keep_bytecode(SimpleNamespace(cache=cache))
    assert not sys.dont_write_bytecode
    assert sys.pycache_prefix == os.environ["PYTHONPYCACHEPREFIX"] == str(tmp_path / "bytecode")
    assert "PYTHONDONTWRITEBYTECODE" not in os.environ
