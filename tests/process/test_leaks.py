"""No public call keeps memory, whether it gives a result or an error: see leaks.py."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig

import pytest
from support import paths
from support.every_call import CALLER_FAULTS, every_call
from support.leaks import growth, leaks

import segcore as sc

PROGRAM = paths.TESTS / "support" / "leaks.py"
CALLS = every_call()
# Without the GIL, Python gives back what is freed late, a thousand objects at a time.
TIMES = 10 if sysconfig.get_config_var("Py_GIL_DISABLED") else 1


def test_every_public_name_is_called():
    assert set(sc.__all__) - {name.split(".")[0] for name in CALLS} == {"__version__"}


@pytest.mark.parametrize("name", CALLS)
def test_calls_do_what_they_are_for(name):
    good, bad = CALLS[name]
    good()
    if bad is not None:
        with pytest.raises(CALLER_FAULTS):
            bad()


@pytest.mark.slow
@pytest.mark.skipif("asan" in os.environ.get("LD_PRELOAD", ""), reason="memory is kept on purpose")
def test_no_call_leaks():
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(300 * TIMES)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(paths.TESTS), "SEGCORE_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no leaks" in done.stdout


def test_leaks_are_found():
    kept = []
    count = 500 * TIMES
    assert leaks(growth(lambda: kept.append(object()), count), count)
    assert leaks(growth(lambda: kept.append(bytearray(2000)), count), count)
    assert not leaks(growth(lambda: bytearray(2000), count), count)
