"""The suite's own options: which runs use every core, and which leave out slow tests."""

from __future__ import annotations

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
