"""segcore: the mask engine for machine-learning pipelines.

Any form of segmentation mask into any other: dense arrays, COCO's RLE and polygons, boxes, label
maps and semantic maps. The centre is :class:`Masks`, a batch of masks held as run ends.

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

from segcore import backends, codecs, integrations, metrics, panoptic_ids
from segcore._version import __version__
from segcore.argmax import argmax_masks, argmax_upsample
from segcore.compose import compose_semantic
from segcore.contingency import OverlapTable, overlap_table
from segcore.diagnosis import Diagnosis, diagnose
from segcore.masks import Masks
from segcore.morphology import boundary, closing, dilate, erode, opening
from segcore.nms import matrix_nms, merge_duplicates, nms, soft_nms
from segcore.overlap import boundary_iou, containment, dice, intersection, iou
from segcore.panoptic import Panoptic, PanopticRules, compose_panoptic
from segcore.polygons import Polygons
from segcore.regions import fill_holes, holes, largest, remove_small, thin_parts
from segcore.runtime import get_num_threads, runtime_info, set_num_threads, show_runtime
from segcore.soft import paste_masks, prototype_masks, stability_score, upsample_masks

__all__ = [
    "Diagnosis",
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
    "codecs",
    "compose_panoptic",
    "compose_semantic",
    "containment",
    "diagnose",
    "dice",
    "dilate",
    "erode",
    "fill_holes",
    "get_num_threads",
    "holes",
    "integrations",
    "intersection",
    "iou",
    "largest",
    "matrix_nms",
    "merge_duplicates",
    "metrics",
    "nms",
    "opening",
    "overlap_table",
    "panoptic_ids",
    "paste_masks",
    "prototype_masks",
    "remove_small",
    "runtime_info",
    "set_num_threads",
    "show_runtime",
    "soft_nms",
    "stability_score",
    "thin_parts",
    "upsample_masks",
]
