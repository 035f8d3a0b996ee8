"""A million malformed calls of the drop-in: no crash, no hang, and nobody else's memory."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from support import paths

PROGRAM = paths.TESTS / "support" / "hostile_calls.py"

SCALE = float(os.environ.get("SEGCORE_TEST_SCALE", "0.01"))
"""1 makes a million calls on each backend."""


@pytest.mark.slow
def test_malformed_calls(kernels):
    count = int(1_000_000 * SCALE / (1 if kernels.name.startswith("native") else 5))
    command = [sys.executable, str(PROGRAM), kernels.name, str(count), "1"]
    run = subprocess.run(
        command, capture_output=True, text=True, timeout=300 + count / 500, check=False
    )
    assert run.returncode == 0, run.stderr[-2000:]
    results, errors = map(int, run.stdout.split())
    assert results + errors == count
    assert min(results, errors) > count / 10  # both happened
