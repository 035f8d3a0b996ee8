"""The short way from COCO's objects to COCO's objects, where a backend has one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

NAMES = ("area", "decode", "encode", "frPyObjects", "iou", "merge", "toBbox")


def shortcuts_of(kernels: Any) -> SimpleNamespace:
    """Give the shortcuts of a backend, by name.

    Each takes what the function of its name takes, by position, and returns the same, or
    NotImplemented where it leaves the answer, or the error, to the long way.
    """
    if hasattr(kernels, "shortcuts"):
        return SimpleNamespace(**kernels.shortcuts())
    return SimpleNamespace(**dict.fromkeys(NAMES, _decline))


def _decline(*_objects: Any) -> Any:
    return NotImplemented
