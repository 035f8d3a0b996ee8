"""Jobs in processes: order, errors, and how they end."""

from __future__ import annotations

import functools
import operator
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.executors import Pickling
from support.jobs import sleep, threads

import segcore as sc
from segcore.distributed import MAX_WORKERS, WorkerError, run

POSIX = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
third = functools.partial(operator.mul, 3)


def gone(pid):
    """Return whether a process has ended, soon."""
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


def test_results_come_in_the_order_of_the_items():
    expected = [third(item) for item in range(50)]
    assert list(run(third, range(50), workers=1)) == expected
    with ThreadPoolExecutor(3) as pool, Pickling(2) as pickling:
        assert list(run(third, range(50), client=pool)) == expected
        assert list(run(third, range(50), client=pickling)) == expected
    assert list(run(third, range(50), workers=2)) == expected


def test_processes_are_started_for_several_items_only():
    assert list(run(lambda item: os.getpid(), [1], workers=7)) == [os.getpid()]  # not picklable
    assert list(run(third, [], workers=2)) == []
    found = set(run(threads, range(2), workers=2))
    assert found == {(1, False)}


def test_few_items_are_taken_before_they_are_needed():
    taken = []

    def items():
        for item in range(1000):
            taken.append(item)
            yield item

    results = run(third, items(), workers=1)
    next(results)
    assert len(taken) == 2
    with ThreadPoolExecutor(2) as pool:
        next(run(third, items(), client=pool))
    assert len(taken) < 100


def test_the_first_error_is_raised():
    with pytest.raises(ZeroDivisionError):
        list(run(functools.partial(operator.truediv, 1), [1, 0, 2], workers=2))
    invalid = sc.MaskError(3, "it is wrong", "object")
    with Pickling() as pool, pytest.raises(sc.MaskError, match="object 3: it is wrong"):
        list(run(_raise, [invalid], client=pool))


def _raise(error):
    raise error


def test_a_process_that_ends_is_an_error():
    with pytest.raises(WorkerError, match="ended before its task was done"):
        list(run(os._exit, [3, 3], workers=2))


def test_processes_stop_at_once_when_the_results_are_not_wanted():
    results = run(sleep, [0, 600, 600, 600], workers=2)
    pid = next(results)
    start = time.monotonic()
    results.close()
    assert time.monotonic() - start < 100  # on a busy machine
    assert gone(pid)


@pytest.mark.parametrize("value", [0, -1, MAX_WORKERS + 1])
def test_numbers_of_workers_that_are_refused(value):
    with pytest.raises(ValueError, match="workers: expected 1 to 1024 processes"):
        run(third, [1], workers=value)


def test_arguments_that_are_refused():
    with pytest.raises(TypeError, match="workers: "):
        run(third, [1], workers="2")
    with pytest.raises(ValueError, match="pass one of them, not both"):
        run(third, [1], workers=2, client=object())
    with pytest.raises(TypeError, match=r"client: expected a dask.distributed.Client"):
        list(run(third, [1], client="tcp://127.0.0.1:8786"))


PROGRAM = """
import os, time
from segcore.distributed import run

def work(item):
    if item:
        time.sleep(600)
    return os.getpid()

if __name__ == "__main__":
    for pid in run(work, [0, 1, 1, 1], workers=2):
        print(pid, flush=True)
"""


@POSIX
@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_processes_end_with_their_parent(tmp_path, number):
    (tmp_path / "program.py").write_text(PROGRAM)
    process = subprocess.Popen(
        [sys.executable, "program.py"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL) if number != 9 else None,  # noqa: PLW1509
    )
    pid = int(process.stdout.readline())
    process.send_signal(number)
    process.communicate(timeout=300)
    assert process.returncode in (-number, 130)
    assert gone(pid)
