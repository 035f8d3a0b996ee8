"""Python may end while daemon threads run kernels, and kernels may run while it ends."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from support import exit_cases, paths
from support.util import slow

SLOW = ("return", "exception", "sys.exit", "os._exit", "executor")


@pytest.mark.parametrize(
    "ending",
    [slow(case) if case in SLOW else case for case in exit_cases.EXIT_CODES],
)
def test_exit(ending):
    command = [sys.executable, exit_cases.__file__, ending]
    env = os.environ | {"PYTHONPATH": str(paths.TESTS)}  # for what exit_cases imports
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=300, env=env
    )
    assert done.returncode == exit_cases.EXIT_CODES[ending], done.stderr
    assert done.stdout == ("done" if ending in ("atexit", "__del__") else "")
    assert bool(done.stderr) == (ending == "exception"), done.stderr
