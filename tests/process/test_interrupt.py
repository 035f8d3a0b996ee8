"""A signal handler is called within a second, and may end a call by raising an exception.

tests/cpp/test_interrupt_kernels.cpp tests that every native kernel polls, also within one large
mask.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import sys

import pytest
from support import interrupt_cases
from support.interrupt_cases import CASES
from support.util import slow

from segcore import backends

pytestmark = pytest.mark.skipif(
    not backends.current().startswith("native"), reason="only native kernels can be interrupted"
)


CORE = [("iou", 1), ("encode_many", 2)]


@pytest.mark.parametrize(
    ("name", "threads"),
    [case if case in CORE else slow(*case) for case in itertools.product(CASES, (1, 2))],
)
def test_interrupt(name: str, threads: int) -> None:
    command = [sys.executable, interrupt_cases.__file__, name, str(threads)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    if report["seconds"] < interrupt_cases.LONG_ENOUGH:
        pytest.skip("this machine is too fast")
    # A call that does not listen ends too late for these.
    assert report["stopped"] < interrupt_cases.GOOD
    assert report["answered"] < interrupt_cases.GOOD
    assert report["same"]
