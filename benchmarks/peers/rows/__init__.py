"""What is measured.

Every library gets its input in the form that it takes fastest (arrays in their layout, polygons
as lists or arrays, masks as its own objects), made before the timing, and does the operation in
every way it offers; its fastest way counts. The rows named "COCO dicts" start or end with the
dicts that files hold; those named "drop-in" call the functions of ``pycocotools.mask``, for all.
"""

from ..row import ROWS
from . import (
    coco,
    data_sets,
    dense,
    drop_in,
    evaluation,
    geometry,
    labels,
    panoptic,
    properties,
    regions,
    sets,
    single,
    soft,
    threads,
)  # isort: skip

__all__ = [
    "ROWS",
    "coco",
    "data_sets",
    "dense",
    "drop_in",
    "evaluation",
    "geometry",
    "labels",
    "panoptic",
    "properties",
    "regions",
    "sets",
    "single",
    "soft",
    "threads",
]
