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


def read(name: str) -> Any:
    folder = os.environ.get("SEGCORE_TEST_DATA")
    if not folder:
        pytest.skip("SEGCORE_TEST_DATA does not name the folder with the real data")
    return json.loads((Path(folder) / FILES[name]).read_bytes())
