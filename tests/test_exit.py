"""Python may end while daemon threads run kernels, and kernels may run while it ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import exit_cases
import pytest

FOLDER = str(Path(__file__).parent)


@pytest.mark.parametrize("ending", exit_cases.EXIT_CODES)
def test_exit(ending):
    command = [sys.executable, exit_cases.__file__, ending]
    env = os.environ | {"PYTHONPATH": FOLDER}  # what exit_cases imports lies here
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=120, env=env
    )
    assert done.returncode == exit_cases.EXIT_CODES[ending], done.stderr
    assert done.stdout == ("done" if ending in ("atexit", "__del__") else "")
    assert bool(done.stderr) == (ending == "exception"), done.stderr
