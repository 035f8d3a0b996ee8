"""Metrics of segmentation, from label maps: semantic (IoU, accuracy) and panoptic (PQ).

Each is an accumulator: ``update`` it with one image after the other, and read the scores. Those of
parts of a data set add up (``a + b``) to that of the whole, and can be pickled, so that the parts
may be worked on in parallel.
"""

from segcore.metrics.panoptic import ClassQuality, PanopticQuality, PanopticScore
from segcore.metrics.semantic import ConfusionMatrix

__all__ = ["ClassQuality", "ConfusionMatrix", "PanopticQuality", "PanopticScore"]
