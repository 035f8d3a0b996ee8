"""Metrics: average precision of instances, panoptic quality, and scores of semantic maps.

Each metric is an accumulator: call ``update`` once per image, then read the scores. To process the
parts of a data set in parallel, use one accumulator per part and add them: ``a + b``, or ``a += b``
in place.
"""

from segcore.metrics.average_precision import AREAS, AveragePrecision
from segcore.metrics.curves import PrecisionRecall
from segcore.metrics.panoptic import CategoryQuality, PanopticQuality, PanopticScore
from segcore.metrics.semantic import ConfusionMatrix

__all__ = [
    "AREAS",
    "AveragePrecision",
    "CategoryQuality",
    "ConfusionMatrix",
    "PanopticQuality",
    "PanopticScore",
    "PrecisionRecall",
]
