"""segcore: the mask engine for machine-learning pipelines.

segcore converts segmentation masks between dense arrays, COCO RLE, polygons, boxes, label maps and
semantic maps, and compares them. Its central class is :class:`Masks`, a batch of masks stored as
run ends.

>>> import segcore as sc
>>> masks = sc.Masks.from_boxes([[0, 0, 3, 2], [2, 1, 5, 4]], (4, 6))
>>> masks.area
array([6, 9])
>>> sc.iou(masks, masks)[0, 1]
np.float64(0.07142857142857142)
>>> sc.compose_semantic(masks, [3, 7])
array([[3, 3, 3, 0, 0, 0],
       [3, 3, 7, 7, 7, 0],
       [0, 0, 7, 7, 7, 0],
       [0, 0, 7, 7, 7, 0]], dtype=uint8)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from segcore import _interpreter  # noqa: F401  # raises ImportError in a subinterpreter

# isort: split
from segcore import backends
from segcore._version import __version__
from segcore.errors import MaskError, MaskTypeError
from segcore.maps.overlap_table import OverlapTable, overlap_table
from segcore.maps.semantic import compose_semantic
from segcore.masks import Masks
from segcore.models.argmax import argmax_masks, argmax_upsample
from segcore.models.paste import paste_masks
from segcore.models.stability import stability_score
from segcore.models.upsample import prototype_masks, upsample_masks
from segcore.ops.measure import measure
from segcore.ops.morphology import boundary, closing, dilate, erode, opening
from segcore.ops.overlap import boundary_iou, containment, dice, intersection_area, iou
from segcore.ops.regions import fill_holes, holes, keep_largest, remove_small, thin_parts
from segcore.ops.stitch import stitch
from segcore.ops.suppression import matrix_nms, merge_duplicates, nms, soft_nms
from segcore.ops.surface import surface_distances
from segcore.ops.tiles import tiles
from segcore.polygons import Polygons
from segcore.runtime import runtime_info, show_runtime
from segcore.threads import get_num_threads, set_num_threads

if TYPE_CHECKING:
    from segcore import compat, data, formats, integrations, maps, metrics, show
    from segcore.diagnosis import Diagnosis, diagnose
    from segcore.maps.panoptic import Panoptic, PanopticRules, compose_panoptic

# Imported on first access, so that `import segcore` stays quick.
_MODULES = ("compat", "data", "formats", "integrations", "maps", "metrics", "show")
_HOMES = {
    "Diagnosis": "diagnosis",
    "Panoptic": "maps.panoptic",
    "PanopticRules": "maps.panoptic",
    "compose_panoptic": "maps.panoptic",
    "diagnose": "diagnosis",
}

__all__ = [
    "Diagnosis",
    "MaskError",
    "MaskTypeError",
    "Masks",
    "OverlapTable",
    "Panoptic",
    "PanopticRules",
    "Polygons",
    "__version__",
    "argmax_masks",
    "argmax_upsample",
    "backends",
    "boundary",
    "boundary_iou",
    "closing",
    "compat",
    "compose_panoptic",
    "compose_semantic",
    "containment",
    "data",
    "diagnose",
    "dice",
    "dilate",
    "erode",
    "fill_holes",
    "formats",
    "get_num_threads",
    "holes",
    "integrations",
    "intersection_area",
    "iou",
    "keep_largest",
    "maps",
    "matrix_nms",
    "measure",
    "merge_duplicates",
    "metrics",
    "nms",
    "opening",
    "overlap_table",
    "paste_masks",
    "prototype_masks",
    "remove_small",
    "runtime_info",
    "set_num_threads",
    "show",
    "show_runtime",
    "soft_nms",
    "stability_score",
    "stitch",
    "surface_distances",
    "thin_parts",
    "tiles",
    "upsample_masks",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"segcore.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'segcore' has no attribute {name!r}")
    value = getattr(import_module(f"segcore.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
