"""What this process runs on: backend, versions, and the number of threads."""

from __future__ import annotations

import os
import platform
import sys
from typing import Any

import numpy as np

from segcore import backends, coco
from segcore._version import __version__
from segcore.arrays import as_integer

VARIABLE = "SEGCORE_NUM_THREADS"
MAX_THREADS = 1024


def set_num_threads(count: int) -> None:
    """Set how many threads a kernel of the native backend may use.

    Small work stays on the calling thread, and results never depend on the number. The other
    backends run on the calling thread alone. At import the number is that of the environment
    variable ``SEGCORE_NUM_THREADS``, or else the number of cores.

    Parameters
    ----------
    count : int
        From 1 to 1024.

    Raises
    ------
    TypeError
        If ``count`` is no integer.
    ValueError
        If it is out of range.

    Examples
    --------
    >>> import segcore as sc
    >>> before = sc.get_num_threads()
    >>> sc.set_num_threads(1)
    >>> sc.get_num_threads()
    1
    >>> sc.set_num_threads(before)
    """
    global _num_threads  # noqa: PLW0603  # the setting of the process
    count = as_integer(count, "count")
    if not 1 <= count <= MAX_THREADS:
        raise ValueError(f"count: expected 1 to {MAX_THREADS} threads, got {count}")
    _num_threads = count
    if native := _native():
        native.set_num_threads(count)


def get_num_threads() -> int:
    """Tell how many threads a kernel of the native backend may use.

    Returns
    -------
    int
        What :func:`set_num_threads` set last.

    Examples
    --------
    >>> import segcore as sc
    >>> sc.get_num_threads() >= 1
    True
    """
    return _num_threads


def runtime_info() -> dict[str, str]:
    """Describe what segcore runs on, for a bug report or a log.

    Returns
    -------
    dict of str to str
        ``segcore``, ``backend``, ``instructions``, ``compiler``, ``threads``, ``coco``,
        ``available``, ``python``, ``numpy``, ``numba`` and ``platform``.

    Examples
    --------
    >>> import segcore as sc
    >>> sc.runtime_info()["segcore"] == sc.__version__
    True
    """
    backend, _, instructions = backends.current().partition(":")
    native = _native() if backend == "native" else None
    threads = str(get_num_threads()) if native else f"1 (the {backend} backend has no more)"
    return {
        "segcore": __version__,
        "backend": backend,
        "instructions": instructions or "chosen by " + ("Numba" if backend == "numba" else "NumPy"),
        "compiler": native.compiler if native else "none",
        "threads": threads,
        "coco": "compiled (Cython)" if coco.COMPILED else "Python",
        "available": ", ".join(backends.available()),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "numpy": np.__version__,
        "numba": _version_of("numba"),
        "platform": platform.platform(),
    }


def show_runtime() -> None:
    """Print what segcore runs on: the items of :func:`runtime_info`, one a line.

    Examples
    --------
    >>> import segcore as sc
    >>> sc.show_runtime()  # doctest: +ELLIPSIS
    segcore ...
    """
    info = runtime_info()
    width = max(map(len, info))
    for name, value in info.items():
        print(f"{name:{width}}  {value}")


def _native() -> Any:
    """Give the compiled extension if it is loaded; it is never loaded for this."""
    return sys.modules.get("segcore._native")


def _version_of(package: str) -> str:
    import importlib.metadata  # it takes longer than all of segcore

    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _from_environment() -> int:
    text = os.environ.get(VARIABLE, "").strip()
    if not text:
        native = _native()
        return int(native.get_num_threads()) if native else os.cpu_count() or 1
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= MAX_THREADS):
        raise ValueError(f"{VARIABLE}: expected an integer from 1 to {MAX_THREADS}, got {text!r}")
    return int(text)


_num_threads = _from_environment()
set_num_threads(min(_num_threads, MAX_THREADS))
