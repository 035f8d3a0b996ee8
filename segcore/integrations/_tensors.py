"""What all integrations ask of tensors, without a tensor library."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from segcore._input.arrays import described


def to_host(value: Any) -> Any:
    """Bring a small tensor to CPU memory, off its graph; anything else stays as it is.

    Soft masks of heads, and boxes, are small. Whole images are not: those go through as_array,
    which says what to do.
    """
    if hasattr(value, "detach"):
        value = value.detach()
    return value.cpu() if hasattr(value, "cpu") else value


def unwrapped(value: Any) -> Any:
    """Give the tensor within detectron2's Boxes, BitMasks and ROIMasks."""
    return getattr(value, "tensor", value)


def check_attributes(value: Any, name: str, kind: str, *attributes: str) -> None:
    """Raise TypeError unless a value has the attributes of another library's object."""
    if all(hasattr(value, attribute) for attribute in attributes):
        return
    advice = ""
    if isinstance(value, (list, tuple)):
        advice = f"; it seems to be of {len(value)} images: pass one"
    elif isinstance(value, Mapping) and name in value:
        advice = f'; pass its "{name}"'
    raise TypeError(f"{name}: expected {kind}, got {described(value)}{advice}")
