"""Subinterpreters: importing segcore in one is an ImportError, at once."""

from __future__ import annotations

import subprocess
import sys

import pytest

CODE = """
import sys
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters

kind, first = sys.argv[1:]
if first == "main":
    import segcore
if sys.version_info >= (3, 13):
    new = interpreters.create(kind)
else:
    new = interpreters.create(isolated=kind == "isolated")
attempt = '''
try:
    import segcore
except ImportError as error:
    print(error)
'''
for _ in range(2):
    interpreters.run_string(new, attempt)
interpreters.destroy(new)  # with NumPy, Python 3.11 hangs at exit if it is left to it
import segcore
assert segcore.Masks.from_boxes([[0, 0, 2, 2]], (3, 3)).area == 4
"""


@pytest.mark.skipif(sys.implementation.name != "cpython", reason="CPython alone has them")
@pytest.mark.parametrize("first", ["main", "sub"])
@pytest.mark.parametrize("kind", ["isolated", "legacy"])
def test_import(kind, first):
    command = [sys.executable, "-c", CODE, kind, first]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 2
    assert all("main interpreter only" in line for line in lines)
    assert not done.stderr
