"""Segmentation metrics computed from label maps: semantic (IoU, accuracy) and panoptic (PQ).

Each metric is an accumulator: call ``update`` once per image, then read the scores. Accumulators of
the parts of a data set can be pickled and added (``a + b``), so the parts can be processed in
parallel.
"""

from segcore.metrics.panoptic import ClassQuality, PanopticQuality, PanopticScore
from segcore.metrics.semantic import ConfusionMatrix

__all__ = ["ClassQuality", "ConfusionMatrix", "PanopticQuality", "PanopticScore"]
