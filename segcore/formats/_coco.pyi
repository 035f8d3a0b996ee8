"""Compiled twin of segcore.formats._coco_python."""

from segcore.formats._coco_python import Flat as Flat
from segcore.formats._coco_python import read_objects as read_objects
from segcore.formats._coco_python import read_polygons as read_polygons
from segcore.formats._coco_python import read_rows as read_rows
from segcore.formats._coco_python import write_counts as write_counts
from segcore.formats._coco_python import write_strings as write_strings
