"""Jobs: one function over many partitions, in this process, in several, or on a cluster.

A job is a function of one partition that returns a result, such as a metric that can be merged. It
depends on nothing else, so the results are the same wherever, and in whatever order, it runs. Dask
or the pool of the standard library schedules; there is no scheduler or retry here.
"""

from __future__ import annotations

import _thread
import itertools
import multiprocessing
import os
import pickle
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from types import FrameType
from typing import Any, TypeVar

from segcore._input.arrays import as_integer, described
from segcore.threads import set_num_threads

__all__ = ["WorkerError", "run"]

Item = TypeVar("Item")
Result = TypeVar("Result")
MAX_WORKERS = 1024
AHEAD = 2
"""Number of tasks per worker that are submitted before their results are needed."""


class WorkerError(RuntimeError):
    """Exception for a process of a pool that ended before its task was done."""


def run(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    workers: int | None = None,
    client: Any = None,
) -> Generator[Result, None, None]:
    """Yield the results of a function for all items, in their order.

    Only a few items and results are held at a time. If the iteration ends early, by an exception,
    Ctrl-C or ``close()``, tasks that are waiting are cancelled and processes are stopped.

    Parameters
    ----------
    function : callable
        Function of one item. Unless it runs in this process, it must be picklable, such as a
        function of a module or a ``functools.partial`` of one; and so must items and results.
    items : iterable
        The items.
    workers : int, optional
        Number of processes, which are started with the method ``spawn``, so a script must call
        this under ``if __name__ == "__main__":``. With 1, the function runs in this process. By
        default, as many as the process may use cores.
    client : dask.distributed.Client or concurrent.futures.Executor, optional
        What runs the function instead. It is not shut down.

    Yields
    ------
    object
        ``function(item)`` for each item. The first exception that it raises, in the order of the
        items, is raised here.

    Raises
    ------
    ValueError
        If `workers` is out of range, or both `workers` and `client` are given.
    TypeError
        If `workers` is not an integer, `client` is neither a client nor an executor, or `function`
        cannot be pickled for other processes.
    WorkerError
        If a process of the pool ended, such as for lack of memory. (Dask runs its task again.)

    Examples
    --------
    >>> from segcore.distributed import run
    >>> list(run(abs, [-1, 2, -3], workers=1))
    [1, 2, 3]
    """
    if client is None:
        count = available_workers() if workers is None else as_workers(workers)
        return _run_in_processes(function, items, count)
    if workers is not None:
        raise ValueError("workers, client: pass one of them, not both")
    return _run_on_cluster(function, items, client)


def as_workers(value: object) -> int:
    """Return a number of processes. Raises TypeError or ValueError for other values."""
    count = as_integer(value, "workers")
    if not 1 <= count <= MAX_WORKERS:
        raise ValueError(f"workers: expected 1 to {MAX_WORKERS} processes, got {count}")
    return count


def available_workers() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return min(len(os.sched_getaffinity(0)), MAX_WORKERS)
    return min(os.cpu_count() or 1, MAX_WORKERS)


def _run_in_processes(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int
) -> Generator[Result, None, None]:
    items = iter(items)
    first = list(itertools.islice(items, 2))
    if workers == 1 or len(first) < 2:  # a single item needs no other process
        yield from map(function, itertools.chain(first, items))
        return
    items = itertools.chain(first, items)
    with _pool(function, workers) as pool:
        try:

            def submit(item: Item) -> Future[Result]:
                try:
                    return pool.submit(_Worker.call, item)  # starts processes, one at a time
                except (pickle.PicklingError, AttributeError, TypeError) as error:
                    raise TypeError(
                        "function: expected one that other processes can import, not a lambda or a "
                        f"nested function: {error}; workers=1 takes any function"
                    ) from error

            yield from _in_order(submit, items, AHEAD * workers)
        except BrokenProcessPool as error:
            raise WorkerError(
                "a worker process ended before its task was done, perhaps for lack of memory"
            ) from error


def _run_on_cluster(
    function: Callable[[Item], Result], items: Iterable[Item], client: Any
) -> Generator[Result, None, None]:
    if isinstance(client, Executor):
        ahead = max(16, AHEAD * available_workers())
        yield from _in_order(lambda item: client.submit(function, item), items, ahead)
        return
    if not hasattr(client, "get_executor"):
        expected = "a dask.distributed.Client or a concurrent.futures.Executor"
        raise TypeError(f"client: expected {expected}, got {described(client)}")
    executor = client.get_executor(pure=False)
    try:
        # Enough tasks that a cluster with automatic scaling starts more workers.
        ahead = max(16, 2 * AHEAD * sum(client.nthreads().values()))
        yield from _in_order(lambda item: executor.submit(function, item), items, ahead)
    finally:
        executor.shutdown(wait=False)


def _in_order(
    submit: Callable[[Item], Future[Result]], items: Iterable[Item], ahead: int
) -> Generator[Result, None, None]:
    """Yield the results in the order of the items, of which `ahead` are submitted before."""
    waiting: deque[Future[Result]] = deque()
    try:
        for item in items:
            waiting.append(submit(item))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


# -- processes ------------------------------------------------------------------------------------


@contextmanager
def _pool(function: Callable[[Any], Any], workers: int) -> Iterator[ProcessPoolExecutor]:
    """Return a pool of processes, which end when the block or this process does."""
    context = multiprocessing.get_context("spawn")
    their_end, our_end = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(workers, context, _Worker.start, (function, their_end))
    is_done = False
    try:
        yield pool
        is_done = True
    finally:
        if not is_done:
            our_end.close()  # tasks that run are interrupted
        pool.shutdown(cancel_futures=True)
        our_end.close()
        their_end.close()


class _Worker:
    """A process of a pool. It ends tasks when its parent closes a pipe, and itself without it."""

    function: Callable[[Any], Any]
    is_busy = False
    is_stopped = False

    @classmethod
    def start(cls, function: Callable[[Any], Any], parent: Connection) -> None:
        """Prepare this process."""
        cls.function = staticmethod(function)
        # What ends a program, such as Ctrl-C, is sent to all its processes: the parent handles it.
        for name in ("SIGTERM", "SIGHUP"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), signal.SIG_IGN)
        signal.signal(signal.SIGINT, cls._interrupt)
        set_num_threads(1)
        threading.Thread(target=cls._watch, args=(parent,), daemon=True).start()

    @classmethod
    def _watch(cls, parent: Connection) -> None:
        with suppress(EOFError, OSError):
            parent.recv()  # until the other end is closed
        cls.is_stopped = True
        if hasattr(signal, "pthread_kill"):  # wakes it from a system call, too
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        else:
            _thread.interrupt_main()
        process = multiprocessing.parent_process()
        if process is not None:
            process.join()
        os._exit(1)

    @classmethod
    def _interrupt(cls, number: int, frame: FrameType | None) -> None:
        if cls.is_stopped and cls.is_busy:
            raise KeyboardInterrupt

    @classmethod
    def call(cls, item: Any) -> Any:
        """Return the result of an item."""
        cls.is_busy = True
        try:
            if cls.is_stopped:
                raise KeyboardInterrupt
            return cls.function(item)
        finally:
            cls.is_busy = False
