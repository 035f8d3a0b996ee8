"""The benchmarks on small inputs: they run, and they notice a wrong answer."""

from __future__ import annotations

import importlib
import importlib.util
import itertools
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from support.paths import ROOT

import segcore as sc
from segcore import backends

FOLDER = ROOT / "benchmarks"
MODULES = sorted(path.stem for path in FOLDER.glob("bench_*.py"))

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="the folder benchmarks is not beside the tests"
)


@pytest.fixture(scope="module")
def benchmarks() -> Iterator[ModuleType]:
    """Import the package from its folder: the checkout is never on the path (its segcore is)."""
    spec = importlib.util.spec_from_file_location("benchmarks", FOLDER / "__init__.py")
    assert spec is not None
    assert spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEGCORE_BENCH_QUICK", "1")
        patch.setitem(sys.modules, "benchmarks", package)
        spec.loader.exec_module(package)
        threads = sc.get_num_threads()
        yield package
        sc.set_num_threads(threads)
    for name in [name for name in sys.modules if name.startswith("benchmarks.")]:
        del sys.modules[name]


@pytest.fixture(scope="module")
def peers(benchmarks: ModuleType) -> ModuleType:
    pytest.importorskip("pycocotools")
    return importlib.import_module("benchmarks.peers.measure")


def classes(module: ModuleType) -> list[type]:
    return [each for each in vars(module).values() if hasattr(each, "params")]


@pytest.mark.parametrize("name", MODULES)
def test_asv_benchmarks_run_and_are_right(
    benchmarks: ModuleType, name: str, request: pytest.FixtureRequest
) -> None:
    """Each runs, with --slow with all its parameters, else with the first and the last ones."""
    module = importlib.import_module(f"benchmarks.{name}")
    assert classes(module)
    for each in classes(module):
        assert len(each.params) == len(each.param_names)
        methods = [getattr(each, name) for name in dir(each) if name.startswith(("time", "peak"))]
        assert methods
        every = [
            arguments
            for arguments in itertools.product(*each.params)
            if each.param_names[0] != "backend" or arguments[0] == backends.current()
        ]
        if not request.config.option.slow:
            every = [*every[:1], *every[1:][-1:]]
        for arguments in every:
            instance = each()
            if hasattr(instance, "setup"):
                try:
                    instance.setup(*arguments)
                except NotImplementedError:
                    continue
            for method in methods:
                method(instance, *arguments)
            if hasattr(instance, "teardown"):
                instance.teardown(*arguments)


def test_every_kernel_has_its_benchmarks(benchmarks: ModuleType) -> None:
    core = FOLDER.parent / "src/core"
    headers = {path.stem for path in core.glob("*.hpp")}  # what several kernels share
    kernels = {path.stem for path in core.glob("*.cpp")} - headers
    assert kernels <= {name.removeprefix("bench_") for name in MODULES}


def test_asv_setup_notices_a_wrong_answer(
    benchmarks: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    common = importlib.import_module("benchmarks.common")
    module = importlib.import_module("benchmarks.bench_measure")
    right = common.backends.load

    class Wrong:
        def area(self, *arguments: Any) -> Any:
            return right("reference").area(*arguments) + 1

    monkeypatch.setattr(common.backends, "load", lambda name: Wrong())
    with pytest.raises(common.WrongAnswerError, match="area is wrong"):
        module.Measure().setup("native", "blobs")


def test_peers_agree_on_every_row(peers: ModuleType) -> None:
    result = peers.run(peers.ROWS, peers.Inputs(quick=True), rounds=1)
    assert [each["title"] for each in result["rows"] if each["wrong"]] == []
    for each in result["rows"]:
        assert each["skipped"] or any(way["library"] == "segcore" for way in each["ways"])
    table = importlib.import_module("benchmarks.peers.table")
    report = table.report([json.loads(json.dumps(result))])
    assert all(each["title"] in report for each in result["rows"])
    assert table.failures([result]) == []


def test_a_wrong_answer_is_not_timed(peers: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "is_native", lambda: True)
    row = importlib.import_module("benchmarks.peers.row")
    table = importlib.import_module("benchmarks.peers.table")
    ways = {
        "pycocotools": lambda: np.array([1, 2]),
        "hotcoco": lambda: np.array([1, 3]),
        "rlemasklib": lambda: 1 / 0,
        "segcore": lambda: np.array([1, 2]),
    }

    def contenders(_: Any) -> Iterator[Any]:
        for library, run in ways.items():
            yield peers.Contender(library, run, lambda result: result)

    bars = (row.Bar("best peer", 1e9), row.Bar("hotcoco", 2))
    result = peers.measured_row(
        row.Row("key", "title", "note", bars, "peers", True, contenders), peers.Inputs(), rounds=1
    )
    assert {way["library"] for way in result["ways"]} == {"pycocotools", "segcore"}
    assert [each["library"] for each in result["wrong"]] == ["hotcoco", "rlemasklib"]
    run = {"backend": "native", "rows": [result], "machine": peers.machine()}
    assert table.report([run]).count("WRONG") == 2
    assert len(table.failures([run])) >= 2


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (np.array([1, 2]), np.array([1, 3])),
        (np.array([[1, 2]]), np.array([1, 2])),
        (np.array([0.5]), np.array([0.5 + 1e-9])),
        ([b"1"], [b"1", b"2"]),
        ([b"1"], [b"2"]),
        (None, np.array([1])),
    ],
)
def test_answers_that_differ(benchmarks: ModuleType, answer: Any, expected: Any) -> None:
    timing = importlib.import_module("benchmarks.peers.timing")
    assert not timing.same(answer, expected)
    assert timing.same(expected, expected)


def test_masks_of_scores_may_differ_at_a_threshold(benchmarks: ModuleType) -> None:
    nearly_equal = importlib.import_module("benchmarks.peers.forms").NearlyEqual
    labels = np.zeros((200, 100), np.uint8)
    other = labels.copy()
    other[:2, 0] = 1
    assert nearly_equal(labels) == nearly_equal(other)
    other[2, 0] = 1
    assert nearly_equal(labels) != nearly_equal(other)
    assert nearly_equal(labels) != nearly_equal(labels[1:])


def test_tables_go_between_the_marks_of_a_page(benchmarks: ModuleType, tmp_path: Path) -> None:
    table = importlib.import_module("benchmarks.peers.table")
    page = tmp_path / "page.md"
    page.write_text(f"before\n{table.BEGIN}\nold\n{table.END}\nafter\n", "utf-8")
    table.write(page, "| new |\n")
    assert page.read_text("utf-8") == f"before\n{table.BEGIN}\n\n| new |\n\n{table.END}\nafter\n"
    unmarked = tmp_path / "unmarked.md"
    unmarked.write_text("text", "utf-8")
    with pytest.raises(ValueError, match=r"unmarked\.md: expected the marks"):
        table.write(unmarked, "| new |\n")
    assert unmarked.read_text("utf-8") == "text"
