"""Run-length formats of other tools, each with the same two verbs.

A codec is a module with ``decode(objects, size) -> Masks`` and ``encode(masks) -> objects``, one
object a mask:

- :mod:`segcore.codecs.kaggle`: strings of 1-based starts and lengths, column by column;
- :mod:`segcore.codecs.huggingface`: lists of 1-based starts and lengths, row by row;
- :mod:`segcore.codecs.label_studio`: the bytes of Label Studio's brush.

COCO's own formats are read by :meth:`segcore.Masks.from_coco` and written by
:meth:`segcore.Masks.to_coco`.
"""

from segcore.codecs import huggingface, kaggle, label_studio

__all__ = ["huggingface", "kaggle", "label_studio"]
