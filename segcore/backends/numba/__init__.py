"""The ``numba`` backend: kernels that are compiled at their first call.

It is used if Numba is installed, but the native kernels are not. Kernels that gain too little from
Numba are imported from the reference backend; ``docs/backends.md`` lists the measured factors.
:mod:`segcore.backends.protocol` documents the kernels.
"""

from segcore.backends.numba.argmax_resample import argmax_resample
from segcore.backends.numba.coco_string import (
    counts_decode,
    counts_encode,
    string_decode,
    string_encode,
)
from segcore.backends.numba.components import components
from segcore.backends.numba.cover import cover
from segcore.backends.numba.decode import decode
from segcore.backends.numba.dilate import dilate
from segcore.backends.numba.encode import encode
from segcore.backends.numba.encode_bits import encode_bits
from segcore.backends.numba.encode_changes import encode_changes
from segcore.backends.numba.match import match, precision_recall
from segcore.backends.numba.measure import area, boxes, moments
from segcore.backends.numba.merge import combine, reduce
from segcore.backends.numba.outline import outline
from segcore.backends.numba.overlap import overlap, overlap_ratios
from segcore.backends.numba.paint import paint
from segcore.backends.numba.place import place
from segcore.backends.numba.rasterize import rasterize_boxes, rasterize_polygons
from segcore.backends.numba.resample import resample
from segcore.backends.numba.resize import resize
from segcore.backends.numba.resolve import resolve
from segcore.backends.numba.reverse import reverse
from segcore.backends.numba.transpose import transpose
from segcore.backends.numba.warp import warp
from segcore.backends.reference import label_runs, overlap_table

__all__ = [
    "area",
    "argmax_resample",
    "boxes",
    "combine",
    "components",
    "counts_decode",
    "counts_encode",
    "cover",
    "decode",
    "dilate",
    "encode",
    "encode_bits",
    "encode_changes",
    "label_runs",
    "match",
    "moments",
    "name",
    "outline",
    "overlap",
    "overlap_ratios",
    "overlap_table",
    "paint",
    "place",
    "precision_recall",
    "rasterize_boxes",
    "rasterize_polygons",
    "reduce",
    "resample",
    "resize",
    "resolve",
    "reverse",
    "string_decode",
    "string_encode",
    "transpose",
    "warp",
]

name = "numba"
