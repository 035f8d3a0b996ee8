"""Many threads that share batches: each gets what one alone gets, however many kernels use."""

from __future__ import annotations

import random
import threading

import numpy as np
import pytest
from support.thread_calls import calls, scene

import segcore as sc
from segcore import backends

THREADS = 8
# The reference is slow, and NumPy's to worry about.
ITERATIONS = 400 if backends.current() != "reference" else 50


def same(got, expected):
    if isinstance(expected, np.ndarray):
        return got.dtype == expected.dtype and np.array_equal(got, expected)
    if isinstance(expected, tuple):
        return all(same(*pair) for pair in zip(got, expected, strict=True))
    return got == expected


@pytest.fixture
def threads_restored():
    before = sc.get_num_threads()
    yield
    sc.set_num_threads(before)


@pytest.mark.usefixtures("threads_restored")
def test_threads_share_batches():
    work = calls(*scene())
    expected = [each() for each in work]
    barrier = threading.Barrier(THREADS)
    failures = []

    def run(seed):
        chosen = random.Random(seed)
        barrier.wait()
        try:
            for _ in range(ITERATIONS):
                place = chosen.randrange(len(work))
                if not same(work[place](), expected[place]):
                    failures.append(place)
                if chosen.random() < 0.05:
                    sc.set_num_threads(chosen.randint(1, 4))
        except BaseException as error:  # a thread's errors are lost otherwise
            failures.append(error)

    workers = [threading.Thread(target=run, args=(seed,)) for seed in range(THREADS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not failures


@pytest.mark.usefixtures("threads_restored")
@pytest.mark.parametrize("count", [1, 2, 3, 8])
def test_results_do_not_depend_on_the_number_of_threads(count):
    work = calls(*scene())
    sc.set_num_threads(1)
    expected = [each() for each in work]
    sc.set_num_threads(count)
    assert all(same(each(), wanted) for each, wanted in zip(work, expected, strict=True))
