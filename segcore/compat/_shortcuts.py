"""Shortcuts of a backend that process COCO objects directly, without flat buffers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


def _decline(*_objects: Any) -> None:
    """Return None, as a shortcut does for what it does not support."""


class Shortcuts(NamedTuple):
    """The shortcuts of a backend.

    A shortcut takes the positional arguments of the function of the same name. It returns the same
    result, or None for arguments that it does not support and for errors.
    """

    area: Callable[..., Any] = _decline
    decode: Callable[..., Any] = _decline
    encode: Callable[..., Any] = _decline
    frPyObjects: Callable[..., Any] = _decline
    iou: Callable[..., Any] = _decline
    merge: Callable[..., Any] = _decline
    toBbox: Callable[..., Any] = _decline


def shortcuts_of(kernels: Any) -> Shortcuts:
    """Return the shortcuts of a backend, all of which decline if it has none."""
    return Shortcuts(**kernels.shortcuts()) if hasattr(kernels, "shortcuts") else Shortcuts()
