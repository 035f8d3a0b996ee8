"""The real data sets that SEGCORE_TEST_DATA points to."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

FILES = {
    "coco": "coco_val2014_100/instances_val2014_100.json",
    "results": "coco_val2014_100/instances_val2014_fakesegm100_results.json",
    "lvis": "lvis_val_100/lvis_val_100.json",
    "taco": "taco/annotations.json",
}


def folder() -> Path:
    """Return the folder with the real data; skip the test if there is none."""
    found = os.environ.get("SEGCORE_TEST_DATA")
    if not found:
        pytest.skip("SEGCORE_TEST_DATA does not name the folder with the real data")
    return Path(found)


def path(name: str) -> Path:
    """Return the path of a data set."""
    return folder() / FILES[name]


def read(name: str) -> Any:
    """Return the document of a data set."""
    return json.loads(path(name).read_bytes())
