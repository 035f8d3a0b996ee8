"""Metrics: average precision and errors of instances, panoptic quality, semantic scores.

Each metric is an accumulator: call ``update`` once per image, then read the scores. To process the
parts of a data set in parallel, use one accumulator per part and add them: ``a + b``, or ``a += b``
in place.
"""

from segcore.metrics.accumulator import DetectionMetric
from segcore.metrics.average_precision import AREAS, AveragePrecision
from segcore.metrics.curves import PrecisionRecall
from segcore.metrics.errors import ERROR_TYPES, DetectionErrors, ErrorAnalysis
from segcore.metrics.panoptic import CategoryQuality, PanopticQuality, PanopticScore
from segcore.metrics.semantic import ConfusionMatrix

__all__ = [
    "AREAS",
    "ERROR_TYPES",
    "AveragePrecision",
    "CategoryQuality",
    "ConfusionMatrix",
    "DetectionErrors",
    "DetectionMetric",
    "ErrorAnalysis",
    "PanopticQuality",
    "PanopticScore",
    "PrecisionRecall",
]
