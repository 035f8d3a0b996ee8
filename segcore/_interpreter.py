"""Refuse to be imported in a subinterpreter, before anything is loaded that would hang there."""

from __future__ import annotations

import _thread
from importlib import import_module
from typing import Any


def _is_main() -> bool:
    is_main: Any = getattr(_thread, "_is_main_interpreter", None)  # from Python 3.12 on
    if is_main is not None:
        return bool(is_main())
    try:
        interpreters = import_module("_xxsubinterpreters")
    except ImportError:  # not CPython, and so without subinterpreters
        return True
    return bool(interpreters.get_current() == interpreters.get_main())


if not _is_main():
    raise ImportError(
        "segcore can be imported in the main interpreter only: neither its native module nor NumPy "
        "supports subinterpreters; use threads or processes instead"
    )
