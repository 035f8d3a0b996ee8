"""Segmentation metrics computed from label maps: semantic (IoU, accuracy) and panoptic (PQ).

Each metric is an accumulator: call ``update`` once per image, then read the scores. To process the
parts of a data set in parallel, use one accumulator per part and add them: ``a + b``, or ``a += b``
in place.
"""

from segcore.metrics.panoptic import CategoryQuality, PanopticQuality, PanopticScore
from segcore.metrics.semantic import ConfusionMatrix

__all__ = ["CategoryQuality", "ConfusionMatrix", "PanopticQuality", "PanopticScore"]
