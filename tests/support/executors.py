"""Executors that run jobs as a cluster does, in this process."""

from __future__ import annotations

import pickle
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any


class Pickling(Executor):
    """Runs every task in threads, with everything that goes in or comes out pickled."""

    def __init__(self, threads: int = 1) -> None:
        self._pool = ThreadPoolExecutor(threads)

    def submit(self, function: Any, /, *arguments: Any, **options: Any) -> Future[Any]:
        task = pickle.dumps((function, arguments, options))
        return self._pool.submit(_run, task)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._pool.shutdown(wait, cancel_futures=cancel_futures)


def _run(task: bytes) -> Any:
    function, arguments, options = pickle.loads(task)
    return pickle.loads(pickle.dumps(function(*arguments, **options)))
