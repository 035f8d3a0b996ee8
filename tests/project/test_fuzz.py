"""The inputs of the fuzzers that are known: made of the golden files, or once found to fail.

Those of the C++ core are given the same by the session ``fuzz``.
"""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from fuzz import seeds
from support import paths

from segcore import backends

CRASHERS = paths.TESTS / "fuzz" / "crashers"
PYTHON = ("surface", "backends")


def fuzzer(name):
    if name == "backends" and not backends.available()[0].startswith("native:"):
        pytest.skip("the native extension is not built")
    return importlib.import_module(f"fuzz.{name}")


@pytest.mark.parametrize("name", PYTHON)
def test_golden_inputs(name):
    check = fuzzer(name).check
    for data in seeds.MAKERS[name]():
        check(data)


@pytest.mark.parametrize(
    ("name", "path"),
    [(name, path) for name in PYTHON for path in sorted((CRASHERS / name).glob("*"))],
    ids=lambda value: value.name if isinstance(value, Path) else value,
)
def test_what_failed_once(name, path):
    fuzzer(name).check(path.read_bytes())


@pytest.mark.parametrize("name", sorted(seeds.MAKERS))
def test_every_fuzzer_has_golden_inputs(name, tmp_path):
    seeds.write(name, tmp_path)
    assert any(tmp_path.iterdir())
