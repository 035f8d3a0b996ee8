"""Calls with what people have in the place of what is expected: warnings, and errors that help."""

from __future__ import annotations

import importlib
import inspect
import pathlib
import re

import numpy as np
import pytest

import segcore as sc
from segcore._input import arrays, recognize

SIZE = (6, 9)
DENSE = np.zeros((2, *SIZE), bool)
DENSE[:, 1:3, 2:5] = True
MASKS = sc.Masks.from_dense(DENSE)
NOT_SQUARE = np.zeros((4, 5), np.float32)


@pytest.mark.parametrize(
    ("dense", "message"),
    [
        (DENSE[:, None], r"got \(2, 1, 6, 9\); drop the axis of length 1: dense\[:, 0\]"),
        (DENSE[None], r"got \(1, 2, 6, 9\); drop the axis of length 1: dense\[0\]"),
        (np.zeros((3, 2, 6, 9)), "convert one image at a time"),
        (DENSE[0].ravel(), r"reshape a flat mask: dense.reshape\(H, W\)"),
        (NOT_SQUARE, "dense: float32 needs a threshold; pass threshold=0.5"),
        (
            NOT_SQUARE - 0.2,
            "needs a threshold; the values, -0.2 to -0.2, look like logits: pass threshold=0",
        ),
        (NOT_SQUARE + 255, "needs a threshold; pass one between 0 and 255"),
        (NOT_SQUARE + np.nan, "needs a threshold; pass threshold=0.5"),
        (NOT_SQUARE[:0], "needs a threshold; pass threshold=0.5"),
    ],
)
def test_dense_values(dense, message):
    with pytest.raises(ValueError, match=message):
        sc.Masks.from_dense(dense)


@pytest.mark.parametrize(
    ("dense", "message"),
    [
        (MASKS.to_coco(), "got object; pass COCO's RLE and annotation dicts to Masks.from_coco"),
        ({"size": [1, 1], "counts": [1]}, "annotation dicts to Masks.from_coco"),
        ("masks/a.PNG", r"it looks like a path; .*numpy.asarray\(PIL.Image.open\(path\)\)"),
        (["a.png"], "it looks like a path"),
        (pathlib.Path("a.png"), "it looks like a path"),
        (["1 3"], "it looks like Kaggle's format"),
        (None, "expected a bool, integer or float dtype, got object$"),
        (MASKS, r"call masks.to_dense\(\)"),
    ],
)
def test_dense_types(dense, message):
    with pytest.raises(TypeError, match=message):
        sc.Masks.from_dense(dense)


def test_dense_size():
    assert sc.Masks.from_dense(DENSE, size=SIZE) == MASKS
    assert sc.Masks.from_dense(DENSE[0], size=list(SIZE)) == MASKS[0]
    assert sc.Masks.from_dense(DENSE * 0.7, 0.5, np.array(SIZE)) == MASKS
    last = np.moveaxis(DENSE, 0, -1)
    with pytest.raises(ValueError, match=r"size \(6, 9\), got .* write np.moveaxis\(dense, -1, 0"):
        sc.Masks.from_dense(last, size=SIZE)
    with pytest.raises(ValueError, match=r"if the arrays are \(W, H\), write dense.swapaxes"):
        sc.Masks.from_dense(DENSE, size=SIZE[::-1])
    with pytest.raises(
        ValueError, match=r"expected masks of size \(6, 8\), got the shape \(2, 6, 9"
    ):
        sc.Masks.from_dense(DENSE, size=(6, 8))
    with pytest.raises(TypeError, match=r"size: expected \(height, width\), got int 6"):
        sc.Masks.from_dense(DENSE, size=6)


@pytest.mark.parametrize("shape", [(64, 64, 3), (480, 640, 1), (64, 100, 4)])
def test_images_are_warned_of(shape):
    image = np.zeros(shape, np.uint8)
    with pytest.warns(UserWarning, match=r"is read as \d+ masks .* np.moveaxis") as warned:
        sc.Masks.from_dense(image)
    assert warned[0].filename == __file__
    # With a size there is nothing to doubt.
    assert len(sc.Masks.from_dense(image, size=shape[1:])) == shape[0]


