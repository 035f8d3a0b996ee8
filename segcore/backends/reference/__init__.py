"""The ``reference`` backend: plain NumPy, written to be read as the definition of the kernels.

The tests compare the other backends with it, and it is used if neither compiled kernels nor Numba
are available. :mod:`segcore.backends.protocol` documents the kernels.
"""

from segcore.backends.reference.argmax_resample import argmax_resample
from segcore.backends.reference.coco_string import (
    counts_decode,
    counts_encode,
    string_decode,
    string_encode,
)
from segcore.backends.reference.components import components
from segcore.backends.reference.cover import cover
from segcore.backends.reference.decode import decode
from segcore.backends.reference.dilate import dilate
from segcore.backends.reference.encode import encode
from segcore.backends.reference.encode_bits import encode_bits
from segcore.backends.reference.encode_changes import encode_changes
from segcore.backends.reference.labels import label_runs
from segcore.backends.reference.match import match, precision_recall
from segcore.backends.reference.measure import area, boxes, moments
from segcore.backends.reference.merge import combine, reduce
from segcore.backends.reference.outline import outline
from segcore.backends.reference.overlap import overlap, overlap_ratios
from segcore.backends.reference.overlap_table import overlap_table
from segcore.backends.reference.paint import paint
from segcore.backends.reference.place import place
from segcore.backends.reference.rasterize import rasterize_boxes, rasterize_polygons
from segcore.backends.reference.resample import resample
from segcore.backends.reference.resize import resize
from segcore.backends.reference.resolve import resolve
from segcore.backends.reference.reverse import reverse
from segcore.backends.reference.transpose import transpose
from segcore.backends.reference.warp import warp

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

name = "reference"
