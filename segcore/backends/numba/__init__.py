"""The ``numba`` backend: compiled when a kernel is first called, for machines without a compiler.

Each kernel is a thin function over compiled ones. What a kernel means is said in
:mod:`segcore.backends.protocol`.
"""

from segcore.backends.numba.argmax_resample import argmax_resample
from segcore.backends.numba.coco_string import (
    counts_decode,
    counts_encode,
    string_decode,
    string_encode,
)
from segcore.backends.numba.components import components
from segcore.backends.numba.decode import decode
from segcore.backends.numba.dilate import dilate
from segcore.backends.numba.encode import encode
from segcore.backends.numba.encode_bits import encode_bits
from segcore.backends.numba.encode_changes import encode_changes
from segcore.backends.numba.labels import label_runs
from segcore.backends.numba.measure import area, boxes
from segcore.backends.numba.merge import combine, reduce
from segcore.backends.numba.outline import outline
from segcore.backends.numba.overlap import overlap, overlap_ratios
from segcore.backends.numba.overlap_table import overlap_table
from segcore.backends.numba.paint import paint
from segcore.backends.numba.rasterize import rasterize_boxes, rasterize_polygons
from segcore.backends.numba.resample import resample
from segcore.backends.numba.resolve import resolve

__all__ = [
    "area",
    "argmax_resample",
    "boxes",
    "combine",
    "components",
    "counts_decode",
    "counts_encode",
    "decode",
    "dilate",
    "encode",
    "encode_bits",
    "encode_changes",
    "label_runs",
    "name",
    "outline",
    "overlap",
    "overlap_ratios",
    "overlap_table",
    "paint",
    "rasterize_boxes",
    "rasterize_polygons",
    "reduce",
    "resample",
    "resolve",
    "string_decode",
    "string_encode",
]

name = "numba"
