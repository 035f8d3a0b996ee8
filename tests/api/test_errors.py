"""Errors about one mask or object carry its index, and pickle."""

import pickle

import numpy as np
import pytest

import segcore as sc
from segcore.compat.pycocotools import mask as drop_in

GOOD = {"size": [2, 3], "counts": [6]}


@pytest.mark.parametrize(
    ("call", "parts"),
    [
        (
            lambda: sc.Masks.from_coco([GOOD, {"size": [2, 3], "counts": [1, 9]}]),
            ("object", 1, "runs 0 to 1 sum to 10, but size (2, 3) has 6 pixels", 1),
        ),
        (
            lambda: sc.Masks.from_coco([GOOD, {"id": 7, "segmentation": {"size": [2, 3]}}]),
            ("object", 1, 'expected an RLE dict with "size" and "counts"', None),
        ),
        (
            lambda: sc.Masks.from_coco([[GOOD], [GOOD, {"size": [2, 3], "counts": [-2]}]]),
            ("object", 1, "RLE 1: run 0 has the negative length -2", None),
        ),
        (
            lambda: sc.Masks.from_polygons([[[0, 0, 1, 1, 2, np.nan]]], (4, 4)),
            ("mask", 0, "ring 0: coordinate 5 is not a finite number between -2**30 and 2**30", 5),
        ),
        (
            lambda: sc.formats.kaggle.decode(["1 2", "9 9"], (2, 3)),
            (
                "object",
                1,
                "run 0 has start 9 and length 9, but the pixels of size (2, 3) are 1 to 6",
                0,
            ),
        ),
        (
            lambda: sc.Masks([5, 2], [0, 0, 2], (2, 3)),
            ("mask", 1, "expected strictly increasing run ends, got 2 after 5", None),
        ),
        (
            lambda: drop_in.decode([{"size": [2, 3], "counts": b"9"}]),
            ("object", 0, "runs 0 to 0 sum to 9, but size (2, 3) has 6 pixels", 0),
        ),
    ],
)
def test_parts(call, parts):
    argument, index, detail, position = parts
    with pytest.raises((sc.MaskError, sc.MaskTypeError)) as raised:
        call()
    error = raised.value
    assert (error.argument, error.index, error.position) == (argument, index, position)
    assert error.detail.startswith(detail)
    assert str(error) == f"{error.label}: {error.detail}"
    assert error.label.startswith(f"{argument} {index}")
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert (str(copy), vars(copy)) == (str(error), vars(error))


def test_types_and_values_are_told_apart():
    with pytest.raises(sc.MaskTypeError) as raised:
        sc.Masks.from_coco([GOOD, 5])
    assert (raised.value.index, isinstance(raised.value, ValueError)) == (1, False)
    assert issubclass(sc.MaskError, ValueError)
    assert issubclass(sc.MaskTypeError, TypeError)
