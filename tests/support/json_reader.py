"""Which reader of JSON the installed segcore has, and what its errors tell."""

from __future__ import annotations

import re

from segcore.data.coco import json_python, stream

IS_COMPILED = stream.JsonReader is not json_python.JsonReader
"""False: the reader is json, which does not tell the byte of an item."""


def placed(said: str) -> str:
    """Leave the byte of an item out of an expected message where the reader does not tell it."""
    return said if IS_COMPILED else re.sub(r" \(byte ?\d*\)?|, byte \d*", "", said)
