"""Run-length formats of other tools.

Each format is a module with ``decode(objects, size) -> Masks`` and ``encode(masks) -> objects``,
with one object per mask:

- :mod:`segcore.formats.kaggle`: strings of 1-based starts and lengths, column-major;
- :mod:`segcore.formats.huggingface`: lists of 1-based starts and lengths, row-major;
- :mod:`segcore.formats.label_studio`: bytes of Label Studio's brush labels.

COCO's formats are read by :meth:`segcore.Masks.from_coco` and written by
:meth:`segcore.Masks.to_coco`.
"""

from importlib import import_module
from typing import Any

__all__ = ["huggingface", "kaggle", "label_studio"]


def __getattr__(name: str) -> Any:
    # Imported on first use: Masks depends on segcore.formats.coco, and the codecs depend on Masks.
    if name in __all__:
        return import_module(f"segcore.formats.{name}")
    raise AttributeError(f"module 'segcore.formats' has no attribute {name!r}")
