"""Drop-in replacement for the package ``pycocotools``, with the same modules.

Replace ``from pycocotools import mask`` with ``from segcore.compat.pycocotools import mask``, and
likewise for ``coco`` and ``cocoeval``.
"""

from segcore.compat.pycocotools import coco, cocoeval, mask

__all__ = ["coco", "cocoeval", "mask"]
