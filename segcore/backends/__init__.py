"""Selection of the backend, which provides the kernels.

``kernels`` is the backend in use: the first of ``native``, ``numba`` and ``reference`` that can be
imported, or the one named by the environment variable ``SEGCORE_BACKEND``. A name that is unknown
or not available raises an ImportError. ``native`` stands for the best of its variants.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
from collections.abc import Callable
from functools import cache
from typing import NamedTuple, cast

from segcore.backends.protocol import Kernels

__all__ = ["Kernels", "available", "current", "kernels", "load"]

VARIABLE = "SEGCORE_BACKEND"


class _Backend(NamedTuple):
    """A kind of backend: the names of its available variants, best first, and its loader."""

    names: Callable[[], tuple[str, ...]]
    load: Callable[[str], Kernels]


def _native_names() -> tuple[str, ...]:
    try:
        from segcore.backends import native
    except ImportError:
        return ()
    return tuple(f"native:{variant}" for variant in native.variants())


def _load_native(name: str) -> Kernels:
    from segcore.backends import native

    kernels: Kernels = native.Kernels(name.removeprefix("native:"))
    return kernels


def _numba_names() -> tuple[str, ...]:
    # Do not import Numba here, which takes seconds.
    return ("numba",) if importlib.util.find_spec("numba") else ()


def _load_module(name: str) -> Kernels:
    return cast("Kernels", importlib.import_module(f"segcore.backends.{name}"))


_BACKENDS = (
    _Backend(_native_names, _load_native),
    _Backend(_numba_names, _load_module),
    _Backend(lambda: ("reference",), _load_module),
)


def available() -> tuple[str, ...]:
    """Return the names of the available backends, best first.

    Returns
    -------
    tuple of str
        For example ``("native:avx2", "native:scalar", "numba", "reference")``.

    Examples
    --------
    >>> import segcore.backends
    >>> segcore.backends.available()[-1]
    'reference'
    """
    return tuple(name for backend in _BACKENDS for name in backend.names())


def load(name: str) -> Kernels:
    """Load a backend by name, regardless of the one in use.

    Parameters
    ----------
    name : str
        One of :func:`available`, or ``"native"`` for the best of its variants.

    Returns
    -------
    Kernels
        The backend. Repeated calls return the same object.

    Raises
    ------
    ImportError
        If the backend is not available. The message lists the available ones.

    Examples
    --------
    >>> import segcore.backends
    >>> segcore.backends.load("reference").name
    'reference'
    """
    for backend in _BACKENDS:
        names = backend.names()
        if name in names:
            return _load(backend, name)
        if name == "native" and names and names[0].startswith("native:"):
            return _load(backend, names[0])
    raise ImportError(f"segcore's backend {name!r} is not available; {_choice()}")


@cache
def _load(backend: _Backend, name: str) -> Kernels:
    try:
        return backend.load(name)
    except ImportError as error:
        raise ImportError(
            f"segcore's backend {name!r} cannot be imported ({error}); {_choice()}"
        ) from error


def _choice() -> str:
    return f"available: {', '.join(available())}. Set {VARIABLE} to one of these, or unset it"


def _choose() -> Kernels:
    forced = os.environ.get(VARIABLE)
    if forced:
        return load(forced)
    chosen = _first_that_loads()
    if not chosen.name.startswith("native:"):
        from segcore.backends import fallback

        fallback.warn(chosen.name)
    return chosen


def _first_that_loads() -> Kernels:
    *better, last = available()
    for name in better:
        try:
            return load(name)
        except ImportError:  # installed, but broken
            continue
    return load(last)


kernels: Kernels = _choose()
"""The backend in use."""


def current() -> str:
    """Return the name of the backend in use.

    Returns
    -------
    str
        One of :func:`available`.

    Examples
    --------
    >>> import segcore.backends
    >>> segcore.backends.current() in segcore.backends.available()
    True
    """
    return kernels.name
