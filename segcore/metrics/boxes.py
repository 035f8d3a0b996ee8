"""IoU of boxes."""

from segcore.compat._functions import _box_iou as box_iou

__all__ = ["box_iou"]
