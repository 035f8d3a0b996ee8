"""Information about the runtime: backend, instruction set, threads and versions."""

from __future__ import annotations

import platform

import numpy as np

from segcore import backends
from segcore._version import __version__
from segcore.formats import coco
from segcore.threads import get_num_threads, native_module

__all__ = ["runtime_info", "show_runtime"]


def runtime_info() -> dict[str, str]:
    """Return information about segcore's runtime, for bug reports and logs.

    Returns
    -------
    dict of str to str
        - ``"segcore"``: version of segcore;
        - ``"backend"``: backend in use, such as "native";
        - ``"instructions"``: instruction set of the native backend, such as "avx2";
        - ``"compiler"``: compiler of the native backend, such as "GCC 12.2.0", or "none";
        - ``"threads"``: number of threads, such as "8";
        - ``"coco"``: implementation of the COCO reader, "compiled (Cython)" or "Python";
        - ``"available"``: backends that can be used, best first, separated by commas;
        - ``"python"``, ``"numpy"``, ``"numba"``, ``"platform"``: versions of these.

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
