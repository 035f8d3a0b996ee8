"""The README's code runs as it stands there."""

import re
from pathlib import Path

import numpy as np

from segcore.compat import pycocotools as drop_in

README = Path(__file__).parents[1] / "README.md"


def run(place):
    """Run a block of code, and give its names."""
    blocks = re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    names = {}
    exec(compile(blocks[place], str(README), "exec"), names)
    return names


def test_the_tour_runs():
    names = run(0)
    assert repr(names["masks"]) == "Masks(2 masks of 480 x 640, 1100 run ends)"
    np.testing.assert_array_equal(names["ids"], [7, 9])
    np.testing.assert_array_equal(names["masks"].boxes, [[50, 100, 400, 300], [300, 200, 500, 350]])
    # The smaller mask lies on top.
    assert names["semantic"].dtype == np.uint8
    assert names["semantic"][250, 350] == 9
    assert names["classes"].area.tolist() == [70_000 - 10_000, 30_000]
    assert names["groups"].tolist() == names["kept"].tolist() == [0, 1]


def test_the_drop_in_runs():
    names = run(1)
    assert names["mask_util"] is drop_in
    assert names["mask"].encode is not drop_in.encode  # the patch was undone
