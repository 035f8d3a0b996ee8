"""Signals that are held back while outputs are published."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def signals_held() -> Iterator[None]:
    """Hold back the signals that end a program until the block ends."""
    if threading.current_thread() is not threading.main_thread():
        yield  # Python runs handlers only in the main thread
        return
    names = ("SIGINT", "SIGTERM", "SIGHUP")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    # None: a handler that Python did not install and cannot restore.
    previous = {n: h for n in numbers if (h := signal.getsignal(n)) not in (None, signal.SIG_IGN)}
    held: list[int] = []
    try:
        for number in previous:
            signal.signal(number, lambda caught, _: held.append(caught))
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        for number in held[:1]:
            signal.raise_signal(number)
