"""Label maps: semantic and panoptic maps, id encodings, and overlap tables."""

from segcore.maps import ids

__all__ = ["ids"]
