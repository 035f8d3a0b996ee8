"""Number of threads of the native backend."""

from __future__ import annotations

import os
import sys
from typing import Any

from segcore._input.arrays import as_integer

VARIABLE = "SEGCORE_NUM_THREADS"
MAX_THREADS = 1024


def set_num_threads(count: int) -> None:
    """Set the maximum number of threads of the native (compiled) backend.

    The initial value is that of the environment variable ``SEGCORE_NUM_THREADS`` if set, and the
    number of cores otherwise. Small inputs are processed in the calling thread. Results do not
    depend on the number of threads. The backends ``numba`` and ``reference`` use a single thread.

    Parameters
    ----------
    count : int
        Number of threads, from 1 to 1024.

    Raises
    ------
    TypeError
        If `count` is not an integer.
    ValueError
        If `count` is out of range.

    Examples
    --------
    >>> import segcore as sc
    >>> before = sc.get_num_threads()
    >>> sc.set_num_threads(1)
    >>> sc.get_num_threads()
    1
    >>> sc.set_num_threads(before)
    """
    global _num_threads  # noqa: PLW0603  # the setting is global to the process
    count = as_integer(count, "count")
    if not 1 <= count <= MAX_THREADS:
        raise ValueError(f"count: expected 1 to {MAX_THREADS} threads, got {count}")
    _num_threads = count
    if native := native_module():
        native.set_num_threads(count)


def get_num_threads() -> int:
    """Return the maximum number of threads of the native (compiled) backend.

    Returns
    -------
    int
        The number set by :func:`set_num_threads`, or the initial value.

    Examples
    --------
    >>> import segcore as sc
    >>> sc.get_num_threads() >= 1
    True
    """
    return _num_threads


def native_module() -> Any:
    """Return the extension module if it has been imported, or None. This does not import it."""
    return sys.modules.get("segcore._native")


def _from_environment() -> int:
    text = os.environ.get(VARIABLE, "").strip()
    if not text:
        native = native_module()
        return int(native.get_num_threads()) if native else os.cpu_count() or 1
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= MAX_THREADS):
        raise ValueError(f"{VARIABLE}: expected an integer from 1 to {MAX_THREADS}, got {text!r}")
    return int(text)


_num_threads = _from_environment()
set_num_threads(min(_num_threads, MAX_THREADS))
