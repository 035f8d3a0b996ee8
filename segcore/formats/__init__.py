"""Run-length formats of other tools, each with the same two verbs.

A codec is a module with ``decode(objects, size) -> Masks`` and ``encode(masks) -> objects``, one
object a mask:

- :mod:`segcore.formats.kaggle`: strings of 1-based starts and lengths, column by column;
- :mod:`segcore.formats.huggingface`: lists of 1-based starts and lengths, row by row;
- :mod:`segcore.formats.label_studio`: the bytes of Label Studio's brush.

COCO's own formats are read by :meth:`segcore.Masks.from_coco` and written by
:meth:`segcore.Masks.to_coco`.
"""

from importlib import import_module
from typing import Any

__all__ = ["huggingface", "kaggle", "label_studio"]


def __getattr__(name: str) -> Any:
    # Imported when first used: Masks needs segcore.formats.coco, and the others need Masks.
    if name in __all__:
        return import_module(f"segcore.formats.{name}")
    raise AttributeError(f"module 'segcore.formats' has no attribute {name!r}")
