"""Reading of files in several threads, a few files ahead."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def read_ahead(
    read: Callable[[Item], Result], items: Iterable[Item]
) -> Iterator[tuple[Item, Result]]:
    """Yield each item with ``read(item)``, in order; the first error is raised."""
    workers = min(8, os.cpu_count() or 1)
    waiting: deque[tuple[Item, Future[Result]]] = deque()
    pool = ThreadPoolExecutor(workers)
    try:
        for item in items:
            try:
                waiting.append((item, pool.submit(read, item)))
            except RuntimeError as error:  # usually for lack of memory
                raise MemoryError(str(error)) from error
            if len(waiting) > 2 * workers:
                first, future = waiting.popleft()
                yield first, future.result()
        for rest, future in waiting:
            yield rest, future.result()
    finally:
        pool.shutdown(cancel_futures=True)
