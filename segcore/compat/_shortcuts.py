"""Shortcuts of a backend that process COCO objects directly, without flat buffers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

NAMES = ("area", "decode", "encode", "frPyObjects", "iou", "merge", "toBbox")


def shortcuts_of(kernels: Any) -> SimpleNamespace:
    """Return the shortcuts of a backend by name.

    A shortcut takes the positional arguments of the function of the same name. It returns the same
    result, or NotImplemented for arguments that it does not support and for errors.
    """
    if hasattr(kernels, "shortcuts"):
        return SimpleNamespace(**kernels.shortcuts())
    return SimpleNamespace(**dict.fromkeys(NAMES, _decline))


def _decline(*_objects: Any) -> Any:
    return NotImplemented
