"""Drop-in replacements for modules of other libraries."""

from segcore.compat._patch import Patch, patch_pycocotools

__all__ = ["Patch", "patch_pycocotools"]
