"""The code in the README, and in pages of docs/, runs as it stands there."""

import re
from pathlib import Path

import numpy as np

from segcore.compat import pycocotools as drop_in

README = Path(__file__).parents[1] / "README.md"


def run(*places, page=README):
    """Run blocks of a page's code, one after the other, and give their names."""
    blocks = re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    names = {}
    for place in places or range(len(blocks)):
        exec(compile(blocks[place], str(page), "exec"), names)
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
    assert [s["isthing"] for s in names["panoptic"].segments[:3]] == [True, True, False]
    assert names["confusion"].mean_iou == 1
    assert names["diagnosis"].findings[1].kind == "missed"


def test_the_drop_in_runs():
    names = run(1)
    assert names["mask_util"] is drop_in
    assert names["mask"].encode is not drop_in.encode  # the patch was undone


def test_compositing_runs():
    names = run(page=README.parent / "docs" / "compositing.md")
    assert names["result"].labels.shape == (480, 640)
    assert names["ids"].tolist() == [1, 2, 3]


def test_looking_runs():
    names = run(page=README.parent / "docs" / "looking.md")
    assert len(names["polygons"]) == 2
