"""What all integrations ask of tensors, without a tensor library."""

from __future__ import annotations

from typing import Any


def to_host(value: Any) -> Any:
    """Bring a small tensor to CPU memory, off its graph; anything else stays as it is.

    Soft masks of heads, and boxes, are small. Whole pictures are not: those go through as_array,
    which says what to do.
    """
    if hasattr(value, "detach"):
        value = value.detach()
    return value.cpu() if hasattr(value, "cpu") else value


def unwrapped(value: Any) -> Any:
    """Give the tensor within detectron2's Boxes, BitMasks and ROIMasks."""
    return getattr(value, "tensor", value)
