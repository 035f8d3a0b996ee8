"""Which reader of JSON the installed segcore has."""

from __future__ import annotations

from segcore.data.coco import json_python, stream

IS_COMPILED = stream.JsonReader is not json_python.JsonReader
"""Whether it is the compiled one."""