@pytest.mark.parametrize("shape", [(63, 64, 3), (64, 63, 3), (64, 64, 2), (64, 64, 5), (3, 64, 64)])
def test_batches_are_not_warned_of(shape):
    sc.Masks.from_dense(np.zeros(shape, np.uint8))


def test_normalized_boxes_are_warned_of():
    with pytest.warns(UserWarning, match="multiply x by the width, 9, and y by the height, 6"):
        sc.Masks.from_boxes([[0.1, 0.2, 0.5, 1], [0, 0, 1, 1]], SIZE)
    sc.Masks.from_boxes([[0, 0, 1, 1], [0, 0, 0, 0]], SIZE)
    sc.Masks.from_boxes([[0.5, 0, 1, 2]], SIZE)
    sc.Masks.from_boxes(np.empty((0, 4)), SIZE)


@pytest.mark.parametrize(
    ("boxes", "message"),
    [
        ([1, 1, 5, 5], r"got \(4,\); one box is \[\[x0, y0, x1, y1\]\]"),
        ([[1, 1, 5, 5, 0.9]], r"got \(1, 5\); .* pass boxes\[:, :4\]"),
        ([[1, 1, 5]], r"expected the shape \(N, 4\), got \(1, 3\)$"),
    ],
)
def test_boxes_of_other_shapes(boxes, message):
    with pytest.raises(ValueError, match=message):
        sc.Masks.from_boxes(boxes, SIZE)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (DENSE, "convert dense arrays with Masks.from_dense"),
        (list(DENSE), "convert dense arrays with Masks.from_dense"),
        (MASKS.to_coco(), "convert COCO objects with Masks.from_coco"),
        ([{"segmentation": DENSE[0]}], "convert COCO objects with Masks.from_coco"),
    ],
)
def test_other_things_than_masks(value, message):
    for call in (
        lambda: sc.nms(value, [0.5, 0.6], 0.5),
        lambda: sc.iou(value, value),
        lambda: sc.dilate(value, 3),
        lambda: sc.compose_semantic(value, [1, 2]),
        lambda: sc.formats.kaggle.encode(value),
    ):
        with pytest.raises(TypeError, match=message):
            call()


def test_colours_are_no_label_map():
    with pytest.raises(
        ValueError, match=r"if ids are encoded as colors, see segcore.maps.ids.from_"
    ):
        sc.Masks.from_label_map(np.zeros((4, 5, 3), np.uint8))


@pytest.mark.parametrize(
    ("objects", "message"),
    [
        ("a.json", "objects: expected a list of objects, got str 'a.json'; it looks like a path"),
        ('[{"size": [4, 6]}]', "it looks like JSON; read JSON with json.loads"),
        (b"5220007", "objects: expected a list of objects, got bytes"),
        (pathlib.Path("a.json"), "it looks like a path"),
        (MASKS, "these are Masks already"),
    ],
)
def test_other_things_than_lists(objects, message):
    with pytest.raises(TypeError, match=message):
        sc.Masks.from_coco(objects, SIZE)


def test_tables():
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame([{"segmentation": mask, "area": 6} for mask in DENSE])
    assert sc.Masks.from_coco(table["segmentation"]) == MASKS
    assert sc.Masks.from_coco(table.to_dict("records")) == MASKS
    with pytest.raises(TypeError, match=r"it is a table; pass one of its columns"):
        sc.Masks.from_coco(table)


def test_images_of_pillow():
    image = pytest.importorskip("PIL.Image")
    images = [image.fromarray(mask) for mask in DENSE]
    assert sc.Masks.from_dense(images) == MASKS
    with pytest.raises(TypeError, match=r"^object 0: .*; Masks.from_dense reads images"):
        sc.Masks.from_coco(images)


def test_the_calls_that_messages_name_exist():
    text = inspect.getsource(recognize) + inspect.getsource(arrays)
    names = set(re.findall(r"segcore(?:\.[a-z_]\w*)+", re.sub(r"^from .*$", "", text, flags=re.M)))
    assert len(names) > 5
    for name in names - {"segcore.formats", "segcore.integrations"}:
        module, _, attribute = name.rpartition(".")
        try:
            importlib.import_module(name)
        except ModuleNotFoundError:
            assert hasattr(importlib.import_module(module), attribute), name
    for name in re.findall(r"Masks\.(\w+)", text):
        assert hasattr(sc.Masks, name), name
