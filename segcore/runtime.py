"""Information about the runtime: backend, instruction set, threads and versions."""

from __future__ import annotations

import platform

import numpy as np

from segcore import backends
from segcore._version import __version__
from segcore.formats import coco
from segcore.threads import get_num_threads, native_module


def runtime_info() -> dict[str, str]:
    """Return information about segcore's runtime, for bug reports and logs.

    Returns
    -------
    dict of str to str
        Version of segcore (``"segcore"``), backend (``"backend"``), its instruction set
        (``"instructions"``), compiler (``"compiler"``) and number of threads (``"threads"``),
        implementation of the COCO reader (``"coco"``), available backends (``"available"``), and
        the versions of Python, NumPy, Numba and the platform (``"python"``, ``"numpy"``,
        ``"numba"``, ``"platform"``).

    Examples
    --------
    >>> import segcore as sc
    >>> sc.runtime_info()["segcore"] == sc.__version__
    True
    """
    backend, _, instructions = backends.current().partition(":")
    native = native_module() if backend == "native" else None
    threads = str(get_num_threads()) if native else f"1 (the {backend} backend is single-threaded)"
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
    """Print the items of :func:`runtime_info`, one per line.

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


def _version_of(package: str) -> str:
    import importlib.metadata  # slow: takes longer than importing segcore

    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
