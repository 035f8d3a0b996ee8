"""Options of the suite and its shared fixture.

Plain ``pytest`` uses every core and leaves out the tests that are marked ``slow``, or ``slow_on``
their backend, and most of those of other instruction sets than the best; ``--slow`` runs all of
them, with more examples of Hypothesis. The fixture ``kernels`` is each backend and variant in turn,
or the one that SEGCORE_BACKEND names.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Generator
from typing import Any

import pytest

from segcore import backends
from segcore.backends.protocol import Kernels

# Processes that tests start find the installed segcore too, not the folder that they start in.
os.environ["PYTHONSAFEPATH"] = "1"

EXAMPLES = {"brief": 20, "quick": 100, "thorough": 2000}
"""The profiles of Hypothesis."""

FORCED = os.environ.get("SEGCORE_BACKEND")
OTHER_VARIANTS = [name for name in backends.available() if name.startswith("native:")][1:]
EDGES = ["boundary", "around", "beyond", "tall", "wide", "dtypes", "layouts", "refuse"]
EDGES += ["every_kernel"]
"""Words in the names of tests where a leaf function could read or write too far, or overflow."""
LEFT_OUT = pytest.StashKey[int]()


@pytest.fixture(
    scope="session", params=[backends.current()] if FORCED else backends.available()[::-1]
)
def kernels(request: pytest.FixtureRequest) -> Kernels:
    """Give one backend after the other, each certainly itself.

    The reference comes first: what it returned serves the others, see tests/support/util.py.
    """
    kernels = backends.load(request.param)
    assert kernels.name == request.param
    return kernels


# -- garbage --------------------------------------------------------------------------------------


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Leave the collected tests out of the collection of garbage, which is for what they make."""
    gc.collect()
    gc.freeze()


# -- every core -----------------------------------------------------------------------------------


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Use every core, as ``-n auto`` would, unless something else was asked for.

    ``addopts`` cannot say it: without pytest-xdist, or with ``-p no:xdist``, it would be an error.
    """
    option = config.option
    if hasattr(config, "workerinput"):
        return  # a worker has no workers of its own
    if getattr(option, "numprocesses", 0) is not None:
        return  # there is no pytest-xdist, or the number was given
    if option.usepdb or option.trace or option.collectonly or option.capture == "no":
        return  # what needs this process
    option.numprocesses = "auto"
    if option.dist == "no":
        option.dist = "worksteal"  # the tests of some files take far longer than others


# -- slow tests -----------------------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run the tests marked slow too")


def pytest_configure(config: pytest.Config) -> None:
    _keep_bytecode(config)
    # Only now: pytest rewrites Hypothesis, a plugin, which takes seconds where nothing keeps it.
    from hypothesis import HealthCheck, settings

    # Compiling (numba) and sharing a machine make the first example slow, which says nothing.
    common = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
    for name, number in EXAMPLES.items():
        settings.register_profile(name, max_examples=number, **common)
    default = "quick" if config.option.slow else "brief"
    settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", default))


def _keep_bytecode(config: pytest.Config) -> None:
    """Keep bytecode in pytest's cache if PYTHONDONTWRITEBYTECODE forbids it beside the sources.

    Otherwise the workers and the hundreds of processes that tests start compile every module anew.
    """
    cache = getattr(config, "cache", None)  # missing with: pytest -p no:cacheprovider
    if sys.dont_write_bytecode and cache is not None:
        sys.dont_write_bytecode = False
        sys.pycache_prefix = str(cache.mkdir("bytecode"))
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix


def _runs_slow_tests(config: pytest.Config) -> bool:
    by_name = any("::" in argument for argument in config.args)
    return config.option.slow or "slow" in config.option.markexpr or by_name


def pytest_report_header(config: pytest.Config) -> str | None:
    if _runs_slow_tests(config):
        return None
    return "slow tests are left out; run them with: pytest --slow"


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> Generator[None]:
    if not _runs_slow_tests(config):
        _leave_out_slow_tests(config, items)
    files = list(dict.fromkeys(item.path for item in items))
    yield
    # File by file, not backend by backend: what the reference returned serves all backends, and
    # one worker compiles what the kernels of a file need in Numba.
    place = {path: number for number, path in enumerate(files)}
    items.sort(key=lambda item: place[item.path])


def _leave_out_slow_tests(config: pytest.Config, items: list[pytest.Item]) -> None:
    slow = [item for item in items if _is_slow(item)]
    config.stash[LEFT_OUT] = len(slow)
    if slow:
        config.hook.pytest_deselected(items=slow)
        left_out = set(slow)
        items[:] = [item for item in items if item not in left_out]


def _is_slow(item: pytest.Item) -> bool:
    """Tell whether a test is marked ``slow``, or slow on the backend of its ``kernels``.

    That is one in its mark ``slow_on``, and every native variant but the best, where only leaf
    functions differ, except for the tests of sizes, layouts, dtypes and bad arguments.
    """
    if item.get_closest_marker("slow"):
        return True
    parameters = getattr(item, "callspec", None)
    chosen = parameters and parameters.params.get("kernels")
    if any(chosen in marker.args for marker in item.iter_markers("slow_on")):
        return True
    is_other = not FORCED and chosen in OTHER_VARIANTS
    return is_other and not any(word in item.name for word in EDGES)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["left_out"] = session.config.stash.get(LEFT_OUT, 0)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take the count from a worker of pytest-xdist: all of them collect the same tests."""
    if count := getattr(node, "workeroutput", {}).get("left_out", 0):
        node.config.stash[LEFT_OUT] = count


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if count := config.stash.get(LEFT_OUT, 0):
        terminalreporter.write_line(
            f"{count:,} slow tests were left out; run them with: pytest --slow"
        )
