"""The golden files: pycocotools' own answers, and malformed input with the error that it gets."""

from __future__ import annotations

import itertools
import json
import platform
import runpy

import numpy as np
import pytest
from support import paths
from support.util import assert_batch, batch_of, counts, strings

from segcore.backends.protocol import AND, OR

GOLDEN = json.loads((paths.GOLDEN / "coco.json").read_text("utf-8"))
MALFORMED = json.loads((paths.GOLDEN / "malformed.json").read_text("utf-8"))


def read(kernels, string, size):
    return kernels.string_decode(*strings(string.encode()), *size)


def write(kernels, batch):
    data, offsets = kernels.string_encode(batch)
    return [data[a:b].tobytes().decode() for a, b in itertools.pairwise(offsets)]


def pixels_of(item):
    rows = [[pixel == "1" for pixel in row] for row in item["pixels"]]
    return np.array([rows])


def test_masks(kernels):
    for item in GOLDEN["masks"]:
        size, mask = item["size"], pixels_of(item)
        batch = read(kernels, item["counts"], size)
        assert_batch(batch, mask)
        assert write(kernels, batch_of(mask)) == [item["counts"]]
        assert kernels.area(batch).tolist() == [item["area"]]
        x, y, width, height = item["bbox"]
        assert kernels.boxes(batch).tolist() == [[x, y, x + width, y + height]]
        out = np.empty(mask.shape, np.uint8)
        kernels.decode(batch, out, False)
        np.testing.assert_array_equal(out, mask)
        assert_batch(kernels.encode(out, None), mask)


def test_polygons(kernels):
    for item in GOLDEN["polygons"]:
        rings = item["rings"]
        coordinates = np.array([number for ring in rings for number in ring], float)
        ring_offsets = np.cumsum([0, *(len(ring) // 2 for ring in rings)])
        mask_offsets = np.array([0, len(rings)])
        batch = kernels.rasterize_polygons(coordinates, ring_offsets, mask_offsets, *item["size"])
        assert write(kernels, batch) == [item["counts"]], item


def test_boxes(kernels):
    for item in GOLDEN["boxes"]:
        x, y, width, height = item["bbox"]
        box = np.array([[x, y, x + width, y + height]], float)
        batch = kernels.rasterize_boxes(box, *item["size"])
        assert write(kernels, batch) == [item["counts"]], item


def test_pairs(kernels):
    for item in GOLDEN["pairs"]:
        size = item["size"]
        a, b = read(kernels, item["a"], size), read(kernels, item["b"], size)
        for name, table in (("union", OR), ("intersection", AND)):
            assert write(kernels, kernels.combine(a, b, table)) == [item[name]]
            both = read_both(kernels, item, size)
            assert write(kernels, kernels.reduce(both, table)) == [item[name]]
        common = kernels.overlap(a, b)[0, 0]
        union = kernels.area(a)[0] + kernels.area(b)[0] - common
        assert (common / union if common else 0) == item["iou"]


def read_both(kernels, item, size):
    return kernels.string_decode(*strings(item["a"].encode(), item["b"].encode()), *size)


@pytest.mark.parametrize("item", MALFORMED["strings"], ids=lambda item: item["counts"] or "empty")
def test_malformed_strings(kernels, item):
    with pytest.raises(ValueError, match=r"^mask 0: ") as caught:
        read(kernels, item["counts"], item["size"])
    assert str(caught.value) == item["error"]


@pytest.mark.parametrize("item", MALFORMED["counts"], ids=lambda item: str(item["counts"]))
def test_malformed_counts(kernels, item):
    with pytest.raises(ValueError, match=r"^mask 0: ") as caught:
        kernels.counts_decode(*counts(item["counts"]), *item["size"])
    assert str(caught.value) == item["error"]


@pytest.mark.parametrize("item", MALFORMED["polygons"], ids=lambda item: " ".join(item["ring"]))
def test_malformed_polygons(kernels, item):
    ring = np.array(item["ring"], float)
    offsets = np.array([0, len(ring) // 2]), np.array([0, 1])
    with pytest.raises(ValueError, match=r"^mask 0: ") as caught:
        kernels.rasterize_polygons(ring, *offsets, *item["size"])
    assert str(caught.value) == item["error"]


@pytest.mark.skipif(
    platform.machine() not in ("x86_64", "AMD64"),
    reason="where processors fuse multiply and add, pycocotools itself differs by a pixel",
)
def test_the_script_makes_the_file():
    pytest.importorskip("pycocotools")
    make = runpy.run_path(str(paths.GOLDEN / "make.py"))
    assert json.loads(make["text"]()) == GOLDEN
