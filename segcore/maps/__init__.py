"""Label maps: semantic and panoptic maps, ids, and the overlap table of two maps."""

from segcore.maps import ids

__all__ = ["ids"]
