"""Certify an installation: the smallest use of every layer. It needs pytest and NumPy alone."""

import subprocess
import sys
import sysconfig

import numpy as np
import pytest

import segcore as sc


def test_the_main_job():
    dense = np.zeros((2, 4, 6), dtype=bool)
    dense[0, 1:3, 1:4] = True
    dense[1, 2:, 2:] = True

    masks = sc.Masks.from_dense(dense)
    assert masks.size == (4, 6)
    assert masks.area.tolist() == [6, 8]
    assert masks.boxes.tolist() == [[1, 1, 4, 3], [2, 2, 6, 4]]
    assert np.array_equal(masks.to_dense(), dense)
    assert sc.Masks.from_coco(masks.to_coco()) == masks
    assert sc.iou(masks, masks).tolist() == [[1.0, 2 / 12], [2 / 12, 1.0]]
    assert masks.union().area.tolist() == [12]
    assert (masks[0] & masks[1]).area.tolist() == [2]
    assert sc.compose_semantic(masks, [3, 7]).tolist() == [
        [0, 0, 0, 0, 0, 0],
        [0, 3, 3, 3, 0, 0],
        [0, 3, 7, 7, 7, 7],
        [0, 0, 7, 7, 7, 7],
    ]


def test_polygons_and_coco_strings():
    [rectangle] = sc.Masks.from_polygons([[[1, 1, 1, 3, 4, 3, 4, 1]]], (4, 6)).to_coco()
    assert rectangle == {"size": [4, 6], "counts": "5220007"}  # as pycocotools has it


def test_the_backend_in_use_is_available():
    assert sc.backends.current() in sc.backends.available()


@pytest.mark.skipif(not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="Python with the GIL")
def test_the_gil_stays_off():
    code = "import segcore, sys; assert not sys._is_gil_enabled()"
    subprocess.run([sys.executable, "-c", code], check=True)
