"""Warnings that point to the line of the caller."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Hashable

_issued: set[Hashable] = set()


def warn(message: str) -> None:
    """Issue a UserWarning that points to the innermost line outside of segcore."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and _is_ours(frame.f_globals.get("__name__", "")):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, UserWarning, stacklevel=level)


def warn_once(message: str, key: Hashable) -> None:
    """Issue a warning, unless this process has issued one with the same key."""
    if key not in _issued:
        _issued.add(key)
        warn(message)


def _is_ours(module: str) -> bool:
    return module == "segcore" or module.startswith("segcore.")
