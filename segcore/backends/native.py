"""The ``native`` backend: C++ kernels, one ``Kernels(variant)`` for each instruction set."""

from __future__ import annotations

from segcore._native import Kernels, variants

__all__ = ["Kernels", "variants"]
