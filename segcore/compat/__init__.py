"""Stand-ins for other libraries' modules."""

from segcore.compat._patch import Patch, patch_pycocotools

__all__ = ["Patch", "patch_pycocotools"]
